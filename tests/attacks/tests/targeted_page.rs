//! The operator serves another page, to all or to one kind of person: docs/security/targeted_page.md.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use conclave_base::Secret;
use conclave_kit::{Answered, Asked, PageRelay, Server, program};
use conclave_transparency::{Algorithm, Checkpoint, Hash, LogProof, Release, SigningKey, Tiles, Version};
use serde_json::Value;
use tempfile::TempDir;

const DAY: u64 = 24 * 3600;
/// Random changes, of which several are made at once.
const CHANGES: usize = 100;
const AT_ONCE: usize = 10;

/// Who signs, and as what.
#[derive(Debug, Clone, Copy)]
enum Signer {
    Log = 1,
    One,
    Two,
    Rebuilder,
}

const ALL: [Signer; 3] = [Signer::One, Signer::Two, Signer::Rebuilder];

impl Signer {
    fn key(self) -> anyhow::Result<SigningKey> {
        let (name, algorithm) = match self {
            Self::Log => ("example.org/log", Algorithm::Ed25519),
            Self::One => ("example.net/one", Algorithm::CosignatureV1),
            Self::Two => ("example.net/two", Algorithm::CosignatureV1),
            Self::Rebuilder => ("example.com/rebuilder", Algorithm::CosignatureV1),
        };
        Ok(SigningKey::new(name, algorithm, Secret::new([self as u8; 32]))?)
    }
}

/// A folder with a release of the page that this server was built with, and the policy by which it is judged.
struct Logged {
    folder: TempDir,
}

impl Logged {
    fn new() -> anyhow::Result<Self> {
        let logged = Self { folder: TempDir::new()? };
        let keys = [Signer::Log, Signer::One, Signer::Two, Signer::Rebuilder].map(Signer::key);
        let mut lines = Vec::new();
        for (what, key) in ["log", "witness one", "witness two", "witness three"].iter().zip(keys) {
            lines.push(format!("{what} {}", key?.verifier()));
        }
        lines.push("group witnesses 2 one two\ngroup rebuilders 1 three\nquorum witnesses\n".to_owned());
        fs::write(logged.at("policy"), lines.join("\n"))?;
        fs::create_dir(logged.at("web"))?;
        fs::copy(page().join("headers.txt"), logged.at("web/headers.txt"))?;
        Ok(logged)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Logs a release of this version, signed by these at this time.
    fn log(&self, version: Version, cosigners: &[Signer], time: u64) -> anyhow::Result<()> {
        self.log_behind(&[], version, cosigners, time)
    }

    /// The same in a log that has these entries before it.
    fn log_behind(&self, before: &[&str], version: Version, cosigners: &[Signer], time: u64) -> anyhow::Result<()> {
        let mut artefacts = BTreeMap::new();
        collect(&page(), "web", &mut artefacts)?;
        let (toolchain, sums) = (Hash::of_bytes(b"toolchain"), Hash::of_bytes(b"sums"));
        let release = Release { product: "conclave".to_owned(), version, commit: [7; 20], toolchain, sums, artefacts }.to_string();
        let mut tiles = Tiles::default();
        let (index, size) = (before.len() as u64, before.len() as u64 + 1);
        for (n, entry) in (0..).zip(before.iter().copied().chain([release.as_str()])) {
            tiles.append(n, Hash::of_leaf(entry.as_bytes()))?;
        }
        let signers = [Signer::Log].iter().chain(cosigners).map(|signer| signer.key()).collect::<anyhow::Result<Vec<_>>>()?;
        let signed = Checkpoint::new("example.org/log", size, tiles.root(size)?)?.signed(&signers, time);
        fs::write(self.at("release.txt"), release)?;
        Ok(fs::write(self.at("release.txt.tlog-proof"), LogProof::new(index, tiles.inclusion(size, index)?, signed).to_string())?)
    }

    /// What `verify` says, and the code with which it ends.
    fn verify(&self, target: &str, more: &[&str]) -> anyhow::Result<(i32, Value)> {
        let mut command = Command::new(program("conclave-client"));
        command.args(["verify", target, "--json", "--policy"]).arg(self.at("policy")).args(more);
        let output = command.output()?;
        let said = serde_json::from_slice(&output.stdout).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok((output.status.code().context("it ended by itself")?, said))
    }
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../apps/web/dist")
}

fn collect(folder: &Path, name: &str, into: &mut BTreeMap<String, Hash>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = format!("{name}/{}", path.file_name().and_then(|name| name.to_str()).context("a plain name")?);
        if path.is_dir() {
            collect(&path, &name, into)?;
        } else {
            into.insert(name, Hash::of_bytes(&fs::read(&path)?));
        }
    }
    Ok(())
}

