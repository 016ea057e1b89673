use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;

use conclave_base::{Codec, Datagram, InstantOrigin, LookupMap, Time};
use conclave_sfu::{
    Channel, Direction, IncomingStream, Mid, OfferRefused, OutgoingPacket, OutgoingStream, Packet, Received, Rid, SendRefused, Transport,
    TransportEvent, TransportOutput, Vp8Numbers, WriteRefused,
};
use str0m::bwe::{Bitrate, BweKind};
use str0m::change::SdpOffer;
use str0m::channel::ChannelId;
use str0m::config::DtlsCert;
use str0m::media::{KeyframeRequestKind, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite, Vp8Descriptor};
use str0m::{Candidate, Event, Input, Output, Rtc};

use crate::codecs::{self, PayloadTypes};
use crate::offer;
use crate::retransmission::enable_rtx;

/// What the estimator begins with, and what it looks for at least, in bits per second. str0m probes at about twice the desired rate and
/// takes what comes of that for the truth, so that a low desired rate yields a low estimate.
const FIRST_ESTIMATE: u64 = 4_000_000;
/// Packets that wait for the pacer on one stream: more than a second of a large picture.
const MAX_WAITING: usize = 512;
/// Bytes of one message on a data channel.
const MAX_MESSAGE: u32 = 64 * 1024;
/// Bytes on the data channels that the other side has not acknowledged.
const MAX_UNACKNOWLEDGED: usize = 512 * 1024;
/// Incoming SSRCs that are remembered; a peer that invents more is asked again for each.
const MAX_STREAMS: usize = 512;

/// What all connections of one media server share.
#[derive(Clone)]
pub struct Config {
    addresses: Vec<SocketAddr>,
    certificate: DtlsCert,
}

/// Why there is no [`Config`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No client could reach the server.
    #[error("no address to be reached at")]
    NoAddress,
    /// Not an address that can be announced (unspecified, for example).
    #[error("address cannot be announced: {0}")]
    BadAddress(String),
    /// The cryptography gave no certificate.
    #[error("no certificate could be made")]
    NoCertificate,
}

impl Config {
    /// A server that is reached at `addresses` over UDP. Makes a certificate, which lives as long as this value.
    pub fn new(addresses: Vec<SocketAddr>) -> Result<Self, ConfigError> {
        if addresses.is_empty() {
            return Err(ConfigError::NoAddress);
        }
        for address in &addresses {
            host(*address).map_err(|e| ConfigError::BadAddress(e.to_string()))?;
        }
        let crypto = str0m::crypto::from_feature_flags();
        let certificate = crypto.dtls_provider.generate_certificate().ok_or(ConfigError::NoCertificate)?;
        Ok(Self { addresses, certificate })
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("addresses", &self.addresses.len()).finish_non_exhaustive()
    }
}

fn host(address: SocketAddr) -> Result<Candidate, str0m::error::IceError> {
    Candidate::host(address, "udp")
}

/// One participant's connection, on str0m in RTP mode, as the ICE-lite side.
pub struct Connection {
    rtc: Rtc,
    clock: InstantOrigin,
    now: Time,
    ufrag: String,
    types: PayloadTypes,
    /// The stream of each section we send on.
    outgoing: BTreeMap<Mid, OutgoingStream>,
    /// The payload types that each of them may use, as `index` orders codecs.
    payload_types: LookupMap<OutgoingStream, [Option<Pt>; 3]>,
    known: BTreeSet<IncomingStream>,
    channels: Vec<(ChannelId, Channel)>,
    /// A packet whose stream has just been announced.
    pending_packet: Option<Packet>,
    /// Packets were written since str0m last heard of the time.
    written: bool,
    state: ConnectionState,
    /// ICE has no path, as it last said.
    ice_down: bool,
    /// The peer proved itself by STUN since the connection was last told to be down.
    heard: bool,
}

