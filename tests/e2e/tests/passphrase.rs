//! The passphrase beside the link, in real browsers and natively: chosen, wrong, right, and too many.

use conclave_kit::{Script, Server, make, program};

#[test]
fn a_passphrase_is_chosen_asked_for_and_guarded() -> anyhow::Result<()> {
    let server = Server::start()?;
    let stopped = make(&server.url, "Where many guessed", Some("violet harbour seventeen"), None)?;
    let client = program("conclave-client");
    let env = [("URL", server.url.as_str()), ("CLIENT", &client.to_string_lossy()), ("STOPPED", &stopped)];
    Script::start("tests/e2e/scenes/passphrase.mjs", &env)?.end()
}
