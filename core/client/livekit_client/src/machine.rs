use std::collections::BTreeMap;
use std::time::Duration;

use conclave_base::{Queue, Redacted, Source, Time};
use conclave_livekit_proto::proto::{
    ClientInfo, ConnectionSettings, DataPacket, JoinRequest, MuteTrackRequest, Ping, SessionDescription, UpdateSubscription,
    UpdateTrackSettings, client_info, data_packet, signal_request,
};
use conclave_rtc_client::{self as client, Change, Client, Mid, SendError};

use crate::publish::Own;
use crate::roster::{Roster, Subscriptions};
use crate::types::{Command, Config, Event, Input, Output, Refused, Why};

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
const MAX_SECTIONS: usize = client::MAX_SECTIONS / 2;

/// Where the signalling is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// Opening, or open without the first answer.
    Opening { resume: bool, since: Time },
    /// The server answers.
    Up,
    /// Waits to try again.
    Paused { until: Time },
    /// For good.
    Over,
}

/// One session as a LiveKit client. Single rule: after every [`Peer::handle`], drain [`Peer::poll`] until [`Output::Idle`].
#[derive(Debug)]
pub struct Peer {
    pub(crate) config: Config,
    pub(crate) client: Client,
    pub(crate) link: Link,
    attempts: u32,
    pub(crate) joined: bool,
    /// What the server calls this session.
    pub(crate) sid: String,
    pub(crate) identity: String,
    pub(crate) roster: Roster,
    pub(crate) own: Vec<Own>,
    numbered: u32,
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
    out: Queue<Output>,
}

impl Peer {
    /// A session that wants to connect: drain it.
    pub fn new(config: Config, now: Time) -> Self {
        let mut peer = Self {
            client: Client::new(&config.rtc(), now),
            config,
            link: Link::Opening { resume: false, since: now },
            attempts: 0,
            joined: false,
            sid: String::new(),
            identity: String::new(),
            roster: Roster::default(),
            own: vec![],
            numbered: 0,
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
            out: Queue::new(MAX_WAITING),
        };
        peer.make_offer();
        peer.connect(now);
        peer
    }

    /// Takes what came in. Only commands are ever refused.
    pub fn handle(&mut self, input: Input<'_>, now: Time) -> Result<(), Refused> {
        if self.link == Link::Over {
            return if matches!(input, Input::Command(_)) { Err(Refused::Over) } else { Ok(()) };
        }
        match input {
            Input::SignalOpened => {}
            Input::Signal(bytes) => self.message(bytes, now),
            Input::SignalClosed => self.broken(now),
            Input::Datagram { src, dst, bytes } => self.client.handle(client::Input::Datagram { src, dst, bytes }, now),
            Input::Timeout => self.timeout(now),
            Input::Command(command) => return self.command(command),
        }
        Ok(())
    }

    /// What to do next.
    pub fn poll(&mut self, now: Time) -> Output {
        loop {
            if let Some(output) = self.out.pop() {
                return output;
            }
            if self.link == Link::Over {
                return Output::Idle(Time::MAX);
            }
            match self.client.poll() {
                client::Output::Datagram(datagram) => return Output::Datagram(datagram),
                client::Output::Event(event) => self.media(event, now),
                client::Output::Idle(at) => return Output::Idle(at.min(self.deadline())),
            }
        }
    }

