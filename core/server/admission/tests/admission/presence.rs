//! Members that go away, sessions and meetings that end.

use std::time::Duration;

use conclave_admission::{ConnectionId, HttpRequest, Input, MediaCommand, MediaEvent};
use conclave_base::Seq;
use conclave_protocol::http::{ApiErrorCode, LookupMeeting};
use conclave_protocol::limits;
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, Entry, Refusal, ServerMessage};

use crate::world::{GONE_AFTER, MEDIA_DISCONNECTED_AFTER, World, create, identity, meeting};

/// Whom the log called gone, in what a connection was sent.
fn gone(world: &mut World, conn: ConnectionId) -> Vec<Vec<u8>> {
    let said = world.received(conn).into_iter();
    said.filter_map(
        |message| if let ServerMessage::Entry(Entry { class: Class::Gone, sealed, .. }) = message { Some(sealed) } else { None },
    )
    .collect()
}

/// Member 1 has a leaf, by what the server can know, and member 2 reads the log.
fn two_inside() -> (World, ConnectionId, ConnectionId) {
    let mut world = World::new();
    let a = world.enter(1, None);
    world.append(a, Class::Commit, 0, vec![1; 40]);
    let b = world.enter(2, None);
    world.append(b, Class::Commit, 1, vec![1; 40]);
    (world, a, b)
}

fn one() -> Vec<u8> {
    identity(1).as_bytes().to_vec()
}

#[test]
fn who_closed_without_a_word_is_called_gone_after_two_seconds_and_put_out_of_media_after_a_minute() {
    let (mut world, a, b) = two_inside();
    world.input(Input::Disconnected { conn: a });
    world.pass(GONE_AFTER - Duration::from_millis(1));
    assert_eq!(gone(&mut world, b), Vec::<Vec<u8>>::new());
    world.pass(Duration::from_millis(1));
    assert_eq!(gone(&mut world, b), [one()]);
    for _ in 0..6 {
        world.pass(Duration::from_secs(10));
        world.send(b, &ClientMessage::Ping);
    }
    assert_eq!(gone(&mut world, b), Vec::<Vec<u8>>::new(), "it is said once");
    assert_eq!(world.media, vec![MediaCommand::Expel { meeting: meeting(), identity: identity(1) }]);
}

#[test]
fn the_figures_tell_how_many_are_inside_and_how_they_went_and_nobody_twice() {
    let (mut world, a, b) = two_inside();
    let c = world.enter(3, None);
    world.append(c, Class::Commit, 2, vec![1; 40]);
    assert_eq!(
        world.append(c, Class::Commit, 2, vec![1; 40]),
        ServerMessage::Refused { request: 5, why: Refusal::Stale { last_commit: Seq(3) } }
    );
    let figures = world.admission.figures();
    assert_eq!((figures.sessions, figures.members, figures.connections), (1, 3, 3));
    assert_eq!((figures.counters.appended, figures.counters.stale), (3, 1));
    assert!(figures.log_bytes > 0 && figures.log_bytes < figures.log_bytes_limit);

    world.send(a, &ClientMessage::Leave);
    world.input(Input::Disconnected { conn: a });
    world.input(Input::Disconnected { conn: c });
    // Whoever stayed says nothing: is mute first, and then closed.
    while world.closed(b).is_none() {
        world.pass(Duration::from_millis(500));
    }
    world.pass(GONE_AFTER);
    let figures = world.admission.figures();
    assert_eq!((figures.counters.left, figures.counters.lost, figures.counters.silent), (1, 1, 1));
    assert_eq!((figures.members, figures.sessions), (0, 1));
}

#[test]
fn who_changes_its_network_within_two_seconds_is_not_gone() {
    let (mut world, a, b) = two_inside();
    let here = world.position();
    world.input(Input::Disconnected { conn: a });
    world.pass(GONE_AFTER - Duration::from_millis(1));
    world.enter(1, Some(here));
    world.pass(Duration::from_secs(3));
    assert_eq!(gone(&mut world, b), Vec::<Vec<u8>>::new());
}

#[test]
fn who_says_that_it_leaves_is_gone_at_once_and_who_was_never_a_member_is_not_spoken_of() {
    let (mut world, a, b) = two_inside();
    world.send(a, &ClientMessage::Leave);
    assert_eq!(gone(&mut world, b), Vec::<Vec<u8>>::new(), "what it said before is sent first");
    assert_eq!(world.media, [MediaCommand::Expel { meeting: meeting(), identity: identity(1) }], "its media tokens are worth nothing now");
    world.input(Input::Disconnected { conn: a });
    assert_eq!(gone(&mut world, b), [one()]);
    let visitor = world.enter(3, None);
    world.send(visitor, &ClientMessage::Leave);
    world.input(Input::Disconnected { conn: visitor });
    assert_eq!(gone(&mut world, b), Vec::<Vec<u8>>::new());
}

#[test]
fn who_may_have_been_added_by_a_member_is_told_again_who_is_gone() {
    let (mut world, a, b) = two_inside();
    world.input(Input::Disconnected { conn: a });
    world.pass(GONE_AFTER);
    assert_eq!(gone(&mut world, b), [one()]);
    let newcomer = world.enter(3, None);
    world.append(newcomer, Class::JoinRequest, 0, vec![1; 40]);
    world.append(b, Class::Commit, 2, vec![1; 40]);
    assert_eq!(gone(&mut world, newcomer), [one()]);
    world.pass(Duration::from_secs(10));
    world.append(b, Class::Commit, 5, vec![1; 40]);
    assert_eq!(gone(&mut world, newcomer), Vec::<Vec<u8>>::new(), "nobody asked for long");
}

