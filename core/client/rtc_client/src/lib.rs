//! One WebRTC connection of a native member: it offers, the other side answers; frames go in and come out whole.
//!
//! ```text
//!   offer(Change) -> SDP ---------> other side
//!   accept(SDP) <------------------ other side
//!   send(mid, frame) -> Opus/VP8 packets, RTX, TWCC -> poll() -> Datagram
//!   handle(Datagram) -> reorder, NACK, join packets -> poll() -> Event::Frame, byte for byte as it was sent
//! ```
//!
//! Architecture invariant: on the client's side the str0m family is used here and nowhere else. What a frame holds is not looked at beyond its
//! codec's first bytes; frames come sealed. No socket is opened here. Its cryptography is C: for the browser this crate compiles without.

mod retransmission;
mod sections;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::retransmission::enable_rtx;
use conclave_base::{Codec, Datagram, InstantOrigin, Machine, Polled, Time};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::format::Codec as RtcCodec;
use str0m::media::{Direction, Frequency, KeyframeRequestKind, MediaKind, MediaTime, Mid as RtcMid, Rid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{Extension, ExtensionMap, RtpWrite};
use str0m::{Candidate, Event as RtcEvent, IceConnectionState, Input as RtcInput, Output as RtcOutput, Rtc, RtcConfig};

pub use sections::Section;

/// Most media sections of one connection, either direction.
pub const MAX_SECTIONS: usize = 512;
/// Bytes that may wait in the data channels; more is refused.
const MAX_BUFFERED: usize = 1024 * 1024;

/// Name of a media section, as in `a=mid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mid(RtcMid);

impl Mid {
    /// The section of this name.
    pub fn named(name: &str) -> Self {
        Self(RtcMid::from(name))
    }

    /// The text in `a=mid`.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// Sound or picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

const fn codec_of(codec: RtcCodec) -> Option<Codec> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other codec is not negotiated")]
    match codec {
        RtcCodec::Opus => Some(Codec::Opus),
        RtcCodec::Vp8 => Some(Codec::Vp8),
        RtcCodec::Vp9 => Some(Codec::Vp9),
        _ => None,
    }
}

/// The two data channels of a LiveKit client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// `_reliable`: ordered, repeated until it arrives.
    Reliable,
    /// `_lossy`: unordered, never repeated.
    Lossy,
}

/// How a connection is made.
#[derive(Debug, Clone)]
pub struct Config {
    /// Addresses of the shell's UDP sockets.
    pub addresses: Vec<SocketAddr>,
    /// Offer VP9 beside VP8.
    pub vp9: bool,
    /// Packets instead of whole frames, in both directions: [`Event::Packet`] and [`Connection::send_packet`]. For who measures a server.
    pub packets: bool,
}

/// What the next offer asks for on top of what is agreed.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Own tracks to add.
    pub send: Vec<SendTrack>,
    /// Own tracks to stop; their sections stay and fall silent.
    pub stop: Vec<Mid>,
    /// Sections to receive sound in, at least, in all.
    pub receive_audio: usize,
    /// Sections to receive pictures in, at least, in all.
    pub receive_video: usize,
    /// Open the data channels (the first time only).
    pub channels: bool,
    /// New ICE credentials (RFC 8445, section 2.4).
    pub restart_ice: bool,
}

/// One own track.
#[derive(Debug, Clone)]
pub struct SendTrack {
    /// Sound or picture.
    pub kind: Kind,
    /// Track part of `a=msid`.
    pub track: String,
    /// Simulcast layers by RTP stream id, lowest first; empty for one plain stream.
    pub rids: Vec<&'static str>,
}

/// An offer and where its new tracks are.
#[derive(Debug)]
pub struct Offer {
    /// To be sent to the other side.
    pub sdp: String,
    /// The sections of [`Change::send`], in order.
    pub sends: Vec<Mid>,
}

/// A received frame.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Where it came.
    pub mid: Mid,
    /// What it is.
    pub codec: Codec,
    /// RTP time, ticks of [`Codec::clock_rate`], extended beyond 32 bits.
    pub rtp_time: u64,
    /// No packet is missing between the last frame and this one.
    pub contiguous: bool,
    /// The very bytes that were sent.
    pub bytes: Arc<[u8]>,
}

