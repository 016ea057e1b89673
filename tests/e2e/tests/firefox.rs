//! Firefox in a meeting with a native member: another engine, another transform, another encoder; and a line that is lost and comes back.

use conclave_kit::{Script, Server, address, create, program};

#[test]
fn firefox_and_a_native_member_meet() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let client = program("conclave-client");
    let media = format!("{} {}", address(), server.media_port);
    let env = [("LINK", link.as_str()), ("CLIENT", &client.to_string_lossy()), ("MEDIA", &media)];
    Script::start("tests/e2e/scenes/firefox.mjs", &env)?.end()
}
