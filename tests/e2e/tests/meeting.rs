//! Two browsers and a native member see, hear and write to each other; one comes late, one is removed.

use anyhow::ensure;
use conclave_kit::{Server, create_with, program, script};

#[test]
fn two_browsers_and_native_members_meet() -> anyhow::Result<()> {
    let server = Server::start()?;
    let host_key = server.data.path().join("host.key").to_string_lossy().into_owned();
    let link = create_with("conclave-client", &server.url, &["--title", "Editorial, Tuesday", "--host-key-file", &host_key], "")?;
    let client = program("conclave-client");
    let env = [("LINK", link.as_str()), ("CLIENT", &client.to_string_lossy()), ("HOST_KEY", &host_key)];
    let (mut child, _lines) = script("tests/e2e/meeting.mjs", &env)?;
    ensure!(child.wait()?.success(), "the meeting did not go as it should: see the lines above");
    Ok(())
}
