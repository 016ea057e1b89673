//! The client's state machine: from a link to a place in the meeting. It holds link, group, keys, roster and chat, and tells the shell
//! what to send and the page what to show.
//!
//! ```text
//!             Command                    +------------------------------ Session ------------------------------+
//!  page   ---------------> Input ------> | LookUp -> NeedsPassphrase -> Prejoin -> Joining <-> Joined -> Ended  |
//!         <--------------- Output <----- |   meeting_record                        |            |               |
//!             Snapshot     Connect,      |                                         +- joiner    +- membership   |
//!                          Send, Http,   |                                         +- delivery_client           |
//!  server <--------------> MediaToken    |                                                                      |
//!  frames <-- Cryptor, FrameReport ----> | Context: outputs, the page's state, randomness                       |
//!                                        +----------------------------------------------------------------------+
//! ```
//!
//! A shell gives inputs to [`Session`] as a [`conclave_base::Machine`] and after each polls it until it is idle. Media frames do not come
//! here: a [`conclave_media_crypto::FrameCryptor`] beside it seals and opens them with the keys that come out of each epoch.
//!
//! Each stage is a type in a file of its name, takes an input and gives the stage that follows (`stage`). Underneath:
//! - `delivery_client`: proves that this client may come in, over a `connection`; reads and writes the log.
//! - `log_verifier`: every entry of the server's log continues the hash chain; a gap, fork or rewind ends the session.
//!   `log_writer`: what is appended, and what is in flight. `log_clock`: whether the log's time runs as the own clock does. `chat_queue`: own lines that are not in the log yet.
//! - `joiner`: creates the group, or reads its public state from the log and joins by external commit.
//! - `join_memory`: what was seen before, so that nobody is led back to it.
//! - `membership`: takes entries, keeps roster and keys. `heartbeat`: signs of life. `committer`: the commits and snapshots that one
//!   member must make, in an order that is drawn anew for each epoch. `absence`: who may be taken out of the group by anybody, judged by the log. `liveness`: what the screen
//!   says of who is away, and whether all see the same group. `proof_of_life`: whether this client may speak.
//! - `orders`: what a host wants changed. `door`: who waits outside, and what is said through it.
//! - `comparisons`: the safety code, and which members' users found that they have the same.
//! - `people`: who is known again, in this meeting and the next. `look_alike`: names that look like theirs.
//! - `software`: what each member says that it runs, compared with the others and with releases that are logged.
//! - `host_link`: the host key on its way to another device.
//! - `meetings_file`: the meetings that a device keeps, sealed with a passphrase, for another device.
//! - `identity_file`: the device key and the verified people of a device without a browser, sealed with a passphrase.
//! - `passphrase`: what one must be, and how the server is asked about it.
//! - `subscriptions`: whose tracks are wanted. `security_monitor`: what could not be opened, and which participants of the media server
//!   have no leaf.
//!
//! A client whose leaf is gone without a host's wish, or whom the server calls stale, comes back as a new leaf, for which it proves the
//! same signature key: for the others it is the same person. Keys of frames and counters are never resumed.
//!
//! Architecture invariant: no clock, socket, thread or randomness of its own; every moment and every seed is an argument.
//! Architecture invariant: media keys leave this crate for the frame cryptor alone, in [`Output::Cryptor`].
//! Architecture invariant: there is no state in which a client seals or plays without keys of the group.

#![warn(missing_docs)]

mod absence;
mod chat_queue;
mod committer;
mod comparisons;
mod connection;
mod context;
mod create;
mod delivery_client;
mod door;
mod ending;
mod envelope;
mod heartbeat;
pub mod host_link;
pub mod identity_file;
mod io;
mod join_config;
mod join_memory;
mod joined;
mod joiner;
mod joining;
mod keys;
mod line_ids;
mod liveness;
mod log_clock;
mod log_verifier;
mod log_writer;
mod look_alike;
mod look_up;
mod lost_members;
mod media_flags;
pub mod meeting_link;
mod meeting_record;
pub mod meetings_file;
mod membership;
mod needs_passphrase;
mod newcomers;
mod orders;
pub mod passphrase;
pub mod people;
mod prejoin;
mod proof_of_life;
mod rng;
mod screen;
mod sealed_file;
mod security_monitor;
mod session;
pub mod snapshot;
pub mod software;
mod stage;
mod subscriptions;
mod unescape;
pub mod update;

#[cfg(test)]
mod tests;

pub use create::{CreateError, Created, CreationWithPassphrase, NewMeeting, create};
pub use io::{Config, Input, InputError, Output};
pub use meeting_link::{FoundLink, LinkError, MeetingLink};
pub use session::Session;
