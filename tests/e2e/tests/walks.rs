//! People who come, go, reload, lose their lines and write as they like: whatever they did, those who are inside see, hear and read each other,
//! and nothing accused anybody. `cargo xtask soak` starts it, since chance has no place among the tests that must be green.

use conclave_kit::{Script, Server, address, program};

/// Each decides over one walk.
const SEEDS: &str = "1 2 3";

#[test]
#[ignore = "random: cargo xtask soak"]
fn people_who_come_and_go_as_they_like_meet() -> anyhow::Result<()> {
    let server = Server::start()?;
    let seeds = std::env::var("CONCLAVE_WALKS").unwrap_or_else(|_| SEEDS.to_owned());
    let media = format!("{} {}", address(), server.media_port);
    let client = program("conclave-client");
    let env = [("URL", server.url.as_str()), ("CLIENT", &client.to_string_lossy()), ("MEDIA", &media), ("SEEDS", &seeds)];
    Script::start("tests/e2e/scenes/walks.mjs", &env)?.end()
}
