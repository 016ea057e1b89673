//! Many come in by one commit and one Welcome, and nobody comes in so who could not come in alone.

use conclave_protocol::limits::{BATCH, KEY_PACKAGE_EPOCHS};

use super::*;
use crate::hostile::{self, Wrong};
use crate::{JoinError, OwnKeyPackage, SUITE};

/// A newcomer who read the log, and has a KeyPackage.
fn asking(world: &World, config: GroupConfig) -> (ExternalJoin, OwnKeyPackage) {
    let joiner = world.joiner(config);
    let own = joiner.key_package().expect("it may come in");
    (joiner, own)
}

/// A member adds all who ask.
fn add_all(group: &mut Group, asking: &[(ExternalJoin, OwnKeyPackage)]) -> Outgoing {
    let newcomers = asking.iter().map(|(_, own)| group.may_add(&own.bytes).expect("it may be added")).collect();
    group.add(newcomers).expect("they are added")
}

/// All who ask enter by what was appended last.
fn enter_all(world: &mut World, asking: Vec<(ExternalJoin, OwnKeyPackage)>) {
    let entry = world.log.last().expect("an entry").clone();
    for (mut joiner, own) in asking {
        let _asked = joiner.apply(world.log[world.log.len() - 2].class, &world.log[world.log.len() - 2].bytes);
        joiner.apply(entry.class, &entry.bytes).expect("the commit is valid");
        assert!(joiner.is_inside());
        world.people.push(joiner.enter(own, &entry.bytes).expect("the Welcome opens"));
    }
}

/// Members and whoever follows refuse what person 1 of four sends, who is none of those that are asked.
#[track_caller]
fn assert_refused_by_all(mut world: World, entry: Outgoing, rule: RuleViolation) {
    world.people.remove(1);
    let mut joiner = world.joiner(config(66));
    assert_eq!(joiner.apply(entry.class, &entry.bytes), Err(rule), "who follows refuses it too");
    world.assert_refused(entry, rule);
}

#[test]
fn many_come_in_by_one_commit() {
    for suite in [SUITE_CLASSIC, SUITE] {
        let with = |n: u8| GroupConfig { policy: Policy { suite, ..policy() }, ..config(n) };
        let mut world = World::with(3, with);
        let newcomers: Vec<_> = (3..9).map(|n| asking(&world, with(n))).collect();
        let gone = world.id(1);
        let wish = world.people[1].leave().expect("it may leave");
        world.append(wish).expect("the wish is good");
        let entry = add_all(&mut world.people[2], &newcomers);
        let change = change(world.append(entry).expect("all agree"));
        assert_eq!(change.joined.len(), 6);
        assert_eq!(change.left.iter().map(|m| m.identity).collect::<Vec<_>>(), [gone], "requests to leave are taken along");
        world.people.remove(1);
        enter_all(&mut world, newcomers);
        world.assert_agree();
        let there = world.people[0].members();
        assert!(change.joined.iter().all(|member| there.contains(member)), "each at the leaf that was told");
        // They are members as all others: they speak, commit, and others join after them.
        let update = world.people[4].update().expect("an update is built");
        world.append(update).expect("an update is taken");
        world.join(with(20));
        let said = world.people[5].application(&message("Hello")).expect("it is sealed");
        world.append(said).expect("it is read");
        world.assert_agree();
    }
}

#[test]
fn a_commit_holds_what_there_is_room_for() {
    let small = |n: u8| GroupConfig { policy: Policy { limit: 5, ..policy() }, ..config(n) };
    let mut world = World::with(3, small);
    let newcomers: Vec<_> = (3..9).map(|n| asking(&world, small(n))).collect();
    let entry = add_all(&mut world.people[0], &newcomers);
    assert_eq!(change(world.append(entry).expect("as many as may come in")).joined.len(), 2);
    let mut world = World::of(1);
    let newcomers: Vec<_> = (1..80).map(|n| asking(&world, config(n))).collect();
    let entry = add_all(&mut world.people[0], &newcomers);
    assert_eq!(change(world.append(entry).expect("as many as one commit may add")).joined.len(), BATCH);
}