/// A received packet, opened. One that was lost and repaired (RFC 4588) is as it was before it was lost.
#[derive(Debug, Clone)]
pub struct ReceivedPacket {
    /// RTP synchronisation source.
    pub ssrc: u32,
    /// Extended sequence number.
    pub seq: u64,
    /// What it is; `None` for a codec that was not negotiated.
    pub codec: Option<Codec>,
    /// Payload, without padding.
    pub payload: Arc<[u8]>,
}

/// A packet to send.
#[derive(Debug, Clone)]
pub struct SentPacket {
    /// Sequence number of its stream, counted on beyond 16 bits.
    pub seq: u64,
    /// RTP time, ticks of [`Codec::clock_rate`].
    pub rtp_time: u32,
    /// Last one of its picture.
    pub marker: bool,
    /// Payload, with the codec's descriptor.
    pub payload: Arc<[u8]>,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// ICE and DTLS are through; media flows.
    Connected,
    /// No answer from the other side for a while; it may come back after an ICE restart.
    Disconnected,
    /// A whole frame.
    Frame(Frame),
    /// A packet, with [`Config::packets`].
    Packet(ReceivedPacket),
    /// Somebody needs a key frame of this own track.
    KeyFrameRequested {
        /// The track's section.
        mid: Mid,
    },
    /// A data channel may be written.
    ChannelOpen(Channel),
    /// Something came in a data channel.
    Data {
        /// Which.
        channel: Channel,
        /// What.
        bytes: Vec<u8>,
    },
    /// The connection is dead for good.
    Closed,
}

/// What the shell must do.
#[derive(Debug)]
pub enum Output {
    /// Send this.
    Datagram(Datagram),
    /// Something happened.
    Event(Event),
}

/// What comes in.
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram.
    Datagram {
        /// From there.
        src: SocketAddr,
        /// To this own address.
        dst: SocketAddr,
        /// The datagram.
        bytes: &'a [u8],
    },
    /// The moment of [`Polled::Idle`] is reached.
    Timeout,
}

/// Why no offer was made.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// The last offer waits for its answer.
    #[error("an offer is already under way")]
    Pending,
    /// [`MAX_SECTIONS`].
    #[error("too many media sections")]
    TooMany,
}

/// Why an answer was refused.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// There is no offer.
    #[error("an answer without an offer")]
    NoOffer,
    /// The text is not SDP, or does not answer the offer.
    #[error("the answer is not usable: {0}")]
    Unusable(String),
}

/// Why a frame was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No such own track, or not agreed yet.
    #[error("no such track")]
    NoTrack,
    /// The other side does not take this codec.
    #[error("codec not agreed")]
    Codec,
    /// Not connected yet, or too much waits.
    #[error("not ready")]
    NotReady,
}

/// One connection. Every call of one of its methods counts as an input: drain it after each.
#[derive(Debug)]
pub struct Connection {
    rtc: Rtc,
    clock: InstantOrigin,
    pending: Option<Pending>,
    /// How many of `receives` were ever agreed.
    agreed: usize,
    receives: Vec<(RtcMid, MediaKind)>,
    channels: Vec<(ChannelId, Channel)>,
    packets: bool,
    closed: bool,
    closed_reported: bool,
}

/// An offer that waits for its answer.
#[derive(Debug)]
struct Pending {
    offer: SdpPendingOffer,
    /// Own sections, and layers, that are new in it.
    streams: Vec<(RtcMid, Option<Rid>)>,
}

impl Connection {
    /// A connection that has not offered yet. Addresses that cannot be ICE host candidates are left out.
    pub fn new(config: &Config, now: Time) -> Self {
        let clock = InstantOrigin::starting(now);
        let mut rtc = RtcConfig::new()
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .enable_vp9(config.vp9)
            .set_extension_map(extensions())
            .set_rtp_mode(config.packets)
            .set_sctp_max_buffered_amount(MAX_BUFFERED)
            .build(clock.instant(now));
        for &address in &config.addresses {
            if let Ok(candidate) = Candidate::host(address, Protocol::Udp) {
                rtc.add_local_candidate(candidate);
            }
        }
        Self {
            rtc,
            clock,
            pending: None,
            agreed: 0,
            receives: vec![],
            channels: vec![],
            packets: config.packets,
            closed: false,
            closed_reported: false,
        }
    }

