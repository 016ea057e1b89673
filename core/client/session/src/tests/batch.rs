//! Many come in at once.

use std::time::Duration;

use conclave_base::{MeetingId, Secret, Source};
use conclave_mls::{ExternalJoin, Group, GroupConfig, SUITE};
use conclave_protocol::payload::JoinRequest;
use conclave_protocol::ws::Class;

use super::world::{AMARA, BELA, CHIDI, World};
use crate::snapshot::{Command, NoticeKind, Phase, SecurityState};

impl World {
    /// So many come in, one after the other.
    fn crowd(people: usize) -> Self {
        let mut world = Self::new();
        for _ in 0..people {
            let person = world.open();
            world.enter(person);
            world.pass(Duration::from_millis(600));
        }
        world
    }

    fn enter(&mut self, person: usize) {
        self.command(person, Command::Join { name: format!("P{person}") }).expect("ready to join");
    }

    /// So many come at the same moment.
    fn rush(&mut self, people: usize) -> Vec<usize> {
        let newcomers: Vec<_> = (0..people).map(|_| self.open()).collect();
        // None of them has read what another one sends.
        let held: Vec<_> = newcomers.clone();
        self.server.holds = Box::new(move |person, class| held.contains(&person) && class == Class::Commit);
        newcomers.iter().for_each(|person| self.enter(*person));
        self.release_held();
        newcomers
    }

    #[track_caller]
    fn assert_all_inside(&self, people: usize) {
        for person in (0..people).filter(|person| !self.people[*person].dead) {
            let screen = self.screen(person);
            assert_eq!((screen.phase.clone(), screen.members.len()), (Phase::Inside, people), "person {person}");
            assert_eq!(screen.security.state, SecurityState::Secure, "person {person}");
            assert_eq!(screen.safety_code, self.screen(AMARA).safety_code);
        }
    }

    fn seal_knock(&self, request: &JoinRequest) -> Vec<u8> {
        let keys = crate::keys::Keys::new(&self.created.link, None);
        let mut rng = crate::rng::Rng::new(&Secret::new([3; 32]));
        crate::envelope::Envelope::new(&keys.envelope, keys.meeting).seal(Class::JoinRequest, &request.encode(), &mut rng)
    }
}

/// A KeyPackage for another meeting.
fn key_package_of_elsewhere(n: u8) -> Vec<u8> {
    let policy = super::policy([7; 32], SUITE);
    let config = |n: u8| GroupConfig {
        meeting: MeetingId::from_bytes([1; 16]),
        psk: Secret::new([2; 32]),
        policy: policy.clone(),
        access: None,
        name: String::new(),
        signer: Secret::new([n; 32]),
        host: None,
        device: None,
        software: None,
        seed: Secret::new([n; 32]),
    };
    let (_, founding) = Group::create(config(100)).expect("founded");
    ExternalJoin::new(config(n), &founding.bytes).and_then(|joiner| joiner.key_package()).expect("it may come in there").bytes
}

#[test]
fn who_comes_to_a_large_meeting_with_others_is_added_with_them() {
    let mut world = World::crowd(22);
    let commits = world.appended(Class::Commit);
    let newcomers = world.rush(12);
    assert_eq!(world.appended(Class::JoinRequest), 13, "the twenty-second asked too, and was added by itself");
    world.pass(Duration::from_secs(1));
    world.assert_all_inside(34);
    assert_eq!(world.appended(Class::Commit) - commits, 1, "one commit for all");
    assert!(world.notices(AMARA).contains(&NoticeKind::Joined { name: "P30".to_owned() }));
    // They are heard, and hear.
    world.pass(Duration::from_secs(1));
    let (speaker, listener) = (newcomers[0], newcomers[11]);
    let frame = world.seal(speaker, Source::Camera, b"frame").expect("confirmed");
    let owner = world.identity(speaker);
    for person in [AMARA, listener] {
        assert_eq!(world.open_frame(person, owner, Source::Camera, &frame).expect("opened"), b"frame");
    }
}

#[test]
fn in_a_small_meeting_who_is_overtaken_is_added() {
    let mut world = World::of(2);
    let commits = world.appended(Class::Commit);
    world.rush(6);
    assert_eq!(world.appended(Class::JoinRequest), 5, "one of them was first");
    world.pass(Duration::from_secs(1));
    world.assert_all_inside(8);
    assert_eq!(world.appended(Class::Commit) - commits, 2);
}

#[test]
fn who_comes_alone_to_a_small_meeting_asks_nobody() {
    let world = World::crowd(21);
    assert_eq!(world.appended(Class::JoinRequest), 0);
    world.assert_all_inside(21);
}

#[test]
fn whom_nobody_adds_comes_in_alone() {
    let mut world = World::of(2);
    world.people[AMARA].dead = true;
    world.people[BELA].dead = true;
    let newcomers = world.rush(3);
    world.pass(Duration::from_millis(2500));
    assert_eq!(world.screen(newcomers[0]).phase, Phase::Inside, "it was first");
    world.pass(Duration::from_secs(20));
    for person in newcomers {
        assert_eq!(world.names(person), ["P2", "P3", "P4"]);
    }
}

#[test]
fn another_member_adds_if_the_first_one_does_not() {
    let mut world = World::of(4);
    world.server.swallows = Box::new(|person, class| person == CHIDI && class == Class::Commit);
    let newcomers = world.rush(3);
    world.pass(Duration::from_secs(3));
    for person in newcomers {
        assert_eq!(world.screen(person).phase, Phase::Inside);
    }
}

#[test]
fn a_request_that_is_good_for_nothing_holds_up_nobody() {
    let mut world = World::of(3);
    for n in 0..10 {
        let sealed = world.seal_knock(&JoinRequest::KeyPackage(key_package_of_elsewhere(n).into()));
        world.append_raw(Class::JoinRequest, sealed);
    }
    let commits = world.appended(Class::Commit);
    world.pass(Duration::from_millis(150));
    world.command(CHIDI, Command::Leave).expect("inside");
    world.pass(Duration::from_millis(600));
    assert_eq!(world.names(AMARA), ["Amara", "Bela"]);
    assert_eq!(world.appended(Class::Commit) - commits, 1);
}
