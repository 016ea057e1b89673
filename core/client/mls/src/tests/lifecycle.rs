use super::*;
use crate::{CommandError, JoinError, SUITE};

#[test]
fn founding_and_three_joins_converge() {
    let world = World::of(4);
    world.assert_agree();
    let names: Vec<_> = world.people[0].members().iter().map(|m| m.name.expose().as_str()).collect();
    assert_eq!(names, ["Person 0", "Person 1", "Person 2", "Person 3"]);
    let hosts: Vec<_> = world.people[3].members().iter().map(|m| m.host).collect();
    assert_eq!(hosts, [true, false, false, false]);
    assert!(!world.people.iter().any(Group::is_pending));
}

#[test]
fn the_hybrid_suite_works_the_same() {
    let hybrid = |n| GroupConfig { policy: Policy { suite: SUITE, ..policy() }, ..config(n) };
    let mut world = World::with(3, hybrid);
    world.assert_agree();
    let update = world.people[1].update().expect("an update is built");
    world.append(update).expect("an update is taken");
    world.assert_agree();
}

#[test]
fn a_join_says_who_came() {
    let mut world = World::of(2);
    let joined = change(world.join(config(2)));
    assert_eq!(joined.by, world.id(2));
    assert_eq!(joined.joined.iter().map(|m| m.identity).collect::<Vec<_>>(), [world.id(2)]);
    assert!(joined.left.is_empty() && joined.removed.is_empty() && !joined.out && !joined.snapshot_wanted);
}

#[test]
fn every_epoch_has_its_own_key_and_code() {
    let mut world = World::of(2);
    let mut seen = vec![Fingerprint::of(&world.people[0])];
    for n in [0, 1, 0] {
        let update = world.people[n].update().expect("an update is built");
        world.append(update).expect("an update is taken");
        world.assert_agree();
        let now = Fingerprint::of(&world.people[0]);
        assert!(seen.iter().all(|old| old.1 != now.1 && old.3 != now.3));
        seen.push(now);
    }
}

#[test]
fn a_joiner_starts_from_a_snapshot_and_applies_what_follows() {
    let mut world = World::of(3);
    let snapshot = world.people[1].snapshot().expect("a snapshot is built");
    assert_eq!(world.append(snapshot.clone()), Ok(Processed::Snapshot));
    let from = world.log.len();
    for n in [2, 0] {
        let update = world.people[n].update().expect("an update is built");
        world.append(update).expect("an update is taken");
    }
    world.join(config(3));

    let mut joiner = ExternalJoin::new(config(4), &snapshot.bytes).expect("a snapshot is a state");
    for entry in &world.log[from..] {
        joiner.apply(entry.class, &entry.bytes).expect("these are valid");
    }
    assert_eq!(joiner.members(), world.people[0].members());
    let (group, entry) = joiner.join().expect("the state can be joined");
    world.people.push(group);
    world.append(entry).expect("the join is valid");
    world.assert_agree();
}

#[test]
fn a_stale_commit_is_dropped_and_tried_again() {
    let mut world = World::of(3);
    let first = world.people[1].update().expect("an update is built");
    let late = world.people[2].update().expect("an update is built");
    assert!(world.people[2].is_pending());
    assert_eq!(world.people[2].update(), Err(CommandError::Pending));
    world.append(first).expect("the first is taken");
    // The log refuses the late one; it was never appended.
    world.people[2].discard_pending();
    world.assert_agree();
    // Were it appended all the same, everybody ignored it.
    world.assert_refused(late, RuleViolation::Invalid);
    let again = world.people[2].update().expect("an update is built");
    world.append(again).expect("the second try is taken");
    world.assert_agree();
}

#[test]
fn a_refused_joiner_catches_up_and_joins() {
    let mut world = World::of(2);
    let mut joiner = world.joiner(config(2));
    let (refused, _) = joiner.join().expect("the state can be joined");
    let update = world.people[0].update().expect("an update is built");
    world.append(update.clone()).expect("the update was faster");
    drop(refused);
    joiner.apply(update.class, &update.bytes).expect("an update is valid");
    let (group, entry) = joiner.join().expect("the new state can be joined");
    world.people.push(group);
    world.append(entry).expect("the join is valid");
    world.assert_agree();
}

#[test]
fn nothing_is_sent_before_the_own_entry_has_its_place() {
    let (mut founder, _) = Group::create(config(0)).expect("a group is founded");
    assert_eq!(founder.application(&message("hello")), Err(CommandError::Pending));
    assert_eq!(founder.update(), Err(CommandError::Pending));
    assert_eq!(founder.leave(), Err(CommandError::Pending));
    assert_eq!(founder.snapshot(), Err(CommandError::Pending));
}

