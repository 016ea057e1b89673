//! `cargo xtask dist`: what people fetch, built from the last commit so that the same bytes come out wherever it is built.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use crate::{setup, sh};

/// What compilers write in place of the folder of the source, and of that of the dependencies.
const SOURCE: &str = "/conclave";
const CARGO: &str = "/cargo";
/// The programs of a release.
const PROGRAMS: [&str; 3] = ["conclave", "conclave-client", "conclave-desktop"];
/// Names every file of a release.
const SUMS: &str = "SHA256SUMS";
/// Between two arguments in `CARGO_ENCODED_RUSTFLAGS`: folders may have spaces.
const BETWEEN: &str = "\u{1f}";

/// Where and how something is built, none of which may be seen in what comes out.
struct Place {
    /// The source, and all that is made of it.
    folder: PathBuf,
    cargo_home: PathBuf,
    /// Of the environment.
    says: &'static [(&'static str, &'static str)],
    umask: &'static str,
}

/// Builds a release into `target/releases/release`; with `check`, once more in another place and under other circumstances, and compares. With `page`, the web page alone.
pub(crate) fn run(root: &Path, check: bool, page: bool) -> anyhow::Result<()> {
    setup::for_run(root)?;
    let dist = root.join("target/releases");
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).context("neither CARGO_HOME nor a home folder")?;
    let here = Place { folder: dist.join("source"), cargo_home: home.clone(), says: &[("TZ", "UTC"), ("LC_ALL", "C")], umask: "022" };
    let release = dist.join("release");
    // The same one for both, whatever is committed meanwhile.
    let commit = git(root, &["rev-parse", "HEAD"])?;
    build(root, &commit, &here, page, &release)?;
    sh::say(&format!("{} holds the release", release.display()));
    if !check {
        return Ok(());
    }
    let elsewhere = dist.join("another place");
    let cargo_home = elsewhere.join("cargo home");
    fs::create_dir_all(&cargo_home)?;
    for part in ["registry", "bin"] {
        let link = cargo_home.join(part);
        if !link.exists() {
            symlink(home.join(part), link)?;
        }
    }
    let says = &[("TZ", "Pacific/Kiritimati"), ("LC_ALL", "tr_TR.UTF-8"), ("CARGO_BUILD_JOBS", "3")];
    let there = Place { folder: elsewhere.join("source"), cargo_home, says, umask: "077" };
    let again = elsewhere.join("release");
    build(root, &commit, &there, page, &again)?;
    compare(&release, &again)
}

fn build(root: &Path, commit: &str, place: &Place, page: bool, release: &Path) -> anyhow::Result<()> {
    let source = &place.folder;
    check_out(root, commit, source)?;
    sh::step("building the page of the release", &mut place.command(root, commit, &["cargo", "xtask", "web"])?)?;
    if release.exists() {
        fs::remove_dir_all(release)?;
    }
    fs::create_dir_all(release)?;
    sh::run(Command::new("cp").arg("--recursive").arg(source.join("apps/web/dist")).arg(release.join("web")))?;
    let built = source.join("target/dist");
    if !page {
        let mut build = vec!["cargo", "build", "--locked", "--profile", "dist"];
        build.extend(PROGRAMS.iter().flat_map(|program| ["--bin", program]));
        sh::step("building the programs of the release", &mut place.command(root, commit, &build)?)?;
        for program in PROGRAMS {
            fs::copy(built.join(program), release.join(program))?;
        }
    }
    fs::write(release.join("toolchain.txt"), toolchain(source)?)?;
    fs::write(release.join(SUMS), sums(release)?)?;
    if !page {
        // What is logged is the client's to write, as it is its to read.
        sh::run(Command::new(built.join("conclave-client")).args(["log", "release"]).arg(release).args(["--commit", commit]))?;
    }
    Ok(())
}

