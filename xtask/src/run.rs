//! `cargo xtask run`: from a fresh clone to a meeting link.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::{setup, sh, web};

pub(crate) fn run(root: &Path, port: u16, data: &Path) -> anyhow::Result<()> {
    setup::for_run(root)?;
    web::build_beside(root, || build_binaries(root, "building the client", &["--bin", "conclave-client"]))?;
    build_binaries(root, "building the server", &["--bins"])?;
    let bin = root.join("target/debug");
    let mut server = Command::new(bin.join("conclave"))
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .arg("--data")
        .arg(root.join(data))
        .stdout(Stdio::piped())
        .spawn()
        .context("starting conclave")?;
    // The server prints its address once it answers; only then can a meeting be made.
    let lines = BufReader::new(server.stdout.take().context("its output")?).lines();
    let mut ready = false;
    for line in lines {
        let line = line?;
        writeln!(std::io::stdout(), "{line}")?;
        if !ready && line.contains("http://") {
            ready = true;
            link(&bin, port)?;
        }
    }
    let status = server.wait()?;
    if !status.success() {
        bail!("conclave stopped: {status}");
    }
    Ok(())
}

/// `targets` of the two programs, in the profile that tests use too. Both packages are named whatever is built, so that all is built with the same
/// features.
fn build_binaries(root: &Path, title: &str, targets: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("cargo");
    command.current_dir(root).args(["build", "--package", "conclave-server", "--package", "conclave-cli"]);
    sh::step(title, command.args(targets))
}

fn link(bin: &Path, port: u16) -> anyhow::Result<()> {
    let address = format!("http://localhost:{port}");
    let made = Command::new(bin.join("conclave-client")).args(["create", &address]).output()?;
    let link = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    if !made.status.success() || link.is_empty() {
        bail!("no meeting could be made: {}", String::from_utf8_lossy(&made.stderr));
    }
    writeln!(
        std::io::stdout(),
        "\n  A meeting is waiting. Open this in two browsers:\n\n    {link}\n\n  A third, native member: target/debug/conclave join '{link}'\n  Stop with Ctrl-C.\n"
    )?;
    Ok(())
}
