//! `cargo xtask dist`: what people fetch, built from the last commit so that the same bytes come out wherever it is built.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use conclave_transparency::{Hash, Release};

use crate::{setup, sh};

/// What compilers write in place of the folder of the source, and of that of the dependencies.
const SOURCE: &str = "/conclave";
const CARGO: &str = "/cargo";
/// The programs of a release.
const PROGRAMS: [&str; 2] = ["conclave", "conclave-client"];
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
    let mut files = BTreeMap::new();
    if release.exists() {
        fs::remove_dir_all(release)?;
    }
    copy(&source.join("apps/web/dist"), release, "web", &mut files)?;
    if !page {
        let mut build = vec!["cargo", "build", "--locked", "--profile", "dist"];
        build.extend(PROGRAMS.iter().flat_map(|program| ["--bin", program]));
        sh::step("building the programs of the release", &mut place.command(root, commit, &build)?)?;
        for program in PROGRAMS {
            take(&source.join("target/dist").join(program), release, program, &mut files)?;
        }
    }
    let toolchain = toolchain(source)?;
    fs::write(release.join("toolchain.txt"), &toolchain)?;
    files.insert("toolchain.txt".to_owned(), Hash::of_bytes(toolchain.as_bytes()));
    let sums: String = files.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect();
    fs::write(release.join("SHA256SUMS"), &sums)?;
    files.remove("toolchain.txt");
    let text = Release {
        product: "conclave".to_owned(),
        version: env!("CARGO_PKG_VERSION").parse()?,
        commit: sha1(commit)?,
        toolchain: Hash::of_bytes(toolchain.as_bytes()),
        sums: Hash::of_bytes(sums.as_bytes()),
        artefacts: files,
    };
    Ok(fs::write(release.join("release.txt"), text.to_string())?)
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
        lines.push(format!("{lock}: {}", Hash::of_bytes(&fs::read(source.join(lock))?)));
    }
    Ok(lines.join("\n") + "\n")
}

fn copy(from: &Path, release: &Path, name: &str, files: &mut BTreeMap<String, Hash>) -> anyhow::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = format!("{name}/{}", entry.file_name().to_str().context("a file with a plain name")?);
        if entry.path().is_dir() {
            copy(&entry.path(), release, &name, files)?;
        } else {
            take(&entry.path(), release, &name, files)?;
        }
    }
    Ok(())
}

fn take(from: &Path, release: &Path, name: &str, files: &mut BTreeMap<String, Hash>) -> anyhow::Result<()> {
    let to = release.join(name);
    fs::create_dir_all(to.parent().context("a file stands in a folder")?)?;
    fs::copy(from, &to)?;
    files.insert(name.to_owned(), Hash::of_bytes(&fs::read(&to)?));
    Ok(())
}

fn compare(release: &Path, again: &Path) -> anyhow::Result<()> {
    let read = |folder: &Path| anyhow::Ok(Release::parse(&fs::read(folder.join("release.txt"))?)?.artefacts);
    let (first, second) = (read(release)?, read(again)?);
    let names: std::collections::BTreeSet<_> = first.keys().chain(second.keys()).collect();
    let differ: Vec<_> = names.into_iter().filter(|name| first.get(*name) != second.get(*name)).map(String::as_str).collect();
    if differ.is_empty() {
        sh::say(&format!("the same bytes twice, in {} files", first.len()));
        return Ok(());
    }
    let (a, b) = (release.display(), again.display());
    bail!("built twice, these differ: {}. Look at them with: diffoscope '{a}/{}' '{b}/{}'", differ.join(", "), differ[0], differ[0])
}

fn sha1(commit: &str) -> anyhow::Result<[u8; 20]> {
    let digits = commit.as_bytes().chunks_exact(2).map(|two| u8::from_str_radix(std::str::from_utf8(two)?, 16).context("hexadecimal"));
    let bytes = digits.collect::<anyhow::Result<Vec<_>>>()?;
    bytes.try_into().map_err(|_| anyhow::anyhow!("the commit is not named by a SHA-1"))
}

fn git(root: &Path, args: &[&str]) -> anyhow::Result<String> {
    let said = Command::new("git").current_dir(root).args(args).output().context("git cannot be started")?;
    ensure!(said.status.success(), "git {}: {}", args.join(" "), String::from_utf8_lossy(&said.stderr));
    Ok(String::from_utf8(said.stdout)?.trim().to_owned())
}
