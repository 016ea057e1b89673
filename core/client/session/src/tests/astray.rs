//! A member with changed code makes a public side of the log for joiners that is not the others'.

use std::collections::BTreeSet;
use std::time::Duration;

use conclave_base::Secret;
use conclave_mls::{ExternalJoin, Group, GroupConfig};
use conclave_protocol::payload::App;
use conclave_protocol::ws::Class;

use crate::envelope::Envelope;
use crate::keys::Keys;
use crate::meeting_record;
use crate::rng::Rng;
use crate::snapshot::{Command, EndReason, Phase, SecurityState};

use super::world::{AMARA, BELA, CHIDI, World};

/// Somebody with the link.
struct Mallory {
    envelope: Envelope,
    rng: Rng,
    config: GroupConfig,
}

impl Mallory {
    fn of(world: &World) -> Self {
        let keys = Keys::new(&world.created.link, None);
        let meta = meeting_record::open(&world.created.link, &keys, &world.server.made.sealed_meta).expect("the true link");
        let config = GroupConfig {
            meeting: keys.meeting,
            psk: keys.psk.clone(),
            policy: meta.policy,
            name: "Mallory".to_owned(),
            signer: Secret::new([77; 32]),
            host: None,
            seed: Secret::new([78; 32]),
        };
        let envelope = Envelope::new(&keys.envelope, keys.meeting);
        Self { envelope, rng: Rng::new(&Secret::new([79; 32])), config }
    }

    fn append(&mut self, world: &mut World, class: Class, content: &[u8]) {
        let sealed = self.envelope.seal(class, content, &mut self.rng);
        world.append_raw(class, sealed);
    }

    /// A group of her own, of which the founding entry is as good as a snapshot.
    fn found(&mut self) -> (Group, Vec<u8>) {
        self.config.seed = self.rng.secret();
        let (mut group, founding) = Group::create(self.config.clone()).expect("a founder");
        group.process(founding.class, &founding.bytes, &BTreeSet::new()).expect("her own");
        (group, founding.bytes)
    }

    /// Follows the log as joiners do.
    fn follow(&self, world: &World) -> ExternalJoin {
        let mut joiner: Option<ExternalJoin> = None;
        let mut reader = world.server.log.reader_from_snapshot();
        while let Some(entry) = world.server.log.read(&mut reader).expect("nothing is dropped") {
            let Ok(content) = self.envelope.open(entry.class, &entry.sealed) else { continue };
            match &mut joiner {
                Some(joiner) => _ = joiner.apply(entry.class, &content),
                None => joiner = ExternalJoin::new(self.config.clone(), &content).ok(),
            }
        }
        joiner.expect("a state")
    }
}

/// Members answer nothing until [`World::release_held`].
fn hold_answers(world: &mut World) {
    world.server.holds = Box::new(|_, class| class == Class::Snapshot);
}

/// Chidi comes.
fn chidi_comes(world: &mut World) {
    let chidi = world.open();
    assert_eq!(chidi, CHIDI);
    world.join(chidi);
    world.pass(Duration::from_secs(1));
}

/// Amara, Bela and Chidi are in one group, and read each other.
fn all_are_together(world: &mut World) {
    for person in [AMARA, BELA, CHIDI] {
        assert_eq!(world.names(person).len(), 3, "{person}: {:?}", world.names(person));
        assert_eq!(world.screen(person).safety_code, world.screen(AMARA).safety_code);
    }
    world.say(CHIDI, "here I am");
    for person in [AMARA, BELA, CHIDI] {
        assert_eq!(world.chat(person).last(), Some(&"here I am"));
    }
    world.pass(Duration::from_secs(30));
    for person in [AMARA, BELA, CHIDI] {
        assert_eq!(world.lock(person), SecurityState::Secure);
    }
}

#[test]
fn who_follows_a_newcomer_with_another_psk_is_put_right() {
    let mut world = World::of(2);
    let mut mallory = Mallory::of(&world);
    hold_answers(&mut world);
    // The PSK's name is right, its value is not: only members can tell.
    mallory.config.psk = Secret::new([0; 32]);
    let (_, commit) = mallory.follow(&world).join().expect("a state to join at");
    mallory.append(&mut world, commit.class, &commit.bytes);
    assert_eq!(world.names(AMARA).len(), 2);
    chidi_comes(&mut world);
    assert!(world.names(CHIDI).contains(&"Mallory"), "{:?}", world.names(CHIDI));
    world.say(CHIDI, "not lost");
    world.release_held();
    world.pass(Duration::from_secs(3));
    for person in [AMARA, BELA] {
        assert_eq!(world.chat(person), ["not lost"]);
    }
    all_are_together(&mut world);
}

#[test]
fn an_answer_that_comes_while_one_joins_is_followed_at_once() {
    let mut world = World::of(2);
    let mut mallory = Mallory::of(&world);
    hold_answers(&mut world);
    let (_, founding) = mallory.found();
    mallory.append(&mut world, Class::Snapshot, &founding);
    world.server.holds = Box::new(|person, class| class == Class::Snapshot || person == CHIDI && class == Class::Commit);
    chidi_comes(&mut world);
    world.server.holds = Box::new(|person, class| person == CHIDI && class == Class::Commit);
    // Members try again after a while.
    world.pass(Duration::from_secs(3));
    world.release_held();
    world.pass(Duration::from_secs(1));
    assert!(!world.people[CHIDI].phases.iter().any(|phase| matches!(phase, Phase::Reconnecting { .. })));
    all_are_together(&mut world);
}

