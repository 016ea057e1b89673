//! Every message between our clients and our server, and the snapshot that the screen draws: the only serializable types.
//!
//! ```text
//!   brain --ClientMessage--> server brain        HTTP: create, look up    (JSON, [`http`])
//!   brain <--ServerMessage-- server brain        WebSocket: a live session (postcard, [`live`])
//!   brain --Snapshot--> view --Command--> brain  inside one client         ([`screen`])
//! ```
//!
//! [`sealed`] is what clients say to each other through the server, which sees only sealed bytes.
//!
//! Architecture invariant: nothing here names a secret. What the server may not read is `sealed: Vec<u8>` before it gets here.

pub mod challenge;
pub mod http;
pub mod limits;
pub mod live;
pub mod screen;
pub mod sealed;
