use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use conclave_base::{Datagram, InstantOrigin, Time};
use conclave_rtp::{Batch, Kind};
use conclave_sfu::{
    Channel, DescriptionRefused, Direction, IncomingStream, MediaKind, Mid, Offer, OutgoingPacket, OutgoingStream, Purpose, Received,
    Sealing, SendRefused, Transport, TransportEvent, TransportOutput,
};
use str0m::change::{SdpAnswer, SdpOffer};
use str0m::channel::ChannelId;
use str0m::config::DtlsCert;
use str0m::net::{Protocol, Receive, Transmit};
use str0m::{Candidate, Event, Input, Output, Rtc};

use crate::codecs;
use crate::media::Media;
use crate::offer::{self, Offered};
use crate::tap::{self, Tap};

/// Bytes of one message on a data channel.
const MAX_MESSAGE: u32 = 64 * 1024;
/// Bytes on the data channels that the other side has not acknowledged.
const MAX_UNACKNOWLEDGED: usize = 512 * 1024;

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

/// One participant's connection: str0m does ICE (as the lite side), DTLS and data channels and answers offers; [`Media`] does the rest, with the keys
/// that str0m never gets.
pub struct Connection {
    rtc: Rtc,
    tap: Tap,
    media: Media,
    clock: InstantOrigin,
    now: Time,
    ufrag: String,
    channels: Vec<(ChannelId, Channel)>,
    /// Our own side of what is agreed on, where it is we who offer.
    offered: Offered,
    /// When str0m wants to be called again; `None` while it has to be polled.
    rests_until: Option<Time>,
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

    fn open(config: &Config, now: Time) -> Self {
        let clock = InstantOrigin::starting(now);
        let mut rtc = codecs::negotiate(Rtc::builder())
            .set_crypto_provider(Arc::new(tap::provider()))
            .set_rtp_mode(true)
            .set_ice_lite(true)
            .set_dtls_cert(config.certificate.clone())
            .set_stats_interval(None)
            .set_sctp_max_message_size(MAX_MESSAGE)
            .set_sctp_max_buffered_amount(MAX_UNACKNOWLEDGED)
            .build(clock.instant(now));
        let tap = Tap::of_the_last_one();
        for address in &config.addresses {
            if let Ok(candidate) = host(*address) {
                rtc.add_local_candidate(candidate);
            }
        }
        let ufrag = rtc.direct_api().local_ice_credentials().ufrag;
        Self {
            rtc,
            tap,
            media: Media::default(),
            clock,
            now,
            ufrag,
            channels: Vec::new(),
            offered: Offered::default(),
            rests_until: None,
            state: ConnectionState::New,
            ice_down: false,
            heard: false,
        }
    }

    fn accept(&mut self, offer: &str, sections: &[(Mid, Direction)], now: Time) -> Result<String, DescriptionRefused> {
        self.now = self.now.max(now);
        self.tick_control();
        let narrowed = offer::narrow(offer, sections)?;
        let parsed = SdpOffer::from_sdp_string(&narrowed).map_err(not_understood)?;
        let answer = self.rtc.sdp_api().accept_offer(parsed).map_err(not_understood)?;

        self.ufrag = self.rtc.direct_api().local_ice_credentials().ufrag;
        self.media.negotiate(&mut self.rtc, &narrowed, sections);
        Ok(answer.to_sdp_string())
    }

    fn offer(&mut self, sections: &[(MediaKind, Direction)], restart_ice: bool, now: Time) -> Result<Option<Offer>, DescriptionRefused> {
        self.now = self.now.max(now);
        self.tick_control();
        self.offered.offer(self.rtc.sdp_api(), sections, restart_ice)
    }

    fn accept_answer(&mut self, answer: &str, now: Time) -> Result<(), DescriptionRefused> {
        self.now = self.now.max(now);
        self.tick_control();
        offer::check_size(answer)?;
        let (pending, sections) = self.offered.take().ok_or(DescriptionRefused::Unexpected)?;
        let parsed = SdpAnswer::from_sdp_string(answer).map_err(not_understood)?;
        self.rtc.sdp_api().accept_answer(pending, parsed).map_err(not_understood)?;
        self.ufrag = self.rtc.direct_api().local_ice_credentials().ufrag;
        self.media.negotiate(&mut self.rtc, answer, &sections);
        self.offered.on_agreed(sections);
        Ok(())
    }

    fn ufrag(&self) -> &str {
        &self.ufrag
    }

    fn add_candidate(&mut self, candidate: &str) {
        if let Ok(candidate) = Candidate::from_sdp_string(candidate) {
            self.rtc.add_remote_candidate(candidate);
            self.rests_until = None;
        }
    }

    fn receive(&mut self, src: SocketAddr, dst: SocketAddr, datagram: &[u8], now: Time) -> Received {
        self.now = self.now.max(now);
        if let Some(received) = self.media.receive(datagram, self.now) {
            return received;
        }
        let Ok(receive) = Receive::new(Protocol::Udp, src, dst, datagram) else {
            return Received::Dropped;
        };
        let stun = is_stun(datagram);
        let input = Input::Receive(self.clock.instant(self.now), receive);
        if stun && !self.rtc.accepts(&input) {
            return Received::Dropped;
        }
        self.rests_until = None;
        match self.rtc.handle_input(input) {
            Ok(()) if stun => {
                self.heard = true;
                self.tap.ask_where();
                Received::Authenticated
            }
            Ok(()) => Received::Accepted,
            Err(e) => {
                tracing::debug!("datagram refused: {e}");
                Received::Dropped
            }
        }
    }

