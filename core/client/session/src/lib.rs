//! The client's brain: from a link to a seat in the meeting. It holds link, group, keys, roster and chat, and tells the shell
//! what to send and the screen what to show.
//!
//! ```text
//!             Command                    +---------------------- Meeting ----------------------+
//!  screen ---------------> Input ------> | Looking -> Ready -> Entering -> Inside -> Over      |
//!         <--------------- Output <----- |  meta       |    chain, entering   |               |
//!             Snapshot     Connect,      | create      |                      +- group (MLS)   |
//!                          Send, Http,   |             +- socket              +- frames (keys) |
//!  server <--------------> MediaToken    |                                    +- upkeep, peers |
//!                                        |                                    +- switching     |
//!  media  -- seal, open ---------------> |                                    +- watch         |
//!                                        +-----------------------------------------------------+
//! ```
//!
//! A shell gives inputs to [`Session::handle`] and after each drains [`Session::poll`] until [`Output::Idle`]. In between it
//! may [`Session::seal`] and [`Session::open`] media frames.
//!
//! - `log_verifier`: every entry of the server's log continues the hash chain; a gap, fork or rewind ends the meeting.
//! - `joiner`: founds the group, or reads its public state from the log and joins by external commit.
//! - `membership`: takes entries, keeps roster and keys. `upkeep`: heartbeats, and the commits and snapshots that somebody must
//!   make, in an order that is drawn anew for each epoch. `peers`: who was heard when, and whether all see the same group.
//! - `switching`: nothing is sealed under an epoch whose roster is not on the own screen; a screen that does not report stops
//!   the media after two seconds, and a removal stops it at once until the new roster is shown.
//! - `watch`: what the decryptor refused becomes what the lock says.
//!
//! A client whose leaf is gone without a host's wish, or whom the server calls stale, comes back as a new leaf with a fresh
//! key; the old leaf goes as that of any client that vanished. Keys and counters are never resumed.
//!
//! Architecture invariant: no clock, socket, thread or randomness of its own; every moment and every seed is an argument.
//! Architecture invariant: media keys never leave this crate and the two below it; only frames do.
//! Architecture invariant: there is no state in which a client seals or plays without keys of the group.

#![warn(missing_docs)]

mod committer;
mod connection;
mod create;
mod envelope;
mod io;
mod joiner;
mod keys;
mod liveness;
mod log_verifier;
mod log_writer;
pub mod meeting_link;
mod meeting_record;
mod membership;
mod rng;
mod screen;
mod security_monitor;
mod send_key_schedule;
mod session;
pub mod snapshot;

#[cfg(test)]
mod tests;

pub use conclave_media_crypto::{OpenError, SealError};
pub use create::{CreateError, Created, create};
pub use io::{Config, Input, InputError, Output};
pub use meeting_link::Link;
pub use session::Session;