    /// Whether an offer waits for its answer.
    pub const fn is_offering(&self) -> bool {
        self.pending.is_some()
    }

    /// Forgets the last offer with all that was new in it; its answer will not come. If it was the first, make a new client instead:
    /// there is nothing that could go on.
    pub fn abandon_offer(&mut self) {
        if self.pending.take().is_some() {
            self.receives.truncate(self.agreed);
        }
    }

    /// Makes an offer; always one, even if nothing changes (LiveKit asks for such to hand out tracks).
    pub fn offer(&mut self, change: &Change) -> Result<Offer, OfferError> {
        if self.pending.is_some() {
            return Err(OfferError::Pending);
        }
        if change.receive_audio + change.receive_video + change.send.len() > MAX_SECTIONS {
            return Err(OfferError::TooMany);
        }
        let mut api = self.rtc.sdp_api();
        let mut sends = Vec::with_capacity(change.send.len());
        let mut streams = Vec::new();
        for (kind, wanted) in [(MediaKind::Audio, change.receive_audio), (MediaKind::Video, change.receive_video)] {
            let have = self.receives.iter().filter(|(_, k)| *k == kind).count();
            for _ in have..wanted {
                self.receives.push((api.add_media(kind, Direction::RecvOnly, None, None, None), kind));
            }
        }
        // An answer without a track for a section left it inactive: ask again.
        for (mid, _) in &self.receives {
            api.set_direction(*mid, Direction::RecvOnly);
        }
        for send in &change.send {
            let kind = match send.kind {
                Kind::Audio => MediaKind::Audio,
                Kind::Video => MediaKind::Video,
            };
            let simulcast = (send.rids.len() > 1).then(|| {
                let mut simulcast = Simulcast::new();
                for rid in &send.rids {
                    simulcast.add_send_layer(SimulcastLayer::new(rid));
                }
                simulcast
            });
            let layered = simulcast.is_some();
            let mid = api.add_media(kind, Direction::SendOnly, Some("own".into()), Some(send.track.clone()), simulcast);
            if layered {
                streams.extend(send.rids.iter().map(|rid| (mid, Some(Rid::from(&**rid)))));
            } else {
                streams.push((mid, None));
            }
            sends.push(Mid(mid));
        }
        for mid in &change.stop {
            api.set_direction(mid.0, Direction::Inactive);
        }
        if change.channels && self.channels.is_empty() {
            for (label, ordered, reliability, channel) in [
                ("_reliable", true, Reliability::Reliable, Channel::Reliable),
                ("_lossy", false, Reliability::MaxRetransmits { retransmits: 0 }, Channel::Lossy),
            ] {
                let id = api.add_channel_with_config(ChannelConfig { label: label.into(), ordered, reliability, ..Default::default() });
                self.channels.push((id, channel));
            }
        }
        if change.restart_ice {
            api.ice_restart(true);
        }
        if !api.has_changes()
            && let Some((mid, _)) = self.receives.first()
        {
            // There and back: nothing changes, but there is something to negotiate.
            api.set_direction(*mid, Direction::Inactive);
            api.set_direction(*mid, Direction::RecvOnly);
        }
        let (offer, pending) = api.apply().ok_or(OfferError::Pending)?;
        self.pending = Some(Pending { offer: pending, streams });
        Ok(Offer { sdp: offer.to_sdp_string(), sends })
    }

