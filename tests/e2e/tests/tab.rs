//! What people do in the tabs of one browser: leave and join again, join another meeting, open the link once more, go back.

use conclave_kit::{Script, Server, create, program};

#[test]
fn chromium_leaves_and_comes_back_in_one_tab_and_two() -> anyhow::Result<()> {
    in_tabs_of("chromium")
}

#[test]
fn firefox_leaves_and_comes_back_in_one_tab_and_two() -> anyhow::Result<()> {
    in_tabs_of("firefox")
}

fn in_tabs_of(browser: &str) -> anyhow::Result<()> {
    let server = Server::start()?;
    let (link, other) = (create(&server.url, None)?, create(&server.url, None)?);
    let client = program("conclave-client");
    let env = [("BROWSER", browser), ("LINK", link.as_str()), ("OTHER_LINK", &other), ("CLIENT", &client.to_string_lossy())];
    Script::start("tests/e2e/scenes/tab.mjs", &env)?.end()
}
