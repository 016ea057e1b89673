//! Media forwarding: takes the RTP packets of who publishes and hands them to who subscribes.
//!
//! Architecture invariant: this crate knows neither DTLS, SRTP nor SDP ([`Transport`] does), nor LiveKit, nor keys.

mod api;
mod id;
mod sfu;
mod transport;

pub use api::{Command, Event, Input, Layer, Output, Quality, Refused, Section, Setting, Usage};
pub use id::{BadToken, Mid, Rid, RoomId, SessionId, TrackId};
pub use sfu::{Limits, Sfu, Stats};
pub use transport::{
    Channel, Codec, Direction, IncomingStream, OfferRefused, Outgoing, OutgoingStream, Packet, Polled, Received,
    SendRefused, Transport, TransportEvent, Vp8Numbers, WriteRefused,
};
