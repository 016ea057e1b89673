//! What one client, or all together, may cost.

use std::time::Duration;

use conclave_admission::{Block, ConnectionId, HttpRequest, Input, LOG_SHARE};
use conclave_base::{MeetingId, Seq};
use conclave_protocol::http::{ApiErrorCode, CreateMeeting, LookupMeeting};
use conclave_protocol::limits;
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, Refusal, ServerMessage};
use proptest::prelude::*;

use crate::world::{HERE, THERE, World, create, meeting};

#[test]
fn a_full_meeting_takes_nobody_else_but_its_own_back() {
    let mut world = World::with(|config| config.people = 2);
    let (a, _b, c) = (world.enter(1, None), world.enter(2, None), world.enter(3, None));
    assert_eq!(world.closed(c), Some(CloseReason::Full));
    let again = world.enter(1, None);
    assert_eq!((world.closed(a), world.closed(again)), (Some(CloseReason::Replaced), None));
}

#[test]
fn a_flood_is_refused_then_closed_and_the_others_are_served() {
    let mut world = World::new();
    let (a, b) = (world.enter(1, None), world.enter(2, None));
    world.append(a, Class::Commit, 0, vec![1]);
    for _ in 0..limits::MESSAGE_BURST {
        world.send(a, &ClientMessage::Append { request: 6, class: Class::Message, parent_commit: Seq(0), sealed: vec![1] });
    }
    assert!(world.received(a).contains(&ServerMessage::Refused { request: 6, why: Refusal::Busy }));
    for _ in 0..2 * limits::MESSAGE_BURST {
        world.send(a, &ClientMessage::Ping);
    }
    assert_eq!(world.closed(a), Some(CloseReason::TooMany));
    assert!(matches!(world.append(b, Class::Message, 0, vec![1]), ServerMessage::Appended { .. }));
}

#[test]
fn connections_are_bounded_over_all_meetings() {
    let mut world = World::with(|config| config.connections = 2);
    world.enter(1, None);
    world.connect();
    let third = world.connect();
    assert_eq!(world.closed(third), Some(CloseReason::TooMany));
}

#[test]
fn who_looks_up_makes_and_connects_without_end_stops_only_its_own_block() {
    let mut world = World::new();
    let look_up = || HttpRequest::LookupMeeting(LookupMeeting { meeting: meeting() });
    while world.http(look_up()).is_ok() {}
    assert_eq!(world.http(look_up()), Err(ApiErrorCode::Busy));
    let conn = world.connect();
    assert_eq!(world.closed(conn), Some(CloseReason::TooMany));
    let mut made = 0;
    let mut make = |world: &mut World, block| {
        made += 1;
        let mut id = [9; 16];
        id[..4].copy_from_slice(&u32::to_be_bytes(made));
        world.http_from(block, HttpRequest::create(CreateMeeting { meeting: MeetingId::from_bytes(id), ..create(60) }))
    };
    while make(&mut world, HERE).is_ok() {}

    assert!(world.http_from(THERE, look_up()).is_ok());
    assert!(make(&mut world, THERE).is_ok());
    world.block = THERE;
    let member = world.enter(1, None);
    assert_eq!(world.closed(member), None);
    world.pass(Duration::from_secs(10));
    assert!(world.http(look_up()).is_ok(), "after a while it may again");
    assert!(make(&mut world, HERE).is_ok());
}

/// Somebody of the block where the world is now makes a meeting of its own and goes in.
fn begin(world: &mut World, n: u8) -> ConnectionId {
    world.meeting = MeetingId::from_bytes([n; 16]);
    world.http_from(world.block, HttpRequest::create(CreateMeeting { meeting: world.meeting, ..create(3600) })).expect("made");
    let conn = world.enter(n, None);
    assert_eq!(world.closed(conn), None);
    assert!(matches!(world.append(conn, Class::Commit, 0, vec![1]), ServerMessage::Appended { .. }));
    conn
}

/// Appends `bytes` as slowly as one connection must, while `others` live; gives how many of them were taken.
fn fill(world: &mut World, conn: ConnectionId, class: Class, bytes: usize, others: &[ConnectionId]) -> usize {
    let size = limits::SEALED_MESSAGE;
    let mut last_commit = 1;
    let mut taken = 0;
    for _ in 0..bytes / size {
        world.pass(Duration::from_millis(40));
        for other in others {
            world.send(*other, &ClientMessage::Ping);
        }
        if let ServerMessage::Appended { seq, .. } = world.append(conn, class, last_commit, vec![1; size]) {
            taken += size;
            last_commit = if class == Class::Commit { seq.0 } else { last_commit };
        }
    }
    taken
}

#[test]
fn meetings_that_fill_the_memory_take_nothing_from_a_quiet_one() {
    let mut world = World::with(|config| config.memory = 4 * limits::LOG_BYTES);
    let quiet = begin(&mut world, 10);
    let first = world.position();
    assert_eq!(fill(&mut world, quiet, Class::Message, LOG_SHARE / 2, &[]), LOG_SHARE / 2);
    world.block = THERE;
    for n in 11..16 {
        let loud = begin(&mut world, n);
        assert_eq!(fill(&mut world, loud, Class::Message, limits::LOG_BYTES, &[quiet]), limits::LOG_BYTES, "its own past makes room");
    }
    assert!(matches!(world.append(quiet, Class::Message, 0, vec![1; 300]), ServerMessage::Appended { .. }));
    world.meeting = MeetingId::from_bytes([10; 16]);
    let returning = world.enter(10, Some(first));
    assert_eq!(world.entries(returning), [2, 3, 4], "nothing of its log is gone");
    begin(&mut world, 99);
}

