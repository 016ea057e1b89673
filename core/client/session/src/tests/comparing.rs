//! Comparing the safety code: who said what of which code, and how long it stands.

use std::time::Duration;

use conclave_protocol::ws::Class;

use super::world::{AMARA, BELA, CHIDI, World};
use crate::InputError;
use crate::snapshot::{Command, Comparison, NoticeKind, Phase, SecurityState};

/// As long as a code is read.
const READ: Duration = Duration::from_secs(5);

/// So many people are inside, and have had the time to read the code to each other.
fn inside(people: usize) -> World {
    let mut world = World::of(people);
    world.pass(READ);
    world
}

/// `person` tells what came of comparing the code on the own screen with `other`.
fn compare(world: &mut World, person: usize, other: usize, same: bool) -> Result<(), InputError> {
    let code = world.screen(person).safety_code.clone().expect("inside");
    let identity = world.identity(other).to_text();
    world.command(person, Command::Compare { identity, code, same })
}

fn seen(world: &World, by: usize, other: usize) -> Comparison {
    let identity = world.identity(other).to_text();
    world.screen(by).members.iter().find(|m| m.identity == identity).expect("a member").comparison.clone()
}

fn is_both(comparison: &Comparison) -> bool {
    matches!(comparison, Comparison::Both { .. })
}

fn alarms(world: &World, person: usize) -> Vec<NoticeKind> {
    world.notices(person).into_iter().filter(|what| matches!(what, NoticeKind::CodeDiffers { .. })).collect()
}

#[test]
fn it_is_compared_once_both_said_so_and_for_those_two_alone() {
    let mut world = inside(3);
    let at = world.now.as_millis() as f64;
    assert_eq!(compare(&mut world, AMARA, BELA, true), Ok(()));
    assert_eq!(seen(&world, AMARA, BELA), Comparison::Mine { at });
    assert_eq!(seen(&world, BELA, AMARA), Comparison::Theirs { at });
    world.pass(Duration::from_secs(2));
    assert_eq!(compare(&mut world, BELA, AMARA, true), Ok(()));
    assert_eq!(seen(&world, AMARA, BELA), Comparison::Both { at: at + 2000.0 });
    assert_eq!(seen(&world, BELA, AMARA), Comparison::Both { at: at + 2000.0 });
    for (by, other) in [(CHIDI, AMARA), (CHIDI, BELA), (AMARA, CHIDI), (BELA, CHIDI)] {
        assert_eq!(seen(&world, by, other), Comparison::None);
    }
    for person in [AMARA, BELA, CHIDI] {
        assert_eq!((world.lock(person), alarms(&world, person)), (SecurityState::Secure, Vec::new()));
    }
}

#[test]
fn a_difference_is_told_to_both_and_can_be_taken_back_by_who_found_it() {
    let mut world = inside(3);
    let at = world.now.as_millis() as f64;
    compare(&mut world, BELA, AMARA, true).expect("the code was read");
    compare(&mut world, AMARA, BELA, false).expect("the code was read");
    assert_eq!(seen(&world, AMARA, BELA), Comparison::Differs { at, by_me: true });
    assert_eq!(seen(&world, BELA, AMARA), Comparison::Differs { at, by_me: false });
    assert_eq!(alarms(&world, AMARA), [NoticeKind::CodeDiffers { name: "Bela".to_owned(), by_me: true }]);
    assert_eq!(alarms(&world, BELA), [NoticeKind::CodeDiffers { name: "Amara".to_owned(), by_me: false }]);
    let locks = |world: &World| [AMARA, BELA, CHIDI].map(|person| world.lock(person));
    assert_eq!(locks(&world), [SecurityState::CodeDiffers, SecurityState::CodeDiffers, SecurityState::Secure]);

    world.pass(Duration::from_secs(60));
    assert_eq!(world.lock(BELA), SecurityState::CodeDiffers, "it stands");
    compare(&mut world, BELA, AMARA, true).expect("may be said again");
    assert_eq!(world.lock(BELA), SecurityState::CodeDiffers, "who did not find it cannot take it back");
    compare(&mut world, AMARA, BELA, true).expect("it was a slip");
    assert!(is_both(&seen(&world, AMARA, BELA)) && is_both(&seen(&world, BELA, AMARA)));
    assert_eq!(locks(&world), [SecurityState::Secure; 3]);
}

