//! Faults that are put into the code one at a time: the simulator must find each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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
    /// The meeting that found it last: it is held first.
    likely: Option<u64>,
}

/// Puts each fault into a copy of the tree, or only the one that is named, and holds meetings until one fails that holds without it, at most `seeds`.
pub(crate) fn run(root: &Path, seeds: u64, fault: &str) -> anyhow::Result<()> {
    let mut mutants = Mutant::list(root)?;
    mutants.retain(|mutant| fault.is_empty() || mutant.fault == fault);
    ensure!(!mutants.is_empty(), "{LIST} has no fault {fault:?}");
    let tree = root.join("target/mutants/tree");
    let is_new = copy(root, &tree)?;
    let sound = root.join("target/mutants/conclave-sim-sound");
    if is_new || !sound.exists() {
        fs::rename(build(root, &tree)?, &sound)?;
    }
    let mut rows = Vec::new();
    for mutant in &mutants {
        let path = tree.join(&mutant.file);
        let text = fs::read_to_string(&path).with_context(|| mutant.file.clone())?;
        fs::write(&path, mutant.applied(&text)?)?;
        let failure = build(root, &tree).and_then(|program| find(&program, &sound, mutant.likely, seeds));
        fs::write(&path, text)?;
        let failure = failure?;
        sh::say(&format!("{}: {failure:?}", mutant.fault));
        rows.push((&mutant.fault, failure));
    }
    let missed: Vec<_> = rows.iter().filter(|(_, failure)| failure.is_none()).map(|(fault, _)| fault.as_str()).collect();
    for (fault, failure) in &rows {
        let (seed, what) = failure.as_ref().map_or((0, "not found"), |(seed, what)| (*seed, what));
        eprintln!("{fault:<38} {seed:>5}  {what}");
    }
    if !missed.is_empty() {
        bail!("not found in {seeds} meetings: {}", missed.join(", "));
    }
    Ok(())
}

impl Mutant {
    fn list(root: &Path) -> anyhow::Result<Vec<Self>> {
        let list: Vec<Value> = serde_json::from_slice(&fs::read(root.join(LIST))?).context(LIST)?;
        list.iter().map(Self::read).collect()
    }

    fn read(value: &Value) -> anyhow::Result<Self> {
        let text = |name: &str| value[name].as_str().map(str::to_owned).with_context(|| format!("{LIST}: no {name} in {value}"));
        let likely = value["likely"].as_u64();
        Ok(Self { fault: text("fault")?, file: text("file")?, before: text("before")?, after: text("after")?, likely })
    }

    /// The file's text with the fault in it.
    fn applied(&self, sound: &str) -> anyhow::Result<String> {
        let found = sound.matches(&self.before).count();
        ensure!(found == 1, "{}: {} has its text {found} times, not once", self.fault, self.file);
        Ok(sound.replacen(&self.before, &self.after, 1))
    }
}

/// All files of the tree, committed or not. What is there already is left alone, and Cargo with it. Gives whether anything is new.
fn copy(root: &Path, tree: &Path) -> anyhow::Result<bool> {
    let files = Command::new("git").current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).output()?;
    ensure!(files.status.success(), "git ls-files: {}", files.status);
    let mut is_new = false;
    for file in String::from_utf8(files.stdout)?.split_terminator('\0') {
        let to = tree.join(file);
        // Of what was deleted and not committed, Git still speaks.
        let Ok(content) = fs::read(root.join(file)) else { continue };
        if !fs::read(&to).is_ok_and(|there| there == content) {
            fs::create_dir_all(to.parent().context("a file has a folder")?)?;
            fs::write(&to, content)?;
            is_new = true;
        }
    }
    Ok(is_new)
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

/// The first of `seeds` meetings that fails in `program` and holds in `sound`, and what was seen there. `likely` is tried first.
fn find(program: &Path, sound: &Path, likely: Option<u64>, seeds: u64) -> anyhow::Result<Option<(u64, String)>> {
    if let Some(seed) = likely.filter(|seed| *seed <= seeds)
        && let Some(failure) = first_failure(program, seed, 1)?
        && first_failure(sound, seed, 1)?.is_none()
    {
        return Ok(Some(failure));
    }
    let mut from = 1;
    while from <= seeds
        && let Some(failure) = first_failure(program, from, seeds + 1 - from)?
    {
        if first_failure(sound, failure.0, 1)?.is_none() {
            return Ok(Some(failure));
        }
        from = failure.0 + 1;
    }
    Ok(None)
}

/// Holds meetings until one fails; gives the first that did.
fn first_failure(program: &Path, from: u64, seeds: u64) -> anyhow::Result<Option<(u64, String)>> {
    let mut command = Command::new(program);
    command.args(["--as-it-is", "--from", &from.to_string(), "--seeds", &seeds.to_string()]);
    let output = command.output().context("the simulator")?;
    let text = String::from_utf8_lossy(&output.stderr);
    let failures = text.lines().filter_map(|line| line.strip_prefix("seed ")?.split_once(": "));
    let first = failures.filter_map(|(seed, what)| Some((seed.parse().ok()?, what.to_owned()))).min();
    ensure!(output.status.success() == first.is_none(), "the simulator: {}\n{text}", output.status);
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_fault_takes_away_is_there_once() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask stands in the workspace");
        let mutants = Mutant::list(root).expect("the list can be read");
        for mutant in mutants {
            let sound = fs::read_to_string(root.join(&mutant.file)).expect("its file is there");
            let faulty = mutant.applied(&sound).expect("its text is there once");
            assert_ne!(faulty, sound, "{}", mutant.fault);
        }
    }
}
