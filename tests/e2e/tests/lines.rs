//! A person's line for media is cut, from the beginning and in the middle: the page says so, the chat works, and all comes back.

use conclave_kit::{Script, Server, address, create, program};

#[test]
fn media_that_do_not_pass_are_told_and_come_back() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let media = format!("{} {}", address(), server.media_port);
    let client = program("conclave-client");
    let env = [("LINK", link.as_str()), ("CLIENT", &client.to_string_lossy()), ("MEDIA", &media)];
    Script::start("tests/e2e/scenes/lines.mjs", &env)?.end()
}
