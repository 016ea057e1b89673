//! Members that go away, sessions and meetings that end.

use std::time::Duration;

use conclave_admission::{HttpRequest, Input, MediaCommand, MediaEvent};
use conclave_base::Seq;
use conclave_protocol::http::{ApiErrorCode, LookupMeeting};
use conclave_protocol::limits;
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, Refusal, ServerMessage};

use crate::world::{DISCONNECTED_AFTER, World, create, identity, meeting};

#[test]
fn who_is_away_for_seconds_is_called_gone_and_for_a_minute_put_out_of_media() {
    let mut world = World::new();
    let (a, b) = (world.enter(1, None), world.enter(2, None));
    world.input(Input::Disconnected { conn: a });
    world.pass(DISCONNECTED_AFTER - Duration::from_millis(1));
    let gone = ServerMessage::MemberDisconnected { identity: identity(1) };
    assert!(!world.received(b).contains(&gone));
    world.pass(Duration::from_millis(1));
    assert!(world.received(b).contains(&gone));
    for _ in 0..6 {
        world.pass(Duration::from_secs(10));
        world.send(b, &ClientMessage::Ping);
    }
    assert_eq!(world.media, vec![MediaCommand::Expel { meeting: meeting(), identity: identity(1) }]);
}

#[test]
fn lost_media_is_told_unless_it_is_back_in_time() {
    let mut world = World::new();
    let (_a, b) = (world.enter(1, None), world.enter(2, None));
    let (meeting, identity) = (meeting(), identity(1));
    world.input(Input::Media(MediaEvent::Left { meeting, identity }));
    world.input(Input::Media(MediaEvent::Joined { meeting, identity }));
    world.pass(DISCONNECTED_AFTER);
    assert!(!world.received(b).contains(&ServerMessage::MemberDisconnected { identity }));
    world.input(Input::Media(MediaEvent::Left { meeting, identity }));
    world.pass(DISCONNECTED_AFTER);
    assert!(world.received(b).contains(&ServerMessage::MemberDisconnected { identity }));
}

#[test]
fn a_session_outlives_its_last_member_by_the_linger_only() {
    let mut world = World::with(|config| config.memory = 1500);
    let a = world.enter(1, None);
    world.append(a, Class::Commit, 0, vec![1; 1000]);
    let first = world.position();
    world.input(Input::Disconnected { conn: a });
    world.pass(limits::LINGER - Duration::from_millis(1));
    let a = world.enter(1, Some(first));
    assert!(matches!(world.received(a)[..], [ServerMessage::Admitted { head: Seq(1), stale: false, .. }]));
    let full = ServerMessage::Refused { request: 5, why: Refusal::Busy };
    assert_eq!(world.append(a, Class::Message, 0, vec![1; 1000]), full, "the memory of all logs is full");
    world.input(Input::Disconnected { conn: a });
    world.pass(limits::LINGER);
    let a = world.enter(1, Some(first));
    assert!(matches!(world.received(a)[..], [ServerMessage::Admitted { head: Seq(0), stale: true, .. }]));
    let appended = ServerMessage::Appended { request: 5, seq: Seq(1) };
    assert_eq!(world.append(a, Class::Commit, 0, vec![1; 1000]), appended, "the old log's memory is free again");
}

#[test]
fn when_its_time_is_up_a_meeting_ends_for_all_and_is_forgotten() {
    let mut world = World::empty(|_| {});
    world.http(HttpRequest::Create(create(30))).expect("made");
    let a = world.enter(1, None);
    world.pass(Duration::from_secs(29));
    assert_eq!(world.closed(a), None);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.closed(a), Some(CloseReason::Expired));
    assert_eq!(world.http(HttpRequest::LookupMeeting(LookupMeeting { meeting: meeting() })), Err(ApiErrorCode::NotFound));
    world.pass(Duration::from_secs(60));
    assert!(world.stored.is_empty());
}

#[test]
fn silence_is_taken_for_absence_and_a_ping_for_life() {
    let mut world = World::new();
    let (silent, alive) = (world.enter(1, None), world.enter(2, None));
    for _ in 0..60 {
        world.pass(Duration::from_secs(1));
        world.send(alive, &ClientMessage::Ping);
    }
    assert_eq!((world.closed(silent), world.closed(alive)), (Some(CloseReason::Timeout), None));
    assert!(world.received(alive).contains(&ServerMessage::Pong));
}
