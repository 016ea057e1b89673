//! Whole meetings in one process, each from a seed: what people do and what happens to them, real sessions and frame cryptors, the real
//! server's state machine, lines that delay and break, a small model of a media server, and a clock that nobody waits for.
//!
//! ```text
//!   seed -> Script (steps of Action) -> hold -----------------> Held, or the first Failure -> shrink -> the short script
//!                                        |
//!   client  Session + FrameCryptor      network  lines, connections, HTTP      server  Admission
//!           encoders, page or terminal           that keep no time together            and its records
//!                     \                                |                               /
//!                      `------------------ model: what must be, and what may be said -'
//! ```
//!
//! [`model`] is told what people do, what was sealed and what came out; it judges what screens say. [`calm`] is what must be so once all
//! faults have healed, and [`bounds`] in which time.

mod action;
mod bounds;
mod calm;
mod client;
mod dice;
mod encoders;
mod failure;
mod logs;
mod media;
mod model;
mod network;
mod people;
mod runner;
mod script;
mod server;
mod shrink;
mod world;

pub use action::{Action, Cut, Person, Step};
pub use failure::{Failure, Kind};
pub use runner::{Held, hold};
pub use script::Script;
pub use shrink::shrink;
