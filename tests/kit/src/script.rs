use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

use crate::Lines;

/// Starts a Node.js script of the repository (path from its root), which prints JSON lines. Its packages are those of apps/web.
pub fn script(path: &str, env: &[(&str, &str)]) -> anyhow::Result<(Child, Lines)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut child = Command::new("node")
        .arg(root.join(path))
        .current_dir(root.join("apps/web"))
        .envs(env.iter().copied())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting node")?;
    let lines = Lines::of(child.stdout.take().context("its output")?, Some("[browser] ".to_owned()));
    Ok((child, lines))
}
