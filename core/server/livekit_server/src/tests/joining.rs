//! Joining, coming back, leaving.

use std::time::Duration;

use conclave_base::Redacted;
use conclave_livekit_proto::proto::leave_request::Action;
use conclave_livekit_proto::proto::participant_info::State;
use conclave_livekit_proto::proto::signal_request::Message as Request;
use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{DisconnectReason, JoinRequest, JoinResponse, LeaveRequest, Ping};
use conclave_livekit_proto::{Access, Grants};

use super::world::{Seen, World, join_request};
use crate::{CloseReason, Conn, Input, Limits, limits};

fn joined(messages: &[Message]) -> &JoinResponse {
    match messages.first() {
        Some(Message::Join(join)) => join,
        other => panic!("not a join response but {other:?}"),
    }
}

fn left(action: Action, reason: DisconnectReason) -> Message {
    super::super::join::leave(action, reason)
}

#[test]
fn the_first_message_says_all_that_a_client_needs() {
    let mut world = World::new();
    let ann = world.join("ann");
    let messages = world.messages(ann);
    let join = joined(&messages);
    assert!(!join.subscriber_primary && join.ice_servers.is_empty() && join.other_participants.is_empty());
    assert_eq!((join.ping_interval, join.ping_timeout), (5, 15));
    let info = join.server_info.as_ref().expect("server info");
    assert!(info.protocol == 17 && !info.version.is_empty());
    assert!(matches!(&messages[1], Message::Answer(answer) if answer.id == 1 && answer.sdp.contains("a=inactive")));
}

#[test]
fn each_learns_of_the_other() {
    let mut world = World::new();
    let ann = world.join("ann");
    world.look();
    let ben = world.join("ben");
    let seen = world.look();
    let to = |conn: Conn| seen.iter().filter_map(move |s| if let Seen::Message(c, m) = s { (*c == conn).then_some(m) } else { None });
    let Some(Message::Join(join)) = to(ben).next() else { panic!("no join response") };
    assert_eq!(join.other_participants[0].identity, "ann");
    let states: Vec<_> = to(ann)
        .filter_map(|m| if let Message::Update(u) = m { Some((u.participants[0].state(), u.participants[0].version)) } else { None })
        .collect();
    assert_eq!(states.first(), Some(&(State::Joining, 0)));
    assert_eq!(states.last().map(|s| s.0), Some(State::Active));
    assert!(states.is_sorted_by(|a, b| a.1 < b.1), "versions must rise: {states:?}");
}

#[test]
fn whoever_leaves_is_gone_at_once_and_the_room_with_the_last() {
    let mut world = World::new();
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.look();
    world.send(ben, Request::Leave(LeaveRequest::default()));
    let seen = world.look();
    assert!(seen.contains(&Seen::Closed(ben, CloseReason::Left)) && seen.contains(&Seen::Left("ben".into())));
    let gone =
        |s: &Seen| matches!(s, Seen::Message(c, Message::Update(u)) if *c == ann && u.participants[0].state() == State::Disconnected);
    assert!(seen.iter().any(gone));
    world.send(ann, Request::Leave(LeaveRequest::default()));
    assert!(world.livekit.rooms.is_empty() && world.livekit.room_names.is_empty() && world.livekit.participants() == 0);
}

#[test]
fn the_same_identity_again_puts_the_first_out() {
    let mut world = World::new();
    let first = world.join("ann");
    world.look();
    world.join("ann");
    let seen = world.look();
    let told = left(Action::Disconnect, DisconnectReason::DuplicateIdentity);
    assert_eq!(seen[0], Seen::Message(first, told));
    assert_eq!(seen[1], Seen::Closed(first, CloseReason::Left));
    assert_eq!(seen[2..4], [Seen::Left("ann".into()), Seen::Joined("ann".into())]);
    assert_eq!(world.livekit.participants(), 1);
}

fn back(sid: &str) -> JoinRequest {
    JoinRequest { reconnect: true, participant_sid: sid.into(), ..JoinRequest::default() }
}

#[test]
fn who_comes_back_in_time_is_told_what_happened() {
    let mut world = World::new();
    let ann = world.join("ann");
    let sid = joined(&world.messages(ann)).participant.clone().expect("self").sid;
    let ben = world.join("ben");
    world.input(Input::SignalClosed { conn: ann });
    world.send(ben, Request::Leave(LeaveRequest::default()));
    world.join("cid");
    world.wait(limits::RESUME_WINDOW / 2);
    world.look();
    let ann = world.join_as(&World::access("ann"), &back(&sid));
    let messages = world.messages(ann);
    assert!(matches!(messages[0], Message::Reconnect(_)), "{:?}", messages[0]);
    let Message::Update(update) = &messages[1] else { panic!("no update") };
    let seen: Vec<_> = update.participants.iter().map(|p| (&*p.identity, p.state())).collect();
    assert_eq!(seen, [("ben", State::Disconnected), ("cid", State::Active), ("ann", State::Active)]);
}

#[test]
fn who_comes_back_to_nothing_starts_anew() {
    let mut world = World::new();
    let ann = world.join("ann");
    let sid = joined(&world.messages(ann)).participant.clone().expect("self").sid;
    world.input(Input::SignalClosed { conn: ann });
    world.wait(limits::RESUME_WINDOW + Duration::from_secs(1));
    assert!(world.look().contains(&Seen::Left("ann".into())));
    let ann = world.join_as(&World::access("ann"), &back(&sid));
    assert_eq!(world.messages(ann), [left(Action::Reconnect, DisconnectReason::StateMismatch)]);
}

