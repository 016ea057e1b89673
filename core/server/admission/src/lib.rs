//! The server's brain: who is let into which session, what each connection may cost, and one delivery log per session.
//!
//! ```text
//!   Connected ─> Hello ─> Load ─> Challenge ─> Prove ─> Mint ─> Admitted ─> entries, both ways
//!                 |                  |           |
//!              NotFound           Timeout     BadProof, Full             Replaced, Expired, TooMany, Stopping
//! ```
//!
//! The shell owns sockets, disk and token keys; it answers [`Output::Load`], [`Output::Store`] and [`Output::Mint`] by the
//! input of the same name. **After each [`Rooms::handle`], [`Rooms::poll`] until [`Output::Idle`].**
//!
//! What is on its way to a connection is bounded by [`WINDOW`]: entries wait in the log, not in a queue, until the shell
//! reports by [`Input::Sent`] that the socket took what went before.
//!
//! Architecture invariant: knows sizes, times, meeting ids and transport identities; no names, addresses, or keys that open anything.
//! Architecture invariant: nothing here is kept but a [`Record`], as given at creation.

#![warn(missing_docs)]

mod admission;
mod api;
mod append;
mod authentication;
mod connection;
mod http;
mod session;

pub use admission::Rooms;
pub use api::{
    Answer, Call, Config, Conn, Counters, Input, InputError, MediaCommand, MediaEvent, Output, Record, Request, StoreError, Ticket,
};
pub use connection::WINDOW;