#[test]
fn who_is_led_into_a_group_whose_founder_welcomes_it_is_put_right() {
    let mut world = World::of(2);
    let mut mallory = Mallory::of(&world);
    // Bela came long ago, and is not in doubt of where she is.
    world.pass(Duration::from_secs(10));
    hold_answers(&mut world);
    let (mut group, founding) = mallory.found();
    mallory.append(&mut world, Class::Snapshot, &founding);
    chidi_comes(&mut world);
    assert_eq!(world.names(CHIDI), ["Mallory", "Chidi"]);
    // She is in one epoch with Chidi, and says so.
    let commit = mallory.envelope.open(Class::Commit, &world.last(Class::Commit)).expect("sealed by the link");
    group.process(Class::Commit, &commit, &BTreeSet::new()).expect("a newcomer with the PSK");
    let (authenticator, roster) = (group.authenticator8(), group.roster8());
    let word = App::Heartbeat { epoch: group.epoch().0, authenticator, roster, seq: conclave_base::Seq(0), chain_hash: [0; 8], mic: true };
    let word = group.application(&word).expect("a member");
    mallory.append(&mut world, word.class, &word.bytes);
    world.pass(Duration::from_secs(6));
    assert_eq!(world.names(CHIDI), ["Mallory", "Chidi"], "nobody said otherwise yet");
    world.release_held();
    world.pass(Duration::from_secs(3));
    all_are_together(&mut world);
}

#[test]
fn a_false_state_of_a_high_epoch_makes_no_true_one_look_older() {
    let mut world = World::of(2);
    let mut mallory = Mallory::of(&world);
    let (mut group, commit) = mallory.follow(&world).join().expect("a state to join at");
    mallory.append(&mut world, commit.class, &commit.bytes);
    assert_eq!(world.names(AMARA), ["Amara", "Bela", "Mallory"]);
    let nobody = BTreeSet::new();
    group.process(commit.class, &commit.bytes, &nobody).expect("her own");
    // She goes on by herself.
    for _ in 0..5 {
        let update = group.update().expect("a member");
        group.process(update.class, &update.bytes, &nobody).expect("her own");
    }
    hold_answers(&mut world);
    let ahead = group.snapshot().expect("a member");
    mallory.append(&mut world, ahead.class, &ahead.bytes);
    chidi_comes(&mut world);
    assert!(world.screen(CHIDI).epoch > world.screen(AMARA).epoch);
    world.release_held();
    world.pass(Duration::from_secs(15));
    all_are_together(&mut world);
}

#[test]
fn a_snapshot_of_another_policy_shuts_nobody_out_unless_nobody_says_otherwise() {
    for answered in [true, false] {
        let mut world = World::of(2);
        let mut mallory = Mallory::of(&world);
        hold_answers(&mut world);
        mallory.config.policy.host_keys = vec![[9; 32]];
        let (_, founding) = mallory.found();
        mallory.append(&mut world, Class::Snapshot, &founding);
        chidi_comes(&mut world);
        assert_eq!(world.over(CHIDI), None);
        if answered {
            world.release_held();
        }
        world.pass(Duration::from_secs(3));
        if answered {
            all_are_together(&mut world);
        } else {
            assert_eq!(world.over(CHIDI), Some(EndReason::HostMismatch));
        }
    }
}

#[test]
fn an_old_snapshot_that_was_true_ends_nobody_s_meeting() {
    let mut world = World::of(3);
    let mut mallory = Mallory::of(&world);
    mallory.append(&mut world, Class::Snapshot, b"of no use");
    world.pass(Duration::from_secs(2));
    let old = world.last(Class::Snapshot);
    world.pass(Duration::from_secs(301));
    // Bela's own place in the group is gone, in an epoch that is much later.
    world.people[BELA].cut_off = true;
    world.pass(Duration::from_secs(15));
    assert_eq!(world.names(AMARA), ["Amara", "Chidi"]);
    hold_answers(&mut world);
    world.append_raw(Class::Snapshot, old);
    world.people[BELA].cut_off = false;
    world.break_connection(BELA);
    world.pass(Duration::from_secs(1));
    assert!(matches!(world.screen(BELA).phase, Phase::Reconnecting { .. }), "{:?}", world.screen(BELA).phase);
    world.release_held();
    world.pass(Duration::from_secs(3));
    all_are_together(&mut world);
}

#[test]
fn nobody_is_made_to_come_and_go_for_ever() {
    let mut world = World::of(2);
    chidi_comes(&mut world);
    let mut mallory = Mallory::of(&world);
    let before = world.people[CHIDI].phases.len();
    for _ in 0..20 {
        world.pass(Duration::from_secs(4));
        mallory.append(&mut world, Class::Message, b"for nobody");
        let (_, founding) = mallory.found();
        mallory.append(&mut world, Class::Snapshot, &founding);
    }
    let left = world.people[CHIDI].phases[before..].iter().filter(|phase| matches!(phase, Phase::Reconnecting { .. })).count();
    assert!((1..=6).contains(&left), "{left} times in 80 s");
    assert_eq!(world.names(CHIDI).len(), 3);
    world.command(CHIDI, Command::Leave).expect("inside");
}