#[test]
fn nobody_is_added_without_proof_of_the_psk() {
    let (psk, session) = (Secret::new([7; 32]), SessionId::from_bytes([7; 16]));
    for (wrong, rule) in [
        (Wrong::NoProof, RuleViolation::NoPsk),
        (Wrong::Psk(psk), RuleViolation::NoPsk),
        (Wrong::Session(session), RuleViolation::NoPsk),
        (Wrong::Epoch(1_000), RuleViolation::NoPsk),
        (Wrong::Lifetime, RuleViolation::LeafMalformed),
    ] {
        let mut world = World::of(4);
        let package = hostile::key_package(&world.joiner(config(5)), &wrong);
        assert!(world.people[0].may_add(&package).is_none(), "{wrong:?}: no honest member adds it");
        let entry = hostile::add(&mut world.people[1], &[package], true, None);
        assert_refused_by_all(world, entry, rule);
    }
}

#[test]
fn a_key_package_is_good_for_some_epochs() {
    let mut world = World::of(4);
    let package = hostile::key_package(&world.joiner(config(5)), &Wrong::Nothing);
    for _ in 0..KEY_PACKAGE_EPOCHS {
        let update = world.people[0].update().expect("an update is built");
        world.append(update).expect("an update is taken");
    }
    assert!(world.people[1].may_add(&package).is_some());
    let update = world.people[0].update().expect("an update is built");
    world.append(update).expect("an update is taken");
    assert!(world.people[0].may_add(&package).is_none());
    let entry = hostile::add(&mut world.people[1], &[package], true, None);
    assert_refused_by_all(world, entry, RuleViolation::NoPsk);
}

#[test]
fn a_commit_that_adds_brings_the_psk() {
    let mut world = World::of(4);
    let package = hostile::key_package(&world.joiner(config(5)), &Wrong::Nothing);
    let entry = hostile::add(&mut world.people[1], &[package], false, None);
    assert_refused_by_all(world, entry, RuleViolation::NoPsk);
}

#[test]
fn nobody_is_added_whom_no_host_lets_in() {
    let mut world = World::of(4);
    let barred = world.id(3);
    let order = world.people[0].order(&Order { remove: [barred].into(), ..Order::default() }).expect("a host orders");
    world.append(order).expect("all obey");
    world.people.remove(3);
    for person in [3, 5] {
        // Barred, while the door is open; and a stranger, while it is closed.
        let door = if person == 3 { conclave_base::Door::Open } else { conclave_base::Door::Ask };
        let order = world.people[0].order(&Order { door: Some(door), ..Order::default() }).expect("a host orders");
        world.append(order).expect("all obey");
        let joiner = world.joiner(config(person));
        assert!(matches!(joiner.key_package(), Err(JoinError::NotAdmitted)));
        let package = hostile::key_package(&joiner, &Wrong::Nothing);
        assert!(world.people[1].may_add(&package).is_none());
        let entry = hostile::add(&mut world.people[1], &[package], true, None);
        for person in [0, 2] {
            assert_eq!(world.people[person].process(entry.class, &entry.bytes, &nobody()), Err(RuleViolation::NotAdmitted));
        }
        assert_eq!(world.joiner(config(66)).apply(entry.class, &entry.bytes), Err(RuleViolation::NotAdmitted));
    }
}

#[test]
fn nobody_is_added_beyond_the_limit() {
    let small = |n: u8| GroupConfig { policy: Policy { limit: 5, ..policy() }, ..config(n) };
    let mut world = World::with(4, small);
    let packages: Vec<_> = [5, 6].map(|n| hostile::key_package(&world.joiner(small(n)), &Wrong::Nothing)).into();
    let entry = hostile::add(&mut world.people[1], &packages, true, None);
    for person in [0, 2, 3] {
        assert_eq!(world.people[person].process(entry.class, &entry.bytes, &nobody()), Err(RuleViolation::Invalid));
    }
    assert_eq!(world.joiner(small(66)).apply(entry.class, &entry.bytes), Err(RuleViolation::Invalid));
    let entry = hostile::add(&mut world.people[1], &packages[..1], true, None);
    assert!(world.people[0].process(entry.class, &entry.bytes, &nobody()).is_ok(), "one of them has a place");
    assert!(world.joiner(small(66)).key_package().is_ok());
}