    /// Sends one encoded (sealed) frame of an own track; `layer` counts from the smallest.
    pub fn send(&mut self, source: Source, layer: usize, rtp_time: u64, bytes: &[u8], now: Time) -> Result<(), SendError> {
        let own = self.own.iter().find(|o| o.source() == source && o.agreed).ok_or(SendError::NoTrack)?;
        let mid = own.mid.ok_or(SendError::NoTrack)?;
        self.client.send(mid, own.rids().get(layer).copied(), own.publication.codec, rtp_time, bytes, now)
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

    pub(crate) fn leave(&mut self, why: Why) {
        if self.link != Link::Over {
            self.link = Link::Over;
            self.push(Output::CloseSignal);
            self.event(Event::Left { why });
        }
    }

    fn connect(&mut self, now: Time) {
        let resume = self.joined;
        self.link = Link::Opening { resume, since: now };
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
    pub(crate) fn broken(&mut self, now: Time) {
        match self.link {
            Link::Over | Link::Paused { .. } => return,
            Link::Up => {
                self.attempts = 0;
                self.event(Event::Interrupted);
            }
            Link::Opening { .. } => {}
        }
        if self.attempts >= MAX_ATTEMPTS {
            return self.leave(Why::Unreachable);
        }
        let pause = if self.attempts == 0 { Duration::ZERO } else { FIRST_PAUSE * (1 << self.attempts.min(5)) / 2 };
        self.link = Link::Paused { until: now + pause };
    }

    /// The first answer to a connection came.
    pub(crate) fn up(&mut self, now: Time) {
        self.link = Link::Up;
        self.attempts = 0;
        self.last_heard = now;
        self.next_ping = now + self.ping_every;
    }

    /// New credentials for the media, after a resumed signalling.
    pub(crate) fn restart_media(&mut self, now: Time) {
        let first = self.answer.sdp.is_empty();
        if first {
            self.client = Client::new(&self.config.rtc(), now);
        } else {
            self.client.abandon_offer();
        }
        for own in self.own.iter_mut().filter(|o| !o.agreed) {
            own.mid = None;
        }
        self.restart_ice = !first;
        self.make_offer();
        self.request(signal_request::Message::Offer(self.offer.clone()));
    }

    fn deadline(&self) -> Time {
        match self.link {
            Link::Opening { since, .. } => since + OPEN_TIMEOUT,
            Link::Up => self.next_ping.min(self.last_heard + self.ping_timeout),
            Link::Paused { until } => until,
            Link::Over => Time::MAX,
        }
    }

    fn timeout(&mut self, now: Time) {
        self.client.handle(client::Input::Timeout, now);
        match self.link {
            Link::Paused { until } if now >= until => self.connect(now),
            Link::Opening { since, .. } if now >= since + OPEN_TIMEOUT => {
                self.push(Output::CloseSignal);
                self.broken(now);
            }
            Link::Up if now >= self.last_heard + self.ping_timeout => {
                self.push(Output::CloseSignal);
                self.broken(now);
            }
            Link::Up if now >= self.next_ping => {
                self.next_ping = now + self.ping_every;
                let timestamp = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
                let rtt = i64::try_from(self.rtt.as_millis()).unwrap_or(i64::MAX);
                self.request(signal_request::Message::Ping(timestamp));
                self.request(signal_request::Message::PingReq(Ping { timestamp, rtt }));
            }
            Link::Opening { .. } | Link::Up | Link::Paused { .. } | Link::Over => {}
        }
    }

    fn command(&mut self, command: Command) -> Result<(), Refused> {
        match command {
            Command::Publish(publication) => {
                if self.own.iter().any(|o| o.source() == publication.source) {
                    return Err(Refused::Published);
                }
                self.numbered += 1;
                self.own.push(Own::new(publication, self.numbered));
                if let (Link::Up, Some(own)) = (self.link, self.own.last()) {
                    let request = own.request();
                    self.request(signal_request::Message::AddTrack(request));
                }
            }
            Command::Unpublish(source) => {
                let at = self.own.iter().position(|o| o.source() == source).ok_or(Refused::NoTrack)?;
                self.stop.extend(self.own.remove(at).mid);
                self.offer_wanted = true;
                self.negotiate();
            }
            Command::Mute { source, muted } => {
                let own = self.own.iter().find(|o| o.source() == source).ok_or(Refused::NoTrack)?;
                let sid = own.sid().ok_or(Refused::NoTrack)?.to_owned();
                self.request(signal_request::Message::Mute(MuteTrackRequest { sid, muted }));
            }
            Command::Allow(identities) => {
                let subscriptions = self.roster.allow(identities);
                self.subscribe(subscriptions);
            }
            Command::Watch { identity, source, width, height } => {
                let sid = self.roster.track(&identity, source).ok_or(Refused::NoTrack)?.to_owned();
                let disabled = width == 0 || height == 0;
                let settings = UpdateTrackSettings { track_sids: vec![sid], disabled, width, height, ..Default::default() };
                self.request(signal_request::Message::TrackSetting(settings));
            }
            Command::NeedKeyFrame { identity, source } => {
                let sid = self.roster.track(&identity, source).ok_or(Refused::NoTrack)?;
                let mid = *self.tracks.iter().find(|(_, t)| *t == sid).ok_or(Refused::NoTrack)?.0;
                if !self.client.ask_for_key_frame(mid) {
                    return Err(Refused::NotReady);
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
                self.leave(Why::Asked);
            }
        }
        Ok(())
    }

    fn data(&mut self, to: Vec<String>, reliable: bool, topic: String, payload: Vec<u8>) -> Result<(), Refused> {
        if payload.len() > conclave_livekit_proto::frame::MAX_DATA - 1024 {
            return Err(Refused::TooLarge);
        }
        let (kind, channel) = if reliable {
            (data_packet::Kind::Reliable, client::Channel::Reliable)
        } else {
            (data_packet::Kind::Lossy, client::Channel::Lossy)
        };
        let user = conclave_livekit_proto::proto::UserPacket { payload, topic: Some(topic), ..Default::default() };
        #[expect(deprecated, reason = "servers before LiveKit 1.6 route by the kind in the packet")]
        let packet =
            DataPacket { kind: kind.into(), destination_identities: to, value: Some(data_packet::Value::User(user)), ..Default::default() };
        self.client.send_data(channel, &conclave_livekit_proto::frame::encode_data(&packet)).map_err(|_| Refused::NotReady)
    }

    pub(crate) fn subscribe(&mut self, subscriptions: Subscriptions) {
        if self.link != Link::Up {
            return; // Told when the signalling is up: `subscribed()` goes into the join or the resume.
        }
        for (track_sids, subscribe) in [(subscriptions.remove, false), (subscriptions.add, true)] {
            if !track_sids.is_empty() {
                let update = UpdateSubscription { track_sids, subscribe, ..Default::default() };
                self.request(signal_request::Message::Subscription(update));
            }
        }
    }

    /// More sections to receive in, as the server asks.
    pub(crate) fn more_sections(&mut self, audios: u32, videos: u32) {
        let more = |have: usize, n: u32| (have + usize::try_from(n).unwrap_or(MAX_SECTIONS)).min(MAX_SECTIONS);
        self.receive_audio = more(self.receive_audio, audios);
        self.receive_video = more(self.receive_video, videos);
        self.offer_wanted = true;
        self.negotiate();
    }

    /// Sends an offer if one is wanted and none is under way.
    pub(crate) fn negotiate(&mut self) {
        if self.offer_wanted && self.link == Link::Up && !self.client.is_offering() {
            self.make_offer();
            self.request(signal_request::Message::Offer(self.offer.clone()));
        }
    }

    fn make_offer(&mut self) {
        let fresh: Vec<usize> = (0..self.own.len()).filter(|&n| self.own[n].published.is_some() && self.own[n].mid.is_none()).collect();
        let change = Change {
            send: fresh.iter().map(|&n| self.own[n].section()).collect(),
            stop: std::mem::take(&mut self.stop),
            receive_audio: self.receive_audio,
            receive_video: self.receive_video,
            channels: true,
            restart_ice: std::mem::take(&mut self.restart_ice),
        };
        match self.client.offer(&change) {
            Ok(offer) => {
                for (&n, mid) in fresh.iter().zip(offer.sends) {
                    self.own[n].mid = Some(mid);
                }
                let id = self.offer.id + 1;
                self.offer = SessionDescription { r#type: "offer".into(), sdp: offer.sdp, id, ..Default::default() };
                self.offer_wanted = false;
            }
            Err(error) => tracing::debug!(%error, "no offer"),
        }
    }

    fn media(&mut self, event: client::Event, now: Time) {
        match event {
            client::Event::Connected => self.event(Event::Connected),
            client::Event::Disconnected => {
                if self.link == Link::Up {
                    self.push(Output::CloseSignal);
                    self.broken(now);
                }
            }
            client::Event::Closed => self.leave(Why::StartAnew),
            client::Event::Frame(frame) => {
                let Some((identity, source)) = self.tracks.get(&frame.mid).and_then(|sid| self.roster.owner(sid)) else { return };
                let identity = identity.to_owned();
                let client::Frame { codec, rtp_time, contiguous, bytes, .. } = frame;
                self.event(Event::Frame { identity, source, codec, rtp_time, contiguous, bytes });
            }
            client::Event::Packet { ssrc, seq, bytes, .. } => self.event(Event::Packet { ssrc, seq, bytes }),
            client::Event::KeyFrameWanted { mid } => {
                if let Some(source) = self.own.iter().find(|o| o.mid == Some(mid)).map(Own::source) {
                    self.event(Event::KeyFrameRequested { source });
                }
            }
            client::Event::ChannelOpen(_) => {}
            client::Event::Data { bytes, .. } => self.data_came(&bytes),
        }
    }
}
