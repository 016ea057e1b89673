//! Two browsers and a native member see, hear and write to each other; one comes late, one is removed.

use conclave_kit::{Script, Server, create_with, program};

#[test]
fn two_browsers_and_native_members_meet() -> anyhow::Result<()> {
    let server = Server::start()?;
    let host_key = server.data.path().join("host.key").to_string_lossy().into_owned();
    let link = create_with(&server.url, &["--title", "Editorial, Tuesday", "--host-key-file", &host_key], "")?;
    let client = program("conclave-client");
    let env = [("LINK", link.as_str()), ("CLIENT", &client.to_string_lossy()), ("HOST_KEY", &host_key)];
    Script::start("tests/e2e/scenes/meeting.mjs", &env)?.end()
}
