//! The operator records a member's sealed frames and sends them again: docs/security/replayed_frame.md.

use std::collections::BTreeSet;

use conclave_base::Source;
use conclave_kit::relay::{hide, replace_track, take_track};
use conclave_kit::rogue_sender::TICKS;
use conclave_kit::{Client, Cue, Scene, against_every_client};
use conclave_livekit_client::{Command, Event};
use conclave_livekit_proto::proto::{ParticipantInfo, TrackSource};

/// Frames that are recorded before they are sent again.
const RECORDED: usize = 60;

/// Alice's camera reaches Bob only through the ghost.
fn detour(room: &mut Vec<ParticipantInfo>) {
    let camera = |p: &&ParticipantInfo| p.identity != "mallory" && p.tracks.iter().any(|t| t.source == i32::from(TrackSource::Camera));
    let alice = room.iter().find(camera).map(|p| p.identity.clone()).unwrap_or_default();
    if !replace_track(room, &alice, "mallory", TrackSource::Camera) {
        take_track(room, &alice, TrackSource::Camera);
    }
    hide(room, "mallory");
}

against_every_client!(what_was_played_once_is_not_played_again);

fn what_was_played_once_is_not_played_again(client: Client) -> anyhow::Result<()> {
    let mut scene = Scene::open_with(client, "replayed_frame", detour)?;
    let victim = scene.alices.clone();
    scene.bob.until_played(&victim, "microphone")?;
    assert_eq!(scene.bob.observed.played(&victim, "camera"), 0);

    let ghost = scene.ghost("mallory")?;
    let alice = victim.clone();
    let mut recorded: Vec<Vec<u8>> = Vec::new();
    let mut beats = 0;
    let (mut wanted, mut time, mut next) = (true, 0, 0);
    let (begin, begun) = std::sync::mpsc::channel();
    let mut replaying = false;
    ghost.play(move |handle, cue| match cue {
        // First each frame is passed on as it comes, and kept.
        Cue::Event(Event::Frame { source: Source::Camera, bytes, .. }) if !replaying => {
            time += TICKS;
            handle.send(Source::Camera, time, &bytes);
            recorded.push(bytes.to_vec());
        }
        Cue::Event(Event::KeyFrameRequested { .. }) => wanted = true,
        Cue::Event(_) => {}
        Cue::Beat => {
            beats += 1;
            replaying = replaying || begun.try_recv().is_ok();
            if replaying {
                // Then the same bytes, from the last key frame that was recorded on, again and again.
                let from = recorded.iter().rposition(|f| f.first().is_some_and(|b| b & 1 == 0)).unwrap_or(0);
                let again = &recorded[from.min(recorded.len().saturating_sub(RECORDED / 2))..];
                if let Some(frame) = again.get(next % again.len().max(1)) {
                    time += TICKS;
                    handle.send(Source::Camera, time, frame);
                    next += 1;
                }
            } else if beats % 8 == 0 {
                handle.command(Command::SetSubscribed(BTreeSet::from([alice.clone()])));
                if std::mem::take(&mut wanted) {
                    handle.command(Command::RequestKeyFrame { identity: alice.clone(), source: Source::Camera });
                }
                if recorded.len() >= RECORDED {
                    handle.report("recorded");
                }
            }
        }
    })?;

    // The same bytes on the same way, the first time: they are what Alice sealed, so they play, whoever carried them.
    scene.bob.until_played(&victim, "camera")?;
    ghost.until("recorded")?;
    scene.bob.until_played(&victim, "camera")?;
    assert!(!scene.bob.observed.was_alarmed(), "{:?}", scene.bob.observed);

    begin.send(())?;
    let reports = scene.bob.plays_nothing(&[(&victim, "camera")])?;
    assert!(client == Client::Browser || reports.iter().all(|r| r.why.contains_key("replayed")), "{reports:#?}");
    scene.bob.until_refused("Alice", "camera", &["replayed"])?;
    scene.bob.until_played(&victim, "microphone")?;

    scene.relay.lie(|room| hide(room, "mallory"));
    scene.bob.until_played(&victim, "camera")
}
