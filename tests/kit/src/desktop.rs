//! The desktop program, as somebody starts it who opens its address themselves.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::{PATIENCE, Stdout, program};

/// A running `conclave-desktop` with a state folder of its own; killed on drop.
#[derive(Debug)]
pub struct Desktop {
    child: Child,
    /// What it printed.
    pub output: Stdout,
    /// The address that opens it, once.
    pub address: String,
    /// Port of its page.
    pub port: u16,
    /// Its state folder.
    pub state: TempDir,
}

impl Desktop {
    /// Starts it with a link, which it reads where no other user does, and waits for the address.
    pub fn start(link: &str) -> anyhow::Result<Self> {
        Self::start_in(tempfile::tempdir()?, link, &[])
    }

    /// The same, with what an earlier one left in `state`, and more arguments.
    pub fn start_in(state: TempDir, link: &str, more: &[&str]) -> anyhow::Result<Self> {
        std::fs::write(state.path().join("passphrase"), "violet harbour seventeen\n")?;
        let mut child = Command::new(program("conclave-desktop"))
            .args(["-", "--no-browser", "--state"])
            .arg(state.path())
            .arg("--passphrase-file")
            .arg(state.path().join("passphrase"))
            .args(more)
            .env_remove("XDG_RUNTIME_DIR")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the desktop program")?;
        writeln!(child.stdin.take().context("its input")?, "{link}")?;
        let mut output = Stdout::of(child.stdout.take().context("its output")?, None);
        let address = output.wait("its address", PATIENCE, |line| line.starts_with("http://127.0.0.1:").then(|| line.to_owned()))?;
        let port = address.trim_start_matches("http://127.0.0.1:").split('/').next().unwrap_or_default().parse()?;
        Ok(Self { child, output, address, port, state })
    }

    /// Its one-time token.
    pub fn token(&self) -> &str {
        self.address.rsplit_once("#loader.").map_or("", |(_, token)| token)
    }

    /// Ends it as a power cut does; gives its state folder.
    pub fn crash(mut self) -> anyhow::Result<TempDir> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(std::mem::replace(&mut self.state, tempfile::tempdir()?))
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}
