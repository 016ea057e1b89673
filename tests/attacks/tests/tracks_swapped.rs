//! The operator shows two members' tracks under each other's names: docs/security/tracks_swapped.md.

use attacks::relay::{put_track, take_track};
use attacks::{Relay, Watched};
use harness::{Server, create};
use signal::proto::TrackSource;

/// Three members: what Carol is told of the others passes the relay.
struct Room {
    _server: Server,
    relay: Relay,
    _others: [Watched; 2],
    carol: Watched,
    alice: String,
    bob: String,
}

fn room() -> anyhow::Result<Room> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let relay = Relay::start(server.port)?;
    let others = [Watched::join(&link, "Alice", &[])?, Watched::join(&link, "Bob", &[])?];
    let mut carol = Watched::join(&relay.link(&link)?, "Carol", &["--no-video", "--no-audio"])?;
    carol.until("sees both", |seen| (seen.members.contains_key("Alice") && seen.members.contains_key("Bob")).then_some(()))?;
    let (alice, bob) = (carol.seen.identity("Alice").to_owned(), carol.seen.identity("Bob").to_owned());
    for who in [&alice, &bob] {
        carol.until_played(who, "camera")?;
        carol.until_played(who, "microphone")?;
    }
    Ok(Room { _server: server, relay, _others: others, carol, alice, bob })
}

#[test]
fn tracks_under_each_others_names_are_not_played() -> anyhow::Result<()> {
    let Room { relay, mut carol, alice, bob, _server, _others } = room()?;
    let (a, b) = (alice.clone(), bob.clone());
    relay.lie(move |room| {
        for source in [TrackSource::Camera, TrackSource::Microphone] {
            if let (Some(of_a), Some(of_b)) = (take_track(room, &a, source), take_track(room, &b, source)) {
                put_track(room, &a, of_b);
                put_track(room, &b, of_a);
            }
        }
    });
    for (who, name) in [(&alice, "Alice"), (&bob, "Bob")] {
        for source in ["camera", "microphone"] {
            carol.plays_nothing(who, source)?;
            carol.until_refused(name, source, &["notTheirs"])?;
        }
    }
    relay.lie(|_| {});
    carol.until_played(&alice, "camera")?;
    carol.until_played(&bob, "microphone")
}

#[test]
fn two_tracks_of_one_member_are_not_played_as_each_other() -> anyhow::Result<()> {
    let Room { relay, mut carol, alice, bob, _server, _others } = room()?;
    // Alice's camera is called her shared screen.
    let a = alice.clone();
    relay.lie(move |room| {
        if let Some(mut track) = take_track(room, &a, TrackSource::Camera) {
            track.source = TrackSource::ScreenShare.into();
            put_track(room, &a, track);
        }
    });
    carol.plays_nothing(&alice, "screen")?;
    carol.until_refused("Alice", "screen", &["notTheirs"])?;
    assert_eq!(carol.seen.played(&alice, "screen"), 0);
    carol.until_played(&bob, "camera")
}