    fn tick(&mut self, now: Time) {
        self.now = self.now.max(now);
        if self.rests_until.is_none_or(|until| until <= self.now) {
            self.tick_control();
        }
        self.media.tick(self.now);
    }

    fn poll(&mut self) -> TransportOutput {
        if let Some(event) = self.media.poll_event() {
            return TransportOutput::Event(event);
        }
        if let Some(datagram) = self.media.poll_datagram() {
            return TransportOutput::Datagram(datagram);
        }
        if let Some(event) = self.recover() {
            return TransportOutput::Event(event);
        }
        let rests_until = match self.rests_until {
            Some(until) => until,
            None => match self.poll_control() {
                TransportOutput::Idle(until) => *self.rests_until.insert(until),
                output @ (TransportOutput::Datagram(_) | TransportOutput::Event(_)) => return output,
            },
        };
        TransportOutput::Idle(rests_until.min(self.media.wakes_at()))
    }

    fn payload(&self) -> &[u8] {
        self.media.payload()
    }

    fn path(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.media.path()
    }

    fn seal(&mut self, stream: OutgoingStream, packet: &OutgoingPacket<'_>, purpose: Purpose, batch: &mut Batch, now: Time) -> Sealing {
        self.media.seal(stream, packet, purpose, batch, now)
    }

    fn probe(&mut self, now: Time) -> Option<OutgoingStream> {
        self.media.probe(now)
    }

    fn is_probing(&self) -> bool {
        self.media.is_probing()
    }

    fn give_up_probe(&mut self, now: Time) {
        self.media.give_up_probe(now);
    }

    fn outgoing(&self, mid: Mid) -> Option<OutgoingStream> {
        self.media.outgoing(mid)
    }

    fn request_key_frame(&mut self, stream: IncomingStream) {
        self.media.request_key_frame(stream);
    }

    fn send(&mut self, channel: Channel, payload: &[u8]) -> Result<(), SendRefused> {
        let id = self.channels.iter().find(|(_, c)| *c == channel).ok_or(SendRefused::NotOpen)?.0;
        self.rests_until = None;
        let mut out = self.rtc.channel(id).ok_or(SendRefused::NotOpen)?;
        match out.write(true, payload) {
            Ok(true) => Ok(()),
            Ok(false) => Err(SendRefused::Full),
            Err(_) => Err(SendRefused::NotOpen),
        }
    }

    fn set_desired_rate(&mut self, bits: u64) {
        self.media.set_wanted(bits);
    }

    fn close(&mut self) {
        self.rests_until = None;
        if self.rtc.close().is_err() {
            self.rtc.disconnect();
        }
    }
}

impl Connection {
    fn tick_control(&mut self) {
        self.rests_until = None;
        if let Err(e) = self.rtc.handle_input(Input::Timeout(self.clock.instant(self.now))) {
            tracing::debug!("timeout refused: {e}");
        }
    }

    fn poll_control(&mut self) -> TransportOutput {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Transmit(transmit)) => {
                    if let Some(datagram) = self.transmit(transmit) {
                        return TransportOutput::Datagram(datagram);
                    }
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

    /// What str0m sends is STUN or DTLS, or the answer to where it sends.
    fn transmit(&mut self, transmit: Transmit) -> Option<Datagram> {
        let Transmit { source: src, destination: dst, contents, .. } = transmit;
        let bytes: Vec<u8> = contents.into();
        if bytes == tap::WHERE {
            self.media.set_path(src, dst);
            return None;
        }
        if Kind::of(&bytes) != Kind::Other {
            tracing::error!("str0m sends media, for which it has no keys");
            return None;
        }
        Some(Datagram { src, dst, bytes })
    }

    /// DTLS stands.
    fn on_keys(&mut self) -> Option<TransportEvent> {
        self.tap.ask_where();
        let has_keys = self.tap.keys().is_some_and(|(keys, role)| self.media.start(keys, role));
        if has_keys {
            return self.set_state(ConnectionState::Up);
        }
        tracing::debug!("no keys for media: the other side knows none of our ciphers");
        self.rtc.disconnect();
        self.state = ConnectionState::Closed;
        Some(TransportEvent::Closed)
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
            Event::Connected => self.on_keys(),
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
        let channel = offer::CHANNELS.iter().find(|(name, _)| *name == label)?.1;
        // The newest of a name counts; with that there are never more than two.
        self.channels.retain(|(_, c)| *c != channel);
        self.channels.push((id, channel));
        if let Some(mut open) = self.rtc.channel(id) {
            open.set_buffered_amount_low_threshold(MAX_UNACKNOWLEDGED / 2);
        }
        Some(TransportEvent::ChannelOpen(channel))
    }
}

fn not_understood(e: impl fmt::Display) -> DescriptionRefused {
    DescriptionRefused::NotUnderstood(e.to_string())
}

/// RFC 7983, section 7: the first byte tells STUN from DTLS and RTP.
fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|b| *b < 4)
}
