//! LiveKit on the wire: its protobufs, the framing of one signalling message, the parameters of a connection, and access tokens.
//!
//! ```text
//!   GET /rtc/v1?access_token=…&join_request=…     [`Access`] by [`ApiKey::verify`], [`join::Query`]
//!   WebSocket, binary                             [`frame`]: one protobuf per message, bounded
//! ```
//!
//! Both halves stand on it: `livekit` (the server's) and `peer` (the native client's).
//!
//! Architecture invariant: the only crate that depends on `livekit-protocol` and on JSON Web Tokens; others say [`proto`].
//! Architecture invariant: nothing here decides anything about a session.

#![warn(missing_docs)]

pub mod frame;
pub mod join;
mod token;

pub use livekit_protocol as proto;
pub use token::{Access, ApiKey, Grants, LEEWAY, MintError, TokenError};
