//! The server's state machine: who is admitted to which session, what each connection may cost, and a mirror of each session's log.
//!
//! ```text
//!   Connected ─> Hello ─> LoadMeeting ─> Challenge ─> Prove ─> IssueToken ─> Admitted ─> entries, both ways
//!                 |                         |           |
//!              NotFound                  Timeout     BadProof, Full            Replaced, Expired, TooMany, Stopping
//! ```
//!
//! The shell owns sockets, disk and token keys; it answers [`Output::LoadMeeting`], [`Output::StoreMeeting`] and [`Output::IssueToken`]
//! by [`Input::MeetingLoaded`], [`Input::MeetingStored`] and [`Input::TokenIssued`], at once or much later: nothing else waits for them.
//! [`Admission`] is a [`conclave_base::Machine`], whose grammar is documented there.
//!
//! The order of each session is made elsewhere ([`LocalOrders`] in a single process): [`Output::Order`] asks for a place in it, and
//! [`Input::Ordered`] is what all members read, here as on other nodes.
//!
//! So it is with what must be counted for all nodes, meetings made and passphrases tried: [`Output::Count`] asks ([`LocalCounts`] in a single
//! process), and [`Input::Counted`] tells.
//!
//! What is on its way to a connection is bounded by [`WINDOW`]: entries wait in the log, not in a queue, until the shell
//! reports by [`Input::Sent`] that the socket took what went before.
//!
//! No meeting pays for another: each session has a share of the memory, and beyond it the largest logs give way first. A [`Block`] is all that
//! is known of where somebody is.
//!
//! Architecture invariant: knows sizes, times, meeting ids and transport identities; no names, addresses, or keys that open anything.
//! Architecture invariant: nothing here is kept but a [`Record`], as given at creation. Host keys that wait for another device are in
//! memory alone.

#![warn(missing_docs)]

mod admission;
mod allowances;
mod api;
mod append;
mod authentication;
mod authors;
mod budgets;
mod connection;
mod drain;
mod host_keys;
mod http;
mod local_orders;
mod memory;
mod names;
mod order;
mod passphrase;
mod session;
mod sockets;

pub use admission::Admission;
pub use allowances::{Count, Counted, Kind, LocalCounts, RECEIPT, REMEMBERED, Receipt, Use, Whose};
pub use api::{
    Block, Config, ConnectionId, Counters, Figures, HttpRequest, HttpRequestId, HttpResponse, Input, InputError, MediaCommand, MediaEvent,
    OrderError, Output, Plan, Quota, Record, RequestId, StoreError, Terms,
};
pub use budgets::Budgets;
pub use connection::WINDOW;
pub use local_orders::LocalOrders;
pub use memory::LOG_SHARE;
pub use sockets::{NoPlace, SocketId, Sockets};
