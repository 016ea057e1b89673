use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use conclave_kit::{PATIENCE, Server, free_tcp_port, free_udp_port};
use tempfile::TempDir;

/// What its figures are called.
pub(crate) const NAME: &str = "livekit-server-1.13.5";
/// What a report says where it is missing.
pub(crate) const MISSING: &str = "LiveKit's server was not there to compare with: install Go (https://go.dev/dl) and run this again; until then its figures are left out.";

/// LiveKit's own server on loopback, with the key of [`Server`]; killed on drop.
pub(crate) struct LiveKit {
    child: Child,
    /// What clients connect to.
    pub(crate) url: String,
    _config: TempDir,
}

impl LiveKit {
    /// Starts it and waits until it listens.
    pub(crate) fn start(program: &Path) -> anyhow::Result<Self> {
        let (port, tcp, udp) = (free_tcp_port()?, free_tcp_port()?, free_udp_port()?);
        let folder = TempDir::new()?;
        let path = folder.path().join("livekit.yaml");
        fs::write(&path, config(port, tcp, udp))?;
        let mut child = Command::new(program)
            .arg("--config")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(status) = child.try_wait()? {
                bail!("LiveKit's server ended: {status}");
            }
            if Instant::now() > end {
                let _gone = child.kill();
                bail!("LiveKit's server does not listen");
            }
            sleep(Duration::from_millis(50));
        }
        Ok(Self { child, url: format!("ws://127.0.0.1:{port}"), _config: folder })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for LiveKit {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Its defaults, but on loopback and with little to say.
fn config(port: u16, tcp: u16, udp: u16) -> String {
    format!(
        "port: {port}
bind_addresses: [127.0.0.1]
rtc:
  tcp_port: {tcp}
  udp_port: {udp}
  enable_loopback_candidate: true
  interfaces:
    includes: [lo]
keys:
  {}: {}
logging:
  level: error
",
        Server::KEY,
        Server::SECRET
    )
}
