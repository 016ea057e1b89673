//! Two people compare the safety code in real browsers: they find the same, or not.

use conclave_kit::{Script, Server, create};

#[test]
fn two_people_compare_the_safety_code() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    Script::start("tests/e2e/scenes/compare.mjs", &[("LINK", &link)])?.end()
}
