//! `cargo xtask run`: from a fresh clone to a meeting link.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};

use crate::{setup, suites, web};

/// Two small tests that stand on most of what the server is made of, which can so be compiled while the page is not there yet.
const BENEATH_SERVER: &[&str] = &["--test", "connection", "--test", "server"];

pub(crate) fn run(root: &Path, port: u16, data: &Path) -> anyhow::Result<()> {
    setup::for_run(root)?;
    let build = |title, targets: &[&str]| suites::build(root, title, targets).map(drop);
    web::build_beside(root, || build("building what the server stands on", BENEATH_SERVER))?;
    // With the tests, since Cargo gives dependencies other features where no test is built, and would compile them again.
    build("building the server", &[&["--bin", "conclave"], BENEATH_SERVER].concat())?;
    let mut server = serve(root, port, &root.join(data), &[])?;
    let shown = show(root, port, &mut server);
    if shown.is_err() {
        // Else it would keep the port from the next try.
        server.kill()?;
    }
    let status = server.wait()?;
    shown?;
    if !status.success() {
        bail!("conclave stopped: {status}");
    }
    Ok(())
}

/// What [`run`] does once all is built: a server, and a meeting link.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let mut server = serve(root, 0, &root.join("target/run-check"), &["--media-port", "0"])?;
    let lines = BufReader::new(server.stdout.take().context("its output")?).lines().map_while(Result::ok);
    let port = lines.filter_map(|line| Some(line.split_once("http://localhost:")?.1.to_owned())).next();
    let made = port.context("conclave says no address").and_then(|port| web::meeting(root, &format!("http://localhost:{}", port.trim())));
    server.kill()?;
    server.wait()?;
    made.map(drop)
}

fn serve(root: &Path, port: u16, data: &Path, more: &[&str]) -> anyhow::Result<Child> {
    let mut server = Command::new(root.join("target/debug/conclave"));
    server.args(["serve", "--listen", &format!("127.0.0.1:{port}")]).arg("--data").arg(data).args(more);
    server.stdout(Stdio::piped()).spawn().context("starting conclave")
}

/// Shows what the server prints. That is its address once it answers; only then can a meeting be made.
fn show(root: &Path, port: u16, server: &mut Child) -> anyhow::Result<()> {
    let mut ready = false;
    for line in BufReader::new(server.stdout.take().context("its output")?).lines() {
        let line = line?;
        writeln!(std::io::stdout(), "{line}")?;
        if !ready && line.contains("http://") {
            ready = true;
            link(root, port)?;
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_beneath_the_server_are_there() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("core").join("server");
        let crates: Vec<_> = crates.read_dir().expect("it is there").map(|entry| entry.expect("it can be read").path()).collect();
        let names = BENEATH_SERVER.iter().filter(|arg| **arg != "--test");
        for name in names {
            let paths = [format!("tests/{name}.rs"), format!("tests/{name}/main.rs")];
            let is_there = crates.iter().any(|krate| paths.iter().any(|path| krate.join(path).is_file()));
            assert!(is_there, "no test of the server is called {name}");
        }
    }
}
