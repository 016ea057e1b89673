//! Rebuilders as they run: a source, a release of it in a log with witnesses, and what becomes of the rebuilder's cosignature. The source is a small
//! one that builds in seconds by the same command, `cargo xtask dist`; all around it is what a release of this repository goes through.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{Served, printed, program, run, witness};
use conclave_transparency::{AcceptRule, Accepted, Hash, History, Policy, Refused, Release, RuleConfig, Version};
use tempfile::TempDir;

const DAY: u64 = 24 * 3600;

/// What `cargo xtask dist` is in the small source: it makes a program and a page of what stands in the source, and names what it made.
const XTASK: &str = r##"
use std::{fs, process::{Command, Stdio}, io::Write};
fn sum(text: &str) -> String {
    let mut child = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()[..64].to_owned()
}
fn main() {
    let args: Vec<_> = std::env::args().skip(1).collect();
    assert_eq!(args[0], "dist");
    let release = "target/releases/release";
    fs::create_dir_all(format!("{release}/web")).unwrap();
    let source = fs::read_to_string("source.txt").unwrap();
    let mut files = vec![("toolchain.txt", "rustc 1\n".to_owned()), ("web/index.html", format!("<p>{source}"))];
    if !args.contains(&"--page".to_owned()) {
        files.push(("conclave", format!("program of {source}")));
    }
    files.sort();
    let mut sums = String::new();
    for (name, text) in &files {
        fs::write(format!("{release}/{name}"), text).unwrap();
        sums += &format!("{}  {name}\n", sum(text));
    }
    fs::write(format!("{release}/SHA256SUMS"), sums).unwrap();
}
"##;

/// A source in Git, a log with two witnesses, and a rebuilder whom the policy names.
struct World {
    folder: TempDir,
    commit: String,
    served: Vec<Served>,
}

