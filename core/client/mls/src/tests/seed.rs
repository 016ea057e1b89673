//! All randomness is an argument, and what is made of it is what OpenMLS's own provider makes.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use openmls_rust_crypto::RustCrypto;
use openmls_traits::crypto::OpenMlsCrypto;
use openmls_traits::types::Ciphersuite;

use super::*;
use crate::SUITE;
use crate::crypto::Crypto;

/// Enough for paths whose secrets OpenMLS seals on several threads.
const PEOPLE: u8 = 9;

/// Everything that a meeting of nine writes to its log: founding, joins, lines, updates, a snapshot, a removal, a request to leave and its commit.
fn meeting(suite: u16, seed: u8) -> Vec<Outgoing> {
    let seeded = |n| GroupConfig { policy: Policy { suite, ..policy() }, seed: Secret::new([seed ^ n; 32]), ..config(n) };
    let mut world = World::with(PEOPLE, seeded);
    for n in 0..usize::from(PEOPLE) {
        let line = world.people[n].application(&message("Hello")).expect("a member speaks");
        world.append(line).expect("a line is taken");
        let update = world.people[n].update().expect("an update is built");
        world.append(update).expect("an update is taken");
    }
    let snapshot = world.people[1].snapshot().expect("a snapshot is built");
    world.append(snapshot).expect("a snapshot is taken");
    let (third, last) = (world.id(3), world.people.len() - 1);
    let removal = world.people[0].order(&removal(third)).expect("a host removes");
    world.append(removal).expect("a removal is taken");
    let leave = world.people[last].leave().expect("a member may leave");
    world.append(leave).expect("a request is taken");
    let commit = world.people[0].commit_pending().expect("somebody wants to leave");
    world.append(commit).expect("the commit is taken");
    world.join(seeded(PEOPLE));
    world.log
}

#[test]
fn one_seed_gives_the_same_meeting_to_the_byte_and_another_seed_another() {
    for suite in [SUITE_CLASSIC, SUITE] {
        let first = meeting(suite, 1);
        // A second on the clock must not matter either.
        let now = seconds();
        while seconds() == now {
            std::thread::yield_now();
        }
        let again = meeting(suite, 1);
        let differing: Vec<_> = (0..first.len()).filter(|&n| first[n] != again[n]).collect();
        assert_eq!(differing, [0_usize; 0], "of {} entries in suite {suite:#06x}", first.len());

        let other = meeting(suite, 128);
        let same: Vec<_> = (0..first.len()).filter(|&n| first[n] == other[n]).collect();
        assert_eq!(same, [0_usize; 0], "of {} entries in suite {suite:#06x}", first.len());
    }
}

#[expect(clippy::disallowed_methods, reason = "OpenMLS reads this clock itself")]
fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

#[test]
fn what_is_drawn_or_sealed_twice_differs_where_it_must() {
    let crypto = Crypto::new(&Secret::new([1; 32]));
    assert_ne!(crypto.draw::<32>(), crypto.draw::<32>());
    for suite in suites() {
        let config = || suite.hpke_config();
        let pair = crypto.derive_hpke_keypair(config(), &[3; 32]).expect("keys");
        let seal = |info: &[u8], aad: &[u8], plain: &[u8]| {
            crypto.hpke_seal(config(), &pair.public, info, aad, plain).expect("sealed").kem_output.as_slice().to_vec()
        };
        let all = [seal(b"a", b"b", b"c"), seal(b"", b"ab", b"c"), seal(b"a", b"", b"bc"), seal(b"a", b"b", b"d")];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "an ephemeral key served twice in {suite:?}");
        let setup = || crypto.hpke_setup_sender_and_export(config(), &pair.public, b"", b"", 32).expect("set up");
        assert_ne!(setup().0, setup().0);
    }
}

