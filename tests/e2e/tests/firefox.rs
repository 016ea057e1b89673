//! Firefox in a meeting with a native member: another engine, another transform, another encoder.

use anyhow::ensure;
use conclave_kit::{Server, create, program, script};

#[test]
fn firefox_and_a_native_member_meet() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let client = program("conclave-client");
    let (mut child, _lines) = script("tests/e2e/firefox.mjs", &[("LINK", link.as_str()), ("CLIENT", &client.to_string_lossy())])?;
    ensure!(child.wait()?.success(), "the meeting did not go as it should: see the lines above");
    Ok(())
}
