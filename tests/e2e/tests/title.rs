//! A host gives a meeting its title in a real browser, and others read it.

use conclave_kit::{Script, Server};

#[test]
fn a_host_gives_a_meeting_its_title_and_others_read_it() -> anyhow::Result<()> {
    let server = Server::start()?;
    Script::start("tests/e2e/scenes/title.mjs", &[("URL", &server.url)])?.end()
}
