//! RTP and RTCP of the media server, sealed: opened once for each publisher, sealed once for each subscriber, with nothing copied or allocated between.
//!
//! ```text
//!  datagram ─> Packet ─> Opener ─> Ring ─┬─> Claim ─> Batch ─> datagrams
//!             (header)  (SRTP)  (payload) ├─> Claim ─> Batch ─> …
//!                                         └─> …  (a header and a key each, the same payload)
//! ```
//!
//! A [`Claim`] is the right to seal one packet number of one stream, given once and used up by sealing: two packets with one number under one key
//! would give the key away.
//!
//! Architecture invariant: this crate knows no sockets, clocks or connections, nor what a payload means; it decides nothing about who gets what.
//! Architecture invariant: no input makes it panic, and packets on their way make it allocate nothing.

mod aead;
mod batch;
mod estimate;
mod packet;
mod ring;
pub mod rtcp;
mod srtp;
mod twcc;
mod window;

pub use aead::TAG;
pub use batch::Batch;
pub use estimate::{Bounds, Estimator};
pub use packet::{Extensions, FIXED_HEADER, Kind, Malformed, NoRoom, Outgoing, Packet};
pub use ring::{Entry, MAX_PACKET, Ring};
pub use srtp::{
    BadKeyingMaterial, Claim, KeyingMaterial, OpenRefused, Opened, Opener, Profile, Role, SealRefused, Sealer, StreamId, nearest,
    sealed_len,
};
pub use twcc::{Arrivals, Outcome, Sent};
