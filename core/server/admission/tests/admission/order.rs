//! An order that is made elsewhere, for several nodes: it is away, it ends, and members are on other nodes.

use conclave_admission::{Input, MediaCommand};
use conclave_base::Seq;
use conclave_delivery::{Ordered, Place};
use conclave_protocol::ws::{Class, CloseReason, LogTime, Refusal, ServerMessage};

use crate::world::{GONE_AFTER, World, identity, meeting};

/// A connection of another node.
const ELSEWHERE: Place = Place { node: 9, conn: 1 };

#[test]
fn while_the_order_is_away_lines_are_to_be_sent_again_and_newcomers_are_to_come_again() {
    let mut world = World::new();
    let a = world.enter(1, None);
    world.append(a, Class::Commit, 0, vec![1]);
    world.orders_away = true;
    assert_eq!(world.append(a, Class::Message, 0, vec![2]), ServerMessage::Refused { request: 5, why: Refusal::Busy });
    let b = world.enter(2, None);
    assert_eq!(world.closed(b), Some(CloseReason::Stopping));
    world.orders_away = false;
    assert_eq!(world.append(a, Class::Message, 0, vec![2]), ServerMessage::Appended { request: 5, seq: Seq(2) });
    let b = world.enter(2, None);
    assert_eq!(world.closed(b), None);
}

#[test]
fn what_is_ordered_for_a_member_of_another_node_is_read_here_and_once() {
    let mut world = World::new();
    let a = world.enter(1, None);
    world.append(a, Class::Commit, 0, vec![1]);
    world.received(a);
    for _ in 0..2 {
        let entry = Ordered { seq: Seq(2), at: LogTime(1), class: Class::Message, sealed: vec![2] };
        world.input(Input::Ordered { meeting: meeting(), log: world.log, entry });
    }
    assert_eq!(world.entries(a), [2]);
}

#[test]
fn a_gap_in_what_is_ordered_is_given_to_nobody() {
    let mut world = World::new();
    let a = world.enter(1, None);
    world.append(a, Class::Commit, 0, vec![1]);
    world.received(a);
    let entry = Ordered { seq: Seq(3), at: LogTime(1), class: Class::Message, sealed: vec![2] };
    world.input(Input::Ordered { meeting: meeting(), log: world.log, entry });
    assert_eq!((world.closed(a), world.entries(a)), (Some(CloseReason::Stopping), vec![]), "it comes again, and reads anew");
}

#[test]
fn who_comes_to_another_node_is_replaced_here_and_keeps_its_media() {
    let mut world = World::new();
    let (a, b) = (world.enter(1, None), world.enter(2, None));
    world.append(a, Class::Commit, 0, vec![1]);
    world.input(Input::Moved { meeting: meeting(), who: identity(1), place: ELSEWHERE });
    assert_eq!((world.closed(a), world.closed(b)), (Some(CloseReason::Replaced), None));
    world.received(b);
    world.pass(GONE_AFTER * 2);
    assert_eq!(world.entries(b), [], "it is not gone");
    assert_eq!(world.media, [MediaCommand::Release { meeting: meeting(), identity: identity(1) }]);
}

#[test]
fn when_the_log_ends_its_members_begin_anew() {
    let mut world = World::new();
    let a = world.enter(1, None);
    world.append(a, Class::Commit, 0, vec![1]);
    let (first, before) = (world.position(), world.log);
    world.input(Input::Ended { meeting: meeting(), log: before });
    assert_eq!(world.closed(a), Some(CloseReason::Stopping));
    let a = world.enter(1, Some(first));
    assert!(matches!(world.received(a)[..], [ServerMessage::Admitted { head: Seq(0), stale: true, .. }]));
    assert_ne!(world.log, before);
    world.input(Input::Ended { meeting: meeting(), log: before });
    assert_eq!(world.closed(a), None, "that was another log");
}

#[test]
fn whoever_the_order_gave_up_comes_in_again_unnoticed() {
    let mut world = World::new();
    let (a, b) = (world.enter(1, None), world.enter(2, None));
    world.append(a, Class::Commit, 0, vec![1]);
    for conn in [a, b] {
        world.received(conn);
    }
    world.input(Input::Lapsed { meeting: meeting() });
    assert_eq!((world.closed(a), world.closed(b)), (None, None));
    assert_eq!((world.received(a), world.received(b)), (vec![], vec![]));
}