fn git(folder: &Path, args: &[&str]) -> String {
    let who = ["-c", "user.name=Amara", "-c", "user.email=amara@example.org", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").args(who).args(args).current_dir(folder).output().expect("git runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("source/xtask/src")).expect("made");
        fs::create_dir_all(at("source/.cargo")).expect("made");
        fs::create_dir_all(at("release")).expect("made");
        let files = [
            (".cargo/config.toml", "[alias]\nxtask = \"run --quiet --offline --package xtask --\"\n"),
            (".gitignore", "target\n"),
            ("Cargo.toml", "[workspace]\nmembers = [\"xtask\"]\nresolver = \"3\"\n"),
            ("xtask/Cargo.toml", "[package]\nname = \"xtask\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
            ("xtask/src/main.rs", XTASK),
            ("source.txt", "what everybody can read"),
        ];
        for (name, text) in files {
            fs::write(at("source").join(name), text).expect("written");
        }
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reproduce"), at("source/reproduce")).expect("copied");
        git(&at("source"), &["init", "--quiet"]);
        git(&at("source"), &["add", "."]);
        git(&at("source"), &["commit", "--quiet", "--message", "source"]);
        git(&at("source"), &["tag", "v0.1.0"]);
        let commit = git(&at("source"), &["rev-parse", "HEAD"]);

        let log = printed(&["log", "init", "--name", "example.org/log"], &[&at("log")]);
        let mut policy = format!("log {log}\n");
        let mut served = Vec::new();
        for n in 1..=2 {
            let (folder, vkey) = witness(folder.path(), &format!("w{n}"), &log, &["--ed25519"]);
            served.push(Served::start("witness", &folder));
            policy += &format!("witness W{n} {vkey} {}/\n", served[n - 1].url());
        }
        let rebuilder = printed(&["rebuild", "init", "--name", "example.com/rebuilder"], &[&at("key")]);
        policy += &format!("witness R1 {rebuilder}\ngroup witnesses 2 W1 W2\ngroup rebuilders 1 R1\nquorum witnesses\n");
        fs::write(at("policy"), policy).expect("written");
        Self { folder, commit, served }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.at(name).to_str().expect("a plain path").to_owned()
    }

    /// Logs a release of the commit, with a program of these bytes.
    fn log(&self, version: Version, program: &str) {
        let files = [("conclave", program), ("toolchain.txt", "rustc 1\n"), ("web/index.html", "<p>what everybody can read")];
        let sums: String = files.iter().map(|(name, text)| format!("{}  {name}\n", Hash::of_bytes(text.as_bytes()))).collect();
        let release = Release::of_sums("conclave", version, &self.commit, files[1].1.as_bytes(), sums.as_bytes()).expect("a release");
        fs::write(self.at("release/release.txt"), release.to_string()).expect("written");
        fs::write(self.at("release/SHA256SUMS"), sums).expect("written");
        let appended = run(&["log", "append", "--policy", &self.text("policy")], &[&self.at("log"), &self.at("release/release.txt")]);
        assert!(appended.status.success(), "{}", String::from_utf8_lossy(&appended.stderr));
    }

    fn rebuild(&self, more: &[&str]) -> (Option<i32>, String) {
        let mut command = program();
        command.args(["rebuild", "run", "--policy", &self.text("policy"), "--source", &self.text("source")]);
        let Output { status, stdout, stderr } = command.args(more).arg(self.at("release")).output().expect("it runs");
        (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
    }

    fn proof(&self) -> Vec<u8> {
        fs::read(self.at("release/release.txt.tlog-proof")).expect("a proof")
    }

    fn judge(&self) -> Result<Accepted, Refused> {
        let config = RuleConfig { product: "conclave", rebuilders: "rebuilders", max_age: DAY, cool_down: 3 * DAY };
        let policy = Policy::parse(&fs::read(self.at("policy")).expect("there")).expect("a policy");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
        let entry = fs::read(self.at("release/release.txt")).expect("there");
        AcceptRule::new(policy, config).expect("a rule").judge(&entry, &self.proof(), &mut History::default(), now)
    }
}

#[test]
fn what_comes_out_the_same_is_cosigned_and_runs() {
    let world = World::new();
    world.log(Version(0, 1, 0), "program of what everybody can read");
    assert!(matches!(world.judge(), Err(Refused::TooFewRebuilders { have: 0, need: 1, .. })));
    // Without a key it only says what came out.
    let (code, said) = world.rebuild(&[]);
    assert!(code == Some(0) && said.contains("match: conclave 0.1.0 from commit"), "{code:?} {said}");
    assert!(world.judge().is_err());
    let (code, said) = world.rebuild(&["--key", &world.text("key")]);
    assert!(code == Some(0) && said.contains("cosigned as example.com/rebuilder"), "{code:?} {said}");
    let accepted = world.judge().expect("enough signed");
    assert_eq!((accepted.rebuilders, accepted.warning), (1, false));

    // The log takes it, and keeps it when witnesses sign again.
    let proof = world.text("release/release.txt.tlog-proof");
    printed(&["log", "cosigned", "--policy", &world.text("policy"), &world.text("log"), &proof], &[]);
    fs::remove_file(&proof).expect("it was there");
    let again = ["log", "append", "--policy", &world.text("policy"), &world.text("log"), &world.text("release/release.txt")];
    assert!(run(&again, &[]).status.success());
    assert_eq!(world.judge().expect("as before").rebuilders, 1);
    assert_eq!(world.served.len(), 2);
}

#[test]
fn what_comes_out_otherwise_is_named_and_not_cosigned() {
    let world = World::new();
    world.log(Version(0, 1, 0), "program of what everybody can read, and of what nobody was shown");
    let before = world.proof();
    let (code, said) = world.rebuild(&["--key", &world.text("key")]);
    assert!(
        code == Some(3) && said.contains("NO match") && said.contains("\n  conclave\n") && !said.contains("index.html"),
        "{code:?} {said}"
    );
    assert_eq!(world.proof(), before);
    // The page is what it should be, and that alone is no reason to sign.
    let (code, said) = world.rebuild(&["--page"]);
    assert!(code == Some(0) && said.contains("the page alone"), "{code:?} {said}");
    assert!(matches!(world.judge(), Err(Refused::TooFewRebuilders { have: 0, .. })));
    // A list that the source brings along, and that fits what was published, is not what came out.
    let lying =
        XTASK.replace("fs::write(format!(\"{release}/SHA256SUMS\"), sums)", "fs::copy(\"published\", format!(\"{release}/SHA256SUMS\"))");
    fs::copy(world.at("release/SHA256SUMS"), world.at("source/published")).expect("copied");
    fs::write(world.at("source/xtask/src/main.rs"), lying).expect("written");
    git(&world.at("source"), &["add", "."]);
    git(&world.at("source"), &["commit", "--quiet", "--message", "lies"]);
    let world = World { commit: git(&world.at("source"), &["rev-parse", "HEAD"]), ..world };
    world.log(Version(0, 1, 1), "program of what everybody can read, and of what nobody was shown");
    let (code, said) = world.rebuild(&["--key", &world.text("key")]);
    assert!(code == Some(3) && said.contains("\n  conclave\n"), "{code:?} {said}");
}

#[test]
fn what_no_log_proves_or_no_source_has_is_not_built() {
    let world = World::new();
    let key = world.text("key");
    // Another key than the policy names.
    let other = world.text("other");
    printed(&["rebuild", "init", "--name", "example.com/other"], &[&world.at("other")]);
    world.log(Version(0, 1, 0), "program of what everybody can read");
    let first = fs::read(world.at("release/release.txt")).expect("there");
    let (code, said) = world.rebuild(&["--key", &other]);
    assert!(code == Some(1) && said.contains("the policy has no rebuilder example.com/other"), "{code:?} {said}");
    // Another release than the proof's.
    let text = String::from_utf8(first.clone()).expect("text");
    fs::write(world.at("release/release.txt"), text.replace("version 0.1.0", "version 0.1.7")).expect("written");
    let (code, said) = world.rebuild(&["--key", &key]);
    assert!(code == Some(4) && said.contains("it is not in the log"), "{code:?} {said}");
    // An older one, of which a rebuilder cannot speak: the proof as it was made anew after another release.
    fs::write(world.at("release/release.txt"), &first).expect("written");
    fs::create_dir(world.at("next")).expect("made");
    fs::copy(world.at("release/release.txt"), world.at("first.txt")).expect("copied");
    world.log(Version(0, 1, 1), "program of what everybody can read");
    let policy = world.text("policy");
    printed(&["log", "append", "--policy", &policy, &world.text("log"), &world.text("first.txt")], &[]);
    fs::copy(world.at("first.txt"), world.at("release/release.txt")).expect("copied");
    fs::copy(world.at("first.txt.tlog-proof"), world.at("release/release.txt.tlog-proof")).expect("copied");
    let (code, said) = world.rebuild(&["--key", &key]);
    assert!(code == Some(4) && said.contains("newer entries stand behind it"), "{code:?} {said}");
    // A source without the commit.
    let world = World { commit: "ab".repeat(20), ..world };
    world.log(Version(0, 1, 2), "program of what everybody can read");
    let (code, said) = world.rebuild(&["--key", &key]);
    assert!(code == Some(1) && said.contains("the source has no such commit"), "{code:?} {said}");
}

#[test]
fn who_trusts_nobodys_build_is_told_match_or_which_file_differs() {
    let world = World::new();
    world.log(Version(0, 1, 0), "program of what everybody can read");
    let reproduce = |version: &str| {
        let mut command = Command::new(world.at("source/reproduce"));
        let Output { status, stdout, stderr } = command.arg(version).arg(world.at("release")).output().expect("it runs");
        (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
    };
    let (code, said) = reproduce("v0.1.0");
    assert!(code == Some(0) && said.contains("match: v0.1.0, 3 files"), "{code:?} {said}");
    world.log(Version(0, 1, 1), "another program");
    let (code, said) = reproduce("v0.1.0");
    assert!(
        code == Some(1) && said.contains("NO match") && said.contains("differs: conclave\n") && !said.contains("index.html"),
        "{code:?} {said}"
    );
    let (code, said) = reproduce("v9.9.9");
    assert!(code != Some(0), "{code:?} {said}");
}
