//! The operator records a member's sealed frames and sends them again: docs/security/replayed_frame.md.

use std::collections::BTreeSet;

use attacks::plain::TICKS;
use attacks::relay::{put_track, take_track};
use attacks::{Cue, Relay, Stranger, Watched};
use harness::{Server, create};
use peer::{Command, Event, Source};
use signal::proto::{ParticipantInfo, TrackSource};

/// Frames that are recorded before they are sent again.
const RECORDED: usize = 60;

#[test]
fn what_was_played_once_is_not_played_again() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let relay = Relay::start(server.port)?;
    let _alice = Watched::join(&link, "Alice", &[])?;
    // Alice's camera reaches Bob only through the stranger.
    relay.lie(|room| {
        if let Some(stranger) = take_track(room, "mallory", TrackSource::Camera) {
            let has_camera = |p: &&ParticipantInfo| p.tracks.iter().any(|t| t.source == i32::from(TrackSource::Camera));
            let victim = room.iter().find(has_camera).map(|p| p.identity.clone()).unwrap_or_default();
            take_track(room, &victim, TrackSource::Camera);
            put_track(room, &victim, stranger);
        } else {
            for participant in room.iter_mut() {
                participant.tracks.retain(|t| t.source != i32::from(TrackSource::Camera));
            }
        }
        room.retain(|p| p.identity != "mallory");
    });
    let mut bob = Watched::join(&relay.link(&link)?, "Bob", &["--no-video", "--no-audio"])?;
    bob.until("sees Alice", |seen| seen.members.contains_key("Alice").then_some(()))?;
    let victim = bob.seen.identity("Alice").to_owned();
    bob.until_played(&victim, "microphone")?;
    assert_eq!(bob.seen.played(&victim, "camera"), 0);

    let stranger = Stranger::connect(&server, &link, "mallory")?;
    let alice = victim.clone();
    let mut recorded: Vec<Vec<u8>> = Vec::new();
    let mut beats = 0;
    let (mut wanted, mut time, mut next) = (true, 0, 0);
    let (begin, begun) = std::sync::mpsc::channel();
    let mut replaying = false;
    stranger.play(move |stage, cue| match cue {
        // First each frame is passed on as it comes, and kept.
        Cue::Event(Event::Frame { source: Source::Camera, bytes, .. }) if !replaying => {
            time += TICKS;
            stage.send(Source::Camera, time, &bytes);
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
                    stage.send(Source::Camera, time, frame);
                    next += 1;
                }
            } else if beats % 8 == 0 {
                stage.command(Command::Allow(BTreeSet::from([alice.clone()])));
                if std::mem::take(&mut wanted) {
                    stage.command(Command::NeedKeyFrame { identity: alice.clone(), source: Source::Camera });
                }
                if recorded.len() >= RECORDED {
                    stage.report("recorded");
                }
            }
        }
    })?;

    // The same bytes on the same way, the first time: they are what Alice sealed, so they play, whoever carried them.
    bob.until_played(&victim, "camera")?;
    stranger.until("recorded")?;
    bob.until_played(&victim, "camera")?;

    begin.send(())?;
    let reports = bob.plays_nothing(&victim, "camera")?;
    assert!(reports.iter().all(|r| r.why.contains_key("replayed")), "{reports:#?}");
    bob.until_refused("Alice", "camera", &["replayed"])?;
    bob.until_played(&victim, "microphone")
}
