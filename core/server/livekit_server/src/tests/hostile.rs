//! Clients that do not keep to the protocol.

use conclave_base::Machine as _;
use conclave_livekit_proto::proto::leave_request::Action;
use conclave_livekit_proto::proto::request_response::Reason;
use conclave_livekit_proto::proto::signal_request::Message as Request;
use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{ClientInfo, DisconnectReason, JoinRequest, MuteTrackRequest, SessionDescription, TrickleRequest};
use conclave_livekit_proto::{Access, Grants};

use super::world::{Seen, World, description, first_offer, join_request, microphone, sending};
use crate::{CloseReason, Conn, Input, InputError, Limits};

#[test]
fn garbage_is_counted_and_ends_the_connection() {
    let mut world = World::new();
    let ann = world.join("ann");
    world.look();
    world.input(Input::Signal { conn: ann, bytes: &[0xff; 40] });
    assert_eq!(world.look(), [Seen::Closed(ann, CloseReason::Malformed)]);
    assert_eq!(world.livekit.counters().malformed, 1);
    let after = world.livekit.handle(Input::Signal { conn: ann, bytes: &[] }, world.now);
    assert_eq!(after, Err(InputError::UnknownConnection));
}

#[test]
fn a_message_from_the_future_is_skipped() {
    let mut world = World::new();
    let ann = world.join("ann");
    world.look();
    world.input(Input::Signal { conn: ann, bytes: &[0xa0, 0x38, 0x01] });
    assert_eq!((world.look(), world.livekit.counters().unknown), (vec![], 1));
}

#[test]
fn a_flood_ends_the_connection() {
    let mut world = World::with(Limits { message_burst: 5, ..Limits::default() });
    let ann = world.join("ann");
    world.look();
    for _ in 0..6 {
        world.send(ann, Request::Ping(1));
    }
    assert_eq!(world.look().last(), Some(&Seen::Closed(ann, CloseReason::TooMany)));
    assert_eq!(world.livekit.counters().limited, 1);
}

#[test]
fn connections_without_a_good_token_or_request_are_refused() {
    let mut world = World::new();
    let good = world.token(&World::access("ann"));
    assert_eq!(world.verify("").map(|_| ()), Err((401, "no token")));
    let join = Box::new(world.verify(&format!("access_token={good}&join_request=%21")).expect("a good token"));
    world.input(Input::SignalOpened { conn: Conn(100), join });
    assert_eq!(world.look(), [Seen::Closed(Conn(100), CloseReason::Refused)]);
    assert_eq!(world.verify(&format!("access_token={good}&join_request=%")).map(|_| ()), Err((400, "malformed query")));
    assert_eq!(world.livekit.counters().refused, 1);
}

#[test]
fn a_client_with_more_capabilities_than_there_are_makes_no_news_large() {
    let mut world = World::new();
    let ben = world.join("ben");
    let client_info = Some(ClientInfo { capabilities: vec![1; 40_000], ..Default::default() });
    let ann = world.join_as(&World::access("ann"), &JoinRequest { client_info, ..join_request() });
    world.look();
    for muted in [true, false].repeat(25) {
        let sid = world.publish_once(ann);
        world.send(ann, Request::Mute(MuteTrackRequest { sid, muted }));
    }
    let told = world.messages(ben);
    assert!(told.len() >= 50, "{} messages", told.len());
    let bytes: usize = told.into_iter().map(|message| conclave_livekit_proto::frame::encode_response(message).len()).sum();
    assert!(bytes < 50 * 1024, "{bytes} bytes");
}

#[test]
fn an_offer_without_an_answer_ends_the_participation() {
    let mut world = World::new();
    let request = JoinRequest { publisher_offer: Some(description(1, "a=bad")), ..join_request() };
    let ann = world.join_as(&World::access("ann"), &request);
    let told = super::super::join::leave(Action::Disconnect, DisconnectReason::MediaFailure);
    assert!(world.look().contains(&Seen::Message(ann, told)));
    assert_eq!(world.livekit.participants(), 0);
}

#[test]
fn one_may_publish_only_what_the_token_grants_and_so_much() {
    let mut world = World::with(Limits { tracks: 1, ..Limits::default() });
    let grants = Grants { can_publish_sources: vec!["camera".into()], ..Grants::member("room".into()) };
    let ann = world.join_as(&Access { grants, ..World::access("ann") }, &join_request());
    let ben = world.join("ben");
    let mut reason = |conn, cid: &str| {
        world.look();
        world.send(conn, Request::AddTrack(microphone(cid)));
        world.messages(conn).first().map(|m| if let Message::RequestResponse(r) = m { r.reason() } else { Reason::Ok })
    };
    assert_eq!(reason(ann, "mic"), Some(Reason::NotAllowed));
    assert_eq!(reason(ben, "mic"), Some(Reason::Ok));
    assert_eq!(reason(ben, "mic2"), Some(Reason::LimitExceeded));
    // Not announced, so not sent, whatever the offer says.
    world.send(ann, Request::Offer(description(2, first_offer() + &sending("9", "audio", "mic"))));
    let cid = world.join("cid");
    let answers = world.messages(cid);
    assert!(answers.iter().all(|m| !matches!(m, Message::Answer(a) if !a.mid_to_track_id.is_empty())));
}

/// Every prefix and many one-byte changes of real messages: nothing panics.
#[test]
fn damaged_messages_do_no_damage() {
    let mut world = World::with(Limits { messages_per_second: u32::MAX, message_burst: u32::MAX, ..Limits::default() });
    let offer = SessionDescription { sdp: first_offer() + &sending("9", "audio", "mic"), ..description(7, "") };
    let candidate_init = r#"{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0"}"#.to_owned();
    let messages = [
        Request::AddTrack(microphone("mic")),
        Request::Offer(offer),
        Request::Trickle(TrickleRequest { candidate_init, ..Default::default() }),
    ];
    let mut conn = world.join("ann");
    for message in messages {
        let whole = conclave_livekit_proto::frame::encode_request(message);
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            for bytes in [&whole[..at], &changed] {
                if !world.livekit.conns.contains_key(&conn) {
                    conn = world.join("ann");
                }
                world.input(Input::Signal { conn, bytes });
            }
        }
        world.look();
    }
    assert!(world.livekit.counters().malformed > 0);
}
