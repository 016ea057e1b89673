//! Every message between our clients and our server: what both sides must agree on, and nothing else.
//!
//! ```text
//!   session --CreateMeeting, LookupMeeting--> admission   HTTP (JSON, [`http`])
//!   session --ClientMessage--> admission                  WebSocket (postcard, [`ws`])
//!   session <--ServerMessage-- admission
//! ```
//!
//! [`payload`] is what clients say to each other through the server, which sees only sealed bytes.
//!
//! Architecture invariant: nothing here names a secret. What the server may not read is `sealed: Vec<u8>` before it gets here.

pub mod challenge;
pub mod host;
pub mod http;
pub mod limits;
pub mod log;
pub mod paths;
pub mod payload;
pub mod ws;
