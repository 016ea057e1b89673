//! What one client, or all together, may cost.

use conclave_admission::Input;
use conclave_base::Seq;
use conclave_protocol::limits;
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, Refusal, ServerMessage};
use proptest::prelude::*;

use crate::world::World;

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
fn connections_and_memory_are_bounded_over_all_meetings() {
    let mut world = World::with(|config| (config.connections, config.memory) = (2, 500));
    let a = world.enter(1, None);
    world.append(a, Class::Commit, 0, vec![1; 100]);
    let busy = ServerMessage::Refused { request: 5, why: Refusal::Busy };
    assert_eq!(world.append(a, Class::Message, 0, vec![1; 400]), busy);
    world.connect();
    let third = world.connect();
    assert_eq!(world.closed(third), Some(CloseReason::TooMany));
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
