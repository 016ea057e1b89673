//! A network of one's own: libwebrtc ignores loopback, so browsers and native SDKs meet on a veth pair in a namespace.

use std::process::Command;

use anyhow::Context as _;

use crate::sh;

/// Address of the server's end of the pair.
pub(crate) const ADDRESS: &str = "10.200.0.1";

/// Wraps `command` so that it runs in a fresh network namespace; a user namespace too when this is not root.
pub(crate) fn wrap(command: &Command) -> anyhow::Result<Command> {
    let xtask = std::env::current_exe().context("own path")?;
    let mut wrapped = Command::new("unshare");
    wrapped.args(if sh::output("id", &["-u"]).as_deref() == Some("0") { vec!["-n"] } else { vec!["-r", "-n"] });
    wrapped.arg("--").arg(xtask).args(["netns", "--"]).arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(key, value),
            None => wrapped.env_remove(key),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        wrapped.current_dir(dir);
    }
    Ok(wrapped)
}

/// Already inside the namespace: brings the interfaces up and runs the command.
pub(crate) fn inside(command: &[String]) -> anyhow::Result<()> {
    for line in [
        "link set lo up",
        "link add conclave0 type veth peer name conclave1",
        "addr add 10.200.0.1/24 dev conclave0",
        "addr add 10.200.0.2/24 dev conclave1",
        "link set conclave0 up",
        "link set conclave1 up",
        // Firefox looks for no address where there is no way out.
        "route add default via 10.200.0.2 dev conclave0",
    ] {
        sh::run(Command::new("ip").args(line.split(' '))).context("setting up the test network")?;
    }
    let (program, args) = command.split_first().context("a command to run")?;
    sh::run(Command::new(program).args(args))
}
