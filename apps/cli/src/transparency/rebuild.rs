//! `rebuild`: builds a logged release from its source, in a folder of its own, and cosigns it if every file comes out as the log says. Which release
//! may be cosigned, and what differs, is decided in `conclave_transparency`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, ensure};
use conclave_device::{files, policy};
use conclave_protocol::paths;
use conclave_transparency::{AcceptRule, Algorithm, Hash, LogProof, MAX_PROOF, MAX_RELEASE, Release, SigningKey};

use super::key_file;
use crate::args::{Rebuild, RebuildInit, RebuildRun};
use crate::clock;

/// Where `cargo xtask dist` leaves what it built, in the source.
const BUILT: &str = "target/releases/release";
/// What it writes there that is not part of the release, since it speaks of it.
const ABOUT: [&str; 2] = ["SHA256SUMS", paths::RELEASE];
/// The part of a release that `--page` builds.
const PAGE: &str = "web/";
/// Largest file of a release, bytes.
const MAX_FILE: usize = 1 << 30;
/// What would have compilers write something else.
const CHANGES_BUILDS: [&str; 11] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET",
    "CARGO_MANIFEST_DIR",
    "CFLAGS",
    "CXXFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "CC",
    "CXX",
];

/// Runs a subcommand. `run` gives 0 when the same files came out, 3 when any differs, 4 when there is nothing to rebuild.
pub fn run(args: &Rebuild) -> anyhow::Result<ExitCode> {
    match args {
        Rebuild::Init(args) => init(args),
        Rebuild::Run(args) => rebuild(args),
    }
}

fn init(args: &RebuildInit) -> anyhow::Result<ExitCode> {
    let algorithm = if args.ed25519 { Algorithm::CosignatureV1 } else { Algorithm::MlDsa44 };
    say(&key_file::create(&args.key, &args.name, algorithm)?.verifier().to_string());
    Ok(ExitCode::SUCCESS)
}

fn rebuild(args: &RebuildRun) -> anyhow::Result<ExitCode> {
    let rule = policy::read_rule(&args.policy)?;
    let key = args.key.as_deref().map(key_file::read).transpose()?;
    if let Some(key) = &key {
        let known = rule.is_rebuilder(key.verifier());
        ensure!(known, "the policy has no rebuilder {}: ask whoever makes it to name your key", key.verifier().name());
    }
    let entry = files::read(&args.release.join(paths::RELEASE), MAX_RELEASE)?;
    let path = args.release.join(paths::RELEASE_PROOF);
    let (release, proof) = match rule.read(&entry, &files::read(&path, MAX_PROOF)?) {
        Ok(read) => read,
        Err(why) => {
            say(&format!("not rebuilt: {why}"));
            return Ok(ExitCode::from(4));
        }
    };
    // A rebuilder speaks of the last entry alone.
    if !proof.is_of_last() {
        say("not rebuilt: newer entries stand behind it in the log. Rebuild the last one.");
        return Ok(ExitCode::from(4));
    }
    let folder = Fresh::make(args.folder.as_deref())?;
    let built = build(args, &release, &folder.path)?;
    let differing: Vec<_> = release.differing(&built).into_iter().filter(|name| !args.page || name.starts_with(PAGE)).collect();
    if differing.is_empty() && (args.page || built.to_string().as_bytes() == entry) {
        let page = if args.page { ", the page alone" } else { "" };
        let files = built.artefacts.len();
        say(&format!("match: {} {} from commit {}, {files} files{page}", release.product, release.version, release.commit_text()));
        if let Some(key) = key {
            let cosigned = cosign(&rule, &proof, &key);
            files::write(&path, cosigned.to_string().as_bytes())?;
            say(&format!("cosigned as {}: {}", key.verifier().name(), path.display()));
        }
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!("NO match: {} {} from commit {}. These differ:", release.product, release.version, release.commit_text()));
    // Where every file is the same, the list of them is not.
    let differing = if differing.is_empty() { vec![ABOUT[0].to_owned()] } else { differing };
    differing.iter().for_each(|name| say(&format!("  {name}")));
    Ok(ExitCode::from(3))
}

