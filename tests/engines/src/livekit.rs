use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::{free_tcp_port, free_udp_port, until};

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

/// A LiveKit server with one API key; killed on drop.
#[derive(Debug)]
pub struct LiveKit {
    child: Child,
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
        let child = spawn(program, config.path())?;
        let mut livekit = Self { child, program: program.to_owned(), config, port };
        livekit.until_it_listens()?;
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
        self.child.id()
    }

    /// Ends it as a power cut does.
    pub fn crash(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// After [`Self::crash`]: starts it again, on the same ports.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        self.child = spawn(&self.program, self.config.path())?;
        self.until_it_listens()
    }

    fn until_it_listens(&mut self) -> anyhow::Result<()> {
        let (port, child) = (self.port, &mut self.child);
        until("LiveKit listens", || {
            if let Some(status) = child.try_wait()? {
                bail!("LiveKit's server ended: {status}");
            }
            Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
        })
    }
}

impl Drop for LiveKit {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn spawn(program: &Path, config: &Path) -> anyhow::Result<Child> {
    let log = File::options().create(true).append(true).open(config.join("log"))?;
    let mut livekit = Command::new(program);
    livekit.arg("--config").arg(config.join("livekit.yaml")).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    livekit.spawn().with_context(|| format!("starting {}", program.display()))
}
