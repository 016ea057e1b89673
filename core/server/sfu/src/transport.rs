//! The seam between forwarding and WebRTC: what this crate needs of one connection.

use std::net::SocketAddr;

use conclave_base::{Codec, Datagram, Time};
use conclave_rtp::Batch;

use crate::{Mid, Rid};

/// One WebRTC connection that hands RTP packets over instead of frames.
///
/// It does ICE (as the lite side), DTLS, SRTP, RTCP, retransmission of what was lost, feedback and pacing. It decides nothing about
/// who sees what. Every call may leave something to poll; the owner calls [`poll`](Self::poll) until it is idle.
pub trait Transport: Sized {
    /// What all connections of one server share: addresses, certificate.
    type Config;

    /// A connection that waits for its first offer.
    fn open(config: &Self::Config, now: Time) -> Self;

    /// Takes an SDP offer (RFC 8829) and answers it. `sections` tells what each media section is for; one that is not named is
    /// answered inactive. A later offer adds sections, changes directions or restarts ICE.
    fn accept(&mut self, offer: &str, sections: &[(Mid, Direction)], now: Time) -> Result<String, DescriptionRefused>;

    /// Offers, on a connection whose other side waits for offers: `sections` are all media sections of the offer in its order, those that there are
    /// and then new ones. The first offer also opens the channels. What it says counts once [`Self::accept_answer`] took the answer to it. `None` if
    /// nothing changes, for which no answer comes.
    fn offer(&mut self, sections: &[(MediaKind, Direction)], restart_ice: bool, now: Time) -> Result<Option<Offer>, DescriptionRefused>;

    /// Takes the SDP answer to the last [`Self::offer`].
    fn accept_answer(&mut self, answer: &str, now: Time) -> Result<(), DescriptionRefused>;

    /// The local ICE user fragment: a STUN request whose USERNAME begins with it is for this connection. Changes at an ICE restart.
    fn ufrag(&self) -> &str;

    /// Adds a trickled candidate of the other side (the value of `a=candidate`). What cannot be understood is ignored.
    fn add_candidate(&mut self, candidate: &str);

    /// Takes a datagram that came from `src` to our `dst`.
    fn receive(&mut self, src: SocketAddr, dst: SocketAddr, datagram: &[u8], now: Time) -> Received;

    /// Time has come to at least what the last [`TransportOutput::Idle`] named.
    fn tick(&mut self, now: Time);

    /// The next thing that happened. Called until [`TransportOutput::Idle`].
    fn poll(&mut self) -> TransportOutput;

    /// The payload of the packet that [`TransportEvent::Packet`] told last.
    fn payload(&self) -> &[u8];

    /// Our address and theirs, once there are keys to seal with.
    fn path(&self) -> Option<(SocketAddr, SocketAddr)>;

    /// Seals a packet for an outgoing stream and appends it to `batch`, which goes to [`Self::path`].
    fn seal(&mut self, stream: OutgoingStream, packet: &OutgoingPacket<'_>, purpose: Purpose, batch: &mut Batch, now: Time) -> Sealing;

    /// The stream that bandwidth is to be probed with now: one of its last packets is then sealed with [`Purpose::Probe`]. Asked until it is `None`.
    fn probe(&mut self, now: Time) -> Option<OutgoingStream>;

    /// Whether [`Self::probe`] is to be asked.
    fn is_probing(&self) -> bool;

    /// There is no packet to probe with.
    fn give_up_probe(&mut self, now: Time);

    /// The stream that carries section `mid` to the other side, once an answer has made it [`Direction::Send`].
    /// Stays the same for the life of the section.
    fn outgoing(&self, mid: Mid) -> Option<OutgoingStream>;

    /// Asks the sender of an incoming stream for a key frame (PLI, RFC 4585).
    fn request_key_frame(&mut self, stream: IncomingStream);

    /// Sends a message on the channel of that name.
    fn send(&mut self, channel: Channel, payload: &[u8]) -> Result<(), SendRefused>;

    /// How many bits per second would be sent if the path allowed: up to there the estimator looks for room.
    fn set_desired_rate(&mut self, bits: u64);

    /// Says goodbye. The datagrams for it are polled as usual, then [`TransportOutput::Idle`] with [`Time::MAX`].
    fn close(&mut self);
}

/// What a media section is for, seen from this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The other side sends.
    Receive,
    /// We send.
    Send,
    /// Neither side sends.
    Inactive,
}

/// What a media section carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// An offer of this side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its text; the `msid`s in it mean nothing.
    pub sdp: String,
    /// The names of its media sections, in its order.
    pub mids: Vec<Mid>,
}

/// Whether a datagram was this connection's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// A STUN message that the other side's credentials protect: what comes from its address is this connection's.
    Authenticated,
    /// Handed on; whether it is genuine shows inside.
    Accepted,
    /// Malformed, or not for this connection.
    Dropped,
}

