use super::*;
use crate::hostile;
use crate::provider::LeafKey;

#[test]
fn a_join_without_the_psk_is_refused() {
    let mut world = World::of(3);
    let entry = hostile::join_without_psk(&world.joiner(config(3)));
    assert_eq!(world.joiner(config(4)).apply(entry.class, &entry.bytes), Err(RuleViolation::NoPsk));
    world.assert_refused(entry, RuleViolation::NoPsk);
}

#[test]
fn a_join_with_a_wrong_psk_is_refused() {
    let mut world = World::of(3);
    let mut joiner = world.joiner(config(3));
    joiner.config.psk = Secret::new([0; 32]);
    let (_, entry) = joiner.join().expect("it looks like a join");
    assert_eq!(world.joiner(config(4)).apply(entry.class, &entry.bytes), Err(RuleViolation::NoPsk));
    world.assert_refused(entry, RuleViolation::NoPsk);
}

#[test]
fn a_proof_of_the_psk_is_good_for_one_newcomer_in_one_state() {
    let proof = |joiner: &ExternalJoin, n| {
        let key = LeafKey::new(&config(n).signer).public();
        joiner.psk_proof().expect("the state is whole").make(&key)
    };
    let mut world = World::of(2);
    let early = proof(&world.joiner(config(3)), 3);
    world.join(config(4));
    let of = |world: &World, n| proof(&world.joiner(config(3)), n);
    let wrong = [early, of(&world, 5), Vec::new(), of(&world, 3)[..31].to_vec()];
    for wrong in wrong {
        let joiner = world.joiner(config(3));
        let entry = hostile::join_with_proof(&joiner, &wrong);
        assert_eq!(world.joiner(config(6)).apply(entry.class, &entry.bytes), Err(RuleViolation::NoPsk));
        world.assert_refused(entry, RuleViolation::NoPsk);
    }
    // The same with its own is no attack.
    let joiner = world.joiner(config(3));
    let entry = hostile::join_with_proof(&joiner, &proof(&joiner, 3));
    assert_eq!(world.joiner(config(6)).apply(entry.class, &entry.bytes), Ok(()));
    assert!(matches!(world.append(entry), Ok(Processed::Commit(_))));
}

#[test]
fn a_join_with_the_psk_of_another_meeting_is_refused() {
    let mut world = World::of(2);
    let entry = hostile::join_with_foreign_psk(&world.joiner(config(3)), &MeetingId::from_bytes([8; 16]));
    assert_eq!(world.joiner(config(4)).apply(entry.class, &entry.bytes), Err(RuleViolation::NoPsk));
    world.assert_refused(entry, RuleViolation::NoPsk);
}

#[test]
fn a_join_with_the_psk_of_another_session_is_refused() {
    let mut world = World::of(2);
    let entry = hostile::join_with_psk_of_another_session(&world.joiner(config(3)), &SessionId::from_bytes([8; 16]));
    assert_eq!(world.joiner(config(4)).apply(entry.class, &entry.bytes), Err(RuleViolation::NoPsk));
    world.assert_refused(entry, RuleViolation::NoPsk);
}

#[test]
fn each_session_has_a_name_of_its_own_that_all_its_members_know() {
    let world = World::of(2);
    let other = Group::create(GroupConfig { seed: Secret::new([77; 32]), ..config(0) }).expect("a group is founded").0;
    assert_eq!(world.people[0].session(), world.people[1].session());
    assert!(world.people[0].session().is_some());
    assert_ne!(world.people[0].session(), other.session());
    assert_eq!(Some(world.joiner(config(5)).session()), world.people[0].session());
}

#[test]
fn a_second_leaf_with_one_key_is_refused() {
    let mut world = World::of(4);
    // A free place left of the old leaf, so that the twin does not land on it.
    let victim = world.id(1);
    let commit = world.people[0].order(&removal(victim)).expect("a host may");
    world.append(commit).expect("a host may");
    world.people.remove(1);
    let entry = hostile::join_twice(&world.joiner(GroupConfig { seed: Secret::new([1; 32]), ..config(3) }));
    assert_eq!(world.joiner(config(4)).apply(entry.class, &entry.bytes), Err(RuleViolation::DuplicateKey));
    world.assert_refused(entry, RuleViolation::DuplicateKey);
}

#[test]
fn removal_by_a_guest_is_refused() {
    let mut world = World::of(3);
    let victim = world.id(2);
    let entry = hostile::remove(&mut world.people[1], &victim);
    // The attacker would see its own commit as foreign; the others matter.
    let attacker = world.people.remove(1);
    world.assert_refused(entry, RuleViolation::RemoveNotAllowed);
    drop(attacker);
}

#[test]
fn a_guest_cannot_have_others_commit_a_removal() {
    let mut world = World::of(3);
    let host = world.id(0);
    let entry = hostile::propose_remove(&mut world.people[1], &host);
    world.assert_refused(entry, RuleViolation::RemoveNotAllowed);
}

#[test]
fn a_psk_in_a_members_commit_is_refused() {
    let mut world = World::of(3);
    let entry = hostile::member_psk(&mut world.people[1]);
    world.people.remove(1);
    world.assert_refused(entry, RuleViolation::ProposalType);
}

#[test]
fn a_leaf_that_carries_too_much_is_refused() {
    let mut world = World::of(3);
    let entry = hostile::rename(&mut world.people[1], &"x".repeat(10_000));
    world.people.remove(1);
    world.assert_refused(entry, RuleViolation::LeafMalformed);
}

#[test]
fn a_member_keeps_its_key() {
    let mut world = World::of(3);
    let entry = hostile::change_key(&mut world.people[1], &Secret::new([44; 32]));
    world.people.remove(1);
    world.assert_refused(entry, RuleViolation::LeafMalformed);
}

#[test]
fn a_member_keeps_its_name() {
    let mut world = World::of(3);
    let entry = hostile::rename(&mut world.people[1], "Somebody else");
    world.people.remove(1);
    world.assert_refused(entry, RuleViolation::LeafMalformed);
}

#[test]
fn a_strange_name_is_shown_clean() {
    let mut world = World::of(1);
    let entry = hostile::join_called(&world.joiner(config(1)), "A\u{202E}dmin\n\n  of all");
    world.append(entry).expect("a name is free");
    assert_eq!(world.people[0].members()[1].name.expose(), "Admin of all");
}

#[test]
fn a_host_proof_counts_only_for_the_key_that_the_policy_names() {
    let mut world = World::of(1);
    world.join(GroupConfig { host: Some(Secret::new([33; 32])), ..config(1) });
    assert!(!world.people[0].members()[1].host);
    let host = world.id(0);
    assert!(world.people[1].order(&removal(host)).is_err());
    world.join(GroupConfig { host: Some(Secret::new(HOST_SEED)), ..config(2) });
    assert!(world.people[0].members()[2].host);
}

#[test]
fn a_replayed_commit_is_refused() {
    let mut world = World::of(2);
    let update = world.people[0].update().expect("an update is built");
    world.append(update.clone()).expect("an update is taken");
    world.assert_refused(update, RuleViolation::Invalid);
    let founding = world.log[0].clone();
    world.assert_refused(founding, RuleViolation::Invalid);
}

#[test]
fn classes_not_in_use_are_refused() {
    let mut world = World::of(2);
    for class in [Class::JoinRequest, Class::Welcome] {
        world.assert_refused(Outgoing { class, bytes: vec![0; 100] }, RuleViolation::ProposalType);
    }
}
