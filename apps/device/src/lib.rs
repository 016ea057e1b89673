//! What native programs keep on the device that they run on, and what they ask of its system: files that are written whole or not at all, who the
//! user is to others, which releases were seen, whose word counts about them.
//!
//! Architecture invariant: no socket to a server, and nothing of meetings but what outlives them.

pub mod files;
pub mod history;
pub mod identity;
pub mod keyring;
pub mod passphrase;
pub mod policy;
pub mod system;
