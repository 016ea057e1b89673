//! Other programs, other pages and other names at the port of the desktop program: docs/security/desktop.md.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use conclave_base::Secret;
use conclave_kit::{Desktop, Script, Server, create};
use conclave_transparency::{Algorithm, Checkpoint, Hash, LogProof, Release, SigningKey, Tiles};

/// A user who is nobody's.
const NOBODY: u32 = 65_534;

/// Status and body of the answer to a request that a program makes up.
fn ask(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{request}\r\n{body}").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Ok((status, answer))
}

#[test]
fn another_program_of_this_user_gets_nothing_without_the_token() -> anyhow::Result<()> {
    let desktop = Desktop::start("https://meet.example.org")?;
    let own = format!("127.0.0.1:{}", desktop.port);
    let own = ("host", own.as_str());
    let page = ask(desktop.port, "GET", "/", &[own], "")?;
    assert_eq!(page.0, 200, "what it serves to everybody is the page, which is public");
    assert!(page.1.contains("connect-src 'self' https://meet.example.org wss://meet.example.org;"), "{}", page.1);
    for guess in ["", "0", &"0".repeat(64)] {
        let (status, answer) = ask(desktop.port, "POST", "/loader/open", &[own, ("conclave-loader", guess)], "")?;
        assert!(status == 403 && !answer.contains("key"), "{answer}");
        let (status, _) = ask(desktop.port, "POST", "/loader/server", &[own, ("conclave-loader", guess)], "https://evil.example")?;
        assert_eq!(status, 403);
    }
    let page = ask(desktop.port, "GET", "/", &[own], "")?;
    assert!(!page.1.contains("evil.example"), "{}", page.1);
    Ok(())
}

#[test]
fn a_token_that_somebody_else_used_first_opens_nothing_for_long() -> anyhow::Result<()> {
    let desktop = Desktop::start("https://meet.example.org")?;
    let own = format!("127.0.0.1:{}", desktop.port);
    let open = |shown: &str| ask(desktop.port, "POST", "/loader/open", &[("host", &own), ("conclave-loader", shown)], "");
    let (status, stolen) = open(desktop.token())?;
    assert_eq!(status, 200);
    let told: serde_json::Value = serde_json::from_str(stolen.split("\r\n\r\n").nth(1).unwrap_or_default())?;
    let session = told["session"].as_str().expect("a session").to_owned();
    assert_eq!(open(&session)?.0, 200, "a tab is known again");
    // Now the browser comes.
    assert_eq!(open(desktop.token())?.0, 403);
    assert_eq!(open(&session)?.0, 403, "the thief is out");
    Ok(())
}

#[test]
fn a_name_that_was_made_to_point_here_is_not_answered() -> anyhow::Result<()> {
    let desktop = Desktop::start("https://meet.example.org")?;
    for name in ["evil.example", "evil.example:80", "localhost", "127.0.0.1", "[::1]"] {
        let host = if name.contains(':') || name == "127.0.0.1" { name.to_owned() } else { format!("{name}:{}", desktop.port) };
        for path in ["/", "/config.json", "/assets/nothing.js"] {
            let (status, answer) = ask(desktop.port, "GET", path, &[("host", &host)], "")?;
            assert!(status == 421 && !answer.contains("<html"), "{host}{path}: {answer}");
        }
        let (status, _) = ask(desktop.port, "POST", "/loader/open", &[("host", &host), ("conclave-loader", desktop.token())], "")?;
        assert_eq!(status, 421, "{host}");
    }
    Ok(())
}

