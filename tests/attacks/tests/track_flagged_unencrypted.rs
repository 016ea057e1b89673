//! The operator calls every track unencrypted: docs/security/track_flagged_unencrypted.md.

use attacks::relay::{put_track, take_track};
use attacks::{Relay, Stranger, Watched};
use harness::{Server, create};
use signal::proto::{ParticipantInfo, TrackSource, encryption};

fn flag(room: &mut [ParticipantInfo]) {
    for track in room.iter_mut().flat_map(|p| &mut p.tracks) {
        track.encryption = encryption::Type::None.into();
    }
}

#[test]
fn the_servers_word_on_encryption_switches_nothing_off() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let relay = Relay::start(server.port)?;
    relay.lie(|room| flag(room));
    let _alice = Watched::join(&link, "Alice", &[])?;
    let mut bob = Watched::join(&relay.link(&link)?, "Bob", &[])?;
    bob.until("sees Alice", |seen| seen.members.contains_key("Alice").then_some(()))?;
    let victim = bob.seen.identity("Alice").to_owned();

    // Sealed frames of a track that is called unencrypted are opened as ever: a client that believed the flag would show noise.
    bob.until_played(&victim, "camera")?;
    bob.until_played(&victim, "microphone")?;
    let said = relay.room();
    let tracks = said.iter().flat_map(|p| &p.tracks);
    assert!(tracks.clone().count() >= 2 && tracks.clone().all(|t| t.encryption != i32::from(encryption::Type::None)), "{said:?}");

    // Plaintext that truly is what the flag says.
    let stranger = Stranger::connect(&server, &link, "mallory")?;
    stranger.play_plain()?;
    let alice = victim.clone();
    relay.lie(move |room| {
        take_track(room, &alice, TrackSource::Camera);
        if let Some(track) = take_track(room, "mallory", TrackSource::Camera) {
            put_track(room, &alice, track);
        }
        room.retain(|p| p.identity != "mallory");
        flag(room);
    });
    bob.plays_nothing(&victim, "camera")?;
    bob.until_refused("Alice", "camera", &["unsealed", "notTheirs", "altered", "noKey"])?;

    // Sealed media goes on, flag or no flag.
    bob.until_played(&victim, "microphone")
}