#[test]
fn who_asks_to_leave_is_removed_by_any_other_member() {
    let mut world = World::of(3);
    let leaver = world.id(2);
    let ask = world.people[2].leave().expect("leaving is asked");
    assert_eq!(world.append(ask), Ok(Processed::Leaving(leaver)));
    assert_eq!(world.people[2].commit_pending(), Err(CommandError::Nothing));
    let commit = world.people[1].commit_pending().expect("the leave is committed");
    let left = change(world.append(commit).expect("a leave is valid"));
    assert_eq!(left.left.iter().map(|m| m.identity).collect::<Vec<_>>(), [leaver]);
    assert!(left.removed.is_empty());
    let gone = world.people.pop().expect("three people");
    assert_eq!(gone.media_base_key(), None);
    world.assert_agree();
    assert!(world.people[0].members().iter().all(|m| m.identity != leaver));
}

#[test]
fn who_asks_to_leave_can_still_commit_that_others_leave() {
    let mut world = World::of(3);
    for n in [1, 2] {
        let ask = world.people[n].leave().expect("leaving is asked");
        world.append(ask).expect("asking is valid");
    }
    let commit = world.people[1].commit_pending().expect("the other's leave is committed");
    let left = change(world.append(commit).expect("a leave is valid"));
    assert_eq!(left.left.iter().map(|m| m.identity).collect::<Vec<_>>(), [world.id(2)]);
    world.people.pop();
    world.assert_agree();
}

#[test]
fn a_joiner_follows_a_leave() {
    let mut world = World::of(3);
    let ask = world.people[2].leave().expect("leaving is asked");
    world.append(ask).expect("asking is valid");
    let commit = world.people[0].commit_pending().expect("the leave is committed");
    world.append(commit).expect("a leave is valid");
    world.people.pop();
    world.join(config(3));
    world.assert_agree();
}

#[test]
fn a_leave_that_came_too_late_is_asked_again() {
    let mut world = World::of(3);
    let ask = world.people[2].leave().expect("leaving is asked");
    let update = world.people[0].update().expect("an update is built");
    world.append(update).expect("an update is taken");
    assert_eq!(world.append(ask), Ok(Processed::Unreadable));
    assert_eq!(world.people[0].commit_pending(), Err(CommandError::Nothing));
    let again = world.people[2].leave().expect("leaving is asked again");
    world.append(again).expect("asking is valid");
    let commit = world.people[0].update().expect("any commit takes leaves along");
    assert_eq!(change(world.append(commit).expect("a leave is valid")).left.len(), 1);
}

#[test]
fn a_host_removes_and_the_removed_has_no_next_key() {
    let mut world = World::of(3);
    let victim = world.id(1);
    let commit = world.people[0].order(&removal(victim)).expect("a host may");
    let key_before = world.people[1].media_base_key();
    let removed = change(world.append(commit).expect("a host may"));
    assert_eq!(removed.removed.iter().map(|m| m.identity).collect::<Vec<_>>(), [victim]);
    let mut out = world.people.remove(1);
    world.assert_agree();

    assert_eq!(out.media_base_key(), None);
    assert_ne!(key_before, world.people[0].media_base_key());
    assert_eq!(out.application(&message("still here")), Err(CommandError::NotMember));
    assert_eq!(out.update(), Err(CommandError::NotMember));
    let secret = world.people[0].application(&message("after you left")).expect("a message is sealed");
    assert_eq!(out.process(secret.class, &secret.bytes, &nobody()), Ok(Processed::Unreadable));
}

#[test]
fn the_removed_is_told_that_it_is_out() {
    let mut world = World::of(2);
    let victim = world.id(1);
    let commit = world.people[0].order(&removal(victim)).expect("a host may");
    let told = world.people[1].process(commit.class, &commit.bytes, &nobody()).expect("a host may");
    assert!(change(told).out);
}

#[test]
fn a_lost_member_is_removed_by_anybody_who_sees_that_it_is_gone() {
    let mut world = World::of(3);
    let lost = world.id(2);
    assert_eq!(world.people[1].order(&removal(lost)), Err(CommandError::NotAllowed));
    let gone = BTreeSet::from([lost]);
    let commit = world.people[1].remove_absent(&gone).expect("it is gone");
    let left = change(world.append_while_absent(commit, &gone).expect("it is gone"));
    assert_eq!(left.left.iter().map(|m| m.identity).collect::<Vec<_>>(), [lost]);
    world.people.pop();
    world.assert_agree();
}

