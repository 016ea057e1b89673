//! Looks for readable remains of a meeting in everything that a server holds, and shows that it would find them: docs/canary.md.
//!
//! ```text
//!   Member ---> TcpRecorder: writes it down ---> the real server ---> Eavesdropper: a token that the operator minted
//!   Member ---> UDP ------------------------->   |   |   |           frames --> Markers, real decoders
//!     |                               memory ----'   |   '--- stdout and stderr
//!     |                                       data folder
//!     '--- recording: the very frames ---> Markers: what is looked for, in several spellings
//! ```
//!
//! [`meet`] lets one such meeting happen with the client that people run, [`meet_readable`] with a member of `conclave-kit` that seals
//! nothing, and both give what was found where. `tests/remains.rs` says what that must be: nothing, and everything.

mod decoders;
mod eavesdropper;
mod files;
mod findings;
mod markers;
mod memory;
mod recording;
mod scene;
mod tcp_recorder;

pub use findings::{Findings, Place};
pub use markers::What;
pub use scene::{meet, meet_on_engines, meet_readable, meet_readable_on_engines};
