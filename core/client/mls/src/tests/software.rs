//! What a leaf says that its client is: shown as the rules for it want, however it was said, and the same for as long as it stays.

use conclave_base::Redacted;
use conclave_protocol::limits::SITE_CHARS;
use conclave_protocol::payload::{Program, Software};

use super::{World, config};
use crate::{GroupConfig, Member, RuleViolation, hostile};

fn page(site: &str, build: u8) -> Software {
    Software { program: Program::Page { site: Redacted::new(site.to_owned()) }, version: [0, 1, 0], build: Some([build; 32]) }
}

/// Person `n`, who says that.
fn saying(n: u8, software: Software) -> GroupConfig {
    GroupConfig { software: Some(software), ..config(n) }
}

fn said(member: &Member) -> Software {
    member.software.clone().expect("it says something")
}

#[test]
fn all_read_what_each_says() {
    let mut world = World::with(1, |n| saying(n, page("meet.example", 1)));
    world.join(saying(1, Software { program: Program::Native, ..page("", 2) }));
    world.join(config(2));
    world.assert_agree();
    for person in &world.people {
        let members = person.members();
        assert_eq!(said(&members[0]), page("meet.example", 1));
        assert_eq!(said(&members[1]).program, Program::Native);
        assert_eq!(members[2].software, None);
    }
}

#[test]
fn a_receiver_shows_a_host_or_none_whatever_was_said() {
    let mut world = World::of(1);
    let long = "a".repeat(SITE_CHARS + 1);
    for (n, site) in (1..).zip(["meet.example\u{202E}elpmaxe", "your page is fine", "\u{1b}[2J", &long]) {
        let joined = hostile::join_saying(&world.joiner(config(n)), page(site, 1));
        world.append(joined).expect("its leaf is well-formed");
        let mallory = world.people[0].members().last().expect("it came in").clone();
        assert_eq!(said(&mallory), page("", 1), "{site:?}");
    }
}

#[test]
fn a_word_too_long_for_a_leaf_is_refused() {
    let mut world = World::of(1);
    let joined = hostile::join_saying(&world.joiner(config(1)), page(&"a".repeat(60_000), 1));
    world.assert_refused(joined, RuleViolation::LeafMalformed);
}

#[test]
fn a_member_says_the_same_for_as_long_as_it_stays() {
    let mut world = World::of(1);
    world.join(saying(1, page("meet.example", 1)));
    let update = world.people[1].update().expect("an update is built");
    world.append(update).expect("as ever");
    assert_eq!(said(&world.people[0].members()[1]), page("meet.example", 1));
    let mut attacker = world.people.remove(1);
    let another = hostile::say(&mut attacker, "Person 1", page("meet.example", 2));
    world.assert_refused(another, RuleViolation::LeafMalformed);
}
