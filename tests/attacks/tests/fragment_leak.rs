//! The key of the link in something that the page sends, or says when something fails: docs/security/fragment_leak.md.

use conclave_kit::{Script, Server, create};

#[test]
fn the_key_of_a_link_stays_in_the_page() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    Script::start("tests/kit/browser/leak.mjs", &[("LINK", &link)])?.end()
}
