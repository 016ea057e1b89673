use proptest::prelude::*;

use super::*;
use crate::JoinError;

const CLASSES: [Class; 6] = [Class::Commit, Class::Proposal, Class::Message, Class::JoinRequest, Class::Welcome, Class::Snapshot];

/// Valid entries of every class that means something, each for the same state of the same group, and that group's second member.
fn samples() -> (World, Vec<Outgoing>) {
    let mut world = World::of(2);
    let joiner = world.joiner(config(2));
    let (_, join) = joiner.join().expect("the state can be joined");
    let mut samples = vec![world.log[0].clone(), join];
    samples.push(world.people[0].leave().expect("leaving is asked"));
    samples.push(world.people[0].application(&message("hello")).expect("a message is sealed"));
    samples.push(world.people[0].snapshot().expect("a snapshot is built"));
    samples.push(world.people[0].update().expect("an update is built"));
    (world, samples)
}

#[test]
fn what_no_entry_can_hold_is_refused_unread() {
    let mut world = World::of(1);
    let huge = vec![0; conclave_protocol::limits::SEALED_HANDSHAKE];
    for class in CLASSES {
        assert!(world.people[0].process(class, &huge, &nobody()).is_err());
        assert!(world.joiner(config(1)).apply(class, &huge).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn noise_is_refused_and_moves_nothing(noise in proptest::collection::vec(any::<u8>(), 0..400)) {
        let (mut world, _) = samples();
        let before = Fingerprint::of(&world.people[1]);
        for class in CLASSES {
            let answer = world.people[1].process(class, &noise, &nobody());
            let is_refused = matches!(answer, Err(_) | Ok(Processed::SnapshotUseless { of_group: false }));
            prop_assert!(is_refused);
            let _ = world.joiner(config(3)).apply(class, &noise);
        }
        prop_assert_eq!(before, Fingerprint::of(&world.people[1]));
        prop_assert_eq!(ExternalJoin::new(config(3), &noise).map(|_| ()), Err(JoinError::Malformed));
    }

    #[test]
    fn a_changed_byte_never_panics_and_never_splits_the_group(
        which in 0_usize..6, at in any::<prop::sample::Index>(), flip in 1_u8.., cut in any::<bool>(),
    ) {
        let (mut world, samples) = samples();
        let mut entry = samples[which].clone();
        let at = at.index(entry.bytes.len());
        if cut { entry.bytes.truncate(at) } else { entry.bytes[at] ^= flip }
        for class in CLASSES {
            let answer = world.people[1].process(class, &entry.bytes, &nobody());
            // Only the attached GroupInfo is outside the commit's own protection, and then a snapshot is asked for.
            if let Ok(Processed::Commit(change)) = answer {
                prop_assert!(change.snapshot_wanted);
            }
            let _ = world.joiner(config(3)).apply(class, &entry.bytes);
        }
        let _ = ExternalJoin::new(config(3), &entry.bytes);
    }
}
