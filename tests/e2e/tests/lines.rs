//! A person's line is cut: media alone, WebSockets alone, everything. The page says what is lost, accuses nobody, and all comes back.

use conclave_kit::{Script, Server, address, create, program};

#[test]
fn what_a_cut_line_takes_is_told_and_comes_back() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let media = format!("{} {}", address(), server.media_port);
    let client = program("conclave-client");
    let env = [("LINK", link.as_str()), ("CLIENT", &client.to_string_lossy()), ("MEDIA", &media)];
    Script::start("tests/e2e/scenes/lines.mjs", &env)?.end()
}
