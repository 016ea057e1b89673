//! One MLS group (RFC 9420) per session: who holds the keys, by which rules that changes, and the secrets of each epoch.
//!
//! ```text
//!   Group::create ------------------------------> founding entry --.
//!   ExternalJoin::new(snapshot).apply(...).join -> commit ---------+--> the log --> Group::process, everybody, in order
//!   Group::{update, remove, commit_pending} -----> commit ---------+                   |
//!   Group::{leave, application, snapshot} -------> entry ----------'                   v
//!                                                                      members, media_base_key, safety_code
//! ```
//!
//! What goes in and out are the contents of log entries; sealing them is the caller's. A commit is an MLS PublicMessage inside
//! [`conclave_protocol::payload::CommitEntry`] with the GroupInfo that it leads to; the founding entry and snapshots are the same without a commit and
//! with the ratchet tree; a proposal is a PublicMessage; a message is a PrivateMessage, padded to a power of two.
//!
//! An own commit stays pending until [`Group::process`] sees it come back in its place, or [`Group::discard_pending`] drops it. Every entry is
//! staged, held against the rules of docs/protocol.md (section 4), and only then merged: one that breaks a rule leaves no trace, and since
//! everybody applies the same rules to the same entries, everybody ignores the same ones. One input is each member's own: who is presumed gone.
//! Be slower to remove somebody than to accept that others do.
//!
//! ```
//! # use conclave_base::{MeetingId, Secret};
//! # use conclave_mls::{ExternalJoin, Group, GroupConfig, Processed, SUITE};
//! # use conclave_protocol::payload::Policy;
//! # let policy = Policy { version: 1, host_keys: vec![[7; 32]], lobby: false, passphrase: false, hides_speech: true, hosts_only: Vec::new(), mute_above: None, limit: 200, suite: SUITE };
//! # let config = |n: u8| GroupConfig {
//! #     meeting: MeetingId::from_bytes([1; 16]), psk: Secret::new([2; 32]), policy: policy.clone(), access: None, name: format!("Guest {n}"),
//! #     signer: Secret::new([n; 32]), host: None, device: None, software: None, seed: Secret::new([n; 32]),
//! # };
//! # let absent = Default::default();
//! let (mut amara, founding) = Group::create(config(1))?;
//! amara.process(founding.class, &founding.bytes, &absent)?;
//!
//! let (mut ben, join) = ExternalJoin::new(config(2), &founding.bytes)?.join()?;
//! for person in [&mut amara, &mut ben] {
//!     assert!(matches!(person.process(join.class, &join.bytes, &absent)?, Processed::Commit(change) if change.joined.len() == 1));
//! }
//! assert_eq!(amara.safety_code(), ben.safety_code());
//! assert_eq!(amara.media_base_key(), ben.media_base_key());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Architecture invariant: this is the only crate that names OpenMLS, and no OpenMLS type is in its API.
//! Architecture invariant: no clock. OpenMLS reads one to stamp old epochs and for the lifetime of KeyPackages; the first is not used here,
//! and the second is always the whole of time: a leaf with another one is refused. No thread of ours: OpenMLS uses rayon's pool for the path of large trees, where there are threads.
//! Architecture invariant: all randomness comes from [`GroupConfig::seed`], HPKE's ephemeral keys too: the same calls after the same seeds give
//! the same bytes.
//! Architecture invariant: the keys that this crate stores are erased when their epoch ends. What OpenMLS holds itself is as erased as
//! OpenMLS erases it.

mod access;
mod codec;
mod config;
mod crypto;
mod device;
mod display_name;
mod error;
mod external_join;
mod floor;
mod group;
#[cfg(any(test, feature = "hostile"))]
pub mod hostile;
mod hpke;
mod key_package;
mod leaf;
mod padding;
mod process;
mod processed;
mod provider;
mod psk_proof;
#[cfg(feature = "rfc9420")]
pub mod rfc9420;
mod rules;
mod safety_code;
mod software;
mod store;
#[cfg(test)]
mod tests;

pub use access::{Order, is_ordered, is_signed_by};
pub use config::{GroupConfig, Outgoing, SUITE, SUITE_CLASSIC};
pub use device::device_key;
pub use display_name::{clean_line, clean_name};
pub use error::{CommandError, JoinError, RuleViolation};
pub use external_join::ExternalJoin;
pub use floor::{FloorOrder, PermittedOrder};
pub use group::Group;
pub use key_package::{Newcomer, OwnKeyPackage, identity_of};
pub use processed::{Change, Member, Processed};
pub use safety_code::digits;
pub use software::clean_software;