/// How the connection stands, as last told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConnectionState {
    New,
    Up,
    Down,
    Closed,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Transport for Connection {
    type Config = Config;
    type Vp8Descriptor = Vp8Descriptor;

    fn open(config: &Config, now: Time) -> Self {
        let clock = InstantOrigin::starting(now);
        let mut rtc = codecs::negotiate(Rtc::builder())
            .set_rtp_mode(true)
            .set_ice_lite(true)
            .set_dtls_cert(config.certificate.clone())
            .enable_bwe(Some(Bitrate::from(FIRST_ESTIMATE)))
            .set_stats_interval(None)
            .set_sctp_max_message_size(MAX_MESSAGE)
            .set_sctp_max_buffered_amount(MAX_UNACKNOWLEDGED)
            .build(clock.instant(now));
        for address in &config.addresses {
            if let Ok(candidate) = host(*address) {
                rtc.add_local_candidate(candidate);
            }
        }
        let ufrag = rtc.direct_api().local_ice_credentials().ufrag;
        rtc.bwe().set_bitrate(Bitrate::from(0), Bitrate::from(FIRST_ESTIMATE));
        Self {
            rtc,
            clock,
            now,
            ufrag,
            types: PayloadTypes::default(),
            outgoing: BTreeMap::new(),
            payload_types: LookupMap::default(),
            known: BTreeSet::new(),
            channels: Vec::new(),
            pending_packet: None,
            written: false,
            state: ConnectionState::New,
            ice_down: false,
            heard: false,
        }
    }

    fn accept(&mut self, offer: &str, sections: &[(Mid, Direction)], now: Time) -> Result<String, OfferRefused> {
        self.tick(now);
        let refused = |e: &dyn fmt::Display| OfferRefused::NotUnderstood(e.to_string());
        let offer = SdpOffer::from_sdp_string(&offer::narrow(offer, sections)?).map_err(|e| refused(&e))?;
        let answer = self.rtc.sdp_api().accept_offer(offer).map_err(|e| refused(&e))?;

        self.ufrag = self.rtc.direct_api().local_ice_credentials().ufrag;
        self.types = PayloadTypes::of(self.rtc.codec_config());
        self.known.clear();
        self.outgoing.clear();
        let before = std::mem::take(&mut self.payload_types);
        for (mid, _) in sections.iter().filter(|(_, direction)| *direction == Direction::Send) {
            self.start_sending(*mid, &before);
        }
        Ok(answer.to_sdp_string())
    }

    fn ufrag(&self) -> &str {
        &self.ufrag
    }

    fn add_candidate(&mut self, candidate: &str) {
        if let Ok(candidate) = Candidate::from_sdp_string(candidate) {
            self.rtc.add_remote_candidate(candidate);
        }
    }

    fn receive(&mut self, src: SocketAddr, dst: SocketAddr, datagram: &[u8], now: Time) -> Received {
        self.now = self.now.max(now);
        let Ok(receive) = Receive::new(Protocol::Udp, src, dst, datagram) else {
            return Received::Dropped;
        };
        let stun = is_stun(datagram);
        let input = Input::Receive(self.clock.instant(self.now), receive);
        if stun && !self.rtc.accepts(&input) {
            return Received::Dropped;
        }
        match self.rtc.handle_input(input) {
            Ok(()) => {
                // It has heard the time as well.
                self.written = false;
                self.heard |= stun;
                if stun { Received::Authenticated } else { Received::Accepted }
            }
            Err(e) => {
                tracing::debug!("datagram refused: {e}");
                Received::Dropped
            }
        }
    }

    fn tick(&mut self, now: Time) {
        self.now = self.now.max(now);
        self.written = false;
        if let Err(e) = self.rtc.handle_input(Input::Timeout(self.clock.instant(self.now))) {
            tracing::debug!("timeout refused: {e}");
        }
    }

    fn poll(&mut self) -> TransportOutput {
        if let Some(packet) = self.pending_packet.take() {
            return TransportOutput::Event(TransportEvent::Packet(packet));
        }
        if let Some(event) = self.recover() {
            return TransportOutput::Event(event);
        }
        if self.written {
            // str0m sends a written packet once it has heard what time it is.
            self.tick(self.now);
        }
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Transmit(t)) => {
                    return TransportOutput::Datagram(Datagram { src: t.source, dst: t.destination, bytes: t.contents.into() });
                }
                Ok(Output::Event(event)) => {
                    if let Some(event) = self.translate(event) {
                        return TransportOutput::Event(event);
                    }
                }
                Ok(Output::Timeout(_)) if !self.rtc.is_alive() => return self.closed(),
                Ok(Output::Timeout(at)) => return TransportOutput::Idle(self.clock.time(at)),
                Err(e) => {
                    tracing::debug!("connection broke: {e}");
                    self.rtc.disconnect();
                    return self.closed();
                }
            }
        }
    }

    fn outgoing(&self, mid: Mid) -> Option<OutgoingStream> {
        self.outgoing.get(&mid).copied()
    }

    fn parse_vp8(payload: &[u8]) -> Option<Vp8Descriptor> {
        Vp8Descriptor::parse(payload).ok()
    }

    fn write(
        &mut self,
        stream: OutgoingStream,
        packet: OutgoingPacket<'_>,
        vp8: Option<&Vp8Descriptor>,
        now: Time,
    ) -> Result<(), WriteRefused> {
        let types = self.payload_types.get(&stream).ok_or(WriteRefused::NoStream)?;
        let pt = types[index(packet.codec)].ok_or(WriteRefused::NoCodec)?;
        self.now = self.now.max(now);
        let wallclock = self.clock.instant(self.now);
        let mut api = self.rtc.direct_api();
        let out = api.stream_tx(&stream.0.into()).ok_or(WriteRefused::NoStream)?;
        if out.queue_info().is_some_and(|q| q.packet_count() > MAX_WAITING) {
            return Err(WriteRefused::Full);
        }
        let mut write = RtpWrite::new(pt, packet.seq.into(), packet.time, wallclock, packet.payload.clone())
            .marker(packet.marker)
            .nackable(packet.codec.is_video());
        if let Some(patch) = vp8.zip(packet.vp8).and_then(|(descriptor, numbers)| vp8_patch(descriptor, numbers)) {
            write = write.vp8_patch(patch);
        }
        out.write_rtp(write);
        self.written = true;
        Ok(())
    }

    fn request_key_frame(&mut self, stream: IncomingStream) {
        if let Some(rx) = self.rtc.direct_api().stream_rx(&stream.0.into()) {
            rx.request_keyframe(KeyframeRequestKind::Pli);
        }
    }

    fn send(&mut self, channel: Channel, payload: &[u8]) -> Result<(), SendRefused> {
        let id = self.channels.iter().find(|(_, c)| *c == channel).ok_or(SendRefused::NotOpen)?.0;
        let mut out = self.rtc.channel(id).ok_or(SendRefused::NotOpen)?;
        match out.write(true, payload) {
            Ok(true) => Ok(()),
            Ok(false) => Err(SendRefused::Full),
            Err(_) => Err(SendRefused::NotOpen),
        }
    }

    fn set_desired_rate(&mut self, bits: u64) {
        self.rtc.bwe().set_bitrate(Bitrate::from(0), Bitrate::from(bits.max(FIRST_ESTIMATE)));
    }

    fn close(&mut self) {
        if self.rtc.close().is_err() {
            self.rtc.disconnect();
        }
    }
}