#[test]
fn another_user_of_the_machine_is_not_even_heard() -> anyhow::Result<()> {
    let desktop = Desktop::start("https://meet.example.org")?;
    let script = format!(
        "import socket; s = socket.create_connection(('127.0.0.1', {0})); \
         s.sendall(b'POST /loader/open HTTP/1.1\\r\\nhost: 127.0.0.1:{0}\\r\\nconclave-loader: {1}\\r\\ncontent-length: 0\\r\\n\\r\\n'); \
         print(len(s.recv(4096)))",
        desktop.port,
        desktop.token()
    );
    let mut python = Command::new("python3");
    python.args(["-c", &script]).current_dir("/");
    if std::fs::metadata("/proc/self")?.uid() == 0 {
        let heard = python.uid(NOBODY).gid(NOBODY).output()?;
        assert_ne!(String::from_utf8_lossy(&heard.stdout).trim().parse().unwrap_or(0), 200, "an answer");
        assert!(!String::from_utf8_lossy(&heard.stdout).trim().chars().any(|c| c != '0'), "{heard:?}");
    }
    // The same words from this user are heard.
    let mut python = Command::new("python3");
    let heard = python.args(["-c", &script]).output()?;
    assert!(String::from_utf8_lossy(&heard.stdout).trim().parse::<usize>()? > 100, "{heard:?}");
    Ok(())
}

#[test]
fn what_it_keeps_is_its_user_s_alone_and_holds_no_key_in_clear() -> anyhow::Result<()> {
    let desktop = Desktop::start("https://meet.example.org")?;
    let own = format!("127.0.0.1:{}", desktop.port);
    let (_, answer) = ask(desktop.port, "POST", "/loader/open", &[("host", &own), ("conclave-loader", desktop.token())], "")?;
    let told: serde_json::Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap_or_default())?;
    let key = told["key"].as_str().expect("a key");
    assert_eq!(key.len(), 64);
    for name in ["port", "server", "identity"] {
        let path = desktop.state.path().join(name);
        assert_eq!(std::fs::metadata(&path)?.permissions().mode() & 0o777, 0o600, "{name}");
        assert!(!String::from_utf8_lossy(&std::fs::read(&path)?).contains(key));
    }
    Ok(())
}

#[test]
fn in_a_browser_pages_on_other_names_and_ports_cannot_drive_it() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let desktop = Desktop::start(&link)?;
    let port = desktop.port.to_string();
    Script::start("tests/kit/browser/neighbours.mjs", &[("ADDRESS", &desktop.address), ("PORT", &port)])?.end()
}

/// Keys of a log, its witness, and somebody who rebuilds.
fn keys() -> anyhow::Result<[SigningKey; 3]> {
    let key = |name, algorithm, seed| SigningKey::new(name, algorithm, Secret::new([seed; 32]));
    let [log, witness, rebuilder] = [(Algorithm::Ed25519, 1), (Algorithm::CosignatureV1, 2), (Algorithm::CosignatureV1, 3)];
    Ok([
        key("example.org/log", log.0, log.1)?,
        key("example.net/one", witness.0, witness.1)?,
        key("example.com/r", rebuilder.0, rebuilder.1)?,
    ])
}

/// A mirror of a release whose page says `words`; `rebuilt`: by who the policy wants.
fn mirror(version: &str, words: &str, earlier: &[Hash], rebuilt: bool) -> anyhow::Result<(tempfile::TempDir, Hash)> {
    let folder = tempfile::tempdir()?;
    let policy = "content-security-policy: default-src 'none'; connect-src 'self'\n";
    let files = [("web/index.html", format!("<title>{words}</title>")), ("web/headers.txt", policy.to_owned())];
    std::fs::create_dir(folder.path().join("web"))?;
    for (name, text) in &files {
        std::fs::write(folder.path().join(name), text)?;
    }
    let artefacts = files.iter().map(|(name, text)| ((*name).to_owned(), Hash::of_bytes(text.as_bytes()))).collect();
    let (toolchain, sums) = (Hash::of_bytes(b"tools"), Hash::of_bytes(b"sums"));
    let entry =
        Release { product: "conclave".to_owned(), version: version.parse()?, commit: [7; 20], toolchain, sums, artefacts }.to_string();
    let leaf = Hash::of_leaf(entry.as_bytes());
    let mut tiles = Tiles::default();
    for (at, leaf) in (0..).zip(earlier.iter().chain([&leaf])) {
        tiles.append(at, *leaf)?;
    }
    let size = earlier.len() as u64 + 1;
    let [log, witness, rebuilder] = keys()?;
    let signers = if rebuilt { vec![log, witness, rebuilder] } else { vec![log, witness] };
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH)?.as_secs();
    let signed = Checkpoint::new("example.org/log", size, tiles.root(size)?)?.signed(&signers, now);
    std::fs::write(folder.path().join("release.txt"), &entry)?;
    std::fs::write(
        folder.path().join("release.txt.tlog-proof"),
        LogProof::new(size - 1, tiles.inclusion(size, size - 1)?, signed).to_string(),
    )?;
    Ok((folder, leaf))
}

