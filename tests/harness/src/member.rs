use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::{Lines, PATIENCE, program};

/// A running `conclave-client join --json`; killed on drop.
#[derive(Debug)]
pub struct Member {
    child: Child,
    stdin: ChildStdin,
    /// Its events, one JSON object a line.
    pub events: Lines,
    name: String,
}

/// Makes a meeting; the host key goes to `host_key`, if given. Returns the link.
pub fn create(server: &str, host_key: Option<&Path>) -> anyhow::Result<String> {
    let mut command = Command::new(program("conclave-client"));
    command.args(["create", server]);
    if let Some(path) = host_key {
        command.arg("--host-key-file").arg(path);
    }
    let out = command.output().context("starting conclave-client")?;
    if !out.status.success() {
        bail!("no meeting was made: {}", String::from_utf8_lossy(&out.stderr));
    }
    Ok(String::from_utf8(out.stdout)?.trim().to_owned())
}

impl Member {
    /// Joins as `name`, with more arguments of `conclave-client join`.
    pub fn join(link: &str, name: &str, more: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(program("conclave-client"))
            .args(["join", link, "--name", name, "--json"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting conclave-client")?;
        let stdin = child.stdin.take().context("its input")?;
        let events =
            Lines::of(child.stdout.take().context("its output")?, std::env::var_os("CONCLAVE_TEST_ECHO").map(|_| format!("[{name}] ")));
        Ok(Self { child, stdin, events, name: name.to_owned() })
    }

    /// Types a line: chat, or a command that starts with `/`.
    pub fn say(&mut self, line: &str) -> anyhow::Result<()> {
        writeln!(self.stdin, "{line}")?;
        Ok(self.stdin.flush()?)
    }

    /// The first event, not looked at before, that `pick` takes something from.
    pub fn wait<T>(&mut self, what: &str, mut pick: impl FnMut(&Value) -> Option<T>) -> anyhow::Result<T> {
        let what = format!("{}: {what}", self.name);
        self.events.wait(&what, PATIENCE, |line| serde_json::from_str(line).ok().and_then(|event| pick(&event)))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}
