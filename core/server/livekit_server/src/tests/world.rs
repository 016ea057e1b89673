//! A server without network: the transport answers every offer and remembers what it was told.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use conclave_base::{Redacted, Time};
use conclave_livekit_proto::frame;
use conclave_livekit_proto::proto::signal_request::Message as Request;
use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{
    AddTrackRequest, ConnectionSettings, DataPacket, JoinRequest, SessionDescription, TrackSource, TrackType,
};
use conclave_livekit_proto::{Access, ApiKey, Grants};
use conclave_sfu::{
    Channel, Direction, IncomingStream, Mid, OfferRefused, OutgoingPacket, OutgoingStream, ParticipantId, Received, SendRefused, Sfu,
    Transport, TransportEvent, TransportOutput, WriteRefused,
};

use crate::{CloseReason, Config, Conn, Input, Limits, LiveKit, Output};

/// Messages that transports were given to send, by number of the transport.
type Sent = Rc<RefCell<(u32, Vec<(u32, DataPacket)>)>>;

pub(crate) struct Fake {
    number: u32,
    sent: Sent,
    events: Vec<TransportEvent>,
}

impl Transport for Fake {
    type Config = Sent;

    fn open(config: &Sent, _: Time) -> Self {
        config.borrow_mut().0 += 1;
        Self { number: config.borrow().0, sent: config.clone(), events: Vec::new() }
    }

    fn accept(&mut self, offer: &str, sections: &[(Mid, Direction)], _: Time) -> Result<String, OfferRefused> {
        if offer.contains("a=bad") {
            return Err(OfferRefused::NotUnderstood("bad".to_owned()));
        }
        let mut answer = String::from("v=0\r\n");
        for (mid, direction) in sections {
            let direction = match direction {
                Direction::Receive => "recvonly",
                Direction::Send => "sendonly",
                Direction::Inactive => "inactive",
            };
            answer += &format!("m=x 9 y\r\na=mid:{}\r\na=msid:random random\r\na={direction}\r\n", mid.as_str());
        }
        self.events.push(TransportEvent::ChannelOpen(Channel::Reliable));
        self.events.push(TransportEvent::Connected);
        Ok(answer)
    }

    fn ufrag(&self) -> &str {
        "ufrag"
    }

    fn add_candidate(&mut self, _: &str) {}

    fn receive(&mut self, _: SocketAddr, _: SocketAddr, _: &[u8], _: Time) -> Received {
        Received::Dropped
    }

    fn tick(&mut self, _: Time) {}

    fn poll(&mut self) -> TransportOutput {
        self.events.pop().map_or(TransportOutput::Idle(Time::MAX), TransportOutput::Event)
    }

    fn outgoing(&self, _: Mid) -> Option<OutgoingStream> {
        None
    }

    fn write(&mut self, _: OutgoingStream, _: OutgoingPacket<'_>, _: Time) -> Result<(), WriteRefused> {
        Ok(())
    }

    fn request_key_frame(&mut self, _: IncomingStream) {}

    fn send(&mut self, _: Channel, payload: &[u8]) -> Result<(), SendRefused> {
        let packet = frame::decode_data(payload).expect("a packet");
        self.sent.borrow_mut().1.push((self.number, packet));
        Ok(())
    }

    fn set_desired_rate(&mut self, _: u64) {}

    fn close(&mut self) {}
}

/// What came out, per connection and in all.
#[derive(Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a few in a test")]
pub(crate) enum Seen {
    Message(Conn, Message),
    Closed(Conn, CloseReason),
    Joined(String),
    Left(String),
}

pub(crate) struct World {
    pub(crate) livekit: LiveKit<Fake>,
    pub(crate) now: Time,
    key: ApiKey,
    sent: Sent,
    last_conn: u64,
    seen: Vec<Seen>,
}

/// Three sections to receive each kind on, and data, as clients offer first.
pub(crate) fn first_offer() -> String {
    let mut sdp = String::new();
    for (mid, kind) in ["audio", "audio", "audio", "video", "video", "video"].iter().enumerate() {
        sdp += &receiving(&mid.to_string(), kind);
    }
    sdp + "m=application 9 x\r\na=mid:data\r\n"
}

pub(crate) fn receiving(mid: &str, kind: &str) -> String {
    format!("m={kind} 9 x\r\na=mid:{mid}\r\na=recvonly\r\n")
}

pub(crate) fn sending(mid: &str, kind: &str, cid: &str) -> String {
    format!("m={kind} 9 x\r\na=mid:{mid}\r\na=msid:- {cid}\r\na=sendonly\r\n")
}