impl Place {
    /// These words as a command in the source, which leaves no trace of where it ran.
    fn command(&self, root: &Path, commit: &str, words: &[&str]) -> anyhow::Result<Command> {
        let [source, home] = [&self.folder, &self.cargo_home].map(|path| path.to_str().context("a folder with a plain name"));
        let (source, home) = (source?, home?);
        let rust = [(source, SOURCE), (home, CARGO)].map(|(from, to)| format!("--remap-path-prefix={from}={to}")).join(BETWEEN);
        let c = [(source, SOURCE), (home, CARGO)].map(|(from, to)| format!("'-ffile-prefix-map={from}={to}'")).join(" ");
        let time = git(root, &["show", "--no-patch", "--format=%ct", commit])?;
        let mut command = Command::new("sh");
        command.args(["-c", "umask $0; exec \"$@\"", self.umask]).args(words).current_dir(&self.folder);
        command.env("CARGO_HOME", home).env("CARGO_ENCODED_RUSTFLAGS", rust).env("CARGO_INCREMENTAL", "0").env("SOURCE_DATE_EPOCH", time);
        // The crates that compile C read these as a shell would.
        command.env("CFLAGS", &c).env("CXXFLAGS", &c).env("CC_SHELL_ESCAPED_FLAGS", "1");
        command.envs(self.says.iter().copied()).env_remove("CARGO_TARGET_DIR").env_remove("RUSTFLAGS");
        Ok(command)
    }
}

/// The commit, and nothing that stands beside it. What was built of it before stays, since Cargo knows what of that is still good.
fn check_out(root: &Path, commit: &str, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == "target" {
            continue;
        }
        if entry.path().is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
    }
    let mut archive = Command::new("git").current_dir(root).args(["archive", commit]).stdout(Stdio::piped()).spawn()?;
    let files = archive.stdout.take().context("piped")?;
    sh::run(Command::new("tar").arg("--extract").arg("--directory").arg(folder).stdin(files))?;
    ensure!(archive.wait()?.success(), "git cannot give the commit");
    Ok(())
}

/// All that can change what comes out and is not part of the source, one line each.
fn toolchain(source: &Path) -> anyhow::Result<String> {
    let mut lines = Vec::new();
    for (program, args) in [
        ("rustc", &["--verbose", "--version"][..]),
        ("cargo", &["--version"]),
        ("cc", &["--version"]),
        ("c++", &["--version"]),
        ("ld", &["--version"]),
        ("cmake", &["--version"]),
        ("pkg-config", &["--modversion", "vpx"]),
    ] {
        let said = sh::output(program, args).with_context(|| format!("{program} does not say which it is"))?;
        let said: Vec<_> = if program == "rustc" { said.lines().collect() } else { said.lines().take(1).collect() };
        lines.extend(said.iter().filter(|line| !line.is_empty()).map(|line| format!("{program}: {line}")));
    }
    let node = setup::node("node").arg("--version").output().context("node")?;
    lines.push(format!("node: {}", String::from_utf8_lossy(&node.stdout).trim()));
    for lock in ["Cargo.lock", "apps/web/package-lock.json"] {
        lines.push(format!("{lock}: {}", sum(&source.join(lock))?));
    }
    Ok(lines.join("\n") + "\n")
}

/// The SHA-256 and name of each file, by name.
fn sums(release: &Path) -> anyhow::Result<String> {
    let mut command = Command::new("sh");
    command.env("LC_ALL", "C").args(["-c", "find * -type f | sort | xargs sha256sum --"]).current_dir(release);
    sh::read("summing up the release", &mut command)
}

fn compare(release: &Path, again: &Path) -> anyhow::Result<()> {
    let read = |folder: &Path| fs::read_to_string(folder.join(SUMS)).with_context(|| format!("reading the sums of {}", folder.display()));
    let (first, second) = (read(release)?, read(again)?);
    let lines = |text: &'_ str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (first, second) = (lines(&first), lines(&second));
    let names = first.symmetric_difference(&second).filter_map(|line| Some(line.split_once("  ")?.1.to_owned()));
    let differ: Vec<_> = names.collect::<BTreeSet<_>>().into_iter().collect();
    if differ.is_empty() {
        sh::say(&format!("the same bytes twice, in {} files", first.len()));
        return Ok(());
    }
    let (a, b) = (release.display(), again.display());
    bail!("built twice, these differ: {}. Look at them with: diffoscope '{a}/{}' '{b}/{}'", differ.join(", "), differ[0], differ[0])
}

/// The SHA-256 of a file.
fn sum(file: &Path) -> anyhow::Result<String> {
    let said = sh::output("sha256sum", &["--", file.to_str().context("a file with a plain name")?]).context("sha256sum cannot read it")?;
    Ok(said.split(' ').next().unwrap_or_default().to_owned())
}

fn git(root: &Path, args: &[&str]) -> anyhow::Result<String> {
    let said = Command::new("git").current_dir(root).args(args).output().context("git cannot be started")?;
    ensure!(said.status.success(), "git {}: {}", args.join(" "), String::from_utf8_lossy(&said.stderr));
    Ok(String::from_utf8(said.stdout)?.trim().to_owned())
}
