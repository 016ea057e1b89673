//! Our server, as a process.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use conclave_base::{Redacted, Time};
use conclave_livekit_proto::{Access, ApiKey, Grants};

use crate::network::{ADDRESS, Network};
use crate::tools;

const KEY: &str = "interop";
const SECRET: &str = "a secret that is at least thirty-two bytes";
const SIGNAL_PORT: u16 = 8080;
const MEDIA_PORT: u16 = 7882;

/// A running `conclave serve`. Ends with this value.
pub struct Server {
    process: Child,
    _data: tempfile::TempDir,
}

impl Server {
    /// Builds and starts the server in `network`, and waits until it answers.
    pub fn start(network: &Network) -> Result<Self> {
        let binary = binary()?;
        let data = tempfile::tempdir()?;
        let mut command = network.command(binary.to_str().context("a target directory that is UTF-8")?);
        command.args(["serve", "--listen", &format!("{ADDRESS}:{SIGNAL_PORT}")]);
        command.args(["--media-port", &MEDIA_PORT.to_string(), "--media-address", ADDRESS]).arg("--data").arg(data.path());
        command.env("CONCLAVE_LIVEKIT_KEY", KEY).env("CONCLAVE_LIVEKIT_SECRET", SECRET);
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().context("starting the server")?;
        let server = Self { process, _data: data };
        server.wait_until_up(network)?;
        Ok(server)
    }

    /// What clients connect to.
    pub fn url(&self) -> String {
        format!("ws://{ADDRESS}:{SIGNAL_PORT}")
    }

    /// A token for an ordinary participant.
    pub fn token(&self, room: &str, identity: &str) -> Result<String> {
        let access = Access { identity: Redacted::new(identity.to_owned()), grants: Grants::member(room.to_owned()), ..Access::default() };
        self.token_for(&access)
    }

    /// A token for anybody.
    pub fn token_for(&self, access: &Access) -> Result<String> {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let now = Time::from_millis(u64::try_from(since.as_millis())?);
        Ok(ApiKey::new(KEY, SECRET.as_bytes()).mint(access, now, Duration::from_secs(600))?)
    }

    fn wait_until_up(&self, network: &Network) -> Result<()> {
        for _ in 0..100 {
            let probe = format!("exec 3<>/dev/tcp/{ADDRESS}/{SIGNAL_PORT}");
            if network.command("bash").args(["-c", &probe]).stderr(Stdio::null()).status()?.success() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        anyhow::bail!("the server does not listen")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

/// The server's binary, built now if it is not up to date; or what `INTEROP_SERVER` names.
fn binary() -> Result<std::path::PathBuf> {
    if let Some(path) = std::env::var_os("INTEROP_SERVER") {
        return Ok(path.into());
    }
    let status = Command::new(env!("CARGO")).args(["build", "--quiet", "-p", "conclave-server"]).current_dir(tools::home()).status()?;
    ensure!(status.success(), "building the server failed");
    Ok(tools::target().join("debug/conclave"))
}
