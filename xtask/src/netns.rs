//! A network of one's own: libwebrtc ignores loopback, so browsers and native SDKs meet on a veth pair in a namespace.

use std::process::Command;

use crate::sh;

/// Address of the server's end of the pair.
pub(crate) const ADDRESS: &str = "10.200.0.1";

/// Run inside the namespace: brings the interfaces up and becomes the command. A shell does it, since a build may have replaced xtask's own file by then.
const SETUP: &str = r#"
ip link set lo up
ip link add conclave0 type veth peer name conclave1
ip addr add 10.200.0.1/24 dev conclave0
ip addr add 10.200.0.2/24 dev conclave1
# An address of IPv6 would come a second later, and a change of addresses is where Chromium gives up what it is loading.
ip link set conclave0 addrgenmode none
ip link set conclave1 addrgenmode none
ip link set conclave0 up
ip link set conclave1 up
# Firefox looks for no address where there is no way out.
ip route add default via 10.200.0.2 dev conclave0
exec "$@"
"#;

/// Wraps `command` so that it runs in a fresh network namespace; a user namespace too when this is not root.
pub(crate) fn wrap(command: &Command) -> Command {
    let mut wrapped = Command::new("unshare");
    wrapped.args(if sh::output("id", &["-u"]).as_deref() == Some("0") { vec!["-n"] } else { vec!["-r", "-n"] });
    wrapped.args(["--", "sh", "-ec", SETUP, "netns"]).arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(key, value),
            None => wrapped.env_remove(key),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        wrapped.current_dir(dir);
    }
    wrapped
}
