//! Somebody who can write into the log but lacks the PSK commits itself into the group: docs/security/commit_without_psk.md.

use conclave_base::MeetingId;
use conclave_kit::{Client, HostileDelivery, Lie, ObservedClient, Outsider, Scene, Server, against_every_client, create};
use conclave_mls::hostile;
use conclave_protocol::ws::Class;

against_every_client!(a_commit_without_the_psk_is_ignored_and_told);

fn a_commit_without_the_psk_is_ignored_and_told(client: Client) -> anyhow::Result<()> {
    let mut scene = Scene::open(client, "commit_without_psk")?;
    let names = |member: &ObservedClient| member.observed.members.keys().cloned().collect::<Vec<_>>();
    let before = names(&scene.bob);
    scene.alice.until_sees("Bob")?;
    assert!(!scene.bob.observed.was_alarmed(), "{:?}", scene.bob.observed);

    let mut mallory = Outsider::connect(&scene.server.url, &scene.link, "Mallory", false)?;
    assert!(!mallory.has_psk());
    mallory.append(|joiner| Ok(hostile::join_without_psk(joiner)))?;
    for member in [&mut scene.alice, &mut scene.bob] {
        member.until_told("commitRefused")?;
        let refused = member.observed.notices.iter().filter(|n| n["kind"] == "commitRefused");
        assert!(refused.clone().all(|n| n["rule"] == "noPsk"), "{:?}", member.observed.notices);
    }
    // A proposal that names a PSK does not help whoever does not have it.
    mallory.append(|joiner| Ok(hostile::join_with_foreign_psk(joiner, &MeetingId::from_bytes([9; 16]))))?;

    // The meeting goes on: the log takes entries, keys fit, the roster is what it was.
    scene.alice.say("still here")?;
    scene.bob.until("reads Alice", |seen| seen.chat.iter().any(|text| text == "still here").then_some(()))?;
    scene.bob.until_played(&scene.alices, "camera")?;
    assert_eq!(names(&scene.alice), ["Alice", "Bob"]);
    assert_eq!(names(&scene.bob), before);

    // The same hand with the PSK comes in: what was refused was the missing PSK and nothing else.
    let mut nadia = Outsider::connect(&scene.server.url, &scene.link, "Nadia", true)?;
    assert!(nadia.has_psk());
    nadia.append(|joiner| Ok(joiner.join()?.1))?;
    for member in [&mut scene.alice, &mut scene.bob] {
        member.until_sees("Nadia")?;
    }
    Ok(())
}

against_every_client!(whoever_comes_later_sees_as_well_that_the_psk_was_a_wrong_one);

fn whoever_comes_later_sees_as_well_that_the_psk_was_a_wrong_one(client: Client) -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let operator = HostileDelivery::start(&server, &link)?;
    let mut alice = ObservedClient::watch(Client::Native, &operator.link(&link)?, "Alice", "")?;
    // The operator helps: members would append a snapshot behind the commit, from which newcomers start.
    operator.lie(Lie::Drop { class: Class::Snapshot, acknowledged: true });
    let mut mallory = Outsider::connect(&server.url, &link, "Mallory", false)?;
    assert!(!mallory.has_psk());
    mallory.append(|joiner| Ok(joiner.join()?.1))?;
    alice.until_told("commitRefused")?;
    let mut nadia = ObservedClient::watch(client, &link, "Nadia", "commit_without_psk")?;
    nadia.until("sees who is inside", |seen| (seen.members.len() > 1).then_some(()))?;
    assert!(!nadia.observed.members.contains_key("Mallory"), "she came in without the PSK: {:?}", nadia.observed.members);
    alice.until_sees("Nadia")?;
    operator.lie(Lie::Nothing);
    alice.say("welcome")?;
    nadia.until_reads("welcome")
}