#[test]
fn only_what_the_log_proves_runs_and_a_crash_forgets_nothing_of_it() -> anyhow::Result<()> {
    let vkeys = keys()?.map(|key| key.verifier().to_string());
    let policy = tempfile::NamedTempFile::new()?;
    let [log, witness, rebuilder] = &vkeys;
    std::fs::write(
        policy.path(),
        format!(
            "log {log}\nwitness one {witness}\nwitness two {rebuilder}\ngroup rebuilders 1 two\ngroup witnesses 1 one\nquorum witnesses\n"
        ),
    )?;
    let link = "https://meet.example.org";
    let page = |desktop: &Desktop| ask(desktop.port, "GET", "/", &[("host", &format!("127.0.0.1:{}", desktop.port))], "");
    let offer = |state, mirror: &tempfile::TempDir| {
        let (mirror, policy) = (mirror.path().to_string_lossy(), policy.path().to_string_lossy());
        Desktop::start_in(state, link, &["--update", &mirror, "--policy", &policy])
    };
    let said = |desktop: &mut Desktop| desktop.output.all().join(" ");

    let (secret, first) = mirror("8.0.0", "nobody rebuilt this", &[], false)?;
    let mut desktop = offer(tempfile::tempdir()?, &secret)?;
    assert!(said(&mut desktop).contains("only 0 of 1 rebuilt it: it has to wait"), "{}", said(&mut desktop));
    assert!(page(&desktop)?.1.contains("Conclave"), "the embedded page goes on");

    let (newer, second) = mirror("9.0.0", "the newer page", &[first], true)?;
    let mut desktop = offer(desktop.crash()?, &newer)?;
    assert!(said(&mut desktop).contains("Release 9.0.0 was taken: 1 rebuilt it, 1 witnesses saw it."), "{}", said(&mut desktop));
    let answer = page(&desktop)?.1;
    assert!(answer.contains("the newer page") && answer.contains("connect-src 'self' https://meet.example.org"), "{answer}");

    // Without a network, after a power cut.
    let desktop = Desktop::start_in(desktop.crash()?, link, &[])?;
    assert!(page(&desktop)?.1.contains("the newer page"));

    let (older, _) = mirror("8.5.0", "an older page", &[first, second], true)?;
    let mut desktop = offer(desktop.crash()?, &older)?;
    assert!(said(&mut desktop).contains("version 8.5.0 is older than 9.0.0, which ran here"), "{}", said(&mut desktop));
    assert!(page(&desktop)?.1.contains("the newer page"));

    let (changed, _) = mirror("9.1.0", "a newer page still", &[first, second, Hash::of_leaf(b"of the older one")], true)?;
    std::fs::write(changed.path().join("web/index.html"), "<title>another page</title>")?;
    let mut desktop = offer(desktop.crash()?, &changed)?;
    assert!(said(&mut desktop).contains("web/index.html is not the file of that release"), "{}", said(&mut desktop));
    assert!(page(&desktop)?.1.contains("the newer page"));

    // What was kept is compared again.
    let state = desktop.crash()?;
    std::fs::write(state.path().join("releases/9.0.0/web/index.html"), "<title>another page</title>")?;
    let mut desktop = Desktop::start_in(state, link, &[])?;
    assert!(said(&mut desktop).contains("web/index.html was changed"), "{}", said(&mut desktop));
    assert!(!page(&desktop)?.1.contains("another page"));
    Ok(())
}
