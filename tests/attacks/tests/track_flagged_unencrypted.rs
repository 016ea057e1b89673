//! The operator calls every track unencrypted: docs/security/track_flagged_unencrypted.md.

use conclave_kit::relay::{hide, replace_track};
use conclave_kit::{Client, Scene, against_every_client};
use conclave_livekit_proto::proto::{ParticipantInfo, TrackSource, encryption};

fn flag(room: &mut [ParticipantInfo]) {
    for track in room.iter_mut().flat_map(|p| &mut p.tracks) {
        track.encryption = encryption::Type::None.into();
    }
}

against_every_client!(the_servers_word_on_encryption_switches_nothing_off);

fn the_servers_word_on_encryption_switches_nothing_off(client: Client) -> anyhow::Result<()> {
    let mut scene = Scene::open_with(client, "track_flagged_unencrypted", |room| flag(room))?;
    let alice = scene.alices.clone();

    // Sealed frames of a track that is called unencrypted are opened as ever: a client that believed the flag would show noise.
    scene.bob.until_played(&alice, "camera")?;
    scene.bob.until_played(&alice, "microphone")?;
    let said = scene.relay.room();
    let tracks = said.iter().flat_map(|p| &p.tracks);
    assert!(tracks.clone().count() >= 2 && tracks.clone().all(|t| t.encryption != i32::from(encryption::Type::None)), "{said:?}");
    assert!(!scene.bob.observed.was_alarmed(), "{:?}", scene.bob.observed);

    // Plaintext that truly is what the flag says.
    let ghost = scene.ghost("mallory")?;
    ghost.play_unsealed()?;
    let owner = alice.clone();
    scene.relay.lie(move |room| {
        for source in [TrackSource::Camera, TrackSource::Microphone] {
            replace_track(room, &owner, "mallory", source);
        }
        hide(room, "mallory");
        flag(room);
    });
    scene.bob.plays_nothing(&[(&alice, "camera"), (&alice, "microphone")])?;
    for source in ["camera", "microphone"] {
        scene.bob.until_refused("Alice", source, &["notSFrame", "wrongSender", "authenticationFailed", "noKey"])?;
    }

    // Sealed media is back, flag or no flag.
    scene.relay.lie(|room| {
        hide(room, "mallory");
        flag(room);
    });
    scene.bob.until_played(&alice, "camera")?;
    scene.bob.until_played(&alice, "microphone")?;
    assert!(!scene.bob.observed.was_fooled(), "{:?}", scene.bob.observed);
    Ok(())
}
