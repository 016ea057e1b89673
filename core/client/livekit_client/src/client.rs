use std::collections::BTreeMap;
use std::time::Duration;

use conclave_base::{Machine, Polled, Queue, Redacted, Source, Time};
use conclave_livekit_proto::proto::{
    ClientInfo, ConnectionSettings, DataPacket, JoinRequest, Ping, SessionDescription, UpdateSubscription, UpdateTrackSettings,
    client_info, data_packet, signal_request,
};
use conclave_rtc_client::{self as rtc, Change, Connection, Mid, SendError, SentPacket};

use crate::participants::{Participants, SubscriptionChange};
use crate::publish::LocalTrack;
use crate::types::{Command, CommandError, Config, Event, Input, LeaveReason, Output};

/// Outputs that may wait; a shell drains after every input.
const MAX_WAITING: usize = 8192;
/// Attempts to open the WebSocket before giving up.
const MAX_ATTEMPTS: u32 = 6;
/// Pause before the second attempt; doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// A connection attempt that says nothing for this long has failed.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
/// Media sections offered at once; more follow when the server asks.
const FIRST_SECTIONS: usize = 3;
/// Most sections of one kind that a server may ask for.
const MAX_SECTIONS: usize = rtc::MAX_SECTIONS / 2;

/// Where the signalling is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignalState {
    /// Opening, or open without the first answer.
    Connecting { resume: bool, since: Time },
    /// The server answers.
    Connected,
    /// Waits to try again.
    Paused { until: Time },
    /// For good.
    Closed,
}

/// One participant of one room. [`LiveKitClient::send`] counts as an input: drain after it.
#[derive(Debug)]
pub struct LiveKitClient {
    pub(crate) config: Config,
    pub(crate) connection: Connection,
    pub(crate) signal: SignalState,
    attempts: u32,
    pub(crate) joined: bool,
    /// What the server calls this session.
    pub(crate) sid: String,
    pub(crate) identity: String,
    pub(crate) participants: Participants,
    pub(crate) local_tracks: Vec<LocalTrack>,
    next_cid: u32,
    /// Track that the server sends in a section.
    pub(crate) tracks: BTreeMap<Mid, String>,
    receive_audio: usize,
    receive_video: usize,
    stop: Vec<Mid>,
    restart_ice: bool,
    pub(crate) offer_wanted: bool,
    pub(crate) offer: SessionDescription,
    pub(crate) answer: SessionDescription,
    pub(crate) ping_every: Duration,
    pub(crate) ping_timeout: Duration,
    next_ping: Time,
    pub(crate) last_heard: Time,
    pub(crate) rtt: Duration,
    /// The moment of the last input.
    now: Time,
    out: Queue<Output>,
}

impl LiveKitClient {
    /// A session that wants to connect: drain it.
    pub fn new(config: Config, now: Time) -> Self {
        let mut client = Self {
            connection: Connection::new(&config.rtc(), now),
            config,
            signal: SignalState::Connecting { resume: false, since: now },
            attempts: 0,
            joined: false,
            sid: String::new(),
            identity: String::new(),
            participants: Participants::default(),
            local_tracks: vec![],
            next_cid: 0,
            tracks: BTreeMap::new(),
            receive_audio: FIRST_SECTIONS,
            receive_video: FIRST_SECTIONS,
            stop: vec![],
            restart_ice: false,
            offer_wanted: true,
            offer: SessionDescription::default(),
            answer: SessionDescription::default(),
            ping_every: Duration::from_secs(5),
            ping_timeout: Duration::from_secs(15),
            next_ping: Time::MAX,
            last_heard: now,
            rtt: Duration::ZERO,
            now,
            out: Queue::new(MAX_WAITING),
        };
        client.make_offer();
        client.connect(now);
        client
    }

    /// Sends one encoded (sealed) frame of an own track; `layer` counts from the smallest.
    pub fn send(&mut self, source: Source, layer: usize, rtp_time: u64, bytes: &[u8], now: Time) -> Result<(), SendError> {
        let own = self.local_tracks.iter().find(|o| o.source() == source && o.agreed).ok_or(SendError::NoTrack)?;
        let mid = own.mid.ok_or(SendError::NoTrack)?;
        self.connection.send(mid, own.rids().get(layer).copied(), own.publication.codec, rtp_time, bytes, now)
    }

