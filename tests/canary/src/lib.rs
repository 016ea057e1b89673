//! Looks for readable remains of a meeting in everything that a server holds, and shows that it would find them: docs/canary.md.
//!
//! ```text
//!   Member ---> Tap: writes down TCP ---> the real server ---> Eavesdropper: a token that the operator minted
//!   Member ---> UDP --------------------->   |   |   |           frames --> Needles, real decoders
//!     |                           memory ----'   |   '--- stdout and stderr
//!     |                                   data folder
//!     '--- recording: the very frames ---> Needles: what is looked for, in several spellings
//! ```
//!
//! [`meet`] lets one such meeting happen, with whichever build of the client, and gives what was found where. `tests/remains.rs` says what
//! that must be: nothing with the client that people run, everything with one that seals nothing.

mod decoders;
mod eavesdropper;
mod files;
mod held;
mod memory;
mod needles;
mod recording;
mod scene;
mod secrets;
mod tap;

pub use held::{Held, Place};
pub use needles::What;
pub use scene::meet;
