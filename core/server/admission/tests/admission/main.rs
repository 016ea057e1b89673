//! The server's state machine, driven as its shell drives it.

mod authentication;
mod drain;
mod entries;
mod host_keys;
mod limits;
mod meetings;
mod order;
mod plans;
mod presence;
mod world;
