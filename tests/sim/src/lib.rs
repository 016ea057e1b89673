//! Whole meetings in one process, each from a seed: what people do and what happens to them, real sessions and frame cryptors, the real
//! server's state machine or one that lies, a hostile member, lines that delay and break, a small model of a media server, and a clock that
//! nobody waits for. `docs/security/simulator.md` says what is shown by it.
//!
//! ```text
//!   seed -> Script (steps of Action) -> hold -----------------> Held, or the first Failure -> shrink -> the short script
//!                                        |
//!   client  Session + FrameCryptor      network  lines, connections, HTTP      server  Admission, or liar
//!           encoders, page or terminal           that keep no time together            and its records
//!                                       mallory  a member without a client
//!                     \                                |                               /
//!                      `------------------ model: what must be, and what may be said -'
//! ```
//!
//! [`model`] is told what people do, what was sealed and what came out; it judges what screens say, and in [`claims`] what must be so whatever
//! a server does. [`calm`] is what must be so once all faults have healed, and [`bounds`] in which time.

mod action;
mod agenda;
mod bounds;
mod calm;
mod claims;
mod client;
mod devices;
mod dice;
mod doors;
mod encoders;
mod failure;
mod foes;
mod forgery;
mod hosts;
mod liar;
mod lie;
mod link_keys;
mod lockout;
mod logs;
mod mallory;
mod media;
mod model;
mod network;
mod order;
mod people;
mod runner;
mod script;
mod server;
mod shrink;
mod world;

pub use action::{Action, Cut, Person, Step};
pub use failure::{Failure, Kind};
pub use forgery::Imposture;
pub use lie::{Kept, Lie};
pub use lockout::{Crowd, Fact, Stuck, lockout};
pub use mallory::{Junk, Misdeed, Speech};
pub use order::{Few, Order};
pub use runner::{Held, hold};
pub use script::Script;
pub use shrink::shrink;
