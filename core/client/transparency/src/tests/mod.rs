//! What the suites below build: a log of releases, its cosigners, and a policy that knows them.

mod garbage;
mod note;
mod policy;
mod rule;
mod tree;
mod witness;

use std::collections::BTreeMap;

use conclave_base::Secret;

use crate::*;

pub(crate) const ORIGIN: &str = "example.org/log";
/// A time, POSIX seconds.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn key(name: &str, algorithm: Algorithm, seed: u8) -> SigningKey {
    SigningKey::new(name, algorithm, Secret::new([seed; 32])).expect("a key")
}

pub(crate) fn log_key() -> SigningKey {
    key(ORIGIN, Algorithm::Ed25519, 1)
}

/// Of both kinds: witness `n` signs by Ed25519 if `n` is odd.
pub(crate) fn witness_key(n: u8) -> SigningKey {
    key(&format!("w{n}.example/witness"), if n % 2 == 1 { Algorithm::CosignatureV1 } else { Algorithm::MlDsa44 }, 10 + n)
}

pub(crate) fn rebuilder_key(n: u8) -> SigningKey {
    key(&format!("r{n}.example/rebuilder"), Algorithm::MlDsa44, 20 + n)
}

/// Two of three witnesses; `rebuilders` is two of three.
pub(crate) fn policy_text() -> String {
    let mut text = format!("log {}\n", log_key().verifier());
    for n in 1..=3 {
        text += &format!("witness W{n} {} https://w{n}.example/\n", witness_key(n).verifier());
        text += &format!("witness R{n} {}\n", rebuilder_key(n).verifier());
    }
    text + "group witnesses 2 W1 W2 W3\ngroup rebuilders 2 R1 R2 R3\nquorum witnesses\n"
}

pub(crate) fn policy() -> Policy {
    Policy::parse(policy_text().as_bytes()).expect("a policy")
}

pub(crate) fn release(version: Version) -> Release {
    let artefacts =
        BTreeMap::from([("conclave".to_owned(), Hash::of_bytes(b"server")), ("web/index.html".to_owned(), Hash::of_bytes(b"page"))]);
    let (toolchain, sums) = (Hash::of_bytes(b"toolchain"), Hash::of_bytes(b"sums"));
    Release { product: "conclave".to_owned(), version, commit: [7; 20], toolchain, sums, artefacts }
}

pub(crate) fn entry(version: Version) -> Vec<u8> {
    release(version).to_string().into_bytes()
}

/// A log of these entries, wholly at hand.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) tiles: Tiles,
    pub(crate) size: u64,
}

impl Log {
    pub(crate) fn of(entries: &[Vec<u8>]) -> Self {
        let mut log = Self::default();
        entries.iter().for_each(|entry| log.append(entry));
        log
    }

    pub(crate) fn append(&mut self, entry: &[u8]) {
        self.tiles.append(self.size, Hash::of_leaf(entry)).expect("all tiles are at hand");
        self.size += 1;
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new(ORIGIN, self.size, self.tiles.root(self.size).expect("at hand")).expect("a checkpoint")
    }

    /// Signed by the log and these cosigners, each at its time.
    pub(crate) fn signed(&self, cosigners: &[(SigningKey, u64)]) -> SignedCheckpoint {
        let checkpoint = self.checkpoint();
        let log = log_key();
        let lines = [log.sign(&checkpoint, 0)].into_iter().chain(cosigners.iter().map(|(key, time)| key.sign(&checkpoint, *time)));
        checkpoint.signed(&[], 0).with_signatures(&[], lines.collect())
    }

    pub(crate) fn proof(&self, index: u64, cosigners: &[(SigningKey, u64)]) -> Vec<u8> {
        let path = self.tiles.inclusion(self.size, index).expect("at hand");
        LogProof::new(index, path, self.signed(cosigners)).to_string().into_bytes()
    }
}

/// These witnesses and these rebuilders, now.
pub(crate) fn cosigned(witnesses: &[u8], rebuilders: &[u8]) -> Vec<(SigningKey, u64)> {
    let witnesses = witnesses.iter().map(|n| (witness_key(*n), NOW));
    witnesses.chain(rebuilders.iter().map(|n| (rebuilder_key(*n), NOW))).collect()
}

/// Every release from 0.0.0 on.
pub(crate) fn entries(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|patch| entry(Version(0, 0, patch))).collect()
}
