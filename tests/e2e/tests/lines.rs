//! A person's line is cut, in part or whole, and mended; the person leaves, comes back, goes back in the history, opens a second tab.

use conclave_kit::{Script, Server, address, create, program};

#[test]
fn a_line_that_is_cut_is_told_as_ones_own_and_all_comes_back() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let media = format!("{} {}", address(), server.media_port);
    let client = program("conclave-client");
    let env = [("LINK", link.as_str()), ("CLIENT", &client.to_string_lossy()), ("MEDIA", &media)];
    Script::start("tests/e2e/scenes/lines.mjs", &env)?.end()
}
