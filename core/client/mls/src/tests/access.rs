//! Who may come in, by a host's order.

use conclave_base::Door;
use conclave_protocol::limits::{ADMITTED, APPOINTED, BARRED};
use conclave_protocol::payload::{Access, GroupPolicy, SeenPolicy};

use super::*;
use crate::access::{Orderer, initial, ordered};
use crate::{CommandError, JoinError, Member, hostile, is_ordered};

fn door(door: Door) -> Order {
    Order { door: Some(door), ..Order::default() }
}

fn admit(who: MemberId) -> Order {
    Order { admit: [who].into(), ..Order::default() }
}

fn identity(n: u8) -> MemberId {
    MemberId::of_key(&SigningKey::from_bytes(config(n).signer.expose()).verifying_key().to_bytes())
}

impl World {
    fn order(&mut self, by: usize, order: &Order) {
        let entry = self.people[by].order(order).expect("a host may");
        self.append(entry).expect("a host may");
        self.people.retain(|person| person.media_base_key().is_some());
    }

    /// A join of a client that asks nobody, and checks nothing.
    fn forced(&self, n: u8) -> Outgoing {
        hostile::join_unasked(&self.joiner(config(n)))
    }
}

#[test]
fn nobody_comes_in_unasked_through_a_door_that_is_not_open() {
    for closed in [Door::Ask, Door::Locked] {
        let mut world = World::of(3);
        world.order(0, &door(closed));
        assert_eq!(world.people[1].access().door, closed);
        assert_eq!(world.joiner(config(3)).join().map(|_| ()), Err(JoinError::NotAdmitted));
        let forced = world.forced(3);
        assert_eq!(world.joiner(config(4)).apply(forced.class, &forced.bytes), Err(RuleViolation::NotAdmitted));
        world.assert_refused(forced, RuleViolation::NotAdmitted);
        world.order(0, &admit(identity(3)));
        world.join(config(3));
        world.assert_agree();
        assert_eq!(world.joiner(config(4)).join().map(|_| ()), Err(JoinError::NotAdmitted), "one was admitted, not all");
        world.order(0, &door(Door::Open));
        world.join(config(4));
        world.assert_agree();
    }
}

#[test]
fn who_was_inside_when_the_door_was_closed_comes_back_unasked() {
    let mut world = World::of(3);
    world.order(0, &door(Door::Locked));
    let lost = world.id(2);
    let commit = world.people[0].remove_absent(&[lost].into()).expect("it is absent");
    world.append_while_absent(commit, &[lost].into()).expect("it is absent");
    world.people.remove(2);
    world.join(GroupConfig { seed: Secret::new([1; 32]), ..config(2) });
    world.assert_agree();
}

#[test]
fn who_was_removed_does_not_come_back_by_the_same_key_even_through_an_open_door() {
    let mut world = World::of(3);
    let victim = world.id(2);
    world.order(0, &removal(victim));
    assert_eq!(world.people.len(), 2);
    assert_eq!(world.joiner(config(2)).join().map(|_| ()), Err(JoinError::NotAdmitted));
    let forced = world.forced(2);
    world.assert_refused(forced, RuleViolation::NotAdmitted);
    world.order(0, &admit(victim));
    world.join(GroupConfig { seed: Secret::new([1; 32]), ..config(2) });
    world.assert_agree();
}

#[test]
fn who_is_sent_back_is_told_apart_from_who_is_removed_and_waits_at_the_door() {
    let mut world = World::of(4);
    let (back, out) = (world.id(2), world.id(3));
    let order = Order { door: Some(Door::Ask), send_back: [back].into(), remove: [out].into(), ..Order::default() };
    let entry = world.people[0].order(&order).expect("a host may");
    let Ok(Processed::Commit(change)) = world.append(entry) else { panic!("a commit") };
    assert_eq!(change.sent_back.iter().map(|m| m.identity).collect::<Vec<_>>(), [back]);
    assert_eq!(change.removed.iter().map(|m| m.identity).collect::<Vec<_>>(), [out]);
    world.people.truncate(2);
    assert_eq!(world.joiner(config(2)).join().map(|_| ()), Err(JoinError::NotAdmitted));
    assert_eq!(world.people[0].access().barred, [out]);
}

