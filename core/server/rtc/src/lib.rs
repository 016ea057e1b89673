//! One WebRTC connection: [`server`] hands RTP packets to the forwarder, [`client`] hands whole frames to a native member.
//!
//! ```text
//!   sfu ── Transport ──> server::Server ──┐
//!                                         ├──> str0m (ICE, DTLS, SRTP, SCTP)
//!   peer ──────────────> client::Client ──┘
//! ```
//!
//! Architecture invariant: the str0m family is used here and nowhere else. This crate opens no socket; datagrams and the time come
//! in as arguments. Its cryptography is C: for the browser it compiles without.

pub mod client;
mod clock;
mod repair;
pub mod server;
