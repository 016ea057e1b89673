//! Hosts decide in real browsers who is inside: ask, admit, decline, send back, lock, remove, hand over.

use conclave_kit::{Script, Server};

#[test]
fn hosts_decide_who_is_inside() -> anyhow::Result<()> {
    let server = Server::start()?;
    Script::start("tests/e2e/scenes/door.mjs", &[("URL", &server.url)])?.end()
}
