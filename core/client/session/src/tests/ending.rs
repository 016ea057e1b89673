//! Sessions that the server ends after a time.

use std::time::Duration;

use conclave_base::Source;
use conclave_protocol::ws::{CloseReason, ServerMessage};

use super::world::World;
use crate::snapshot::{EndReason, NoticeKind, Phase};

const MINUTE: Duration = Duration::from_secs(60);

/// What somebody was told of the end, in minutes.
fn told(world: &World, person: usize) -> Vec<u32> {
    let minutes = |notice| if let NoticeKind::Ends { minutes, .. } = notice { Some(minutes) } else { None };
    world.notices(person).into_iter().filter_map(minutes).collect()
}

fn closed(world: &mut World, person: usize) -> Option<EndReason> {
    world.tell(person, ServerMessage::Closing { reason: CloseReason::Expired });
    world.over(person)
}

#[test]
fn the_end_is_told_to_all_before_it_comes_and_nothing_is_sealed_after_it() {
    let mut world = World::lasting(2, 10 * MINUTE);
    assert_eq!(world.screen(0).minutes, Some(10));
    world.pass(5 * MINUTE - Duration::from_secs(10));
    for person in 0..2 {
        assert_eq!((told(&world, person), world.screen(person).ends_at), (vec![], None));
    }
    world.pass(Duration::from_secs(10));
    world.pass(4 * MINUTE);
    for person in 0..2 {
        assert_eq!(told(&world, person), [5, 1]);
    }
    assert_eq!(world.screen(0).ends_at, world.screen(1).ends_at, "all have the same moment");
    world.pass(MINUTE);
    for person in 0..2 {
        assert_eq!(closed(&mut world, person), Some(EndReason::TimeOver));
        assert!(world.seal(person, Source::Microphone, b"late").is_err());
    }
}

#[test]
fn a_server_that_ends_a_session_early_cannot_say_that_its_time_was_over() {
    let mut world = World::lasting(2, 10 * MINUTE);
    world.pass(9 * MINUTE);
    assert_eq!(closed(&mut world, 0), Some(EndReason::NotFound));
}

#[test]
fn whose_line_breaks_over_the_end_does_not_begin_another_session_unasked() {
    let mut world = World::lasting(2, 10 * MINUTE);
    world.pass(10 * MINUTE - Duration::from_secs(20));
    world.server.up = false;
    for person in 0..2 {
        world.break_connection(person);
    }
    assert!(matches!(world.screen(0).phase, Phase::Reconnecting { .. }));
    world.pass(Duration::from_secs(25));
    for person in 0..2 {
        assert_eq!(world.over(person), Some(EndReason::TimeOver));
    }
}
