use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::{PATIENCE, Stdout};

/// A running Node.js script, which prints JSON lines: `tests/kit/browser/script.mjs` says which. Its packages are those of apps/web.
#[derive(Debug)]
pub struct Script {
    child: Child,
    /// What it prints.
    pub lines: Stdout,
}

impl Script {
    /// Starts the script at this path of the repository.
    pub fn start(path: &str, env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut child = Command::new("node")
            .arg(root.join(path))
            .current_dir(root.join("apps/web"))
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting node")?;
        let lines = Stdout::of(child.stdout.take().context("its output")?, Some("[browser] ".to_owned()));
        Ok(Self { child, lines })
    }

    /// Waits until this step went well.
    pub fn until(&mut self, step: &str) -> anyhow::Result<()> {
        let is = |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|line| line["step"] == step).then_some(());
        self.lines.wait(step, PATIENCE, is).map_err(|error| self.failure().map_or(error, anyhow::Error::msg))
    }

    /// Waits until it ends. If it failed, the error names the line of the script, what was wrong there, and the last step that went well.
    pub fn end(mut self) -> anyhow::Result<()> {
        self.lines.whole();
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        bail!(self.failure().unwrap_or_else(|| format!("the script ended with {status} and did not say why")));
    }

    /// What failed, and where, if it told so.
    fn failure(&mut self) -> Option<String> {
        let told: Vec<Value> = self.lines.all().iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let failure = told.iter().find(|line| line.get("failed").is_some())?;
        let step = told.iter().rev().find_map(|line| line["step"].as_str()).unwrap_or("none");
        let (at, error) = (failure["at"].as_str()?, failure["failed"].as_str()?);
        Some(format!("{at}: {error}\nthe last step that went well: {step}"))
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // Asked, so that it takes its browser and its profile with it; whoever is gone already needs no asking.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _gone = self.child.kill();
        }
        let _status = self.child.wait();
    }
}
