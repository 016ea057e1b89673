//! The server dies in the middle of a meeting and comes back: people see what happens, and meet again without a click.

use conclave_kit::{Script, Server, create, program};

#[test]
fn a_meeting_outlives_its_server() -> anyhow::Result<()> {
    let mut server = Server::start()?;
    let link = create(&server.url, None)?;
    let client = program("conclave-client");
    let mut script = Script::start("tests/e2e/scenes/restart.mjs", &[("LINK", link.as_str()), ("CLIENT", &client.to_string_lossy())])?;
    script.until("they meet")?;
    server.crash()?;
    script.until("the page tells of it")?;
    server.start_again()?;
    script.end()
}