    /// Takes the answer to the last offer; says what the other side sends where.
    pub fn accept(&mut self, sdp: &str) -> Result<Vec<Section>, AnswerError> {
        let answer = SdpAnswer::from_sdp_string(sdp).map_err(|e| AnswerError::Unusable(e.to_string()))?;
        let Pending { offer, streams } = self.pending.take().ok_or(AnswerError::NoOffer)?;
        self.rtc.sdp_api().accept_answer(offer, answer).map_err(|e| AnswerError::Unusable(e.to_string()))?;
        self.agreed = self.receives.len();
        for (mid, layer) in streams {
            if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(mid, layer) {
                enable_rtx(stream);
            }
        }
        Ok(sections::read(sdp))
    }

    /// Takes a candidate of the other side (RFC 8839: `candidate:…`); what cannot be used is ignored.
    pub fn add_candidate(&mut self, candidate: &str) {
        if let Ok(candidate) = Candidate::from_sdp_string(candidate) {
            self.rtc.add_remote_candidate(candidate);
        }
    }

    /// Sends one encoded frame in an own section; `rid` names the simulcast layer, if there are any.
    pub fn send(&mut self, mid: Mid, rid: Option<&str>, codec: Codec, rtp_time: u64, bytes: &[u8], now: Time) -> Result<(), SendError> {
        if !self.rtc.is_connected() || self.packets {
            return Err(SendError::NotReady);
        }
        let mut writer = self.rtc.writer(mid.0).ok_or(SendError::NoTrack)?;
        let pt = writer.payload_params().find(|p| codec_of(p.spec().codec) == Some(codec)).map(|p| p.pt()).ok_or(SendError::Codec)?;
        if let Some(rid) = rid {
            writer = writer.rid(Rid::from(rid));
        }
        let rate = Frequency::new(codec.clock_rate()).unwrap_or(Frequency::NINETY_KHZ);
        writer.write(pt, self.clock.instant(now), MediaTime::new(rtp_time, rate), bytes).map_err(|_| SendError::NotReady)
    }

    /// Sends one packet in an own section, with [`Config::packets`]; `rid` names the simulcast layer, if there are any.
    pub fn send_packet(&mut self, mid: Mid, rid: Option<&str>, codec: Codec, packet: SentPacket, now: Time) -> Result<(), SendError> {
        if !self.rtc.is_connected() || !self.packets {
            return Err(SendError::NotReady);
        }
        let agreed = self.rtc.media(mid.0).ok_or(SendError::NoTrack)?.remote_pts();
        let known = self.rtc.codec_config().params().iter();
        let pt = known.filter(|p| codec_of(p.spec().codec) == Some(codec)).map(|p| p.pt()).find(|pt| agreed.contains(pt));
        let pt = pt.ok_or(SendError::Codec)?;
        let wallclock = self.clock.instant(now);
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(mid.0, rid.map(Rid::from)).ok_or(SendError::NoTrack)?;
        let SentPacket { seq, rtp_time, marker, payload } = packet;
        stream.write_rtp(RtpWrite::new(pt, seq.into(), rtp_time, wallclock, payload).marker(marker).nackable(true));
        Ok(())
    }

