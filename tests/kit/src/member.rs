use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::{PATIENCE, Stdout, program};

/// What people run.
const CLIENT: &str = "conclave-client";
/// Between two looks whether a program has ended.
const LOOK: Duration = Duration::from_millis(20);

/// A running `conclave-client join --json`; killed on drop.
#[derive(Debug)]
pub struct Member {
    child: Child,
    stdin: ChildStdin,
    /// Its events, one JSON object a line.
    pub events: Stdout,
    name: String,
}

/// Makes a meeting; the host key goes to `host_key`, if given. Returns the link.
pub fn create(server: &str, host_key: Option<&Path>) -> anyhow::Result<String> {
    let mut more = Vec::new();
    if let Some(path) = host_key {
        more.extend(["--host-key-file".as_ref(), path.as_os_str()]);
    }
    create_with(server, &more, "")
}

/// As [`create`], with more arguments of `conclave-client create`, and a line that it reads.
pub fn create_with(server: &str, more: &[impl AsRef<OsStr>], line: &str) -> anyhow::Result<String> {
    let mut child = Command::new(program(CLIENT))
        .args(["create", server])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting the client")?;
    if !line.is_empty() {
        writeln!(child.stdin.as_mut().context("its input")?, "{line}")?;
    }
    let out = child.wait_with_output()?;
    if !out.status.success() {
        bail!("no meeting was made: {}", String::from_utf8_lossy(&out.stderr));
    }
    Ok(String::from_utf8(out.stdout)?.trim().to_owned())
}

impl Member {
    /// Joins as `name`, with more arguments of `conclave-client join`.
    pub fn join(link: &str, name: &str, more: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(program(CLIENT))
            .args(["join", link, "--name", name, "--json"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the client")?;
        let stdin = child.stdin.take().context("its input")?;
        let events =
            Stdout::of(child.stdout.take().context("its output")?, std::env::var_os("CONCLAVE_TEST_ECHO").map(|_| format!("[{name}] ")));
        Ok(Self { child, stdin, events, name: name.to_owned() })
    }

    /// As [`Self::join`], with neither camera nor microphone.
    pub fn join_silently(link: &str, name: &str) -> anyhow::Result<Self> {
        Self::join(link, name, &["--no-audio", "--no-video"])
    }

    /// Its process stands still, or goes on.
    pub fn pause(&self, still: bool) -> anyhow::Result<()> {
        let signal = if still { "-STOP" } else { "-CONT" };
        let done = Command::new("kill").args([signal, &self.child.id().to_string()]).status()?;
        ensure!(done.success(), "the process is gone");
        Ok(())
    }

    /// As [`Self::join`], with the link where no other user of the machine reads it.
    pub fn join_by_stdin(link: &str, name: &str, more: &[&str]) -> anyhow::Result<Self> {
        let mut member = Self::join("-", name, more)?;
        member.say(link)?;
        Ok(member)
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

    /// Waits until it shows so many inside; gives their identities.
    pub fn until_inside(&mut self, people: usize) -> anyhow::Result<Vec<String>> {
        self.wait(&format!("{people} are inside"), |event| {
            let members = event["members"].as_array().filter(|members| event["event"] == "members" && members.len() == people)?;
            Some(members.iter().filter_map(|member| member["identity"].as_str().map(str::to_owned)).collect())
        })
    }

    /// Waits for a line of the chat.
    pub fn until_read(&mut self, text: &str) -> anyhow::Result<()> {
        self.wait(text, |event| (event["event"] == "chat" && event["line"]["text"] == text).then_some(()))
    }

    /// Waits until it is in this phase, and gives since when.
    pub fn until_phase(&mut self, kind: &str) -> anyhow::Result<Instant> {
        self.wait(kind, |event| (event["event"] == "phase" && event["phase"]["kind"] == kind).then_some(()))?;
        self.events.came().context("something came")
    }

    /// Everything that it told so far.
    pub fn told(&mut self) -> Vec<Value> {
        self.told_at().into_iter().map(|(_, event)| event).collect()
    }

    /// As [`Self::told`], with the moments at which it came.
    pub fn told_at(&mut self) -> Vec<(Instant, Value)> {
        self.events.all_at().filter_map(|(came, line)| Some((came, serde_json::from_str(line).ok()?))).collect()
    }

    /// The lines of the chat that it shows, in order.
    pub fn lines(&mut self) -> Vec<String> {
        let told = self.told();
        let lines = told.iter().filter(|event| event["event"] == "chat");
        lines.map(|event| event["line"]["text"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Leaves; returns when the program has ended, so that what it recorded is whole.
    pub fn leave(mut self) -> anyhow::Result<()> {
        self.say("/leave")?;
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "{} ended with {status}", self.name);
                return Ok(());
            }
            ensure!(Instant::now() < end, "{} did not leave within {PATIENCE:?}", self.name);
            sleep(LOOK);
        }
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
