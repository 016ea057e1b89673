//! Firefox in a meeting with a native member: another engine, another transform, another encoder.

use conclave_kit::{Script, Server, create, program};

#[test]
fn firefox_and_a_native_member_meet() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let client = program("conclave-client");
    let script = Script::start("tests/e2e/scenes/firefox.mjs", &[("LINK", link.as_str()), ("CLIENT", &client.to_string_lossy())])?;
    script.end()
}
