//! The server dies in the middle of a meeting and comes back: people see what happens, and meet again without a click.

use anyhow::ensure;
use conclave_kit::{PATIENCE, Server, create, program, script};

#[test]
fn a_meeting_outlives_its_server() -> anyhow::Result<()> {
    let mut server = Server::start()?;
    let link = create(&server.url, None)?;
    let client = program("conclave-client");
    let (mut child, mut lines) = script("tests/e2e/restart.mjs", &[("LINK", link.as_str()), ("CLIENT", &client.to_string_lossy())])?;
    lines.wait("the meeting goes on", PATIENCE, |line| line.contains("they meet").then_some(()))?;
    server.crash()?;
    lines.wait("people are told", PATIENCE, |line| line.contains("the page tells of it").then_some(()))?;
    server.start_again()?;
    ensure!(child.wait()?.success(), "the meeting did not come back: see the lines above");
    Ok(())
}