/// That the last entry is a release which this rebuilder built from its source, and that the same bytes came out.
fn cosign(rule: &AcceptRule, proof: &LogProof, key: &SigningKey) -> LogProof {
    let policy = rule.policy();
    let others = policy.witnesses().map(|(known, _)| known).filter(|known| *known != key.verifier());
    let keep: Vec<_> = others.chain(policy.logs()).collect();
    proof.with_signatures(&keep, vec![key.sign(proof.checkpoint().checkpoint(), clock::unix_seconds())])
}

/// What comes out of the release's commit.
fn build(args: &RebuildRun, release: &Release, folder: &Path) -> anyhow::Result<Release> {
    let (source, commit) = (folder.join("source"), release.commit_text());
    // Every object is checked against its name, also one that comes from this machine: the commit's name in the log stands for all of the source.
    let mut clone = Command::new("git");
    clone.args(["-c", "transfer.fsckObjects=true", "clone", "--quiet", "--no-checkout", "--no-local", "--", &args.source]).arg(&source);
    succeed(&mut clone, "git cannot clone the source")?;
    let mut checkout = Command::new("git");
    checkout.args(["checkout", "--quiet", "--detach", &commit]).current_dir(&source);
    succeed(&mut checkout, "the source has no such commit")?;
    let mut dist = Command::new("cargo");
    dist.args(["xtask", "dist"]).args(args.page.then_some("--page")).current_dir(&source);
    CHANGES_BUILDS.iter().for_each(|name| _ = dist.env_remove(name));
    succeed(&mut dist, "the source does not build: what it needs is named in CONTRIBUTING.md")?;
    let built = source.join(BUILT);
    let mut sums = BTreeMap::new();
    sum(&built, "", &mut sums)?;
    // What the source says of its own files counts for nothing here.
    let sums: String = sums.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect();
    let tools = files::read(&built.join("toolchain.txt"), MAX_FILE)?;
    Release::of_sums(&release.product, release.version, &commit, &tools, sums.as_bytes()).context("what was built is no release")
}

fn succeed(command: &mut Command, or: &str) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    // What they print is of no use to whoever reads what this command says.
    let status = command.stdout(std::io::stderr()).status().with_context(|| format!("{name} cannot be started: install it"))?;
    ensure!(status.success(), "{or}");
    Ok(())
}

/// The hash of every file below a folder, by its name; no link is followed.
fn sum(folder: &Path, above: &str, into: &mut BTreeMap<String, Hash>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().context("a file whose name is no text")?;
        let (kind, name) = (entry.file_type()?, format!("{above}{name}"));
        if kind.is_dir() {
            sum(&entry.path(), &format!("{name}/"), into)?;
        } else if kind.is_file() && !ABOUT.contains(&name.as_str()) {
            into.insert(name, Hash::of_bytes(&files::read(&entry.path(), MAX_FILE)?));
        }
    }
    Ok(())
}

/// A folder in which nothing was before, so that nothing of an earlier build gets into this one.
struct Fresh {
    path: PathBuf,
    stays: bool,
}

impl Fresh {
    fn make(asked: Option<&Path>) -> anyhow::Result<Self> {
        let random = u64::from_le_bytes(clock::random()?);
        let path = asked.map_or_else(|| std::env::temp_dir().join(format!("conclave-rebuild-{random:016x}")), Path::to_owned);
        fs::create_dir(&path).with_context(|| format!("cannot make {}: name a folder that is not there yet", path.display()))?;
        Ok(Self { path, stays: asked.is_some() })
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if !self.stays
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!("{} stays: {error}", self.path.display());
        }
    }
}

fn say(line: &str) {
    #[expect(clippy::print_stdout, reason = "what came out is what this command tells")]
    {
        println!("{line}");
    }
}
