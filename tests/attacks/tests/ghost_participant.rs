//! The operator connects a participant to the media server who is in no group: docs/security/ghost_participant.md.

use std::collections::BTreeSet;

use attacks::{Cue, Relay, Stranger, Watched};
use harness::{Server, create};
use peer::{Command, Event, Source};

#[test]
fn a_participant_without_a_leaf_is_told_of_and_never_played() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    // An honest relay: it only writes down what Bob asks the media server for.
    let relay = Relay::start(server.port)?;
    let _alice = Watched::join(&link, "Alice", &[])?;
    let mut bob = Watched::join(&relay.link(&link)?, "Bob", &[])?;
    bob.until("sees Alice", |seen| seen.members.contains_key("Alice").then_some(()))?;
    let alice = bob.seen.identity("Alice").to_owned();
    bob.until_played(&alice, "camera")?;
    assert!(bob.seen.notices.iter().all(|n| n["kind"] != "ghost"), "{:?}", bob.seen.notices);
    assert!(relay.room().iter().flat_map(|p| &p.tracks).any(|t| relay.was_asked_for(&t.sid)), "the relay hears what is asked for");

    let ghost = Stranger::connect(&server, &link, "mallory")?;
    ghost.play_plain()?;
    // The server does send it to whoever asks: a second stranger, who plays everything.
    let naive = Stranger::connect(&server, &link, "naive")?;
    naive.play(|stage, cue| match cue {
        Cue::Event(Event::Frame { identity, .. }) if identity == "mallory" => stage.report("played the ghost"),
        Cue::Beat => {
            stage.command(Command::Allow(BTreeSet::from(["mallory".to_owned()])));
            stage.command(Command::NeedKeyFrame { identity: "mallory".to_owned(), source: Source::Camera });
        }
        Cue::Event(_) => {}
    })?;
    naive.until("played the ghost")?;

    bob.until_notice("ghost")?;
    bob.until_played(&alice, "camera")?;
    let room = relay.room();
    let tracks: Vec<_> = room.iter().filter(|p| p.identity == ghost.identity).flat_map(|p| &p.tracks).collect();
    assert!(!tracks.is_empty(), "the server told of the ghost's track: {room:?}");
    for track in tracks {
        assert!(!relay.was_asked_for(&track.sid), "the ghost's track was subscribed to");
    }
    assert!(bob.seen.reports(&ghost.identity, "camera").is_empty(), "frames of the ghost came in");
    assert_eq!(bob.seen.members.len(), 2, "{:?}", bob.seen.members);
    Ok(())
}
