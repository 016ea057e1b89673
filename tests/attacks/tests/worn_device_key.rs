//! Somebody who met Bob elsewhere shows his device key to Alice, who verified him: docs/security/worn_device_key.md.

use conclave_kit::{Identity, Outsider, Server, create, verify_each_other};
use conclave_mls::hostile;
use conclave_protocol::payload::App;

#[test]
fn a_proof_of_a_device_key_is_good_for_no_other_leaf_and_no_other_meeting() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (alices, bobs) = (Identity::new()?, Identity::new()?);
    verify_each_other(&server, ("Alice", &alices), ("Bob", &bobs))?;

    // Mallory is a true member of a meeting with Bob, and reads there by what he is known again.
    let elsewhere = create(&server.url, None)?;
    let mut bob = bobs.join(&elsewhere, "Bob")?;
    let bobs_id = bob.until_sees("Bob")?.parse()?;
    let mut mallory = Outsider::connect(&server.url, &elsewhere, "Mallory", true)?;
    let group = mallory.enter()?;
    let proof = hostile::device_proof(&group, &bobs_id).expect("Bob shows his device key");

    let link = create(&server.url, None)?;
    let mut alice = alices.join(&link, "Alice")?;
    let mut thief = Outsider::connect(&server.url, &link, "Bob", true)?;
    thief.append(|joiner| Ok(hostile::join_wearing(joiner, proof.clone())))?;
    alice.until_told("commitRefused")?;
    assert!(!alice.observed.ever.contains("Bob"), "{:?}", alice.observed.ever);

    // Inside, by honest means, it can take on no proof that it has not made. In the log everything has its place: the line is read after it.
    let mut inside = Outsider::connect(&server.url, &link, "Mallory", true)?;
    inside.become_member()?;
    alice.until_sees("Mallory")?;
    inside.append_as_member(|group| Ok(hostile::wear(group, "Mallory", proof.clone())))?;
    let word = App::Chat { id: 1, text: conclave_base::Redacted::new("after it".to_owned()) };
    inside.append_as_member(|group| Ok(group.application(&word)?))?;
    alice.until_reads("after it")?;
    // That a change broke the rules is told once in ten seconds.
    assert_eq!(alice.observed.recognitions["Mallory"], "guest");

    // Bob himself is known at once, in this meeting as in any other.
    let _bob = bobs.join(&link, "Bob")?;
    alice.until("knows Bob again", |seen| (seen.recognitions.get("Bob")? == "verified").then_some(()))?;
    Ok(())
}
