//! The operator shows two members' tracks under each other's names: docs/security/tracks_swapped.md.

use conclave_kit::relay::{put_track, take_track};
use conclave_kit::{Client, ObservedClient, Scene, against_every_client};
use conclave_livekit_proto::proto::TrackSource;

against_every_client!(tracks_under_other_names_are_not_played);

fn tracks_under_other_names_are_not_played(client: Client) -> anyhow::Result<()> {
    let mut scene = Scene::open(client, "tracks_swapped")?;
    let _carol = ObservedClient::join(&scene.link, "Carol", &["--picture-hue", "120", "--tone", "880"])?;
    let (alice, carol) = (scene.alices.clone(), scene.bob.until_sees("Carol")?);
    let everything =
        [(&alice, "Alice", "camera"), (&alice, "Alice", "microphone"), (&carol, "Carol", "camera"), (&carol, "Carol", "microphone")];
    for (who, _, source) in everything {
        scene.bob.until_played(who, source)?;
    }
    assert!(!scene.bob.observed.was_alarmed(), "{:?}", scene.bob.observed);

    let (a, c) = (alice.clone(), carol.clone());
    scene.relay.lie(move |room| {
        for source in [TrackSource::Camera, TrackSource::Microphone] {
            if let (Some(of_a), Some(of_c)) = (take_track(room, &a, source), take_track(room, &c, source)) {
                put_track(room, &a, of_c);
                put_track(room, &c, of_a);
            }
        }
    });
    scene.bob.plays_nothing(&everything.map(|(who, _, source)| (who.as_str(), source)))?;
    for (_, name, source) in everything {
        scene.bob.until_refused(name, source, &["wrongSender"])?;
    }
    scene.relay.lie(|_| {});
    for (who, _, source) in everything {
        scene.bob.until_played(who, source)?;
    }

    // Two tracks of one member are not played as each other: Alice's camera is called her shared screen.
    let a = alice.clone();
    scene.relay.lie(move |room| {
        if let Some(mut track) = take_track(room, &a, TrackSource::Camera) {
            track.source = TrackSource::ScreenShare.into();
            put_track(room, &a, track);
        }
    });
    scene.bob.plays_nothing(&[(&alice, "screen")])?;
    scene.bob.until_refused("Alice", "screen", &["wrongSender"])?;
    assert_eq!(scene.bob.observed.played(&alice, "screen"), 0);
    scene.bob.until_played(&carol, "camera")?;
    scene.relay.lie(|_| {});
    scene.bob.until_played(&alice, "camera")
}
