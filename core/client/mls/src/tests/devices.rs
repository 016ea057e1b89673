//! Who proves which device key, and that nobody proves another's.

use conclave_base::{MeetingId, Secret};
use conclave_protocol::payload::DeviceProof;

use super::{World, change, config};
use crate::device::prove_device;
use crate::{ExternalJoin, GroupConfig, RuleViolation, device_key, hostile};

fn device(n: u8) -> Secret<32> {
    Secret::new([40 + n; 32])
}

/// Person `n`, on a device that is known again.
fn known(n: u8) -> GroupConfig {
    GroupConfig { device: Some(device(n)), ..config(n) }
}

fn devices(world: &World) -> Vec<Option<[u8; 32]>> {
    world.people[0].members().iter().map(|m| m.device).collect()
}

fn proof(world: &World, n: usize) -> DeviceProof {
    hostile::device_proof(&world.people[0], &world.id(n)).expect("that person has a device key")
}

#[test]
fn all_members_know_a_device_again_and_leaf_keys_differ() {
    let mut world = World::of(1);
    world.join(known(1));
    world.join(GroupConfig { signer: Secret::new([150; 32]), seed: Secret::new([151; 32]), ..known(1) });
    world.assert_agree();
    let key = device_key(&device(1));
    assert_eq!(devices(&world), [None, Some(key), Some(key)]);
    let members = world.people[0].members();
    assert_ne!(members[1].key, members[2].key);
    assert_eq!(world.people[1].own_device(), Some(key));
    assert_eq!(world.people[0].own_device(), None);
}

#[test]
fn who_is_added_by_a_member_or_founds_proves_it_too() {
    let mut world = World::with(1, known);
    let joiner = world.joiner(known(1));
    let own = joiner.key_package().expect("there is a place");
    let newcomer = world.people[0].may_add(&own.bytes).expect("it is a good one");
    let added = world.people[0].add(vec![newcomer]).expect("there is a place");
    world.append(added).expect("it is by the rules");
    assert_eq!(devices(&world), [0, 1].map(|n| Some(device_key(&device(n)))));
}

#[test]
fn a_member_may_take_a_device_key_on_and_neither_change_it_nor_drop_it() {
    let mut world = World::of(2);
    let taken = world.people[1].update_with_device(&device(1)).expect("an update is built");
    assert!(change(world.append(taken).expect("it may")).joined.is_empty());
    world.assert_agree();
    let key = device_key(&device(1));
    assert_eq!(devices(&world), [None, Some(key)]);

    let update = world.people[1].update().expect("an update is built");
    world.append(update).expect("as ever");
    assert_eq!(devices(&world), [None, Some(key)], "it stays in later updates");
    assert!(world.people[1].update_with_device(&device(2)).is_err(), "what all would refuse is not sent");
    assert_eq!(world.people[1].members()[0].name, world.people[0].members()[0].name);
    let attacker = world.people.remove(1);
    let mut attacker = attacker;
    let dropped = hostile::rename(&mut attacker, "Person 1");
    world.assert_refused(dropped, RuleViolation::LeafMalformed);
}

#[test]
fn a_proof_is_of_use_to_no_other_leaf_and_in_no_other_meeting() {
    let mut world = World::of(1);
    world.join(known(1));
    let victims = proof(&world, 1);

    let copied = hostile::join_wearing(&world.joiner(config(2)), victims.clone());
    world.assert_refused(copied, RuleViolation::LeafMalformed);

    // Of another meeting, and over this very leaf key: what a member of both could ask for.
    let thief = config(3);
    let leaf_key = ed25519_dalek::SigningKey::from_bytes(thief.signer.expose()).verifying_key().to_bytes();
    let elsewhere = prove_device(&device(1), &MeetingId::from_bytes([6; 16]), &leaf_key);
    let replayed = hostile::join_wearing(&world.joiner(thief), elsewhere);
    world.assert_refused(replayed, RuleViolation::LeafMalformed);

    // A true signature by a key of its own, with the victim's key in its place.
    let own = prove_device(&device(4), &config(4).meeting, &leaf_key);
    let swapped = hostile::join_wearing(&world.joiner(config(3)), DeviceProof { key: victims.key, ..own });
    world.assert_refused(swapped, RuleViolation::LeafMalformed);
    assert_eq!(devices(&world), [None, Some(device_key(&device(1)))]);
}

#[test]
fn a_member_inside_takes_on_no_device_key_of_another() {
    let mut world = World::of(2);
    world.join(known(2));
    let victims = proof(&world, 2);
    let mut attacker = world.people.remove(1);
    let worn = hostile::wear(&mut attacker, "Person 1", victims);
    world.assert_refused(worn, RuleViolation::LeafMalformed);
}

#[test]
fn a_newcomer_reads_the_same_from_a_snapshot() {
    let mut world = World::of(1);
    world.join(known(1));
    let snapshot = world.people[0].snapshot().expect("a snapshot is made");
    let joiner = ExternalJoin::new(config(2), &snapshot.bytes).expect("it is whole");
    assert_eq!(joiner.members()[1].device, Some(device_key(&device(1))));
}