    /// Asks the sender of this section for a key frame; says whether there was somebody to ask.
    pub fn request_key_frame(&mut self, mid: Mid) -> bool {
        if !self.packets
            && let Some(mut writer) = self.rtc.writer(mid.0)
            && writer.is_request_keyframe_possible(KeyframeRequestKind::Pli)
        {
            return writer.request_keyframe(None, KeyframeRequestKind::Pli).is_ok();
        }
        // A connection for packets has no writers.
        if let Some(stream) = self.rtc.direct_api().stream_rx_by_mid(mid.0, None) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
            return true;
        }
        false
    }

    /// Sends bytes in a data channel.
    pub fn send_data(&mut self, channel: Channel, bytes: &[u8]) -> Result<(), SendError> {
        let id = self.channels.iter().find(|(_, c)| *c == channel).map(|(id, _)| *id).ok_or(SendError::NoTrack)?;
        match self.rtc.channel(id).map(|mut c| c.write(true, bytes)) {
            Some(Ok(true)) => Ok(()),
            Some(Ok(false) | Err(_)) | None => Err(SendError::NotReady),
        }
    }

    fn translate(&mut self, event: RtcEvent) -> Option<Event> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the other events (statistics, estimates) are of no use to a client")]
        match event {
            RtcEvent::Connected => Some(Event::Connected),
            RtcEvent::IceConnectionStateChange(IceConnectionState::Disconnected) => Some(Event::Disconnected),
            RtcEvent::MediaData(data) => Some(Event::Frame(Frame {
                mid: Mid(data.mid),
                codec: codec_of(data.params.spec().codec)?,
                rtp_time: data.time.numer(),
                contiguous: data.contiguous,
                bytes: data.data,
            })),
            RtcEvent::RtpPacket(packet) => {
                let pt = packet.header.payload_type;
                let known = self.rtc.codec_config().params().iter().find(|p| p.pt() == pt);
                let codec = known.and_then(|p| codec_of(p.spec().codec));
                Some(Event::Packet(ReceivedPacket { ssrc: *packet.header.ssrc, seq: *packet.seq_no, codec, payload: packet.payload }))
            }
            RtcEvent::KeyframeRequest(request) => Some(Event::KeyFrameRequested { mid: Mid(request.mid) }),
            RtcEvent::ChannelOpen(id, _) => self.channel(id).map(Event::ChannelOpen),
            RtcEvent::ChannelData(data) => self.channel(data.id).map(|channel| Event::Data { channel, bytes: data.data }),
            RtcEvent::Closed => {
                self.closed = true;
                None
            }
            _ => None,
        }
    }

    /// Own channels by id; a server may open its own of the same labels.
    fn channel(&mut self, id: ChannelId) -> Option<Channel> {
        if let Some((_, channel)) = self.channels.iter().find(|(own, _)| *own == id) {
            return Some(*channel);
        }
        let channel = match self.rtc.channel(id)?.config()?.label.as_str() {
            "_reliable" => Channel::Reliable,
            "_lossy" => Channel::Lossy,
            _ => return None,
        };
        Some(channel)
    }
}

/// Nothing that comes in is refused: datagrams that belong to nobody are dropped.
impl Machine for Connection {
    type Input<'a> = Input<'a>;
    type Output = Output;
    type Error = Infallible;

    fn handle(&mut self, input: Input<'_>, now: Time) -> Result<(), Infallible> {
        let now = self.clock.instant(now);
        let result = match input {
            Input::Timeout => self.rtc.handle_input(RtcInput::Timeout(now)),
            Input::Datagram { src, dst, bytes } => match Receive::new(Protocol::Udp, src, dst, bytes) {
                Ok(receive) => {
                    let input = RtcInput::Receive(now, receive);
                    if self.rtc.accepts(&input) { self.rtc.handle_input(input) } else { Ok(()) }
                }
                Err(_) => Ok(()),
            },
        };
        if let Err(error) = result {
            tracing::debug!(%error, "connection failed");
            self.closed = true;
        }
        Ok(())
    }

    fn poll(&mut self) -> Polled<Output> {
        while !self.closed && self.rtc.is_alive() {
            match self.rtc.poll_output() {
                Ok(RtcOutput::Timeout(at)) => return Polled::Idle(self.clock.time(at)),
                Ok(RtcOutput::Transmit(t)) => {
                    let datagram = Datagram { src: t.source, dst: t.destination, bytes: t.contents.into() };
                    return Polled::Output(Output::Datagram(datagram));
                }
                Ok(RtcOutput::Event(event)) => {
                    if let Some(event) = self.translate(event) {
                        return Polled::Output(Output::Event(event));
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "connection failed");
                    self.closed = true;
                }
            }
        }
        if !std::mem::replace(&mut self.closed_reported, true) {
            return Polled::Output(Output::Event(Event::Closed));
        }
        Polled::Idle(Time::MAX)
    }
}

/// No audio level: who speaks is told inside the end-to-end encryption, or not at all.
fn extensions() -> ExtensionMap {
    let mut map = ExtensionMap::empty();
    for (id, extension) in [
        (2, Extension::AbsoluteSendTime),
        (3, Extension::TransportSequenceNumber),
        (4, Extension::RtpMid),
        (10, Extension::RtpStreamId),
        (11, Extension::RepairedRtpStreamId),
    ] {
        map.set(id, extension);
    }
    map
}