fn now() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

/// Whom a change is meant for: whoever says all of this.
#[derive(Debug, Clone)]
struct Target {
    says: Vec<(&'static str, &'static str)>,
}

impl Target {
    fn is(&self, asked: &Asked) -> bool {
        self.says.iter().all(|(name, what)| asked.headers.get(*name).is_some_and(|value| value.contains(what)))
    }
}

/// What is done to one file of the page.
#[derive(Debug, Clone)]
struct Change {
    path: String,
    target: Target,
    how: usize,
    at: usize,
}

/// Another value for one header of the page.
fn set(answered: &mut Answered, name: &str, value: &str) {
    answered.headers.retain(|(known, _)| known != name);
    answered.headers.push((name.to_owned(), value.to_owned()));
}

impl Change {
    const HOWS: usize = 9;

    /// Each keeps the answer one that a browser takes.
    fn apply(&self, asked: &Asked, answered: &mut Answered) {
        if asked.path != self.path || !self.target.is(asked) {
            return;
        }
        match self.how {
            0 => {
                let at = self.at % answered.body.len();
                answered.body[at] ^= 1 << (self.at % 8);
            }
            // More than was released, at the end of whatever it is, uncompressed.
            1 => {
                answered.headers.retain(|(name, _)| name != "content-encoding");
                answered.body = b"<script src=/assets/more.js></script>".to_vec();
            }
            2 => answered.body.extend_from_slice(b"\n"),
            3 => set(answered, "content-security-policy", "default-src * 'unsafe-inline' 'unsafe-eval' blob:"),
            4 => answered.headers.push(("link".to_owned(), "</assets/more.js>; rel=modulepreload".to_owned())),
            5 => answered.headers.retain(|(name, _)| name != "cross-origin-embedder-policy"),
            6 => set(answered, "content-type", "text/html"),
            7 => (answered.status, answered.body) = (203, Vec::new()),
            _ => answered.headers.push(("service-worker-allowed".to_owned(), "/".to_owned())),
        }
    }
}

/// Numbers from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 1).unwrap_or(0) % sides
    }

    fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.roll(among.len())]
    }
}

#[test]
fn a_hundred_changes_for_some_are_all_named() -> anyhow::Result<()> {
    let (server, logged) = (Server::start()?, Logged::new()?);
    logged.log(env!("CARGO_PKG_VERSION").parse()?, &ALL, now()?)?;
    let relay = PageRelay::start(server.port)?;
    let folder = logged.folder.path().to_str().context("a plain path")?.to_owned();
    let given = ["--release", folder.as_str()];
    let (code, said) = logged.verify(&relay.url, &given)?;
    ensure!(code == 0 && said["verdict"] == "same" && said["rebuilders"] == 1 && said["witnesses"] == 2, "{said}");

    let mut addresses = Vec::new();
    let mut files = BTreeMap::new();
    collect(&page(), "", &mut files)?;
    for name in files.keys().filter(|name| !name.ends_with(".br")) {
        addresses.push(match name.as_str() {
            "/index.html" => "/".to_owned(),
            "/meeting.html" => "/m".to_owned(),
            "/404.html" => "/nothing-here".to_owned(),
            _ => name.clone(),
        });
    }
    let says: [&[(&str, &str)]; 4] = [
        &[("user-agent", "Firefox"), ("user-agent", "iPhone"), ("user-agent", "Edg/"), ("user-agent", "X11")],
        &[("accept-language", "en-US"), ("accept-language", "de-DE"), ("accept-language", "fr-FR"), ("accept-language", "ar")],
        &[("accept-encoding", "br"), ("accept-encoding", "identity")],
        &[("cache-control", "max-age=0"), ("accept", "*")],
    ];
    let mut dice = Dice(now()?);
    let seed = dice.0;
    for _ in 0..CHANGES / AT_ONCE {
        let mut changes: Vec<Change> = Vec::new();
        while changes.len() < AT_ONCE {
            let path = dice.pick(&addresses).clone();
            if changes.iter().any(|change| change.path == path) {
                continue;
            }
            let mut said = Vec::new();
            for one in says {
                if dice.roll(2) == 0 {
                    said.push(*dice.pick(one));
                }
            }
            let how = dice.roll(Change::HOWS);
            // Said to be what it is already.
            if how == 6 && ["/", "/m", "/nothing-here"].contains(&path.as_str()) {
                continue;
            }
            changes.push(Change { path, target: Target { says: said }, how, at: dice.roll(1 << 20) });
        }
        let made = changes.clone();
        relay.change(move |asked, answered| made.iter().for_each(|change| change.apply(asked, answered)));
        let (code, said) = logged.verify(&relay.url, &given)?;
        ensure!(code == 3, "from {seed}: {said}");
        let found = said["differences"].as_array().context("what differs")?;
        for change in changes {
            ensure!(found.iter().any(|one| one["address"] == change.path.as_str()), "from {seed}: {change:?} is not among {said}");
        }
    }
    Ok(())
}

