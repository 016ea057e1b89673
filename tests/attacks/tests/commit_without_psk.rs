//! Somebody who can write into the log but lacks the PSK commits itself into the group: docs/security/commit_without_psk.md.

use conclave_base::MeetingId;
use conclave_kit::{Client, ObservedClient, Outsider, Scene, against_every_client};
use conclave_mls::hostile;

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
