//! A node that is about to stop, where others serve the same meetings.

use std::time::Duration;

use conclave_admission::{ConnectionId, HttpRequest, Input};
use conclave_delivery::{Ask, LogId, Place, Told};
use conclave_protocol::http::LookupMeeting;
use conclave_protocol::ws::{Class, CloseReason};

use crate::world::{World, identity, meeting};

const NOTICE: Duration = Duration::from_secs(2);
/// All groups of members are sent on within this.
const SENDING: Duration = Duration::from_secs(5);
/// Whoever was sent on and is at no other node is gone after this.
const SENT_ON: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(250);
const ELSEWHERE: Place = Place { node: 9, conn: 1 };

/// As many members, each with a leaf.
fn inside(world: &mut World, members: u8) -> Vec<ConnectionId> {
    let enter = |n: u8| {
        let conn = world.enter(n, None);
        world.append(conn, Class::Commit, u64::from(n) - 1, vec![1; 40]);
        conn
    };
    (1..=members).map(enter).collect()
}

fn pass(world: &mut World, time: Duration) {
    for _ in 0..time.as_millis() / STEP.as_millis() {
        world.pass(STEP);
    }
}

/// A member comes in at another node: what the order says of that.
fn enter_elsewhere(world: &mut World, member: u8, people: u32) -> Told {
    let ask = Ask::Enter { who: identity(member), place: ELSEWHERE, found: LogId([1; 16]), people, lasts: None };
    let log = Some(world.log);
    let answers = world.orders.handle(Some(conclave_admission::RequestId(0)), meeting(), log, ask, world.now());
    let told = answers.into_iter().find_map(|answer| if let Input::Told { told: Ok(told), .. } = answer { Some(told) } else { None });
    world.input(Input::Moved { meeting: meeting(), who: identity(member), place: ELSEWHERE });
    told.expect("an answer")
}

#[test]
fn nobody_is_taken_and_after_a_while_members_are_sent_on_in_groups() {
    let mut world = World::new();
    let conns = inside(&mut world, 40);
    let (on_the_way, _) = world.hello(None);
    world.input(Input::Drain { notice: NOTICE });
    assert_eq!(world.closed(on_the_way), Some(CloseReason::Stopping));
    let late = world.connect();
    assert_eq!(world.closed(late), Some(CloseReason::Stopping));
    assert!(world.http(HttpRequest::LookupMeeting(LookupMeeting { meeting: meeting() })).is_ok(), "requests are still answered");
    world.pass(NOTICE - STEP);
    assert!(conns.iter().all(|conn| world.closed(*conn).is_none()));
    world.pass(STEP);
    let told = |world: &World| conns.iter().filter(|conn| world.closed(**conn) == Some(CloseReason::Stopping)).count();
    assert_eq!(told(&world), 2, "a twentieth");
    pass(&mut world, SENDING);
    assert_eq!(told(&world), 40);
}

#[test]
fn who_is_sent_on_keeps_its_place_and_is_not_gone_for_ten_seconds_and_all_being_elsewhere_is_told() {
    let mut world = World::with(|config| config.people = 2);
    inside(&mut world, 2);
    world.input(Input::Drain { notice: Duration::ZERO });
    pass(&mut world, SENDING);
    assert_eq!(enter_elsewhere(&mut world, 3, 2), Told::TooManyPeople);
    assert!(matches!(enter_elsewhere(&mut world, 1, 2), Told::Entered { known: true, .. }));
    pass(&mut world, STEP);
    assert!(!world.drained, "one is nowhere yet");
    assert!(matches!(enter_elsewhere(&mut world, 2, 2), Told::Entered { known: true, .. }));
    pass(&mut world, STEP);
    assert!(world.drained);
}

#[test]
fn who_is_sent_on_and_comes_nowhere_is_gone_in_the_end() {
    let mut world = World::new();
    inside(&mut world, 2);
    world.input(Input::Drain { notice: Duration::ZERO });
    pass(&mut world, SENT_ON - STEP);
    assert!(matches!(enter_elsewhere(&mut world, 1, 2), Told::Entered { .. }));
    assert_eq!(world.called_gone, Vec::<Vec<u8>>::new());
    pass(&mut world, STEP * 4);
    assert_eq!(world.called_gone, [identity(2).as_bytes().to_vec()]);
    assert!(world.drained);
    assert!(matches!(enter_elsewhere(&mut world, 3, 2), Told::Entered { .. }), "its place is free");
}

#[test]
fn a_node_without_members_is_done_after_the_notice() {
    let mut world = World::new();
    world.input(Input::Drain { notice: NOTICE });
    assert!(!world.drained);
    world.pass(NOTICE);
    assert!(world.drained);
}
