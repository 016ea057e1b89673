//! Faults that are put into the code one at a time: the simulator must find each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::{setup, sh};

/// The faults.
const LIST: &str = "tests/sim/mutants.json";

/// A defence that is taken away.
struct Mutant {
    fault: String,
    file: String,
    before: String,
    after: String,
}

/// Puts each fault into a copy of the tree, and holds meetings until one fails, at most `seeds`. Without a fault, none of these may fail.
pub(crate) fn run(root: &Path, seeds: u64) -> anyhow::Result<()> {
    let list: Vec<Value> = serde_json::from_slice(&fs::read(root.join(LIST))?).context(LIST)?;
    let mutants = list.iter().map(Mutant::read).collect::<anyhow::Result<Vec<_>>>()?;
    let tree = root.join("target/mutants/tree");
    copy(root, &tree)?;
    let sound_program = root.join("target/mutants/conclave-sim-sound");
    fs::rename(build(root, &tree)?, &sound_program)?;
    let mut rows = Vec::new();
    for mutant in &mutants {
        let path = tree.join(&mutant.file);
        let sound = fs::read_to_string(&path).with_context(|| mutant.file.clone())?;
        let found = sound.matches(&mutant.before).count();
        ensure!(found == 1, "{}: {} has its text {found} times, not once", mutant.fault, mutant.file);
        fs::write(&path, sound.replacen(&mutant.before, &mutant.after, 1))?;
        let output = build(root, &tree).and_then(|program| hold(&program, seeds));
        fs::write(&path, sound)?;
        let failure = first_failure(&output?);
        sh::say(&format!("{}: {failure:?}", mutant.fault));
        rows.push((&mutant.fault, failure));
    }
    let last = rows.iter().filter_map(|(_, failure)| failure.as_ref()?.0.parse().ok()).max().unwrap_or(seeds);
    let sound = hold(&sound_program, last)?;
    ensure!(sound.status.success(), "without a fault:\n{}", String::from_utf8_lossy(&sound.stderr));
    let missed: Vec<_> = rows.iter().filter(|(_, failure)| failure.is_none()).map(|(fault, _)| fault.as_str()).collect();
    for (fault, failure) in &rows {
        let (seed, what) = failure.as_ref().map_or(("-", "not found"), |(seed, what)| (seed, what));
        eprintln!("{fault:<38} {seed:>5}  {what}");
    }
    if !missed.is_empty() {
        bail!("not found in {seeds} meetings: {}", missed.join(", "));
    }
    Ok(())
}

impl Mutant {
    fn read(value: &Value) -> anyhow::Result<Self> {
        let text = |name: &str| value[name].as_str().map(str::to_owned).with_context(|| format!("{LIST}: no {name} in {value}"));
        Ok(Self { fault: text("fault")?, file: text("file")?, before: text("before")?, after: text("after")? })
    }
}

/// All files of the tree, committed or not. What is there already is left alone, and Cargo with it.
fn copy(root: &Path, tree: &Path) -> anyhow::Result<()> {
    let files = Command::new("git").current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).output()?;
    ensure!(files.status.success(), "git ls-files: {}", files.status);
    for file in String::from_utf8(files.stdout)?.split_terminator('\0') {
        let to = tree.join(file);
        // Of what was deleted and not committed, Git still speaks.
        let Ok(content) = fs::read(root.join(file)) else { continue };
        if !fs::read(&to).is_ok_and(|there| there == content) {
            fs::create_dir_all(to.parent().context("a file has a folder")?)?;
            fs::write(&to, content)?;
        }
    }
    Ok(())
}

/// As the simulator itself is built, so that what others wrote is compiled once for both. Crates of ours differ by where they stand.
fn build(root: &Path, tree: &Path) -> anyhow::Result<PathBuf> {
    let target = root.join("target");
    let mut cargo = setup::node("cargo");
    cargo.current_dir(tree).args(["build", "--quiet", "--workspace", "--bin", "conclave-sim", "--target-dir"]).arg(&target);
    // Most faults are found in few meetings: compiling them takes longer than holding those.
    cargo.envs([("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_PROFILE_DEV_OPT_LEVEL", "0")]);
    // Warnings of what a fault leaves unused are none of our business.
    let built = cargo.output().context("cargo")?;
    ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    // Where the sound one will stand again.
    let program = root.join("target/mutants/conclave-sim");
    fs::rename(target.join("debug/conclave-sim"), &program)?;
    Ok(program)
}

fn hold(program: &Path, seeds: u64) -> anyhow::Result<Output> {
    let mut command = Command::new(program);
    command.args(["--as-it-is", "--seeds", &seeds.to_string()]);
    command.output().context("the simulator")
}

/// The first failure that the simulator told: its seed, and what was seen.
fn first_failure(output: &Output) -> Option<(String, String)> {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("seed "))?;
    let (seed, what) = line.split_once(": ")?;
    Some((seed.to_owned(), what.to_owned()))
}
