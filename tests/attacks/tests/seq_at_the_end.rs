//! The server numbers the log up to where numbers end: docs/security/seq_at_the_end.md.

use conclave_kit::{HostileDelivery, Lie, Member, Server, create};

#[test]
fn a_log_that_ends_where_numbers_end_is_left() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let operator = HostileDelivery::start(&server, &link)?;
    let mut alice = Member::join(&link, "Alice", &["--no-video", "--no-audio"])?;
    alice.wait("is inside", |event| (event["phase"]["kind"] == "inside").then_some(()))?;
    operator.lie(Lie::LastNumber);
    let mut bob = Member::join(&operator.link(&link)?, "Bob", &["--no-video", "--no-audio"])?;
    // Neither does the program fail, nor does it take what comes after the last number.
    bob.wait("leaves, and says why", |event| (event["phase"]["reason"] == "logBroken").then_some(()))
}
