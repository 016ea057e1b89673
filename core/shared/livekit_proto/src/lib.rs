//! LiveKit on the wire: its protobufs, the framing of one signalling message, the parameters of a connection, access tokens, and the media
//! sections of the session descriptions in them.
//!
//! ```text
//!   GET /rtc/v1?access_token=…&join_request=…     [`Access`] by [`ApiKey::verify`], [`join::Query`]
//!   WebSocket, binary                             [`frame`]: one protobuf per message, bounded
//! ```
//!
//! Both halves stand on it: `livekit_server` and `livekit_client`.
//!
//! Architecture invariant: the only crate that depends on `livekit-protocol` and on JSON Web Tokens; others say [`proto`].
//! Architecture invariant: nothing here decides anything about a session.

#![warn(missing_docs)]

pub mod frame;
pub mod join;
pub mod sdp;
mod token;

pub use livekit_protocol as proto;
pub use token::{Access, ApiKey, Grants, LEEWAY, MintError, TokenError};
