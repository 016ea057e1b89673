use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::{Process, free_tcp_port, signal};

/// What `conclave serve --bus` asks for.
const IN_MEMORY_ALONE: [&str; 6] = ["--save", "", "--appendonly", "no", "--repl-diskless-load", "swapdb"];
const PASSWORD: &str = "a-password-of-the-bus";

/// A Redis server that keeps all in memory; killed on drop.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    settings: Vec<String>,
    folder: TempDir,
    port: u16,
}

impl Redis {
    /// Starts it and waits until it listens.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_with(&[])
    }

    /// As [`Self::start`], with other settings than it should have.
    pub fn start_with(settings: &[&str]) -> anyhow::Result<Self> {
        let settings: Vec<String> = IN_MEMORY_ALONE.iter().chain(settings).map(|word| (*word).to_owned()).collect();
        let (folder, port) = (TempDir::new()?, free_tcp_port()?);
        let process = spawn(folder.path(), port, &settings)?;
        let mut redis = Self { process, settings, folder, port };
        redis.process.until_it_listens("Redis", port)?;
        Ok(redis)
    }

    /// For `conclave serve --bus`.
    pub fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// As [`Self::url`], for whoever comes by a relay on this port.
    pub fn url_at(&self, port: u16) -> String {
        format!("redis://:{PASSWORD}@127.0.0.1:{port}")
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What nobody may read in a log.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Where it would write.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it as a power cut does.
    pub fn crash(&mut self) -> anyhow::Result<()> {
        self.process.crash()
    }

    /// After [`Self::crash`]: starts it again, empty.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        self.process = spawn(self.folder.path(), self.port, &self.settings)?;
        self.process.until_it_listens("Redis", self.port)
    }

    /// It stays, and does nothing any more.
    pub fn pause(&self) -> anyhow::Result<()> {
        signal("STOP", self.process.id())
    }

    /// After [`Self::pause`].
    pub fn resume(&self) -> anyhow::Result<()> {
        signal("CONT", self.process.id())
    }
}

fn spawn(folder: &Path, port: u16, settings: &[String]) -> anyhow::Result<Process> {
    let log = File::options().create(true).append(true).open(folder.join("log"))?;
    let mut redis = Command::new("redis-server");
    redis.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--requirepass", PASSWORD]).args(settings);
    // Its script sorts by the locale.
    redis.env("LC_ALL", "C").current_dir(folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    redis.spawn().map(Process).context("Redis is missing: apt-get install redis-server")
}
