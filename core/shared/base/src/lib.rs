//! Ids, [`Time`], bounded [`Queue`]s, [`Redacted`] values, and the few media types that both sides name: what every other crate stands on.
//!
//! Architecture invariant: this crate depends on nothing of ours, and reads no clock.

mod bucket;
mod door;
pub mod hex;
mod id;
mod instant;
pub mod known;
mod lookup;
mod machine;
mod media;
mod permission;
mod queue;
mod redacted;
mod time;

pub use bucket::Bucket;
pub use door::Door;
pub use id::{Epoch, LeafIndex, MeetingId, MemberId, ParseIdError, Seq, SessionId};
pub use instant::InstantOrigin;
pub use lookup::LookupMap;
pub use machine::{Machine, Polled};
pub use media::{Codec, Datagram, Source};
pub use permission::Permission;
pub use queue::{Full, Queue};
pub use redacted::{Redacted, Secret};
pub use time::Time;
