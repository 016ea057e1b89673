//! A native, headless member of a meeting, and a load generator: what stands around `meeting` and `peer` to touch the world.
//!
//! ```text
//!   stdin: chat, /leave …        test picture, tone -> encoders -> Session::seal ─┐
//!      │                                                                          v
//!   member::run ── conclave_session::Session (HTTP, WebSocket)          conclave_livekit_client::Peer (WebSocket, UDP)
//!      │                                                                          │
//!   stdout: events, chat   <── statistics, recording <── decoders <── Session::open
//! ```
//!
//! Architecture invariant: no decision of the protocol is made here; what is sent passed [`conclave_session::Session::seal`], what is decoded or
//! recorded passed [`conclave_session::Session::open`].

pub mod args;
mod clock;
pub mod create;
mod http;
pub mod load;
pub mod member;
mod picture;
pub mod process;
mod record;
pub mod report;
mod socket;
mod sound;
mod watch;

/// Chooses the process's TLS provider; once, before anything connects.
pub fn install_tls() {
    // An error means that one is installed already, which is as good.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