    /// Sends one packet of an own track, with [`Config::packets`].
    pub fn send_packet(&mut self, source: Source, layer: usize, packet: SentPacket, now: Time) -> Result<(), SendError> {
        let own = self.local_tracks.iter().find(|o| o.source() == source && o.agreed).ok_or(SendError::NoTrack)?;
        let mid = own.mid.ok_or(SendError::NoTrack)?;
        self.connection.send_packet(mid, own.rids().get(layer).copied(), own.publication.codec, packet, now)
    }

    pub(crate) fn push(&mut self, output: Output) {
        // Full means that the shell does not drain: it breaks the one rule, and has nothing to gain from more.
        if self.out.push(output).is_err() {
            tracing::debug!("outputs are not drained");
        }
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.push(Output::Event(event));
    }

    pub(crate) fn request(&mut self, message: signal_request::Message) {
        self.push(Output::Signal(conclave_livekit_proto::frame::encode_request(message)));
    }

    pub(crate) fn leave(&mut self, reason: LeaveReason) {
        if self.signal != SignalState::Closed {
            self.signal = SignalState::Closed;
            self.push(Output::CloseSignal);
            self.event(Event::Left { reason });
        }
    }

    fn connect(&mut self, now: Time) {
        let resume = self.joined;
        self.signal = SignalState::Connecting { resume, since: now };
        self.attempts += 1;
        let request = JoinRequest {
            client_info: Some(ClientInfo {
                sdk: client_info::Sdk::Rust.into(),
                version: env!("CARGO_PKG_VERSION").into(),
                protocol: 16,
                ..Default::default()
            }),
            connection_settings: Some(ConnectionSettings { auto_subscribe: false, ..Default::default() }),
            publisher_offer: (!resume).then(|| self.offer.clone()),
            reconnect: resume,
            participant_sid: self.sid.clone(),
            ..Default::default()
        };
        let origin = self.config.url.trim_end_matches('/');
        let origin = match origin.split_once("://") {
            Some(("http", rest)) => format!("ws://{rest}"),
            Some(("https", rest)) => format!("wss://{rest}"),
            Some(_) | None => origin.to_owned(),
        };
        let url = format!("{origin}/rtc/v1?join_request={}", conclave_livekit_proto::join::join_request_param(&request));
        let token = self.config.token.clone();
        self.push(Output::Connect { url: Redacted::new(url), token });
    }

    /// The signalling is gone: try again soon, a few times.
    pub(crate) fn on_signal_lost(&mut self, now: Time) {
        match self.signal {
            SignalState::Closed | SignalState::Paused { .. } => return,
            SignalState::Connected => {
                self.attempts = 0;
                self.event(Event::Reconnecting);
            }
            SignalState::Connecting { .. } => {}
        }
        if self.attempts >= MAX_ATTEMPTS {
            return self.leave(LeaveReason::Unreachable);
        }
        let pause = if self.attempts == 0 { Duration::ZERO } else { FIRST_PAUSE * (1 << self.attempts.min(5)) / 2 };
        self.signal = SignalState::Paused { until: now + pause };
    }

    /// The first answer to a connection came.
    pub(crate) fn on_signal_connected(&mut self, now: Time) {
        self.signal = SignalState::Connected;
        self.attempts = 0;
        self.last_heard = now;
        self.next_ping = now + self.ping_every;
    }

    /// New credentials for the media, after a resumed signalling.
    pub(crate) fn restart_media(&mut self, now: Time) {
        let first = self.answer.sdp.is_empty();
        if first {
            self.connection = Connection::new(&self.config.rtc(), now);
        } else {
            self.connection.abandon_offer();
        }
        for own in self.local_tracks.iter_mut().filter(|o| !o.agreed) {
            own.mid = None;
        }
        self.restart_ice = !first;
        self.make_offer();
        self.request(signal_request::Message::Offer(self.offer.clone()));
    }

    fn deadline(&self) -> Time {
        match self.signal {
            SignalState::Connecting { since, .. } => since + OPEN_TIMEOUT,
            SignalState::Connected => self.next_ping.min(self.last_heard + self.ping_timeout),
            SignalState::Paused { until } => until,
            SignalState::Closed => Time::MAX,
        }
    }

