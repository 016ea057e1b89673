//! The operator puts unsealed video under a member's name: docs/security/plaintext_frame.md.

use attacks::relay::{put_track, take_track};
use attacks::{Relay, Stranger, Watched};
use harness::{Server, create};
use signal::proto::TrackSource;

#[test]
fn unsealed_video_under_a_members_name_is_not_played() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let relay = Relay::start(server.port)?;
    let _alice = Watched::join(&link, "Alice", &[])?;
    let mut bob = Watched::join(&relay.link(&link)?, "Bob", &[])?;
    bob.until("sees Alice", |seen| seen.members.contains_key("Alice").then_some(()))?;
    let victim = bob.seen.identity("Alice").to_owned();

    // Without the attack, the same place on the screen plays.
    bob.until_played(&victim, "camera")?;
    assert!(bob.seen.notices.iter().all(|n| n["kind"] != "mediaRefused"), "{:?}", bob.seen.notices);

    let stranger = Stranger::connect(&server, &link, "mallory")?;
    stranger.play_plain()?;
    let alice = victim.clone();
    relay.lie(move |room| {
        take_track(room, &alice, TrackSource::Camera);
        if let Some(track) = take_track(room, "mallory", TrackSource::Camera) {
            put_track(room, &alice, track);
        }
        room.retain(|p| p.identity != "mallory");
    });

    // Which word it is depends on what the unsealed bytes look like where a seal would begin.
    bob.plays_nothing(&victim, "camera")?;
    bob.until_refused("Alice", "camera", &["unsealed", "notTheirs", "altered", "noKey"])?;
    bob.until("shows on the lock that something was refused", |seen| seen.locks.iter().any(|l| l == "attacked").then_some(()))?;

    // Only the false track is refused; and once the operator is honest, the camera is back.
    bob.until_played(&victim, "microphone")?;
    relay.lie(|_| {});
    bob.until_played(&victim, "camera")
}
