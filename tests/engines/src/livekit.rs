use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::{Process, free_tcp_port, free_udp_port};

/// What differs between those who use one.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// Over which media go.
    pub interface: &'a str,
    pub key: &'a str,
    pub secret: &'a str,
    /// Whether it makes a room for whoever comes first.
    pub makes_rooms: bool,
    /// The least that it logs, by LiveKit's word.
    pub log: &'a str,
}

impl<'a> Settings<'a> {
    /// With LiveKit's defaults, but on loopback and with little to say: for clients that know nothing of Conclave.
    pub const fn by_itself(key: &'a str, secret: &'a str) -> Self {
        Self { interface: "lo", key, secret, makes_rooms: true, log: "error" }
    }
}

/// A LiveKit server with one API key; killed on drop.
#[derive(Debug)]
pub struct LiveKit {
    process: Process,
    program: PathBuf,
    config: TempDir,
    port: u16,
}

impl LiveKit {
    /// Starts `program` and waits until it listens.
    pub fn start(program: &Path, Settings { interface, key, secret, makes_rooms, log }: Settings<'_>) -> anyhow::Result<Self> {
        let (port, tcp, udp) = (free_tcp_port()?, free_tcp_port()?, free_udp_port()?);
        let config = TempDir::new()?;
        let text = format!(
            "port: {port}
bind_addresses: [127.0.0.1]
rtc:
  tcp_port: {tcp}
  udp_port: {udp}
  enable_loopback_candidate: {}
  interfaces:
    includes: [{interface}]
room:
  auto_create: {makes_rooms}
keys:
  {key}: {secret}
logging:
  level: {log}
",
            interface == "lo"
        );
        fs::write(config.path().join("livekit.yaml"), text)?;
        let process = spawn(program, config.path())?;
        let mut livekit = Self { process, program: program.to_owned(), config, port };
        livekit.process.until_it_listens("LiveKit", port)?;
        Ok(livekit)
    }

    /// What clients connect to, and `conclave serve --livekit`.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Where its configuration is, and all that it logs.
    pub fn folder(&self) -> &Path {
        self.config.path()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Ends it as a power cut does.
    pub fn crash(&mut self) -> anyhow::Result<()> {
        self.process.crash()
    }

    /// After [`Self::crash`]: starts it again, on the same ports.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        self.process = spawn(&self.program, self.config.path())?;
        self.process.until_it_listens("LiveKit", self.port)
    }
}

fn spawn(program: &Path, config: &Path) -> anyhow::Result<Process> {
    let log = File::options().create(true).append(true).open(config.join("log"))?;
    let mut livekit = Command::new(program);
    livekit.arg("--config").arg(config.join("livekit.yaml")).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    livekit.spawn().map(Process).with_context(|| format!("starting {}", program.display()))
}
