//! Media forwarding: takes the RTP packets of publishers and hands them to subscribers.
//!
//! ```text
//!  datagram ─> Demux ─> Transport ─> History <─┬─ DownTrack ─> Transport ─> batch of datagrams
//!             (whose?)  (publisher)  (of a track) ├─ DownTrack ─> …
//!                                             └─ … (a new header each, the same payload)
//! ```
//!
//! Packets are pulled: one that comes is kept once, in the history of its track, and each subscriber holds a place in that. When all that came together
//! has been kept, one subscriber after the other takes what is new into one batch, which is lent out and used again for the next one. What was lost is
//! found in the same history.
//!
//! [`Sfu`] is a [`Machine`](conclave_base::Machine) that holds every connection of a server: datagrams and the decisions of the signalling
//! go in. What each subscriber gets is chosen several times a second: the layer that its tile needs
//! and that its path carries. A change of layer takes effect at the next key frame of the new one, which is recognised by bits that
//! sealing leaves clear.
//!
//! Architecture invariant: this crate knows neither DTLS, SRTP nor SDP ([`Transport`] does), nor LiveKit, nor keys.
//! Architecture invariant: it forwards packets. It never puts a frame together, never makes media, and a payload leaves as it came,
//! but for the picture numbers in VP8's descriptor, which stands before the sealed frame.
//! Architecture invariant: no packet crosses from one room to another.

mod allocation;
mod api;
mod bitrate;
mod command;
mod demux;
mod down_track;
mod forward;
mod history;
mod id;
mod key_frame_throttle;
mod layer_selection;
mod pace;
mod participant;
mod payload_descriptor;
mod pull;
mod replay;
mod rewriter;
mod sfu;
mod track;
mod transport;

pub use conclave_rtp::Batch;

pub use api::{Command, CommandError, Event, Input, Layer, OfferedSection, Output, Quality, Section, SectionRole, TrackSettings};
pub use id::{BadToken, Mid, ParticipantId, Rid, RoomId, TrackId};
pub use sfu::{Limits, Sfu, Stats};
pub use transport::{
    Channel, DescriptionRefused, Direction, IncomingStream, MediaKind, Offer, OutgoingPacket, OutgoingStream, Packet, Purpose, Received,
    Sealing, SendRefused, Transport, TransportEvent, TransportOutput, Vp8Numbers,
};
