//! A network of our own, so that libwebrtc finds an interface that is not loopback.

use std::ffi::OsStr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use conclave_kit::Server;

/// Where servers listen.
const ADDRESS: &str = "10.200.0.1";

/// A network namespace. It ends with this value: the process that holds it is killed.
pub struct Network {
    holder: Child,
    root: bool,
}

impl Network {
    /// A namespace with loopback up and an address on one end of a veth pair.
    pub fn new() -> Result<Self> {
        let root = is_root()?;
        let mut unshare = Command::new("unshare");
        unshare.arg(if root { "-n" } else { "-rn" }).args(["--", "cat"]);
        // `cat` ends when its input does: nothing is left behind even if we are killed.
        let holder = unshare.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().context("starting unshare")?;
        let network = Self { holder, root };
        network.wait_until_separate()?;
        for line in [
            "link set lo up".to_owned(),
            "link add out0 type veth peer name out1".to_owned(),
            format!("addr add {ADDRESS}/24 dev out0"),
            // An address of IPv6 would come a second later, and a change of addresses is where Chromium gives up what it is loading.
            "link set out0 addrgenmode none".to_owned(),
            "link set out1 addrgenmode none".to_owned(),
            "link set out0 up".to_owned(),
            "link set out1 up".to_owned(),
            // So that libwebrtc thinks itself connected to the world.
            format!("route add default via {ADDRESS}"),
        ] {
            let status = network.command("ip").args(line.split(' ')).status().context("running ip")?;
            ensure!(status.success(), "ip {line} failed");
        }
        Ok(network)
    }

    /// A command that will run inside.
    pub fn command(&self, program: &str) -> Command {
        inside(self.holder.id(), self.root, program.as_ref())
    }

    /// Our server inside, where other people's clients find it.
    pub fn server(&self) -> Result<Server> {
        let (holder, root) = (self.holder.id(), self.root);
        Server::start_in(ADDRESS, move |program| inside(holder, root, program.as_os_str()))
    }

    /// `unshare` needs a moment before its process is in the new namespace.
    fn wait_until_separate(&self) -> Result<()> {
        let ours = std::fs::read_link("/proc/self/ns/net")?;
        let path = format!("/proc/{}/ns/net", self.holder.id());
        for _ in 0..200 {
            if std::fs::read_link(&path).is_ok_and(|theirs| theirs != ours) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        anyhow::bail!("no network namespace: is `unshare` allowed here?")
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _gone = self.holder.kill();
        let _gone = self.holder.wait();
    }
}

fn inside(holder: u32, root: bool, program: &OsStr) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["-t", &holder.to_string(), "-n"]);
    if !root {
        command.args(["-U", "--preserve-credentials"]);
    }
    command.arg("--").arg(program);
    command
}

fn is_root() -> Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let uid = status.lines().find_map(|l| l.strip_prefix("Uid:")).context("no Uid in /proc/self/status")?;
    Ok(uid.split_whitespace().nth(1) == Some("0"))
}