pub(crate) fn description(id: u32, sdp: impl Into<String>) -> SessionDescription {
    SessionDescription { r#type: "offer".into(), sdp: sdp.into(), id, ..Default::default() }
}

pub(crate) fn microphone(cid: &str) -> AddTrackRequest {
    let (kind, source) = (TrackType::Audio.into(), TrackSource::Microphone.into());
    AddTrackRequest { cid: cid.into(), r#type: kind, source, ..Default::default() }
}

pub(crate) fn join_request() -> JoinRequest {
    JoinRequest {
        connection_settings: Some(ConnectionSettings { auto_subscribe: true, ..Default::default() }),
        publisher_offer: Some(description(1, first_offer())),
        ..Default::default()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        Self::with_sfu(limits, conclave_sfu::Limits::default())
    }

    pub(crate) fn with_sfu(limits: Limits, sfu: conclave_sfu::Limits) -> Self {
        let sent = Sent::default();
        let sfu = Sfu::new(sent.clone(), sfu);
        let config = Config { key: ApiKey::new("key", b"secret"), seed: [3; 32], ice_servers: Vec::new(), limits };
        let key = ApiKey::new("key", b"secret");
        let now = Time::from_millis(1_800_000_000_000);
        Self { livekit: LiveKit::new(config, sfu), now, key, sent, last_conn: 0, seen: Vec::new() }
    }

    pub(crate) fn token(&self, access: &Access) -> String {
        self.key.mint(access, self.now, Duration::from_secs(600)).expect("mints")
    }

    pub(crate) fn access(identity: &str) -> Access {
        Access { identity: Redacted::new(identity.into()), grants: Grants::member("room".into()), ..Default::default() }
    }

    pub(crate) fn join(&mut self, identity: &str) -> Conn {
        self.join_as(&Self::access(identity), &join_request())
    }

    pub(crate) fn join_as(&mut self, access: &Access, request: &JoinRequest) -> Conn {
        self.last_conn += 1;
        let conn = Conn(self.last_conn);
        let query =
            format!("access_token={}&join_request={}", self.token(access), conclave_livekit_proto::join::join_request_param(request));
        self.input(Input::SignalOpened { conn, query: Redacted::new(&query), authorization: None });
        conn
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        let _error = self.livekit.handle(input, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            let seen = match self.livekit.poll(self.now) {
                Output::Signal { conn, bytes } => Seen::Message(conn, frame::decode_response(&bytes).expect("our own message")),
                Output::CloseSignal { conn, reason } => Seen::Closed(conn, reason),
                Output::Joined { identity, .. } => Seen::Joined(identity.into_inner()),
                Output::Left { identity, .. } => Seen::Left(identity.into_inner()),
                Output::Datagram(_) => continue,
                Output::Idle(_) => return,
            };
            self.seen.push(seen);
        }
    }

    pub(crate) fn send(&mut self, conn: Conn, request: Request) {
        self.input(Input::Signal { conn, bytes: &frame::encode_request(request) });
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, span: Duration) {
        self.now += span;
        self.input(Input::Tick);
    }

    /// Publishes a microphone on section `mid`, by `cid`.
    pub(crate) fn publish(&mut self, conn: Conn, mid: &str, cid: &str) {
        self.send(conn, Request::AddTrack(microphone(cid)));
        self.send(conn, Request::Offer(description(2, first_offer() + &sending(mid, "audio", cid))));
    }

    /// What was seen since the last look.
    pub(crate) fn look(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.seen)
    }

    /// The messages to `conn` since the last look; the rest of what was seen is forgotten.
    pub(crate) fn messages(&mut self, conn: Conn) -> Vec<Message> {
        let to = |seen| match seen {
            Seen::Message(c, message) if c == conn => Some(message),
            Seen::Message(..) | Seen::Closed(..) | Seen::Joined(_) | Seen::Left(_) => None,
        };
        self.look().into_iter().filter_map(to).collect()
    }

    /// A message arrives on somebody's reliable channel.
    pub(crate) fn data(&mut self, conn: Conn, packet: &DataPacket) {
        let participant_id = self.participant(conn);
        self.livekit.data(participant_id, true, &frame::encode_data(packet));
        self.drain();
    }

    /// What was sent on data channels, with the number of the receiver in order of joining.
    pub(crate) fn sent(&self) -> Vec<(u32, DataPacket)> {
        std::mem::take(&mut self.sent.borrow_mut().1)
    }

    fn participant(&self, conn: Conn) -> ParticipantId {
        self.livekit.conns[&conn]
    }
}