impl Connection {
    fn start_sending(&mut self, mid: Mid, before: &LookupMap<OutgoingStream, [Option<Pt>; 3]>) {
        let name = str0m::media::Mid::from(mid.as_str());
        let Some(section) = self.rtc.media(name).filter(|m| m.direction().is_sending()) else {
            return;
        };
        let types = [Codec::Opus, Codec::Vp8, Codec::Vp9].map(|c| self.types.for_section(section.remote_pts(), c));
        if let Some(out) = self.rtc.direct_api().stream_tx_by_mid(name, None) {
            // The publisher paced the packets already. To hold them back here as well costs delay and a wake-up each, and a wrong
            // estimate would choke the stream instead of lowering its layer.
            out.set_unpaced(true);
            let stream = OutgoingStream(*out.ssrc());
            if !before.contains_key(&stream) {
                enable_rtx(out);
            }
            self.outgoing.insert(mid, stream);
            self.payload_types.insert(stream, types);
        }
    }

    fn closed(&mut self) -> TransportOutput {
        if self.state == ConnectionState::Closed {
            return TransportOutput::Idle(Time::MAX);
        }
        self.state = ConnectionState::Closed;
        TransportOutput::Event(TransportEvent::Closed)
    }

    fn translate(&mut self, event: Event) -> Option<TransportEvent> {
        if self.state == ConnectionState::Closed {
            return None;
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is non-exhaustive, and most of it does not concern us")]
        match event {
            Event::RtpPacket(packet) => self.packet(packet),
            Event::KeyframeRequest(request) => Mid::new(&request.mid).ok().map(TransportEvent::KeyFrameRequested),
            Event::EgressBitrateEstimate(BweKind::Twcc { estimate, can_probe: true }) => Some(TransportEvent::Estimate(estimate.as_u64())),
            Event::ChannelOpen(id, label) => self.channel_open(id, &label),
            Event::ChannelClose(id) => {
                self.channels.retain(|(open, _)| *open != id);
                None
            }
            Event::ChannelData(data) => {
                let channel = self.channels.iter().find(|(id, _)| *id == data.id)?.1;
                Some(TransportEvent::Message { channel, payload: data.data })
            }
            Event::ChannelBufferedAmountLow(_) => Some(TransportEvent::Writable),
            Event::Connected => self.set_state(ConnectionState::Up),
            Event::IceConnectionStateChange(state) => {
                self.ice_down = state.is_disconnected();
                if self.ice_down { self.set_state(ConnectionState::Down) } else { self.recover() }
            }
            Event::Closed => {
                self.state = ConnectionState::Closed;
                Some(TransportEvent::Closed)
            }
            _ => None,
        }
    }

    /// Whether a peer that was away is back. After a long break Firefox nominates no path again, since for it the old one still holds: that it is
    /// heard is enough. Not that it restarts ICE: the path may be as dead as before.
    fn recover(&mut self) -> Option<TransportEvent> {
        let back = self.state == ConnectionState::Down && self.heard && !self.ice_down;
        back.then(|| self.set_state(ConnectionState::Up))?
    }

    fn set_state(&mut self, to: ConnectionState) -> Option<TransportEvent> {
        let from = std::mem::replace(&mut self.state, to);
        match to {
            _ if from == to => None,
            ConnectionState::Up => Some(TransportEvent::Connected),
            // Before DTLS stands, an unreachable peer is not a lost one.
            ConnectionState::Down if from == ConnectionState::New => {
                self.state = ConnectionState::New;
                None
            }
            ConnectionState::Down => {
                self.heard = false;
                Some(TransportEvent::Disconnected)
            }
            ConnectionState::New | ConnectionState::Closed => None,
        }
    }

    fn channel_open(&mut self, id: ChannelId, label: &str) -> Option<TransportEvent> {
        let channel = match label {
            "_reliable" => Channel::Reliable,
            "_lossy" => Channel::Lossy,
            _ => return None,
        };
        // The newest of a name counts; with that there are never more than two.
        self.channels.retain(|(_, c)| *c != channel);
        self.channels.push((id, channel));
        if let Some(mut open) = self.rtc.channel(id) {
            open.set_buffered_amount_low_threshold(MAX_UNACKNOWLEDGED / 2);
        }
        Some(TransportEvent::ChannelOpen(channel))
    }

    /// The packet, or the news of its stream first.
    fn packet(&mut self, packet: RtpPacket) -> Option<TransportEvent> {
        let stream = IncomingStream(*packet.header.ssrc);
        let codec = self.types.codec(packet.header.payload_type)?;
        let packet = Packet {
            stream,
            codec,
            seq: *packet.seq_no,
            time: packet.header.timestamp,
            marker: packet.header.marker,
            payload: packet.payload,
        };
        if self.known.contains(&stream) {
            return Some(TransportEvent::Packet(packet));
        }
        let mut api = self.rtc.direct_api();
        let rx = api.stream_rx(&stream.0.into())?;
        let mid = Mid::new(&rx.mid()).ok()?;
        let rid = rx.rid().and_then(|r| Rid::new(&r).ok());
        if self.known.len() >= MAX_STREAMS {
            self.known.clear();
        }
        self.known.insert(stream);
        self.pending_packet = Some(packet);
        Some(TransportEvent::Stream { stream, mid, rid })
    }
}

/// RFC 7983, section 7: the first byte tells STUN from DTLS and RTP.
fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|b| *b < 4)
}

fn index(codec: Codec) -> usize {
    match codec {
        Codec::Opus => 0,
        Codec::Vp8 => 1,
        Codec::Vp9 => 2,
    }
}

fn vp8_patch(descriptor: &Vp8Descriptor, numbers: Vp8Numbers) -> Option<str0m::rtp::Vp8Patch> {
    let mut patch = descriptor.patch();
    if let Some(id) = numbers.picture_id {
        patch = patch.picture_id(id);
    }
    if let Some(index) = numbers.tl0_pic_idx {
        patch = patch.tl0_pic_idx(index);
    }
    patch.build().ok()
}
