//! A client of somebody else, run as a process that tells what it sees.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use conclave_kit::Server;
use serde_json::{Value, json};

use crate::{Network, tools};

/// Whose client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// livekit-client in Chromium.
    Chromium,
    /// livekit-client in Firefox, which joins first and offers then.
    Firefox,
    /// PyPI `livekit`.
    Python,
    /// `@livekit/rtc-node`.
    Node,
    /// LiveKit's Go SDK, over two connections unless its job says `single`; the job names whom it echoes.
    Go,
}

/// A running client. Ends with this value.
pub struct Client {
    name: String,
    process: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Value>,
    last: Value,
}

/// What every client needs to join `room` as `name`; see `clients/` for more.
pub fn job(server: &Server, room: &str, name: &str) -> Result<Value> {
    let url = format!("ws{}", server.url.trim_start_matches("http"));
    Ok(json!({ "url": url, "token": Server::member_token(room, name)? }))
}

impl Client {
    /// Starts a client that joins `room` as `name`, publishes camera and microphone, and greets everybody twice a second.
    pub fn start(kind: Kind, network: &Network, server: &Server, room: &str, name: &str) -> Result<Self> {
        let mut job = job(server, room, name)?;
        job["publish"] = json!(true);
        Self::start_with(kind, network, name, &job)
    }

    /// Starts a client with a job of one's own; see `clients/`.
    pub fn start_with(kind: Kind, network: &Network, name: &str, job: &Value) -> Result<Self> {
        let script = |program: &str, file| {
            let mut command = network.command(program);
            command.arg(tools::home().join("clients").join(file));
            command
        };
        let of_node = |file| tools::node_modules().map(|()| script("node", file));
        let mut command = match kind {
            Kind::Chromium => of_node("chromium.mjs")?,
            Kind::Firefox => of_node("firefox.mjs")?,
            Kind::Node => of_node("node.mjs")?,
            Kind::Python => script(&tools::python()?, "client.py"),
            Kind::Go => network.command(&tools::go()?),
        };
        command.arg(job.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().with_context(|| format!("starting {kind:?}"))?;
        let output = process.stdout.take().context("no stdout")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // What is not ours is a library's own log line.
                let Ok(value) = serde_json::from_str::<Value>(&line) else { continue };
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        Ok(Self { name: name.to_owned(), input: process.stdin.take(), process, lines, last: Value::Null })
    }

    /// Reads on until a line satisfies `enough`, and gives it back. An error line ends the wait.
    pub fn wait(&mut self, what: &str, within: Duration, enough: impl Fn(&Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + within;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.get("error").is_some() => bail!("{} failed: {}", self.name, line["error"]),
                Ok(line) if enough(&line) => return Ok(line),
                Ok(line) => self.last = line,
                Err(RecvTimeoutError::Timeout) => bail!("{} waited in vain for {what}; last it said {}", self.name, self.last),
                Err(RecvTimeoutError::Disconnected) => bail!("{} ended before {what}; last it said {}", self.name, self.last),
            }
        }
    }

    /// Waits until it is in the room.
    pub fn connected(&mut self) -> Result<Value> {
        self.wait("the connection", Duration::from_secs(30), |line| line["connected"] == true)
    }

    /// Waits until it has decoded `frames` more pictures of `other`, heard sound of it, and read its greeting.
    pub fn perceives(&mut self, other: &str, frames: u64) -> Result<Value> {
        let what = format!("picture, sound and words of {other}");
        let count = |line: &Value, kind: &str| line[kind][other].as_u64().unwrap_or(0);
        let words = format!("hello from {other}");
        let before = count(&self.last, "video");
        // A decoder that began anew counts from zero.
        let grown = move |now: u64| if now < before { now } else { now - before };
        self.wait(&what, Duration::from_secs(40), |line| {
            grown(count(line, "video")) >= frames && count(line, "audio") > 0 && line["data"][other] == *words
        })
    }

    /// Has it do something (see `clients/`), and waits until that is done.
    pub fn act(&mut self, what: &str) -> Result<()> {
        self.say(what)?;
        self.wait(what, Duration::from_secs(30), |line| line["done"] == *what)?;
        Ok(())
    }

    /// Has it do something.
    pub fn say(&mut self, what: &str) -> Result<()> {
        let input = self.input.as_mut().context("ended")?;
        writeln!(input, "{}", json!({ "do": what }))?;
        Ok(())
    }

    /// Has it leave, and waits for its end.
    pub fn leave(mut self) -> Result<()> {
        self.input = None;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The end of its input tells it to go; a browser takes a moment, and takes its own children with it.
        self.input = None;
        for _ in 0..100 {
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}
