//! The host key goes to another device by a host link: once, and not after it was taken back.

use conclave_kit::{Script, Server, program};

#[test]
fn another_device_becomes_host_by_a_link_that_works_once() -> anyhow::Result<()> {
    let server = Server::start()?;
    let client = program("conclave-client");
    Script::start("tests/e2e/scenes/host-link.mjs", &[("URL", &server.url), ("CLIENT", &client.to_string_lossy())])?.end()
}
