//! What members append, and what they are sent.

use std::time::Duration;

use conclave_admission::{Input, WINDOW};
use conclave_base::Seq;
use conclave_protocol::limits;
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, LogPosition, Refusal, ServerMessage};

use crate::world::{GONE_AFTER, World, identity, key};

#[test]
fn everybody_gets_every_entry_and_of_two_commits_one_is_stale() {
    let mut world = World::new();
    let (a, b) = (world.enter(1, None), world.enter(2, None));
    assert_eq!(world.append(a, Class::Commit, 0, vec![1]), ServerMessage::Appended { request: 5, seq: Seq(1) });
    let stale = Refusal::Stale { last_commit: Seq(1) };
    assert_eq!(world.entries(b).last(), Some(&1));
    assert_eq!(world.append(b, Class::Commit, 0, vec![2]), ServerMessage::Refused { request: 5, why: stale });
    world.append(b, Class::Message, 0, vec![3]);
    assert_eq!((world.entries(a), world.entries(b)), (vec![1, 2], vec![2]));
    let late = world.enter(3, None);
    assert_eq!(world.entries(late), vec![1]);
    let too_large = world.append(a, Class::Message, 0, vec![0; limits::SEALED_MESSAGE + 1]);
    assert_eq!(too_large, ServerMessage::Refused { request: 5, why: Refusal::TooLarge });
}

#[test]
fn the_same_identity_replaces_itself_and_misses_nothing() {
    let mut world = World::new();
    let (a, b) = (world.enter(1, None), world.enter(2, None));
    world.append(a, Class::Commit, 0, vec![1]);
    let first = world.position();
    world.append(b, Class::Message, 0, vec![2]);
    let again = world.enter(1, Some(first));
    assert_eq!(world.closed(a), Some(CloseReason::Replaced));
    assert_eq!(world.entries(again), vec![2]);
    world.pass(GONE_AFTER);
    assert!(!world.received(b).contains(&ServerMessage::MediaDisconnected { identity: identity(1) }));
    world.enter(2, Some(LogPosition { seq: Seq(99), ..first }));
    let stale = world.received.values().flatten().any(|m| matches!(m, ServerMessage::Admitted { stale: true, .. }));
    assert!(stale, "an entry that never was makes a client stale");
}

#[test]
fn a_proof_that_comes_late_on_a_connection_that_was_given_up_replaces_nothing() {
    let mut world = World::new();
    let (given_up, nonce) = world.hello(None);
    let next = world.enter(1, None);
    world.prove(given_up, &key(200), &key(1), nonce.expect("challenged"));
    assert_eq!((world.closed(given_up), world.closed(next)), (Some(CloseReason::Replaced), None));
    assert!(matches!(world.append(next, Class::Commit, 0, vec![1]), ServerMessage::Appended { .. }));
}

#[test]
fn a_client_that_takes_nothing_is_given_no_more_than_the_window_and_then_closed() {
    let mut world = World::new();
    let (a, slow) = (world.enter(1, None), world.enter(2, None));
    world.append(a, Class::Commit, 0, vec![1]);
    world.stuck = Some(slow);
    let size = limits::SEALED_MESSAGE;
    for _ in 0..20 {
        world.append(a, Class::Message, 0, vec![1; size]);
        world.pass(Duration::from_millis(100));
    }
    assert!(world.in_flight < WINDOW + size + 100);
    let mut until_closed = 0;
    while world.closed(slow).is_none() && until_closed < 60 {
        world.pass(Duration::from_secs(1));
        world.send(a, &ClientMessage::Ping);
        world.send(slow, &ClientMessage::Ping);
        until_closed += 1;
    }
    assert_eq!(world.closed(slow), Some(CloseReason::Timeout));
    assert_eq!(world.closed(a), None);
}

#[test]
fn what_waits_in_the_log_follows_when_the_client_takes_again() {
    let mut world = World::new();
    let (a, slow) = (world.enter(1, None), world.enter(2, None));
    world.append(a, Class::Commit, 0, vec![1]);
    world.stuck = Some(slow);
    for _ in 0..8 {
        world.append(a, Class::Message, 0, vec![1; limits::SEALED_MESSAGE]);
        world.pass(Duration::from_millis(100));
    }
    world.stuck = None;
    let bytes = std::mem::take(&mut world.in_flight);
    world.input(Input::Sent { conn: slow, bytes });
    assert_eq!(world.entries(slow), (1..=9).collect::<Vec<_>>());
}
