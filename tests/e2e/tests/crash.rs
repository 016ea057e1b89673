//! Programs and a browser are killed in the middle of a meeting: whoever stays, and whoever comes then, is told of a lost connection and of no attack.

use conclave_kit::{Script, Server, create, program};

#[test]
fn a_crash_is_told_as_a_lost_connection() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let client = program("conclave-client");
    Script::start("tests/e2e/scenes/crash.mjs", &[("LINK", link.as_str()), ("CLIENT", &client.to_string_lossy())])?.end()
}
