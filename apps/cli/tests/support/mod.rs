//! Real logs and witnesses in folders and on ports of their own, and an operator who can sign whatever it likes.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use conclave_base::Secret;
use conclave_transparency::{AddCheckpoint, Algorithm, Checkpoint, Hash, Release, SignedCheckpoint, SigningKey, Tiles, Version};

/// Everything here answers long before; this bounds a failing test.
const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const ORIGIN: &str = "example.org/log";

pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_conclave-client"))
}

/// Runs it to its end.
pub(crate) fn run(args: &[&str], paths: &[&Path]) -> Output {
    program().args(args).args(paths).output().expect("the program runs")
}

/// What it printed, if it succeeded.
pub(crate) fn printed(args: &[&str], paths: &[&Path]) -> String {
    let output = run(args, paths);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}

/// `log serve` or `witness serve`, until it is dropped.
pub(crate) struct Served {
    child: Child,
    port: u16,
}

impl Served {
    pub(crate) fn start(what: &str, folder: &Path) -> Self {
        let mut command = program();
        command.args([what, "serve", "--listen", "127.0.0.1:0"]).arg(folder);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("its first line");
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok()).expect("the line ends with the port");
        Self { child, port }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it ends");
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Vec<u8>) {
        http(self.port, "GET", path, b"").expect("an answer")
    }

    pub(crate) fn ask(&self, request: &AddCheckpoint) -> (u16, String) {
        let (status, body) = http(self.port, "POST", "/add-checkpoint", request.to_string().as_bytes()).expect("an answer");
        (status, String::from_utf8(body).expect("text"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let (Ok(()) | Err(_)) = self.child.kill();
        let (Ok(_) | Err(_)) = self.child.wait();
    }
}

/// Status and body; nothing if the other side went away before the whole answer was there.
pub(crate) fn http(port: u16, method: &str, path: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.trim().parse().ok()?;
    let body = answer.split_off(end + 4);
    (body.len() == length).then_some((status, body))
}

pub(crate) fn release(version: Version) -> String {
    let artefacts = BTreeMap::from([("conclave".to_owned(), Hash::of_bytes(b"server"))]);
    let (toolchain, sums) = (Hash::of_bytes(b"toolchain"), Hash::of_bytes(b"sums"));
    Release { product: "conclave".to_owned(), version, commit: [7; 20], toolchain, sums, artefacts }.to_string()
}

/// Whoever has the log's key.
pub(crate) fn operator_key() -> SigningKey {
    SigningKey::new(ORIGIN, Algorithm::Ed25519, Secret::new([1; 32])).expect("a key")
}

/// A tree that the operator shows to somebody.
#[derive(Clone, Default)]
pub(crate) struct Tree {
    tiles: Tiles,
    pub(crate) size: u64,
}

impl Tree {
    pub(crate) fn and(&self, entry: &str) -> Self {
        let mut tree = self.clone();
        tree.tiles.append(tree.size, Hash::of_leaf(entry.as_bytes())).expect("at hand");
        tree.size += 1;
        tree
    }

    pub(crate) fn signed(&self) -> SignedCheckpoint {
        let root = self.tiles.root(self.size).expect("at hand");
        Checkpoint::new(ORIGIN, self.size, root).expect("a checkpoint").signed(&[operator_key()], 0)
    }

    pub(crate) fn since(&self, old: u64) -> AddCheckpoint {
        AddCheckpoint { old, proof: self.tiles.consistency(old, self.size).expect("at hand"), checkpoint: self.signed() }
    }
}

/// A witness in a new folder that looks at the log with this key.
pub(crate) fn witness(folder: &Path, name: &str, log: &str, more: &[&str]) -> (PathBuf, String) {
    let folder = folder.join(name);
    let init = [&["witness", "init", "--name", name], more].concat();
    let vkey = printed(&init, &[&folder]);
    let folder_text = folder.to_str().expect("text");
    printed(&["witness", "add", folder_text, log], &[]);
    (folder, vkey)
}