#[test]
fn nobody_comes_back_to_what_is_somebody_elses_or_over() {
    let mut world = World::new();
    let ann = world.join("ann");
    let sid = joined(&world.messages(ann)).participant.clone().expect("self").sid;
    for (identity, sid) in [("eve", &*sid), ("ann", "PA_before")] {
        let conn = world.join_as(&World::access(identity), &back(sid));
        assert_eq!(world.messages(conn), [left(Action::Reconnect, DisconnectReason::StateMismatch)]);
    }
}

#[test]
fn an_expelled_one_is_told_and_gone() {
    let mut world = World::new();
    let ann = world.join("ann");
    world.look();
    world.input(Input::Expel { room: Redacted::new("room".into()), identity: Redacted::new("ann".into()) });
    let told = left(Action::Disconnect, DisconnectReason::ParticipantRemoved);
    assert_eq!(world.look()[..3], [Seen::Message(ann, told), Seen::Closed(ann, CloseReason::Left), Seen::Left("ann".into())]);
}

#[test]
fn a_revocable_token_counts_from_its_permission_until_its_owner_is_removed() {
    let mut world = World::new();
    let access = Access { revocable: true, ..World::access("ann") };
    let named = || (Redacted::new("room".to_owned()), Redacted::new("ann".to_owned()));
    let is_refused = |world: &mut World| {
        let conn = world.join_as(&access, &join_request());
        world.messages(conn).first() == Some(&left(Action::Disconnect, DisconnectReason::ParticipantRemoved))
    };
    assert!(is_refused(&mut world));
    let (room, identity) = named();
    world.input(Input::Permit { room, identity });
    assert!(!is_refused(&mut world));
    assert!(!is_refused(&mut world), "a client that lost its connection comes by the same token, and takes its own place");
    assert_eq!(world.livekit.participants(), 1);
    let sid = world.sid("ann");
    let (room, identity) = named();
    world.input(Input::Expel { room, identity });
    assert!(is_refused(&mut world));
    let conn = world.join_as(&access, &back(&sid));
    assert_eq!(world.messages(conn), [left(Action::Disconnect, DisconnectReason::ParticipantRemoved)]);
    let conn = world.join("ann");
    assert!(!world.messages(conn).is_empty(), "tokens of other users of the media server are theirs to judge");
    assert_eq!(world.livekit.participants(), 1);
}

#[test]
fn a_silent_client_is_given_up_and_a_pinging_one_is_not() {
    let mut world = World::new();
    let (ann, _ben) = (world.join("ann"), world.join("ben"));
    world.look();
    for _ in 0..10 {
        world.wait(Duration::from_secs(5));
        world.send(ann, Request::PingReq(Ping { timestamp: 1, rtt: 0 }));
    }
    let seen = world.look();
    assert!(seen.contains(&Seen::Left("ben".into())) && !seen.contains(&Seen::Left("ann".into())));
    let pong = |s: &Seen| matches!(s, Seen::Message(c, Message::PongResp(p)) if *c == ann && p.last_ping_timestamp == 1);
    assert!(seen.iter().any(pong));
}

#[test]
fn a_websocket_that_answers_is_a_sign_of_life_of_those_only_who_send_no_pings_of_their_own() {
    let mut world = World::new();
    let (go, page) = (world.join("go"), world.join("page"));
    world.send(page, Request::PingReq(Ping { timestamp: 1, rtt: 0 }));
    world.look();
    for _ in 0..10 {
        world.wait(Duration::from_secs(5));
        for conn in [go, page] {
            world.input(Input::SignalAlive { conn });
        }
    }
    let seen = world.look();
    assert!(seen.contains(&Seen::Left("page".into())) && !seen.contains(&Seen::Left("go".into())));
}

#[test]
fn a_hidden_participant_is_not_mentioned() {
    let mut world = World::new();
    let ann = world.join("ann");
    world.look();
    let grants = Grants { hidden: true, ..Grants::member("room".into()) };
    world.join_as(&Access { grants, ..World::access("ghost") }, &join_request());
    assert_eq!(world.messages(ann), []);
    let ben = world.join("ben");
    assert_eq!(joined(&world.messages(ben)).other_participants.len(), 1);
}

#[test]
fn a_full_room_refuses() {
    let mut world = World::with(Limits { participants: 1, ..Limits::default() });
    world.join("ann");
    world.look();
    let ben = world.join("ben");
    let told = left(Action::Disconnect, DisconnectReason::JoinFailure);
    assert_eq!(world.look(), [Seen::Message(ben, told), Seen::Closed(ben, CloseReason::Refused)]);
    assert_eq!(world.livekit.counters().refused, 1);
}

#[test]
fn validation_tells_what_is_wrong() {
    let world = World::new();
    let validate = |token: &str| world.verify(&format!("access_token={token}")).map(|_| ());
    let grants = Grants { room_join: false, ..Grants::member("room".into()) };
    assert_eq!(validate(&world.token(&World::access("ann"))), Ok(()));
    assert_eq!(validate(&world.token(&Access { grants, ..World::access("ann") })).map_err(|e| e.0), Err(403));
    assert_eq!(validate(&world.token(&World::access(""))).map_err(|e| e.0), Err(400));
    assert_eq!(validate("nonsense").map_err(|e| e.0), Err(401));
    assert_eq!(world.verify("").map(|_| ()).map_err(|e| e.0), Err(401));
}
