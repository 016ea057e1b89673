//! Values to compare: the safety code for people, short hashes for heartbeats.

use sha2::{Digest, Sha256};

use crate::Member;

/// Thirty digits in six groups of five.
///
/// Each group is its own five bytes of SHA-256("conclave/1 safety code" ‖ epoch authenticator), as a 40-bit number modulo 100,000: fixed
/// width, leading zeros kept, no group derived from another. Two authenticators share a code with probability 2^-99.6, up to the
/// modulo's bias of less than 2^-23 per group. The authenticator differs between any two epochs and between the sides of a fork.
pub(crate) fn safety_code(authenticator: &[u8]) -> [String; 6] {
    digits(&Sha256::new().chain_update(b"conclave/1 safety code").chain_update(authenticator).finalize().into())
}

/// A hash as thirty digits, six groups of five: each group is its own five bytes of it, modulo 100,000.
pub fn digits(hash: &[u8; 32]) -> [String; 6] {
    std::array::from_fn(|group| {
        let bytes = &hash[group * 5..group * 5 + 5];
        let number = bytes.iter().fold(0_u64, |n, &b| n << 8 | u64::from(b));
        format!("{:05}", number % 100_000)
    })
}

/// SHA-256(authenticator)[..8].
pub(crate) fn authenticator8(authenticator: &[u8]) -> [u8; 8] {
    first8(Sha256::new().chain_update(authenticator))
}

/// SHA-256 over leaf index and signature key of each member, in leaf order; [..8].
pub(crate) fn roster8(members: &[Member]) -> [u8; 8] {
    first8(members.iter().fold(Sha256::new(), |hash, m| hash.chain_update(m.leaf.0.to_be_bytes()).chain_update(m.key)))
}

fn first8(hash: Sha256) -> [u8; 8] {
    let mut short = [0; 8];
    short.copy_from_slice(&hash.finalize()[..8]);
    short
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_code_is_always_thirty_digits() {
        for n in 0..2000_u32 {
            let code = safety_code(&n.to_be_bytes());
            assert!(code.iter().all(|g| g.len() == 5 && g.bytes().all(|b| b.is_ascii_digit())), "{code:?}");
        }
    }

    #[test]
    fn every_group_depends_on_the_authenticator_and_on_nothing_shared() {
        for group in 0..6 {
            let seen: BTreeSet<_> = (0..500_u32).map(|n| safety_code(&n.to_be_bytes())[group].clone()).collect();
            assert!(seen.len() > 490, "group {group} takes only {} values of 500", seen.len());
        }
        let whole: BTreeSet<_> = (0..2000_u32).map(|n| safety_code(&n.to_be_bytes())).collect();
        assert_eq!(whole.len(), 2000);
    }

    #[test]
    fn the_code_of_a_known_authenticator_never_changes() {
        assert_eq!(safety_code(&[7; 32]).join(" "), "11474 97796 06289 03687 89923 16095");
    }
}