#[test]
fn the_code_changes_when_somebody_comes_or_goes_and_not_when_keys_are_renewed() {
    let mut world = inside(3);
    let code = |world: &World| world.screen(BELA).safety_code.clone();
    let (before, epoch) = (code(&world), world.screen(BELA).epoch);
    world.pass(Duration::from_secs(301));
    assert!(world.screen(BELA).epoch > epoch, "keys were renewed");
    assert_eq!(code(&world), before);
    let dana = world.open();
    world.join(dana);
    world.pass(Duration::from_secs(1));
    let after = code(&world);
    assert_ne!(after, before);
    for person in [AMARA, CHIDI, dana] {
        assert_eq!(world.screen(person).safety_code, after, "also for who has just come");
    }
    world.command(CHIDI, Command::Leave).expect("may leave");
    world.pass(Duration::from_secs(1));
    assert_ne!(code(&world), after);
}

#[test]
fn what_was_compared_stands_when_the_code_changes() {
    let mut world = inside(2);
    compare(&mut world, AMARA, BELA, true).expect("the code was read");
    compare(&mut world, BELA, AMARA, true).expect("the code was read");
    let compared = seen(&world, AMARA, BELA);
    for _ in 0..2 {
        let newcomer = world.open();
        world.join(newcomer);
        world.pass(Duration::from_secs(1));
        world.command(newcomer, Command::Leave).expect("may leave");
        world.pass(Duration::from_secs(1));
    }
    world.pass(Duration::from_secs(301));
    assert_eq!((seen(&world, AMARA, BELA), world.lock(AMARA)), (compared, SecurityState::Secure));
}

#[test]
fn no_answer_is_taken_about_a_code_that_nobody_can_have_read() {
    let mut world = inside(2);
    let old = world.screen(AMARA).safety_code.clone().expect("inside");
    let bela = world.identity(BELA).to_text();
    let newcomer = world.open();
    world.join(newcomer);
    world.pass(Duration::from_secs(1));
    for same in [true, false] {
        assert!(!world.screen(AMARA).comparable);
        assert_eq!(compare(&mut world, AMARA, BELA, same), Err(InputError::CodeChanged), "it has just changed");
    }
    world.pass(READ);
    assert!(world.screen(AMARA).comparable);
    let of_before = Command::Compare { identity: bela, code: old, same: false };
    assert_eq!(world.command(AMARA, of_before), Err(InputError::CodeChanged), "it is not the code that was read");
    assert_eq!((seen(&world, AMARA, BELA), seen(&world, BELA, AMARA)), (Comparison::None, Comparison::None));
    assert_eq!(compare(&mut world, AMARA, AMARA, true), Err(InputError::NoMember));
    assert_eq!(compare(&mut world, AMARA, BELA, true), Ok(()));
}

#[test]
fn what_was_found_just_before_somebody_came_still_arrives() {
    let mut world = inside(2);
    world.server.holds = Box::new(|person, class| person == AMARA && class == Class::Message);
    compare(&mut world, AMARA, BELA, false).expect("the code was read");
    assert_eq!(seen(&world, BELA, AMARA), Comparison::None);
    let newcomer = world.open();
    assert!(world.release_held() > 0);
    world.join(newcomer);
    world.pass(Duration::from_secs(1));
    assert!(matches!(seen(&world, BELA, AMARA), Comparison::Differs { by_me: false, .. }));
}

#[test]
fn what_is_found_while_the_line_breaks_arrives_once() {
    let mut world = inside(2);
    world.people[AMARA].cut_off = true;
    compare(&mut world, AMARA, BELA, false).expect("the code was read");
    world.break_connection(AMARA);
    assert_eq!(compare(&mut world, AMARA, BELA, true), Err(InputError::OutOfTurn), "the code may be another one by now");
    assert!(!world.screen(AMARA).comparable);
    assert_eq!(seen(&world, BELA, AMARA), Comparison::None);
    world.people[AMARA].cut_off = false;
    world.pass(Duration::from_secs(3));
    assert_eq!(world.screen(AMARA).phase, Phase::Inside);
    assert!(matches!(seen(&world, BELA, AMARA), Comparison::Differs { by_me: false, .. }));
    assert_eq!(alarms(&world, BELA).len(), 1);
    let messages = world.appended(Class::Message);
    world.pass(Duration::from_secs(2));
    assert!(world.appended(Class::Message) <= messages + 2, "heartbeats alone");
}

#[test]
fn who_was_out_of_the_group_is_to_be_compared_again() {
    let mut world = inside(2);
    compare(&mut world, AMARA, BELA, true).expect("the code was read");
    compare(&mut world, BELA, AMARA, true).expect("the code was read");
    world.people[BELA].cut_off = true;
    world.break_connection(BELA);
    world.pass(Duration::from_secs(15));
    world.people[BELA].cut_off = false;
    world.pass(Duration::from_secs(15));
    assert_eq!(world.names(AMARA), ["Amara", "Bela"]);
    assert_eq!((seen(&world, AMARA, BELA), seen(&world, BELA, AMARA)), (Comparison::None, Comparison::None));
}
