//! One session's log: what the server orders, and what all members agree on by reading it.

use std::time::Duration;

use conclave_base::Seq;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Class of a log entry: all that the server knows of it besides size and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    /// Moves the group to its next epoch; appended by compare-and-swap.
    Commit,
    /// An MLS proposal.
    Proposal,
    /// An MLS application message.
    Message,
    /// A joiner's KeyPackage.
    JoinRequest,
    /// An MLS Welcome.
    Welcome,
    /// GroupInfo with ratchet tree, from which a joiner starts.
    Snapshot,
    /// The server's own word, which no client can append: the connection of a member has ended.
    Gone,
}

impl Class {
    /// The byte that stands for it in the AAD of an envelope and in the hash chain.
    pub const fn code(self) -> u8 {
        match self {
            Self::Commit => 1,
            Self::Proposal => 2,
            Self::Message => 3,
            Self::JoinRequest => 4,
            Self::Welcome => 5,
            Self::Snapshot => 6,
            Self::Gone => 7,
        }
    }
}

/// The log's own clock: when an entry reached the server, in ms since the session began. It is the same for all members, as the order is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogTime(pub u64);

impl LogTime {
    /// How long after `earlier` this is; zero if it is not after.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// One entry of a session's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place.
    pub seq: Seq,
    /// When the server took it; never before the entry ahead of it.
    pub at: LogTime,
    /// Its class.
    pub class: Class,
    /// Sealed by the client with the envelope key: nonce (12) ‖ ciphertext ‖ tag (16). Of class [`Class::Gone`] it is the server's and not
    /// sealed: the identity (16) of the member.
    #[serde(with = "serde_bytes")]
    pub sealed: Vec<u8>,
    /// SHA-256(previous chain hash ‖ seq as u64 big-endian ‖ at as u64 big-endian ‖ class code ‖ sealed). Before entry 1 it is 32 zero bytes.
    pub chain_hash: [u8; 32],
}

impl Entry {
    /// The entry of these contents that follows one whose chain hash is `previous`.
    pub fn new(previous: &[u8; 32], seq: Seq, at: LogTime, class: Class, sealed: Vec<u8>) -> Self {
        let mut entry = Self { seq, at, class, sealed, chain_hash: [0; 32] };
        entry.chain_hash = entry.chain_hash_after(previous);
        entry
    }

    /// Whether its chain hash is that of an entry after one whose chain hash is `previous`.
    pub fn follows(&self, previous: &[u8; 32]) -> bool {
        self.chain_hash == self.chain_hash_after(previous)
    }

    fn chain_hash_after(&self, previous: &[u8; 32]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(previous);
        hash.update(self.seq.0.to_be_bytes());
        hash.update(self.at.0.to_be_bytes());
        hash.update([self.class.code()]);
        hash.update(&self.sealed);
        hash.finalize().into()
    }
}

/// A position in one log, and no other log has it: the chain value tells a session from the one after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPosition {
    /// The entry.
    pub seq: Seq,
    /// Its [`Entry::chain_hash`].
    pub chain_hash: [u8; 32],
}

impl LogPosition {
    /// The first bytes of the chain hash, for members to compare.
    pub fn chain_hash8(&self) -> [u8; 8] {
        self.chain_hash.first_chunk().copied().unwrap_or_default()
    }
}