#[test]
fn a_newcomer_is_told_again_who_is_gone_once_it_is_in() {
    let (mut world, a, b) = two_inside();
    world.input(Input::Disconnected { conn: a });
    world.pass(GONE_AFTER);
    let newcomer = world.enter(3, None);
    world.received(b);
    world.send(newcomer, &ClientMessage::Append { request: 1, class: Class::Commit, parent_commit: Seq(2), sealed: vec![1; 40] });
    assert_eq!(gone(&mut world, newcomer), [one()]);
    assert_eq!(gone(&mut world, b), [one()], "the log is the same for all");
    world.send(newcomer, &ClientMessage::Append { request: 2, class: Class::Commit, parent_commit: Seq(4), sealed: vec![1; 40] });
    assert_eq!(gone(&mut world, newcomer), Vec::<Vec<u8>>::new(), "it knows");
}

#[test]
fn no_client_can_call_another_gone() {
    let (mut world, a, b) = two_inside();
    world
        .send(a, &ClientMessage::Append { request: 1, class: Class::Gone, parent_commit: Seq(2), sealed: identity(2).as_bytes().to_vec() });
    assert_eq!(world.closed(a), Some(CloseReason::Malformed));
    assert_eq!(gone(&mut world, b), Vec::<Vec<u8>>::new());
}

/// Lets time pass; the shell wakes the server often, and these connections answer its pings.
fn pass_alive(world: &mut World, millis: u64, alive: &[ConnectionId]) {
    for _ in 0..millis / 250 {
        world.pass(Duration::from_millis(250));
        for conn in alive {
            world.input(Input::Alive { conn: *conn });
        }
    }
}

#[test]
fn who_answers_no_ping_is_called_gone_and_can_speak_up_again() {
    let (mut world, a, b) = two_inside();
    pass_alive(&mut world, 2750, &[b]);
    assert_eq!(gone(&mut world, b), Vec::<Vec<u8>>::new());
    pass_alive(&mut world, 500, &[b]);
    assert_eq!(gone(&mut world, b), [one()]);
    assert_eq!(world.closed(a), None, "its network may come back");
    pass_alive(&mut world, 10_000, &[a, b]);
    assert_eq!(gone(&mut world, b), Vec::<Vec<u8>>::new());
    pass_alive(&mut world, 10_000, &[b]);
    assert_eq!(gone(&mut world, b), [one()], "once for each silence");
}

#[test]
fn who_dies_or_falls_asleep_on_the_way_in_is_put_out_of_media_before_the_others_wonder() {
    let (mut world, _, b) = two_inside();
    let expel = MediaCommand::Expel { meeting: meeting(), identity: identity(3) };
    let visitor = world.enter(3, None);
    pass_alive(&mut world, 2750, &[b, visitor]);
    assert_eq!((world.media.contains(&expel), world.permits), (false, 3));
    pass_alive(&mut world, 3250, &[b]);
    assert_eq!((world.media.pop(), world.permits), (Some(expel), 3), "it sleeps");
    world.input(Input::Alive { conn: visitor });
    assert_eq!((world.media.pop(), world.permits), (None, 4), "and wakes");
    world.input(Input::Disconnected { conn: visitor });
    assert_eq!(world.media.pop(), Some(expel), "at once");
}

#[test]
fn a_server_that_stood_still_calls_nobody_gone_for_what_it_did_not_hear() {
    let (mut world, a, b) = two_inside();
    pass_alive(&mut world, 3000, &[a, b]);
    world.pass(Duration::from_secs(20));
    assert_eq!(gone(&mut world, b), Vec::<Vec<u8>>::new());
    pass_alive(&mut world, 1000, &[a, b]);
    assert_eq!(gone(&mut world, b), Vec::<Vec<u8>>::new());
}

#[test]
fn lost_media_is_told_unless_it_is_back_in_time() {
    let mut world = World::new();
    let (_a, b) = (world.enter(1, None), world.enter(2, None));
    let (meeting, identity) = (meeting(), identity(1));
    let told = ServerMessage::MediaDisconnected { identity };
    world.input(Input::Media(MediaEvent::Left { meeting, identity }));
    world.input(Input::Media(MediaEvent::Joined { meeting, identity }));
    world.pass(MEDIA_DISCONNECTED_AFTER);
    assert!(!world.received(b).contains(&told));
    world.input(Input::Media(MediaEvent::Left { meeting, identity }));
    world.pass(MEDIA_DISCONNECTED_AFTER);
    assert!(world.received(b).contains(&told));
}

#[test]
fn a_session_outlives_its_last_member_by_the_linger_only() {
    let mut world = World::new();
    let a = world.enter(1, None);
    world.append(a, Class::Commit, 0, vec![1; 1000]);
    let first = world.position();
    world.input(Input::Disconnected { conn: a });
    world.pass(limits::LINGER - Duration::from_millis(1));
    let a = world.enter(1, Some(first));
    assert!(matches!(world.received(a)[..], [ServerMessage::Admitted { head: Seq(1), stale: false, .. }]));
    world.input(Input::Disconnected { conn: a });
    world.pass(limits::LINGER);
    let a = world.enter(1, Some(first));
    assert!(matches!(world.received(a)[..], [ServerMessage::Admitted { head: Seq(0), stale: true, .. }]));
    let appended = ServerMessage::Appended { request: 5, seq: Seq(1) };
    assert_eq!(world.append(a, Class::Commit, 0, vec![1; 1000]), appended);
}

#[test]
fn when_its_time_is_up_a_meeting_ends_for_all_and_is_forgotten() {
    let mut world = World::empty(|_| {});
    world.http(HttpRequest::create(create(30))).expect("made");
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
