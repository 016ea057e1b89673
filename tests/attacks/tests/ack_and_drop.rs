//! The server takes what a member sends, and passes it on to nobody: docs/security/ack_and_drop.md.

use conclave_kit::{Client, HostileDelivery, Lie, ObservedClient, Server, against_every_client, create};
use conclave_protocol::ws::Class;

/// A meeting with Alice, who is its host, and the operator in front of whom it likes.
fn open() -> anyhow::Result<(Server, String, HostileDelivery, String)> {
    let server = Server::start()?;
    let host_key = server.data.path().join("host.key");
    let link = create(&server.url, Some(&host_key))?;
    let operator = HostileDelivery::start(&server, &link)?;
    let key = host_key.to_string_lossy().into_owned();
    Ok((server, link, operator, key))
}

#[test]
fn a_line_that_goes_nowhere_is_never_shown_as_sent_and_comes_once() -> anyhow::Result<()> {
    let (_server, link, operator, _) = open()?;
    let mut alice = ObservedClient::watch(Client::Native, &link, "Alice", "")?;
    let mut bob = ObservedClient::watch(Client::Native, &operator.link(&link)?, "Bob", "")?;
    alice.until_sees("Bob")?;
    let reads = |member: &ObservedClient, line: &str| member.observed.chat.iter().filter(|text| *text == line).count();

    for (acknowledged, line) in [(true, "called appended"), (false, "not answered")] {
        operator.lie(Lie::Drop { class: Class::Message, acknowledged });
        bob.say(line)?;
        operator.until_lied()?;
        if acknowledged {
            bob.until_told("undelivered")?;
        } else {
            bob.until("looks for another connection", |seen| (seen.phases.last()? == "reconnecting").then_some(()))?;
        }
        assert_eq!((reads(&bob, line), reads(&alice, line)), (0, 0), "nobody has it, so it is not sent");
        operator.lie(Lie::Nothing);
        alice.until_reads(line)?;
        bob.until_reads(line)?;
    }
    bob.say("the end")?;
    alice.until_reads("the end")?;
    assert_eq!(alice.observed.chat, ["called appended", "not answered", "the end"]);
    Ok(())
}

against_every_client!(what_is_acknowledged_and_not_delivered_is_told);

fn what_is_acknowledged_and_not_delivered_is_told(client: Client) -> anyhow::Result<()> {
    let (_server, link, operator, _) = open()?;
    let mut alice = ObservedClient::watch(Client::Native, &link, "Alice", "")?;
    let mut bob = ObservedClient::watch(client, &operator.link(&link)?, "Bob", "ack_and_drop")?;
    alice.until_sees("Bob")?;
    bob.until_state("secure")?;
    operator.lie(Lie::Drop { class: Class::Message, acknowledged: true });
    bob.until_told("undelivered")?;
    operator.lie(Lie::Nothing);
    bob.until_state("secure")
}

#[test]
fn a_removal_that_goes_nowhere_is_not_shown_and_tried_until_it_holds() -> anyhow::Result<()> {
    for acknowledged in [true, false] {
        let (_server, link, operator, key) = open()?;
        let host = ["--host-key-file", &key, "--no-video", "--no-audio"];
        let mut alice = ObservedClient::join(&operator.link(&link)?, "Alice", &host)?;
        let mut mallory = ObservedClient::watch(Client::Native, &link, "Mallory", "")?;
        alice.until_sees("Mallory")?;
        operator.lie(Lie::Drop { class: Class::Commit, acknowledged });
        alice.say("/remove Mallory")?;
        operator.until_lied()?;
        alice.until("is told that the removal is not in force", |seen| {
            seen.notices.iter().any(|n| n["kind"] == "notRemoved" && n["name"] == "Mallory").then_some(())
        })?;
        assert!(alice.observed.members.contains_key("Mallory"), "{:?}", alice.observed.members);
        assert!(alice.observed.notices.iter().all(|n| n["kind"] != "removed"), "{:?}", alice.observed.notices);
        operator.lie(Lie::Nothing);
        alice.until("Mallory is gone", |seen| (!seen.members.contains_key("Mallory")).then_some(()))?;
        mallory.until("is told", |seen| (seen.ended.as_deref()? == "removed").then_some(()))?;
    }
    Ok(())
}