    fn on_timeout(&mut self, now: Time) {
        let Ok(()) = self.connection.handle(rtc::Input::Timeout, now);
        match self.signal {
            SignalState::Paused { until } if now >= until => self.connect(now),
            SignalState::Connecting { since, .. } if now >= since + OPEN_TIMEOUT => {
                self.push(Output::CloseSignal);
                self.on_signal_lost(now);
            }
            SignalState::Connected if now >= self.last_heard + self.ping_timeout => {
                self.push(Output::CloseSignal);
                self.on_signal_lost(now);
            }
            SignalState::Connected if now >= self.next_ping => {
                self.next_ping = now + self.ping_every;
                let timestamp = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
                let rtt = i64::try_from(self.rtt.as_millis()).unwrap_or(i64::MAX);
                self.request(signal_request::Message::Ping(timestamp));
                self.request(signal_request::Message::PingReq(Ping { timestamp, rtt }));
            }
            SignalState::Connecting { .. } | SignalState::Connected | SignalState::Paused { .. } | SignalState::Closed => {}
        }
    }

    fn command(&mut self, command: Command) -> Result<(), CommandError> {
        match command {
            Command::Publish(publication) => {
                if self.local_tracks.iter().any(|o| o.source() == publication.source) {
                    return Err(CommandError::AlreadyPublished);
                }
                self.next_cid += 1;
                self.local_tracks.push(LocalTrack::new(publication, self.next_cid));
                if let (SignalState::Connected, Some(own)) = (self.signal, self.local_tracks.last()) {
                    let request = own.request();
                    self.request(signal_request::Message::AddTrack(request));
                }
            }
            Command::Unpublish(source) => {
                let at = self.local_tracks.iter().position(|o| o.source() == source).ok_or(CommandError::NoTrack)?;
                self.stop.extend(self.local_tracks.remove(at).mid);
                self.offer_wanted = true;
                self.negotiate();
            }
            Command::SetSubscribed(identities) => {
                let subscriptions = self.participants.set_subscribed(identities);
                self.subscribe(subscriptions);
            }
            Command::SetDimensions { identity, source, width, height } => {
                let sid = self.participants.track(&identity, source).ok_or(CommandError::NoTrack)?.to_owned();
                let disabled = width == 0 || height == 0;
                let settings = UpdateTrackSettings { track_sids: vec![sid], disabled, width, height, ..Default::default() };
                self.request(signal_request::Message::TrackSetting(settings));
            }
            Command::RequestKeyFrame { identity, source } => {
                let sid = self.participants.track(&identity, source).ok_or(CommandError::NoTrack)?;
                let mid = *self.tracks.iter().find(|(_, t)| *t == sid).ok_or(CommandError::NoTrack)?.0;
                if !self.connection.request_key_frame(mid) {
                    return Err(CommandError::NotReady);
                }
            }
            Command::Data { to, reliable, topic, payload } => return self.data(to, reliable, topic, payload),
            Command::Token(token) => self.config.token = token,
            Command::Leave => {
                let leave = conclave_livekit_proto::proto::LeaveRequest {
                    reason: conclave_livekit_proto::proto::DisconnectReason::ClientInitiated.into(),
                    ..Default::default()
                };
                self.request(signal_request::Message::Leave(leave));
                self.leave(LeaveReason::ClientInitiated);
            }
        }
        Ok(())
    }

    fn data(&mut self, to: Vec<String>, reliable: bool, topic: String, payload: Vec<u8>) -> Result<(), CommandError> {
        if payload.len() > conclave_livekit_proto::frame::MAX_DATA - 1024 {
            return Err(CommandError::TooLarge);
        }
        let (kind, channel) =
            if reliable { (data_packet::Kind::Reliable, rtc::Channel::Reliable) } else { (data_packet::Kind::Lossy, rtc::Channel::Lossy) };
        let user = conclave_livekit_proto::proto::UserPacket { payload, topic: Some(topic), ..Default::default() };
        #[expect(deprecated, reason = "servers before LiveKit 1.6 route by the kind in the packet")]
        let packet =
            DataPacket { kind: kind.into(), destination_identities: to, value: Some(data_packet::Value::User(user)), ..Default::default() };
        self.connection.send_data(channel, &conclave_livekit_proto::frame::encode_data(&packet)).map_err(|_| CommandError::NotReady)
    }

    pub(crate) fn subscribe(&mut self, subscriptions: SubscriptionChange) {
        if self.signal != SignalState::Connected {
            return; // Told when the signalling is up: `subscribed_tracks` goes into the join or the resume.
        }
        for (track_sids, subscribe) in [(subscriptions.remove, false), (subscriptions.add, true)] {
            if !track_sids.is_empty() {
                let update = UpdateSubscription { track_sids, subscribe, ..Default::default() };
                self.request(signal_request::Message::Subscription(update));
            }
        }
    }

