//! Other people's LiveKit clients against our server: livekit-client in Chromium and Firefox, `livekit` of PyPI, `@livekit/rtc-node`,
//! LiveKit's Go SDK.
//! And another implementation of MLS in one group with ours: [`mls`].
//!
//! ```text
//!   network namespace, 10.200.0.1 on a veth pair (libwebrtc ignores loopback)
//!   +------------------------------------------------------------+
//!   |  conclave serve  <--- WebSocket, UDP --->  browsers + page |
//!   |                                            python, node    |
//!   +------------------------------------------------------------+
//!                     the test: starts them, reads what they saw (JSON lines)
//! ```
//!
//! The clients are pinned in `package.json`, `requirements.txt` and `clients/go/go.mod`, run unmodified, and are fetched on first use. What drives the browsers
//! is that of all suites.
//! Namespaces need root, or a kernel that lets users make their own.

mod client;
pub mod mls;
mod network;
mod tools;

pub use client::{Client, Kind, job};
pub use network::Network;
