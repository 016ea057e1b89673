//! Hosts decide in real browsers who speaks, writes and shares: mute all, only hosts unmute, let one speak.

use conclave_kit::{Script, Server};

#[test]
fn hosts_decide_who_is_heard() -> anyhow::Result<()> {
    let server = Server::start()?;
    Script::start("tests/e2e/scenes/silence.mjs", &[("URL", &server.url)])?.end()
}
