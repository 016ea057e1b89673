//! A native, headless member of a meeting, and a load generator: what stands around `session` and `livekit_client` to touch the world.
//!
//! ```text
//!   terminal: stdin, stdout      test_media: picture, tone -> encoders -> Session::seal ─┐
//!      │                                                                                 v
//!   member::run ── network ── conclave_session::Session (HTTP, WebSocket)      conclave_livekit_client::LiveKitClient (WebSocket, UDP)
//!      │                                                                                 │
//!   record, report   <──── playback: decoders, statistics <────── Session::receive <─────┘
//! ```
//!
//! And, beside meetings: what runs a log of releases and its witnesses, [`transparency`], and what compares a server's page with a release of
//! it, [`verify`].
//!
//! Architecture invariant: no decision of the protocol is made here; what is sent passed [`conclave_session::Session::seal`], what is
//! decoded or recorded passed [`conclave_session::Session::receive`].

pub mod args;
pub mod clock;
pub mod create;
pub mod host_key;
pub mod http;
pub mod load;
mod logged_builds;
pub mod member;
mod network;
mod picture;
mod playback;
pub mod process;
mod record;
pub mod report;
pub mod socket;
mod sound;
mod terminal;
mod test_media;
pub mod transparency;
pub mod verify;

/// Chooses the process's TLS provider; once, before anything connects.
pub fn install_tls() {
    // An error means that one is installed already, which is as good.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
