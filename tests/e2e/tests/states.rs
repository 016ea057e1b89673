//! What can go wrong on the way in is told in words, on every screen, with the real server.

use conclave_kit::{Script, Server, make, program, until_expired};

#[test]
fn every_wrong_turn_ends_at_a_sentence() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = make(&server.url, "Editorial, Tuesday", None, None)?;
    let locked = make(&server.url, "With a passphrase", Some("correct horse"), None)?;
    let expired = make(&server.url, "", None, Some(1))?;
    until_expired(&server.url, &expired)?;
    // A name that the browser is told to find on this machine, but does not trust as it trusts localhost.
    let insecure = link.replace("localhost", "conclave.test");
    let client = program("conclave-client");
    let env = [
        ("URL", server.url.as_str()),
        ("CLIENT", &client.to_string_lossy()),
        ("LINK", &link),
        ("LOCKED", &locked),
        ("EXPIRED", &expired),
        ("INSECURE", &insecure),
    ];
    Script::start("tests/e2e/scenes/states.mjs", &env)?.end()
}