#[test]
fn a_host_comes_in_through_a_locked_door() {
    let mut world = World::of(2);
    world.order(0, &door(Door::Locked));
    world.join(GroupConfig { host: Some(Secret::new(HOST_SEED)), ..config(3) });
    assert!(world.people[1].members()[2].host);
}

#[test]
fn a_guest_orders_nothing() {
    let mut world = World::of(3);
    assert_eq!(world.people[1].order(&door(Door::Open)), Err(CommandError::NotAllowed));
    // What a host signed, in the mouth of a guest.
    let signed = next(&world.people[0], &door(Door::Locked));
    let stolen = hostile::change_policy(&mut world.people[1], &signed);
    // A policy that a guest signs itself.
    let session = world.people[1].session().expect("a session");
    let own_key = Secret::new([33; 32]);
    let made_up = ordered(&initial(policy()), &door(Door::Open), &Orderer::HostKey(&own_key), &[], &config(0).meeting, &session);
    let forged = hostile::change_policy(&mut world.people[1], &made_up.expect("it is built"));
    world.people.remove(1);
    for entry in [stolen, forged] {
        for person in &mut world.people {
            assert_eq!(person.process(entry.class, &entry.bytes, &nobody()), Err(RuleViolation::PolicyNotAllowed));
        }
    }
}

#[test]
fn an_order_is_not_given_again_nor_in_another_session_nor_unsigned() {
    let mut world = World::of(3);
    let first = next(&world.people[0], &door(Door::Open));
    world.order(0, &door(Door::Locked));
    let other = Group::create(GroupConfig { seed: Secret::new([77; 32]), ..config(0) }).expect("a group is founded").0;
    let mut foreign = next(&other, &door(Door::Open));
    foreign.access.order = 9;
    let unsigned = GroupPolicy { order: None, access: Access { order: 9, ..initial(policy()).access }, policy: policy() };
    let mut limit = next(&world.people[0], &door(Door::Open));
    limit.policy.limit = 1;
    for bad in [first, foreign, unsigned, limit, initial(policy())] {
        let entry = hostile::change_policy(&mut world.people[0], &bad);
        assert_eq!(world.people[1].process(entry.class, &entry.bytes, &nobody()), Err(RuleViolation::PolicyNotAllowed));
    }
}

#[test]
fn who_is_appointed_is_a_host_and_appoints_nobody() {
    let mut world = World::of(4);
    let (deputy, guest) = (world.id(1), world.id(2));
    world.order(0, &Order { appoint: [deputy].into(), ..Order::default() });
    assert!(world.people.iter().all(|person| person.members()[1].host));
    assert!(world.people[1].is_host() && !world.people[2].is_host());
    world.order(1, &door(Door::Ask));
    assert_eq!(world.people[3].access().door, Door::Ask);
    // A newcomer believes it too.
    world.order(1, &admit(identity(5)));
    world.join(config(5));
    assert!(world.people[4].members()[1].host);
    assert_eq!(world.people[1].order(&Order { appoint: [guest].into(), ..Order::default() }), Err(CommandError::NotAllowed));
    world.order(0, &removal(deputy));
    assert!(world.people[0].access().appointed.is_empty());
}

#[test]
fn where_newcomers_ask_from_the_beginning_a_host_founds_the_session() {
    let lobby = |n| {
        let policy = Policy { lobby: true, ..policy() };
        GroupConfig { policy, ..config(n) }
    };
    assert_eq!(Group::create(lobby(1)).map(|_| ()), Err(JoinError::NotAdmitted));
    let mut world = World::with(1, lobby);
    assert_eq!(world.people[0].access().door, Door::Ask);
    assert_eq!(world.joiner(lobby(1)).join().map(|_| ()), Err(JoinError::NotAdmitted));
    world.order(0, &admit(identity(1)));
    world.join(lobby(1));
    world.assert_agree();
}

