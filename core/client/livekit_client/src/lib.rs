//! A LiveKit client without a browser: signalling in, signalling out, and one WebRTC connection beside it.
//!
//! ```text
//!   shell: WebSocket /rtc/v1       LiveKitClient                  shell: UDP
//!     Connect{url} <----------------- signalling               Datagram <---> conclave_rtc_client
//!     Signal(bytes) <--------------->  join, publish, offer        frames: sealed bytes, by identity and source
//! ```
//!
//! The session is the single-connection form (`/rtc/v1`): the client always offers, the server puts tracks into free sections.
//! A broken WebSocket is resumed; when the server has lost the state, [`Event::Left`] with [`LeaveReason::SessionLost`] says so.
//!
//! Architecture invariant: only tracks of identities that the caller chose are subscribed or handed out; the server's list opens nothing.
//! Architecture invariant: what the server says of a track's encryption is not read at all.

#![warn(missing_docs)]

mod client;
mod messages;
mod participants;
mod publish;
#[cfg(test)]
mod tests;
mod types;

pub use client::LiveKitClient;
pub use conclave_rtc_client::{ReceivedPacket, SendError, SentPacket};
pub use types::{Command, CommandError, Config, Event, Input, Layer, LeaveReason, Output, Publication};