/// An incoming RTP stream: its SSRC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncomingStream(pub u32);

/// An outgoing RTP stream, as its transport numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutgoingStream(pub u32);

/// The header of an RTP packet as it came (recovered ones included, in the place of the lost one). Its payload is the payload descriptor, then (part of)
/// a sealed frame.
#[derive(Debug, Clone, Copy)]
pub struct Packet {
    /// The stream it came on.
    pub stream: IncomingStream,
    /// What its payload type stands for.
    pub codec: Codec,
    /// Sequence number, extended so that it never wraps.
    pub seq: u64,
    /// RTP timestamp.
    pub time: u32,
    /// When the other side recorded it, as far as its reports tell: by one clock for all its streams. Without them, when it came.
    pub recorded: Time,
    /// RTP marker bit.
    pub marker: bool,
}

/// A packet on its way to one subscriber: a payload under a new header.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingPacket<'a> {
    /// Chooses the payload type.
    pub codec: Codec,
    /// Sequence number, extended; the first of a stream is below 2^15. As media, none is sealed twice.
    pub seq: u64,
    /// RTP timestamp.
    pub time: u32,
    /// The moment that the timestamp stands for.
    pub recorded: Time,
    /// RTP marker bit.
    pub marker: bool,
    /// The payload, shared by all subscribers.
    pub payload: &'a [u8],
    /// Numbers to write over those in a VP8 payload descriptor.
    pub vp8: Option<Vp8Numbers>,
    /// The longest payload that follows: as the first one of a batch it is padded up to that, so that they leave together.
    pub longest: usize,
}

/// Why a packet is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// For the first time.
    Media,
    /// Its receiver has not got it.
    Repair,
    /// To see how it arrives, as [`Transport::probe`] asked.
    Probe,
}

/// What became of a packet to be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealing {
    /// It is in the batch.
    Sealed,
    /// It has no room: the batch has to leave first.
    Later,
    /// It is not sent: the receiver did not negotiate its codec, or has got its share of repairs.
    Refused,
}

/// The running numbers in a VP8 payload descriptor (RFC 7741, section 4.2). One that a packet lacks stays absent.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Vp8Numbers {
    /// PictureID, 7 or 15 bits as the packet has it.
    pub picture_id: Option<u16>,
    /// TL0PICIDX.
    pub tl0_pic_idx: Option<u8>,
}

/// A data channel, by what its label promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Label `_reliable`: ordered, nothing lost.
    Reliable,
    /// Label `_lossy`: unordered, never sent again.
    Lossy,
}

/// What [`Transport::poll`] gives.
#[derive(Debug)]
pub enum TransportOutput {
    /// To be sent from our address `src` to `dst`.
    Datagram(Datagram),
    /// Something happened.
    Event(TransportEvent),
    /// Nothing more until input comes or that moment does.
    Idle(Time),
}

/// What happens on a connection.
#[derive(Debug)]
pub enum TransportEvent {
    /// ICE and DTLS stand; also after an interruption.
    Connected,
    /// ICE hears nothing any more; an ICE restart may heal it.
    Disconnected,
    /// Over for good.
    Closed,
    /// An incoming stream became known, or moved to another SSRC. Comes before its first packet.
    Stream {
        /// Its SSRC.
        stream: IncomingStream,
        /// The section it belongs to.
        mid: Mid,
        /// The simulcast layer, if the section has them.
        rid: Option<Rid>,
    },
    /// An RTP packet came; [`Transport::payload`] has its payload until the next datagram.
    Packet(Packet),
    /// The receiver of an outgoing stream has not got some of its packets.
    Lost {
        /// On which stream.
        stream: OutgoingStream,
        /// The last bits of their numbers.
        seqs: Vec<u16>,
    },
    /// The receiver of an outgoing stream asks for a key frame.
    KeyFrameRequested(Mid),
    /// A data channel opened.
    ChannelOpen(Channel),
    /// A message came on a data channel.
    Message {
        /// On which.
        channel: Channel,
        /// What.
        payload: Vec<u8>,
    },
    /// There is room on the data channels again.
    Writable,
    /// The path carries about that many bits per second.
    Estimate(u64),
}

/// Why an offer has no answer, or an answer is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionRefused {
    /// More bytes or sections than are read, or than are offered.
    #[error("session description too large")]
    TooLarge,
    /// Not SDP, or SDP that does not fit.
    #[error("session description not understood: {0}")]
    NotUnderstood(String),
    /// An answer to nothing.
    #[error("answer without an offer")]
    Unexpected,
}

/// Why a message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendRefused {
    /// The channel is not open (yet).
    #[error("channel not open")]
    NotOpen,
    /// The channel has no room; [`TransportEvent::Writable`] will come.
    #[error("channel full")]
    Full,
}