#[test]
fn commits_that_fill_the_memory_end_a_meeting_that_is_full_of_them_and_no_other() {
    let mut world = World::with(|config| config.memory = 16 * LOG_SHARE);
    let quiet = begin(&mut world, 10);
    world.block = THERE;
    let loud = [begin(&mut world, 11), begin(&mut world, 12)];
    for conn in loud {
        world.meeting = MeetingId::from_bytes([if conn == loud[0] { 11 } else { 12 }; 16]);
        assert!(fill(&mut world, conn, Class::Commit, 2 * LOG_SHARE, &[quiet, loud[0], loud[1]]) > LOG_SHARE);
    }
    let others: Vec<_> = (0..12)
        .map(|n| {
            world.block = Block(3 + u64::from(n) / 2);
            begin(&mut world, 20 + n)
        })
        .collect();
    let ended = |conn: &&ConnectionId| world.closed(**conn) == Some(CloseReason::Stopping);
    assert!(loud.iter().any(|conn| ended(&conn)), "whoever is in it may come back into an empty log");
    assert!(!others.iter().chain([&quiet]).any(|conn| ended(&conn)));
    assert!(matches!(world.append(quiet, Class::Message, 0, vec![1; 300]), ServerMessage::Appended { .. }));
}

#[test]
fn one_block_cannot_begin_so_many_meetings_that_there_is_no_room_for_others() {
    let mut world = World::with(|config| config.memory = 16 * LOG_SHARE);
    let first = begin(&mut world, 10);
    begin(&mut world, 11);
    world.meeting = MeetingId::from_bytes([12; 16]);
    world.http(HttpRequest::create(CreateMeeting { meeting: world.meeting, ..create(3600) })).expect("made");
    let third = world.enter(12, None);
    assert_eq!(world.closed(third), Some(CloseReason::TooMany));
    world.block = THERE;
    begin(&mut world, 13);
    world.block = HERE;
    world.input(Input::Disconnected { conn: first });
    world.pass(limits::LINGER);
    begin(&mut world, 14);
}

#[test]
fn whoever_fills_the_log_with_commits_leaves_room_for_those_of_others_and_for_messages() {
    let mut world = World::new();
    let member = world.enter(1, None);
    assert!(matches!(world.append(member, Class::Commit, 0, vec![1]), ServerMessage::Appended { .. }));
    world.block = THERE;
    let junk = [world.enter(2, None), world.enter(3, None), world.enter(4, None), world.enter(5, None), world.enter(6, None)];
    let mut last_commit = 1;
    let mut taken = 0;
    for round in 0..400 {
        world.pass(Duration::from_millis(500));
        world.send(member, &ClientMessage::Ping);
        let class = if round % 2 == 0 { Class::Commit } else { Class::Proposal };
        for conn in junk {
            if let ServerMessage::Appended { seq, .. } = world.append(conn, class, last_commit, vec![1; limits::SEALED_MESSAGE]) {
                taken += limits::SEALED_MESSAGE;
                last_commit = if class == Class::Commit { seq.0 } else { last_commit };
            }
        }
    }
    assert!((1024 * 1024..=2 * 1024 * 1024).contains(&taken), "{taken} bytes for their block");
    let is_taken = |answer| matches!(answer, ServerMessage::Appended { .. });
    assert!(is_taken(world.append(member, Class::Message, 0, vec![1; 300])), "a heartbeat");
    assert!(is_taken(world.append(member, Class::Commit, last_commit, vec![1; limits::SEALED_COMMIT])), "a removal");
}

#[test]
fn commits_in_quick_succession_are_refused_so_that_anothers_finds_its_place() {
    let mut world = World::new();
    let (member, hasty) = (world.enter(1, None), world.enter(2, None));
    let mut last_commit = 0;
    let mut append = |world: &mut World, conn| {
        let answer = world.append(conn, Class::Commit, last_commit, vec![1]);
        if let ServerMessage::Appended { seq, .. } = answer {
            last_commit = seq.0;
            return true;
        }
        assert_eq!(answer, ServerMessage::Refused { request: 5, why: Refusal::Busy });
        false
    };
    assert!(append(&mut world, member));
    let at_once = (0..100).filter(|_| append(&mut world, hasty)).count();
    assert_eq!(at_once, 32);
    assert!(append(&mut world, member));
    world.pass(Duration::from_millis(250));
    assert_eq!((append(&mut world, hasty), append(&mut world, hasty)), (true, false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_that_is_sent_hurts_the_others(noise in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..40)) {
        let mut world = World::new();
        let witness = world.enter(1, None);
        world.append(witness, Class::Commit, 0, vec![1]);
        for bytes in noise {
            let conn = world.enter(2, None);
            world.input(Input::Message { conn, bytes: &bytes });
            let conn = world.connect();
            world.input(Input::Message { conn, bytes: &bytes });
        }
        let appended = matches!(world.append(witness, Class::Message, 0, vec![1]), ServerMessage::Appended { .. });
        prop_assert!(appended);
    }
}