/// OpenMLS builds no commit with two leaves of one key.
#[test]
fn who_is_inside_is_not_added() {
    let world = World::of(4);
    let twin = hostile::key_package(&world.joiner(config(2)), &Wrong::Nothing);
    assert!(world.people[0].may_add(&twin).is_none());
}

#[test]
fn more_than_a_commit_may_add_is_refused() {
    let mut world = World::of(4);
    let packages: Vec<_> = (0..=BATCH).map(|n| hostile::key_package(&world.joiner(config(10 + n as u8)), &Wrong::Nothing)).collect();
    let entry = hostile::add(&mut world.people[1], &packages, true, None);
    assert_refused_by_all(world, entry, RuleViolation::ProposalType);
}

#[test]
fn who_orders_adds_nobody_by_it() {
    // The same meeting, in which the host gave that order.
    let mut ahead = World::of(4);
    let order = ahead.people[0].order(&Order { door: Some(conclave_base::Door::Ask), ..Order::default() }).expect("a host orders");
    ahead.append(order).expect("all obey");
    let ordered = hostile::policy(&ahead.people[0]);
    let mut world = World::of(4);
    let package = hostile::key_package(&world.joiner(config(5)), &Wrong::Nothing);
    let alone = hostile::add(&mut world.people[0], &[], false, Some(&ordered));
    assert!(world.people[1].process(alone.class, &alone.bytes, &nobody()).is_ok(), "the order is a good one");
    let entry = hostile::add(&mut world.people[0], &[package], true, Some(&ordered));
    for person in [2, 3] {
        assert_eq!(world.people[person].process(entry.class, &entry.bytes, &nobody()), Err(RuleViolation::ProposalType));
    }
}

#[test]
fn nobody_is_proposed_for_others_to_add() {
    let mut world = World::of(4);
    let package = hostile::key_package(&world.joiner(config(5)), &Wrong::Nothing);
    let proposed = hostile::propose_add(&mut world.people[1], &package);
    for person in [0, 2, 3] {
        assert_eq!(world.people[person].process(proposed.class, &proposed.bytes, &nobody()), Err(RuleViolation::ProposalType));
    }
}

#[test]
fn who_has_the_proof_and_not_the_psk_opens_no_welcome() {
    let mut world = World::of(2);
    let first = [asking(&world, config(5))];
    let entry = add_all(&mut world.people[0], &first);
    let [(mut joiner, own)] = first;
    hostile::forget_psk(&joiner, &own);
    joiner.apply(entry.class, &entry.bytes).expect("the commit is valid");
    assert!(matches!(joiner.enter(own, &entry.bytes), Err(JoinError::NoState)));
}

#[test]
fn a_welcome_that_opens_nothing_leaves_the_way_of_who_returns() {
    let mut world = World::of(3);
    let first = [asking(&world, config(5))];
    let added = add_all(&mut world.people[1], &first);
    let [(mut joiner, _)] = first;
    for welcome in [None, Some(vec![0; 100].into())] {
        let (_, own) = asking(&world, config(5));
        let bad = tampered(&added, |content| content.welcome = welcome);
        let mut joiner = world.joiner(config(5));
        joiner.apply(bad.class, &bad.bytes).expect("the commit itself is valid");
        assert!(joiner.enter(own, &bad.bytes).is_err());
    }
    let bad = tampered(&added, |content| content.welcome = None);
    world.people[1].discard_pending();
    let mut author = world.people.remove(1);
    author.process(bad.class, &bad.bytes, &nobody()).expect_err("its own, which it does not have any more");
    world.append(bad.clone()).expect("members cannot see what the Welcome holds");
    joiner.apply(bad.class, &bad.bytes).expect("the commit is valid");
    assert!(joiner.is_inside());
    let (group, entry) = joiner.join().expect("it joins as who returns");
    world.people.push(group);
    let change = change(world.append(entry).expect("all agree"));
    assert_eq!((change.joined.len(), change.left.len()), (1, 0));
    world.assert_agree();
}