    /// More sections to receive in, as the server asks.
    pub(crate) fn add_sections(&mut self, audios: u32, videos: u32) {
        let more = |have: usize, n: u32| (have + usize::try_from(n).unwrap_or(MAX_SECTIONS)).min(MAX_SECTIONS);
        self.receive_audio = more(self.receive_audio, audios);
        self.receive_video = more(self.receive_video, videos);
        self.offer_wanted = true;
        self.negotiate();
    }

    /// Sends an offer if one is wanted and none is under way.
    pub(crate) fn negotiate(&mut self) {
        if self.offer_wanted && self.signal == SignalState::Connected && !self.connection.is_offering() {
            self.make_offer();
            self.request(signal_request::Message::Offer(self.offer.clone()));
        }
    }

    fn make_offer(&mut self) {
        let fresh: Vec<usize> = (0..self.local_tracks.len())
            .filter(|&n| self.local_tracks[n].published.is_some() && self.local_tracks[n].mid.is_none())
            .collect();
        let change = Change {
            send: fresh.iter().map(|&n| self.local_tracks[n].section()).collect(),
            stop: std::mem::take(&mut self.stop),
            receive_audio: self.receive_audio,
            receive_video: self.receive_video,
            channels: true,
            restart_ice: std::mem::take(&mut self.restart_ice),
        };
        match self.connection.offer(&change) {
            Ok(offer) => {
                for (&n, mid) in fresh.iter().zip(offer.sends) {
                    self.local_tracks[n].mid = Some(mid);
                }
                let id = self.offer.id + 1;
                self.offer = SessionDescription { r#type: "offer".into(), sdp: offer.sdp, id, ..Default::default() };
                self.offer_wanted = false;
            }
            Err(error) => tracing::debug!(%error, "no offer"),
        }
    }

    fn on_rtc_event(&mut self, event: rtc::Event) {
        match event {
            rtc::Event::Connected => self.event(Event::Connected),
            rtc::Event::Disconnected => {
                if self.signal == SignalState::Connected {
                    self.push(Output::CloseSignal);
                    self.on_signal_lost(self.now);
                }
            }
            rtc::Event::Closed => self.leave(LeaveReason::SessionLost),
            rtc::Event::Frame(frame) => {
                let Some((identity, source)) = self.tracks.get(&frame.mid).and_then(|sid| self.participants.owner(sid)) else { return };
                let identity = identity.to_owned();
                let rtc::Frame { codec, rtp_time, contiguous, bytes, .. } = frame;
                self.event(Event::Frame { identity, source, codec, rtp_time, contiguous, bytes });
            }
            rtc::Event::Packet(packet) => self.event(Event::Packet(packet)),
            rtc::Event::KeyFrameRequested { mid } => {
                if let Some(source) = self.local_tracks.iter().find(|o| o.mid == Some(mid)).map(LocalTrack::source) {
                    self.event(Event::KeyFrameRequested { source });
                }
            }
            rtc::Event::ChannelOpen(_) => {}
            rtc::Event::Data { bytes, .. } => self.on_data(&bytes),
        }
    }
}

impl Machine for LiveKitClient {
    type Input<'a> = Input<'a>;
    type Output = Output;
    /// Only commands are ever refused.
    type Error = CommandError;

    fn handle(&mut self, input: Input<'_>, now: Time) -> Result<(), CommandError> {
        self.now = now;
        if self.signal == SignalState::Closed {
            return if matches!(input, Input::Command(_)) { Err(CommandError::Closed) } else { Ok(()) };
        }
        match input {
            Input::SignalOpened => {}
            Input::Signal(bytes) => self.on_message(bytes, now),
            Input::SignalClosed => self.on_signal_lost(now),
            Input::Datagram { src, dst, bytes } => {
                let Ok(()) = self.connection.handle(rtc::Input::Datagram { src, dst, bytes }, now);
            }
            Input::Timeout => self.on_timeout(now),
            Input::Command(command) => return self.command(command),
        }
        Ok(())
    }

    fn poll(&mut self) -> Polled<Output> {
        loop {
            if let Some(output) = self.out.pop() {
                return Polled::Output(output);
            }
            if self.signal == SignalState::Closed {
                return Polled::Idle(Time::MAX);
            }
            match self.connection.poll() {
                Polled::Output(rtc::Output::Datagram(datagram)) => return Polled::Output(Output::Datagram(datagram)),
                Polled::Output(rtc::Output::Event(event)) => self.on_rtc_event(event),
                Polled::Idle(at) => return Polled::Idle(at.min(self.deadline())),
            }
        }
    }
}
