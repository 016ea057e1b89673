//! The operator connects a participant to the media server who is in no group: docs/security/ghost_participant.md.

use std::collections::BTreeSet;

use conclave_base::Source;
use conclave_kit::{Client, Cue, Scene, against_every_client};
use conclave_livekit_client::{Command, Event};

against_every_client!(a_participant_without_a_leaf_is_told_of_and_never_played);

fn a_participant_without_a_leaf_is_told_of_and_never_played(client: Client) -> anyhow::Result<()> {
    // An honest relay: it only writes down what Bob asks the media server for.
    let mut scene = Scene::open(client, "ghost_participant")?;
    let alice = scene.alices.clone();
    scene.bob.until_played(&alice, "camera")?;
    assert!(!scene.bob.observed.was_alarmed(), "{:?}", scene.bob.observed);
    let asked_for = |sid: &str| scene.relay.was_asked_for(sid);
    assert!(scene.relay.room().iter().flat_map(|p| &p.tracks).any(|t| asked_for(&t.sid)), "the relay hears what is asked for");

    let ghost = scene.ghost("mallory")?;
    ghost.play_unsealed()?;
    // The server does send it to whoever asks: a second ghost, which plays everything.
    let naive = scene.ghost("naive")?;
    naive.play(|handle, cue| match cue {
        Cue::Event(Event::Frame { identity, .. }) if identity == "mallory" => handle.report("played the ghost"),
        Cue::Beat => {
            handle.command(Command::SetSubscribed(BTreeSet::from(["mallory".to_owned()])));
            handle.command(Command::RequestKeyFrame { identity: "mallory".to_owned(), source: Source::Camera });
        }
        Cue::Event(_) => {}
    })?;
    naive.until("played the ghost")?;

    scene.bob.until_told("ghost")?;
    scene.bob.until_played(&alice, "camera")?;
    let room = scene.relay.room();
    let tracks: Vec<_> = room.iter().filter(|p| p.identity == ghost.identity).flat_map(|p| &p.tracks).collect();
    assert!(!tracks.is_empty(), "the server told of the ghost's tracks: {room:?}");
    for track in tracks {
        assert!(!scene.relay.was_asked_for(&track.sid), "the ghost's track was subscribed to");
    }
    let seen = &scene.bob.observed;
    assert!(["camera", "microphone"].iter().all(|source| seen.reports(&ghost.identity, source).is_empty()), "frames of the ghost came in");
    assert!(!seen.was_fooled(), "{seen:?}");
    assert_eq!(seen.members.len(), 2, "{:?}", seen.members);
    Ok(())
}
