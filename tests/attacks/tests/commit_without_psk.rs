//! Somebody who can write into the log but lacks the PSK commits itself into the group: docs/security/commit_without_psk.md.

use attacks::{Outsider, Watched};
use base::MeetingId;
use group::hostile;
use harness::{Server, create};

#[test]
fn a_commit_without_the_psk_is_ignored_and_told() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut alice = Watched::join(&link, "Alice", &[])?;
    let mut bob = Watched::join(&link, "Bob", &[])?;
    for member in [&mut alice, &mut bob] {
        member.until("sees both", |seen| (seen.members.len() == 2).then_some(()))?;
    }

    let mut mallory = Outsider::connect(&server.url, &link, "Mallory", false)?;
    assert!(!mallory.has_psk());
    mallory.append(|joiner| Ok(hostile::join_without_psk(joiner)))?;
    for member in [&mut alice, &mut bob] {
        let notice = member.until_notice("commitRefused")?;
        assert_eq!(notice["rule"], "noPsk");
    }
    // A proposal that names a PSK does not help whoever does not have it.
    mallory.append(|joiner| Ok(hostile::join_with_foreign_psk(joiner, &MeetingId::from_bytes([9; 16]))))?;

    // The meeting goes on: the log takes entries, keys fit, the roster is what it was.
    alice.member.say("still here")?;
    bob.until("reads Alice", |seen| seen.chat.iter().any(|text| text == "still here").then_some(()))?;
    let who = bob.seen.identity("Alice").to_owned();
    bob.until_played(&who, "camera")?;
    for member in [&alice, &bob] {
        assert_eq!(member.seen.members.keys().map(String::as_str).collect::<Vec<_>>(), ["Alice", "Bob"]);
    }

    // The same hand with the PSK comes in: what was refused was the missing PSK and nothing else.
    let mut nadia = Outsider::connect(&server.url, &link, "Nadia", true)?;
    assert!(nadia.has_psk());
    nadia.append(|joiner| Ok(joiner.join()?.1))?;
    for member in [&mut alice, &mut bob] {
        member.until("sees Nadia", |seen| seen.members.contains_key("Nadia").then_some(()))?;
    }
    Ok(())
}
