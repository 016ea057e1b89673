//! Two people verify each other, and know each other again in another meeting; then somebody else comes under one of their names.

use conclave_kit::{Script, Server, create};

#[test]
fn who_was_verified_is_known_again_in_another_meeting_and_another_key_is_loud() -> anyhow::Result<()> {
    let server = Server::start()?;
    let [first, second] = [create(&server.url, None)?, create(&server.url, None)?];
    Script::start("tests/e2e/scenes/known-again.mjs", &[("FIRST", &first), ("SECOND", &second), ("SERVER", &server.url)])?.end()
}
