//! The operator puts unsealed media under a member's name: docs/security/plaintext_frame.md.

use conclave_kit::relay::{hide, replace_track};
use conclave_kit::{Client, Scene, against_every_client};
use conclave_livekit_proto::proto::TrackSource;

against_every_client!(unsealed_media_under_a_members_name_is_not_played);

fn unsealed_media_under_a_members_name_is_not_played(client: Client) -> anyhow::Result<()> {
    let mut scene = Scene::open(client, "plaintext_frame")?;
    let alice = scene.alices.clone();

    // Without the attack, the same places play.
    scene.bob.until_played(&alice, "camera")?;
    scene.bob.until_played(&alice, "microphone")?;
    assert!(!scene.bob.observed.was_alarmed(), "{:?}", scene.bob.observed);

    let ghost = scene.ghost("mallory")?;
    ghost.play_unsealed()?;
    let places = [(TrackSource::Camera, "camera", "microphone"), (TrackSource::Microphone, "microphone", "camera")];
    for (source, attacked, other) in places {
        let owner = alice.clone();
        scene.relay.lie(move |room| {
            replace_track(room, &owner, "mallory", source);
            hide(room, "mallory");
        });
        // Which word it is depends on what the unsealed bytes look like where a seal would begin.
        scene.bob.plays_nothing(&[(&alice, attacked)])?;
        scene.bob.until_refused("Alice", attacked, &["notSFrame", "wrongSender", "authenticationFailed", "noKey"])?;

        // Only the false track is refused; and once the operator is honest, the true one is back.
        scene.bob.until_played(&alice, other)?;
        scene.relay.lie(|room| hide(room, "mallory"));
        scene.bob.until_played(&alice, attacked)?;
    }
    assert!(!scene.bob.observed.was_fooled(), "{:?}", scene.bob.observed);
    Ok(())
}
