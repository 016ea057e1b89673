//! The key of the link in something that the page sends, or says when something fails: docs/security/fragment_leak.md.

use std::fs;

use conclave_kit::{Member, Script, Server, create};

#[test]
fn the_key_of_a_link_stays_in_a_browser() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    Script::start("tests/kit/browser/leak.mjs", &[("LINK", &link)])?.end()
}

#[test]
fn the_native_member_takes_the_link_where_no_other_user_reads_it() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let (_, key) = link.split_once('#').expect("a link");
    let of = |member: &Member, what: &str| fs::read(format!("/proc/{}/{what}", member.pid()));
    let holds = |bytes: &[u8]| bytes.windows(key.len()).any(|window| window == key.as_bytes());
    let mut alice = Member::join_by_stdin(&link, "Alice", &["--no-video", "--no-audio"])?;
    alice.wait("is inside", |event| (event["phase"]["kind"] == "inside").then_some(()))?;
    assert!(!holds(&of(&alice, "cmdline")?) && !holds(&of(&alice, "environ")?));
    // It would have been found.
    let mut bob = Member::join(&link, "Bob", &["--no-video", "--no-audio"])?;
    bob.wait("is inside", |event| (event["phase"]["kind"] == "inside").then_some(()))?;
    assert!(holds(&of(&bob, "cmdline")?));
    Ok(())
}
