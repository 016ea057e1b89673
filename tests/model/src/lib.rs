//! A model of how members enter, agree and part, against a server that lies, small enough that every state of it can be visited.
//!
//! It follows docs/security/model.md, which says what is modelled, what is not, and what the bounds are in seconds.

mod action;
mod check;
mod group;
mod heartbeat;
mod log;
mod meeting;
mod property;
mod scope;
mod screen;
mod server;
mod state;

pub use check::{check_finds, check_holds};
pub use property::name;
pub use scope::{Fault, Scope};