#[test]
fn a_returning_client_replaces_its_old_leaf() {
    let mut world = World::of(3);
    let returned = World::joiner(&world, GroupConfig { seed: Secret::new([1; 32]), ..config(1) });
    let (group, entry) = returned.join().expect("the state can be joined");
    let old = std::mem::replace(&mut world.people[1], group);
    let change = change(world.append(entry).expect("it proves the same key"));
    assert_eq!((change.joined.len(), change.left.len(), change.removed.len()), (1, 0, 0));
    assert_eq!(world.people[0].members().len(), 3);
    world.assert_agree();
    drop(old);
}

#[test]
fn the_group_of_another_meeting_policy_or_suite_is_not_joined() {
    let world = World::of(1);
    let founding = &world.log[0].bytes;
    let refused = |config| ExternalJoin::new(config, founding).map(|_| ()).expect_err("it is not joined");
    assert_eq!(refused(GroupConfig { meeting: MeetingId::from_bytes([8; 16]), ..config(1) }), JoinError::OtherMeeting);
    let foreign = Policy { host_keys: vec![[3; 32]], ..policy() };
    assert_eq!(refused(GroupConfig { policy: foreign, ..config(1) }), JoinError::Policy);
    assert_eq!(refused(GroupConfig { policy: Policy { limit: 3, ..policy() }, ..config(1) }), JoinError::Policy);
    assert_eq!(refused(GroupConfig { policy: Policy { suite: SUITE, ..policy() }, ..config(1) }), JoinError::Policy);
    assert_eq!(refused(GroupConfig { policy: Policy { suite: 2, ..policy() }, ..config(1) }), JoinError::Suite);
}

#[test]
fn a_full_group_is_not_joined() {
    let full = |n| GroupConfig { policy: Policy { limit: 2, ..policy() }, ..config(n) };
    let mut world = World::with(2, full);
    assert_eq!(world.joiner(full(2)).join().map(|_| ()), Err(JoinError::Full));
    world.assert_agree();
    let update = world.people[1].update().expect("an update is built");
    world.append(update).expect("an update is taken");
}

#[test]
fn a_commit_without_usable_state_asks_for_a_snapshot_and_one_repairs_it() {
    let mut world = World::of(2);
    let update = world.people[1].update().expect("an update is built");
    world.people[1].discard_pending();
    let bad = tampered(&update, |entry| entry.group_info = b"nothing".to_vec());
    // The author itself cannot come back from this: it plays the attacker and is gone.
    world.people.truncate(1);
    assert!(change(world.append(bad).expect("the commit itself is valid")).snapshot_wanted);
    assert_eq!(world.joiner(config(2)).join().map(|_| ()), Err(JoinError::NoState));
    let snapshot = world.people[0].snapshot().expect("a snapshot is built");
    assert_eq!(world.append(snapshot), Ok(Processed::Snapshot));
    world.join(config(2));
    world.assert_agree();
}

#[test]
fn a_joiner_that_took_a_removal_on_trust_begins_anew_from_what_the_members_say() {
    let mut world = World::of(3);
    let spoke_up = BTreeSet::from([world.id(2)]);
    let ignored = world.people[1].remove_absent(&spoke_up).expect("it was absent a moment ago");
    world.people[1].discard_pending();
    assert_eq!(world.people[0].process(ignored.class, &ignored.bytes, &nobody()), Err(RuleViolation::RemoveNotAllowed));
    world.log.push(ignored);
    let snapshot = world.people[0].snapshot().expect("a snapshot is built");
    world.append(snapshot).expect("it is of this epoch");
    world.join(config(5));
    world.assert_agree();
}

#[test]
fn a_snapshot_of_another_epoch_is_useless() {
    let mut world = World::of(2);
    let old = world.people[0].snapshot().expect("a snapshot is built");
    let update = world.people[0].update().expect("an update is built");
    world.append(update).expect("an update is taken");
    assert_eq!(world.append(old), Ok(Processed::SnapshotUseless { of_group: true }));
    let (_, other) = Group::create(config(7)).expect("a group is founded");
    let other = Outgoing { class: Class::Snapshot, ..other };
    assert_eq!(world.append(other), Ok(Processed::SnapshotUseless { of_group: false }), "of another session");
    let garbage = Outgoing { class: Class::Snapshot, bytes: vec![1, 2, 3] };
    assert_eq!(world.append(garbage), Ok(Processed::SnapshotUseless { of_group: false }));
}

#[test]
fn the_same_seed_makes_the_same_leaf_and_another_seed_another_group() {
    let (a, _) = Group::create(config(0)).expect("a group is founded");
    let (b, _) = Group::create(GroupConfig { seed: Secret::new([0; 32]), ..config(0) }).expect("a group is founded");
    assert_eq!(a.me(), b.me());
    assert_ne!(a.media_base_key(), b.media_base_key());
    assert_ne!(a.safety_code(), b.safety_code());
}