/// OpenMLS seals the secrets of a path on as many threads as there are, in whatever order they come.
#[test]
fn in_which_order_secrets_are_sealed_does_not_matter() {
    for suite in suites() {
        let sealed = |order: [u8; 3]| {
            let crypto = Crypto::new(&Secret::new([1; 32]));
            let pair = crypto.derive_hpke_keypair(suite.hpke_config(), &[3; 32]).expect("keys");
            let seal = |plain| (plain, crypto.hpke_seal(suite.hpke_config(), &pair.public, b"", b"", &[plain]).expect("sealed"));
            order.map(seal).into_iter().collect::<BTreeMap<_, _>>()
        };
        assert_eq!(sealed([0, 1, 2]), sealed([2, 0, 1]));
    }
}

#[test]
fn keys_ciphertexts_and_exports_are_those_of_openmls_own_provider() {
    let ours = Crypto::new(&Secret::new([1; 32]));
    let theirs = RustCrypto::default();
    for suite in suites() {
        let config = || suite.hpke_config();
        let pair = ours.derive_hpke_keypair(config(), &[3; 48]).expect("keys");
        assert_eq!(pair.public, theirs.derive_hpke_keypair(config(), &[3; 48]).expect("keys").public);

        let (info, aad, plain) = (b"info", b"aad", b"plain");
        let sealed = ours.hpke_seal(config(), &pair.public, info, aad, plain).expect("sealed");
        assert_eq!(theirs.hpke_open(config(), &sealed, &pair.private, info, aad).as_deref(), Ok(&plain[..]));
        let sealed = theirs.hpke_seal(config(), &pair.public, info, aad, plain).expect("sealed");
        assert_eq!(ours.hpke_open(config(), &sealed, &pair.private, info, aad).as_deref(), Ok(&plain[..]));
        assert!(ours.hpke_open(config(), &sealed, &pair.private, info, b"other").is_err());

        let (to_them, sent) = ours.hpke_setup_sender_and_export(config(), &pair.public, info, b"context", 32).expect("set up");
        let received = theirs.hpke_setup_receiver_and_export(config(), &to_them, &pair.private, info, b"context", 32).expect("set up");
        assert_eq!(sent[..], received[..]);
        let (to_us, sent) = theirs.hpke_setup_sender_and_export(config(), &pair.public, info, b"context", 32).expect("set up");
        let received = ours.hpke_setup_receiver_and_export(config(), &to_us, &pair.private, info, b"context", 32).expect("set up");
        assert_eq!(sent[..], received[..]);
    }
}

#[test]
fn keys_and_ciphertexts_of_any_length_are_refused_without_a_panic() {
    let crypto = Crypto::new(&Secret::new([1; 32]));
    for suite in suites() {
        let config = || suite.hpke_config();
        let pair = crypto.derive_hpke_keypair(config(), &[3; 32]).expect("keys");
        for len in [0, 1, 31, 33, 1119, 1121, 1215, 1217] {
            let bytes = vec![0xff; len];
            assert!(crypto.hpke_seal(config(), &bytes, b"", b"", b"").is_err());
            assert!(crypto.hpke_setup_sender_and_export(config(), &bytes, b"", b"", 32).is_err());
            assert!(crypto.hpke_setup_receiver_and_export(config(), &bytes, &pair.private, b"", b"", 32).is_err());
            let input = openmls_traits::types::HpkeCiphertext { kem_output: bytes.clone().into(), ciphertext: bytes.clone().into() };
            assert!(crypto.hpke_open(config(), &input, &pair.private, b"", b"").is_err());
            assert!(crypto.verify_signature(suite.signature_algorithm(), b"", &bytes, &bytes).is_err());
            assert!(crypto.aead_decrypt(suite.aead_algorithm(), &[0; 16], &bytes, &[0; 12], b"").is_err());
            assert!(crypto.aead_encrypt(suite.aead_algorithm(), &bytes, b"", &bytes, b"").is_err());
        }
    }
}

fn suites() -> [Ciphersuite; 2] {
    [SUITE_CLASSIC, SUITE].map(|suite| suite.try_into().expect("a suite"))
}
