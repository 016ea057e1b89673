//! The media server's WebRTC: [`Connection`] is a [`conclave_sfu::Transport`] on str0m in RTP mode, one for each participant.
//!
//! ```text
//!   sfu ── Transport ──> Connection ──> str0m (ICE lite, DTLS, SRTP, SCTP)
//! ```
//!
//! Architecture invariant: on the server's side the str0m family is used here and nowhere else. This crate opens no socket; datagrams
//! and the time come in as arguments. Its cryptography is C: for the browser it compiles without.

mod codecs;
mod connection;
mod offer;
mod retransmission;

pub use connection::{Config, ConfigError, Connection};
