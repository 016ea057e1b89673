//! The media server's WebRTC: [`Connection`] is a [`conclave_sfu::Transport`], one for each participant.
//!
//! ```text
//!   sfu ── Transport ──> Connection ─┬─> str0m (SDP, ICE lite, DTLS, SCTP)
//!                                    │     │ keys, where to send
//!                                    └─> media: SRTP and SRTCP on conclave-rtp
//! ```
//!
//! Architecture invariant: the keys of media have one owner. str0m never gets them, and so seals and opens no media.
//!
//! Architecture invariant: on the server's side the str0m family is used here and nowhere else. This crate opens no socket; datagrams
//! and the time come in as arguments. Its cryptography is C: for the browser it compiles without.

mod codecs;
mod connection;
mod media;
mod offer;
mod tap;

pub use connection::{Config, ConfigError, Connection};
