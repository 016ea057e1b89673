//! Other people's servers that Conclave can stand on: started for a test on ports and in folders of their own, stopped and held up as they
//! are in bad moments, and ended with the test.

mod livekit;
mod postgres;
mod redis;

use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

pub use livekit::{LiveKit, Settings};
pub use postgres::Postgres;
pub use redis::Redis;

/// For what an engine does. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// The process of a server; killed on drop.
#[derive(Debug)]
struct Process(Child);

impl Process {
    fn id(&self) -> u32 {
        self.0.id()
    }

    /// Ends it as a power cut does.
    fn crash(&mut self) -> anyhow::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Waits until it, called `name`, takes connections on a port.
    fn until_it_listens(&mut self, name: &str, port: u16) -> anyhow::Result<()> {
        until(&format!("{name} listens"), || {
            if let Some(status) = self.0.try_wait()? {
                bail!("{name} ended: {status}");
            }
            Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

fn free_tcp_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn free_udp_port() -> anyhow::Result<u16> {
    Ok(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?.local_addr()?.port())
}

/// Waits until `holds`; an error that says `what` if that takes too long.
pub fn until(what: &str, mut holds: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !holds()? {
        if begun.elapsed() > PATIENCE {
            bail!("not within {} s: {what}", PATIENCE.as_secs());
        }
        sleep(PAUSE);
    }
    Ok(())
}

/// Sends a signal, by its name, to a process and those that it started.
fn signal(name: &str, pid: u32) -> anyhow::Result<()> {
    let children = Command::new("pgrep").args(["--parent", &pid.to_string()]).output()?;
    let pids = String::from_utf8_lossy(&children.stdout).lines().map(str::to_owned).collect::<Vec<_>>();
    let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).args(pids).status()?;
    ensure!(sent.success(), "kill -s {name} {pid}: {sent}");
    Ok(())
}
