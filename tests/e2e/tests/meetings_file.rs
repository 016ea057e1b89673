//! The meetings of one device go to another one in a file, in real browsers.

use conclave_kit::{Script, Server};

#[test]
fn a_host_goes_on_as_host_on_another_device() -> anyhow::Result<()> {
    let server = Server::start()?;
    Script::start("tests/e2e/scenes/meetings-file.mjs", &[("URL", &server.url)])?.end()
}
