//! `cargo xtask run`: from a fresh clone to a meeting link.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::{setup, sh, web};

/// Most of what the server is made of: what can be compiled while the page is not there yet.
const BENEATH_SERVER: &[&str] = &["conclave-admission", "conclave-media", "conclave-rtc-server"];

pub(crate) fn run(root: &Path, port: u16, data: &Path) -> anyhow::Result<()> {
    setup::for_run(root)?;
    web::build_beside(root, || build(root, "building what the server stands on", BENEATH_SERVER))?;
    build(root, "building the server", &["conclave-server"])?;
    let mut server = Command::new(root.join("target/debug/conclave"))
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
            link(root, port)?;
        }
    }
    let status = server.wait()?;
    if !status.success() {
        bail!("conclave stopped: {status}");
    }
    Ok(())
}

/// In the profile that tests use too.
fn build(root: &Path, title: &str, packages: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("cargo");
    command.current_dir(root).arg("build").args(packages.iter().flat_map(|package| ["--package", *package]));
    sh::step(title, &mut command)
}

/// The page's module makes the meeting, as it does in a browser: the native client need not be built for it.
fn link(root: &Path, port: u16) -> anyhow::Result<()> {
    let made = web::meeting(root, &format!("http://localhost:{port}"))?;
    writeln!(
        std::io::stdout(),
        "\n  A meeting is waiting. Open this in two browsers:\n\n    {made}\n\n  A third, native member: cargo run --package conclave-cli -- join '{made}'\n  Stop with Ctrl-C.\n"
    )?;
    Ok(())
}