/// The address of a file of this page whose name begins and ends so.
fn address(begin: &str, end: &str) -> anyhow::Result<String> {
    let mut files = BTreeMap::new();
    collect(&page(), "", &mut files)?;
    let is = |name: &String| name.starts_with(begin) && name.ends_with(end);
    files.into_keys().find(is).with_context(|| format!("the page has no {begin}…{end}"))
}

#[test]
fn each_kind_of_change_is_named_by_what_it_is() -> anyhow::Result<()> {
    let (server, logged) = (Server::start()?, Logged::new()?);
    logged.log(env!("CARGO_PKG_VERSION").parse()?, &ALL, now()?)?;
    let relay = PageRelay::start(server.port)?;
    let folder = logged.folder.path().to_str().context("a plain path")?.to_owned();
    type Do = fn(&mut Answered);
    let other: Do = |answered| answered.body = b"postMessage('another')".to_vec();
    let kinds: [(String, Do, &str); 9] = [
        (address("/assets/page-", ".js")?, |answered| answered.body[0] ^= 1, "other bytes"),
        ("/m".to_owned(), |answered| answered.body.extend_from_slice(b"<script src=/assets/more.js></script>"), "other bytes"),
        (address("/assets/worker-", ".js")?, other, "other bytes"),
        (address("/assets/cryptor-", ".js")?, other, "other bytes"),
        (address("/assets/conclave_bg-", ".wasm")?, other, "other bytes"),
        ("/".to_owned(), |answered| set(answered, "content-security-policy", "script-src *"), "the header content-security-policy says"),
        ("/".to_owned(), |answered| set(answered, "link", "</assets/more.js>; rel=preload"), "a header link, which no release has"),
        ("/".to_owned(), |answered| answered.headers.retain(|(name, _)| name != "referrer-policy"), "without the header referrer-policy"),
        (
            "/config.json".to_owned(),
            |answered| answered.body = format!(r#"{{"release":"{}","sealed":false}}"#, env!("CARGO_PKG_VERSION")).into_bytes(),
            r#"a setting that the page does not have: "sealed""#,
        ),
    ];
    for (path, change, words) in kinds {
        let changed = path.clone();
        relay.change(move |asked, answered| {
            if asked.path == changed && asked.headers.get("user-agent").is_some_and(|agent| agent.contains("Firefox")) {
                change(answered);
            }
        });
        let (code, said) = logged.verify(&relay.url, &["--release", &folder])?;
        let differences = said["differences"].as_array().context("what differs")?;
        let [difference] = &differences[..] else { anyhow::bail!("{path}: {said}") };
        ensure!(code == 3 && difference["address"] == path.as_str(), "{path}: {said}");
        ensure!(difference["what"].as_str().is_some_and(|what| what.contains(words)), "{path} {words}: {said}");
        let to = difference["to"].as_array().context("to whom")?;
        ensure!(!to.is_empty() && to.iter().all(|one| one.as_str().is_some_and(|one| one.starts_with("Firefox"))), "{said}");
    }
    Ok(())
}

/// What somebody does who starts a program, or opens a page from files, only if `verify` knows the file.
#[test]
fn of_a_hundred_changed_files_none_is_let_run() -> anyhow::Result<()> {
    let logged = Logged::new()?;
    logged.log(env!("CARGO_PKG_VERSION").parse()?, &ALL, now()?)?;
    let folder = logged.folder.path().to_str().context("a plain path")?.to_owned();
    let mut files = BTreeMap::new();
    collect(&page(), "", &mut files)?;
    let names: Vec<_> = files.keys().collect();
    let mut dice = Dice(now()?);
    let seed = dice.0;
    let file = logged.at("fetched");
    let fetched = file.to_str().context("a plain path")?;
    let runs = |bytes: &[u8]| -> anyhow::Result<bool> {
        fs::write(&file, bytes)?;
        let (code, said) = logged.verify(fetched, &["--release", &folder])?;
        ensure!(code == 0 || code == 3, "{said}");
        Ok(code == 0)
    };
    let (mut caught, mut ran) = (0, 0);
    for n in 0..CHANGES {
        let name = dice.pick(&names);
        let mut bytes = fs::read(page().join(name.trim_start_matches('/')))?;
        if n % 10 == 0 {
            ensure!(runs(&bytes)?, "{name} is what was released");
        }
        let at = dice.roll(bytes.len());
        match dice.roll(4) {
            0 => bytes[at] ^= 1 << dice.roll(8),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, b' '),
            _ => bytes.extend_from_slice(b"\n"),
        }
        if runs(&bytes)? { ran += 1 } else { caught += 1 }
    }
    ensure!((caught, ran) == (CHANGES, 0), "from {seed}: {caught} caught, {ran} run");
    Ok(())
}

