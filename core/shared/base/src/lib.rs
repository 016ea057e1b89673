//! Ids, [`Time`], bounded [`Queue`]s, and [`Private`] values: what every other crate stands on.
//!
//! Architecture invariant: this crate depends on nothing of ours, and reads no clock.

mod id;
mod instant;
mod private;
mod queue;
mod time;

pub use id::{Epoch, Identity, LeafIndex, MeetingId, ParseIdError, Seq};
pub use instant::InstantOrigin;
pub use private::{Private, Secret};
pub use queue::{Full, Queue};
pub use time::Time;