#[test]
fn what_was_ordered_holds_in_the_next_session_and_who_saw_it_enters_no_other() {
    let mut world = World::of(3);
    let out = world.id(2);
    world.order(0, &Order { door: Some(Door::Ask), ..removal(out) });
    let access = world.people[1].access().clone();
    let remembers = |n, seed| GroupConfig { access: Some(access.clone()), seed: Secret::new([seed; 32]), ..config(n) };
    // The removed one founds a session, where it would be inside already.
    let fake = World::with(1, |_| GroupConfig { seed: Secret::new([81; 32]), ..config(2) });
    assert_eq!(fake.joiner(remembers(1, 82)).join().map(|_| ()), Err(JoinError::NotAdmitted));
    assert_eq!(Group::create(remembers(1, 83)).map(|_| ()), Err(JoinError::NotAdmitted), "a guest does not know who is meant to be inside");
    // The host founds it.
    let mut next = World::with(1, |_| remembers(0, 84));
    assert_eq!((next.people[0].access().door, next.people[0].access().barred.clone()), (Door::Ask, vec![out]));
    assert!(next.people[0].access().order > access.order);
    next.join(remembers(1, 85));
    next.assert_agree();
    assert_eq!(next.joiner(config(2)).join().map(|_| ()), Err(JoinError::NotAdmitted));
}

#[test]
fn who_was_appointed_begins_the_next_session_too_and_what_it_was_shown_convinces_a_host() {
    let mut world = World::of(2);
    let deputy = world.id(1);
    world.order(0, &Order { appoint: [deputy].into(), ..door(Door::Ask) });
    let seen = world.people[0].seen_policy().expect("a session");
    let next = World::with(1, |_| GroupConfig { access: Some(seen.policy.access.clone()), seed: Secret::new([84; 32]), ..config(1) });
    assert!(next.people[0].is_host() && next.people[0].access().door == Door::Ask);
    let meeting = config(0).meeting;
    assert!(is_ordered(&seen, &policy(), &meeting));
    assert!(!is_ordered(&seen, &Policy { limit: 2, ..policy() }, &meeting));
    assert!(!is_ordered(&SeenPolicy { session: SessionId::from_bytes([7; 16]), ..seen.clone() }, &policy(), &meeting));
    let mut wider = seen;
    wider.policy.access.door = Door::Open;
    assert!(!is_ordered(&wider, &policy(), &meeting));
    let unordered = World::of(1).people[0].seen_policy().expect("a session");
    assert!(!is_ordered(&unordered, &policy(), &meeting));
}

#[test]
fn lists_are_bounded_and_keep_who_is_inside() {
    let seed = Secret::new(HOST_SEED);
    let many: BTreeSet<_> = (0..2000_u32).map(|n| MemberId::of_key(&n.to_be_bytes())).collect();
    let key = [250; 32];
    let inside = [Member {
        leaf: conclave_base::LeafIndex(0),
        identity: MemberId::of_key(&key),
        key,
        name: conclave_base::Redacted::new(String::new()),
        host: false,
        device: None,
        software: None,
    }];
    let order = Order { door: Some(Door::Ask), admit: many.clone(), ..Order::default() };
    let session = SessionId::from_bytes([1; 16]);
    let orderer = Orderer::HostKey(&seed);
    let after = ordered(&initial(policy()), &order, &orderer, &inside, &config(0).meeting, &session).expect("a host may");
    assert_eq!(after.access.admitted.len(), ADMITTED);
    assert!(after.access.admitted.contains(&inside[0].identity));
    let order = Order { remove: many, ..Order::default() };
    let after = ordered(&after, &order, &orderer, &inside, &config(0).meeting, &session).expect("a host may");
    assert_eq!(after.access.barred.len(), BARRED);
    let crowd: Vec<_> =
        (0..=APPOINTED as u8).map(|n| Member { key: [n; 32], identity: MemberId::of_key(&[n; 32]), ..inside[0].clone() }).collect();
    let order = Order { appoint: crowd.iter().map(|m| m.identity).collect(), ..Order::default() };
    assert_eq!(ordered(&after, &order, &orderer, &crowd, &config(0).meeting, &session), None);
}

/// What this host would order, signed.
fn next(host: &Group, order: &Order) -> GroupPolicy {
    let seed = Secret::new(HOST_SEED);
    let session = host.session().expect("a session");
    ordered(&host.policy, order, &Orderer::HostKey(&seed), host.members(), &host.meeting, &session).expect("a host may")
}