#[test]
fn settings_that_the_page_does_not_have_are_named() -> anyhow::Result<()> {
    let (server, logged) = (Server::start()?, Logged::new()?);
    logged.log(env!("CARGO_PKG_VERSION").parse()?, &ALL, now()?)?;
    let relay = PageRelay::start(server.port)?;
    // The operator's own copy proves it as well.
    let copies = ["release.txt", "release.txt.tlog-proof"].map(|name| fs::read(logged.at(name)));
    let [release, proof] = copies.map(|copy| copy.unwrap_or_default());
    relay.change(move |asked, answered| match asked.path.as_str() {
        "/.well-known/conclave/release.txt" => (answered.status, answered.body) = (200, release.clone()),
        "/.well-known/conclave/release.txt.tlog-proof" => (answered.status, answered.body) = (200, proof.clone()),
        "/config.json" if asked.headers.get("user-agent").is_some_and(|agent| agent.contains("iPhone")) => {
            answered.body = br#"{"release":"0.1.0","script":"https://evil.example/"}"#.to_vec();
        }
        _ => {}
    });
    let (code, said) = logged.verify(&relay.url, &[])?;
    let differences = said["differences"].as_array().context("what differs")?;
    let [difference] = &differences[..] else { anyhow::bail!("{said}") };
    ensure!(code == 3 && difference["what"].as_str().is_some_and(|what| what.contains("script")), "{said}");
    let to = difference["to"].as_array().context("to whom")?;
    ensure!(!to.is_empty() && to.iter().all(|one| one.as_str().is_some_and(|one| one.starts_with("Safari"))), "{said}");
    Ok(())
}

#[test]
fn a_release_that_is_not_proved_is_refused_with_its_reason() -> anyhow::Result<()> {
    let (server, logged) = (Server::start()?, Logged::new()?);
    let folder = logged.folder.path().to_str().context("a plain path")?.to_owned();
    let state = logged.at("state").to_str().context("a plain path")?.to_owned();
    let is = |why: &str| -> anyhow::Result<()> {
        let (code, said) = logged.verify(&server.url, &["--release", &folder, "--state", &state])?;
        let right = if why.is_empty() { code == 0 } else { code == 4 && said["why"].as_str().is_some_and(|said| said.contains(why)) };
        ensure!(right, "{why:?}: {said}");
        Ok(())
    };
    let version: Version = env!("CARGO_PKG_VERSION").parse()?;
    // Whoever stole the log's key, alone, and with a witness that signs anything.
    logged.log(version, &[], now()?)?;
    is("may have been made for you alone")?;
    logged.log(version, &[Signer::One, Signer::Rebuilder], now()?)?;
    is("only 1 of the witnesses")?;
    // Nobody built it from its source.
    logged.log(version, &[Signer::One, Signer::Two], now()?)?;
    is("rebuilt")?;
    // A log that stands still.
    logged.log(version, &ALL, now()? - 8 * DAY)?;
    is("too long ago")?;
    // Nor is it by a log that calls itself the same.
    let true_policy = fs::read_to_string(logged.at("policy"))?;
    let stranger = SigningKey::new("example.org/log", Algorithm::Ed25519, Secret::new([9; 32]))?;
    fs::write(logged.at("policy"), true_policy.replace(&Signer::Log.key()?.verifier().to_string(), &stranger.verifier().to_string()))?;
    logged.log(version, &ALL, now()?)?;
    is("the log that signed it is not known")?;
    fs::write(logged.at("policy"), true_policy)?;
    logged.log_behind(&["an entry"], version, &ALL, now()?)?;
    is("")?;
    // Back to what had a hole; another release by the same name; another history of the log, and a shorter one, though all witnesses and the rebuilder
    // signed for whom it is shown to.
    let Version(major, minor, patch) = version;
    let newer = Version(major, minor, patch + 1);
    logged.log_behind(&["an entry", "one more"], Version(major, minor.saturating_sub(1), 9), &ALL, now()?)?;
    is("is older than")?;
    logged.log_behind(&["another entry"], newer, &ALL, now()?)?;
    is("it has been forked")?;
    logged.log(newer, &ALL, now()?)?;
    is("the log was larger before")
}
