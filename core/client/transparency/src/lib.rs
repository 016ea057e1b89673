//! The public log of releases, for whoever runs one of them: proofs that a release is in the log, signatures of those who watched it, and the rule
//! that says what may run. Also what a log and a witness compute.
//!
//! ```text
//!   release ─> entry ─> Tiles (RFC 9162) ─> Checkpoint ─> log's key, witnesses, rebuilders ─> LogProof
//!                                                                                                │
//!                              Policy: whose signatures count ─> AcceptRule::judge <─────────────┘
//!                              History: what was seen before ──────┘      │
//!                                                                         v
//!                                                            Accepted, or Refused and why
//! ```
//!
//! All formats are those of C2SP (signed-note, tlog-checkpoint, tlog-tiles, tlog-cosignature, tlog-proof, tlog-policy, tlog-witness), so that other
//! people's logs, witnesses and monitors work with ours. Only what an entry says is our own: [`Release`].
//!
//! ```
//! # use conclave_base::Secret;
//! # use conclave_transparency::*;
//! let log = SigningKey::new("example.org/log", Algorithm::Ed25519, Secret::new([1; 32]))?;
//! let witness = SigningKey::new("example.net/witness", Algorithm::MlDsa44, Secret::new([2; 32]))?;
//!
//! // A log of one entry.
//! let mut tiles = Tiles::default();
//! tiles.append(0, Hash::of_leaf(b"entry"))?;
//! let checkpoint = Checkpoint::new("example.org/log", 1, tiles.root(1)?)?;
//! let vkeys = (log.verifier().to_string(), witness.verifier().to_string());
//! let signed = checkpoint.signed(&[log, witness], 1_800_000_000);
//! let proof = LogProof::new(0, tiles.inclusion(1, 0)?, signed).to_string();
//!
//! // Who has the policy and the proof can check the entry, without a network.
//! let policy = format!("log {}\nwitness one {}\nquorum one\n", vkeys.0, vkeys.1);
//! let policy = Policy::parse(policy.as_bytes())?;
//! let proof = LogProof::parse(proof.as_bytes())?;
//! let cosigners = policy.cosigners(proof.checkpoint())?;
//! assert!(cosigners.has_log() && cosigners.has_quorum());
//! assert_eq!(proof.verify_inclusion(Hash::of_leaf(b"entry")), Ok(()));
//! assert_eq!(proof.verify_inclusion(Hash::of_leaf(b"other")), Err(NotProved));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Architecture invariant: bytes in, decisions out. No file, socket or clock; a tile that is missing is named, and whoever has it asks again.
//! Architecture invariant: every input has a bound that is checked before it is read, and each value has one spelling.

mod checkpoint;
mod key;
mod merkle;
mod note;
mod page;
mod policy;
mod proof;
mod release;
mod rule;
#[cfg(test)]
mod tests;
mod text;
mod tile;
mod tiles;
mod witness;

pub use checkpoint::{Checkpoint, MAX_ORIGIN, NotACheckpoint, SignedCheckpoint};
pub use key::{Algorithm, KeyError, MAX_NAME, SigningKey, VerifierKey};
pub use merkle::{Hash, MAX_PATH, MAX_SIZE, NotProved, verify_consistency, verify_inclusion};
pub use note::{MAX_NOTE, MAX_SIGNATURES, Note, NoteError, NoteSignature};
pub use page::{Answer, Difference, PageError, ReleasedPage};
pub use policy::{Cosigners, Group, MAX_DEFINITIONS, MAX_POLICY, Policy, PolicyError};
pub use proof::{LogProof, MAX_PROOF};
pub use release::{MAX_ARTEFACTS, MAX_RELEASE, NotARelease, Release, Version};
pub use rule::{AcceptRule, Accepted, History, Refused, RuleConfig, RuleError};
pub use tile::{EntryTooLong, TILE_HEIGHT, TILE_WIDTH, TileId, TileKind, entries, push_entry};
pub use tiles::{Tiles, TilesError};
pub use witness::{AddCheckpoint, Cosigned, MAX_REQUEST, Rejected, RestoreError, Witness};
