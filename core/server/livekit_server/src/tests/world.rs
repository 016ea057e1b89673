//! Signalling with a media side that answers every offer and remembers the data that it was given.

use std::time::Duration;

use conclave_base::{Machine as _, Polled, Redacted, Time};
use conclave_livekit_proto::frame;
use conclave_livekit_proto::proto::signal_request::Message as Request;
use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{
    AddTrackRequest, ConnectionSettings, DataPacket, JoinRequest, SessionDescription, TrackSource, TrackType,
};
use conclave_livekit_proto::{Access, ApiKey, Grants};
use conclave_sfu::{Command, Event, MediaKind, OfferedSection, ParticipantId, Section, SectionRole};

use crate::{AuthorizedJoin, CloseReason, Config, Conn, Input, Limits, Output, Signalling};

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
    pub(crate) livekit: Signalling,
    pub(crate) now: Time,
    key: ApiKey,
    /// Participants, in order of joining.
    opened: Vec<ParticipantId>,
    sent: Vec<(u32, DataPacket)>,
    /// Candidates that the media side was given, with the number of the connection in order of opening.
    pub(crate) candidates: Vec<(usize, String)>,
    /// What second connections were to offer, and whether ICE was to begin anew.
    pub(crate) offers: Vec<(Vec<OfferedSection>, bool)>,
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
        let config = Config { seed: [3; 32], ice_servers: Vec::new(), limits };
        let key = ApiKey::new("key", b"secret");
        let now = Time::from_millis(1_800_000_000_000);
        Self {
            livekit: Signalling::new(config),
            now,
            key,
            opened: Vec::new(),
            sent: Vec::new(),
            candidates: Vec::new(),
            offers: Vec::new(),
            last_conn: 0,
            seen: Vec::new(),
        }
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
        self.connect(access, &format!("join_request={}", conclave_livekit_proto::join::join_request_param(request)))
    }

    /// Opens a connection with this in its query.
    pub(crate) fn connect(&mut self, access: &Access, query: &str) -> Conn {
        self.last_conn += 1;
        let conn = Conn(self.last_conn);
        let query = format!("access_token={}&{query}", self.token(access));
        let join = self.verify(&query).expect("a good token");
        self.input(Input::SignalOpened { conn, join: Box::new(join) });
        conn
    }

    pub(crate) fn verify(&self, query: &str) -> Result<AuthorizedJoin, crate::Refusal> {
        AuthorizedJoin::verify(&self.key, query, None, self.now)
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        let _error = self.livekit.handle(input, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            let seen = match self.livekit.poll() {
                Polled::Output(Output::Signal { conn, bytes }) => {
                    Seen::Message(conn, frame::decode_response(&bytes).expect("our own message"))
                }
                Polled::Output(Output::CloseSignal { conn, reason }) => Seen::Closed(conn, reason),
                Polled::Output(Output::Joined { identity, .. }) => Seen::Joined(identity.into_inner()),
                Polled::Output(Output::Left { identity, .. }) => Seen::Left(identity.into_inner()),
                Polled::Output(Output::Command(command)) => {
                    self.command(command);
                    continue;
                }
                Polled::Idle(_) => return,
            };
            self.seen.push(seen);
        }
    }

    /// What a media side would do.
    fn command(&mut self, command: Command) {
        let inputs = match command {
            Command::Open { participant, .. } => {
                self.opened.push(participant);
                vec![]
            }
            Command::Offer { participant, sdp, .. } if sdp.contains("a=bad") => vec![Input::OfferRefused { participant }],
            Command::Offer { participant, sections, .. } => {
                let answer = Event::Answer { participant, sdp: answer(&sections) };
                vec![Input::Media(answer), Input::Media(Event::Connected { participant })]
            }
            Command::CreateOffer { participant, sections, restart_ice } => {
                let sdp = offer(&sections);
                self.offers.push((sections, restart_ice));
                vec![Input::Media(Event::Offer { participant, sdp })]
            }
            Command::Answer { participant, sdp } if sdp.contains("a=bad") => vec![Input::OfferRefused { participant }],
            Command::Answer { participant, .. } => {
                vec![Input::Media(Event::Negotiated { participant }), Input::Media(Event::Connected { participant })]
            }
            Command::Data { to, payload, .. } => {
                let number = self.number(to);
                self.sent.push((number as u32, frame::decode_data(&payload).expect("a packet")));
                vec![]
            }
            Command::Candidate { participant, candidate } => {
                let number = self.number(participant);
                self.candidates.push((number, candidate));
                vec![]
            }
            Command::TrackSettings { .. } | Command::Mute { .. } | Command::Unpublish { .. } | Command::Close { .. } => vec![],
        };
        for input in inputs {
            self.livekit.handle(input, self.now).expect("the media side is known");
        }
    }

    /// Of a connection of the media side, in order of opening.
    fn number(&self, connection: ParticipantId) -> usize {
        self.opened.iter().position(|p| *p == connection).expect("an open connection") + 1
    }

    pub(crate) fn send(&mut self, conn: Conn, request: Request) {
        self.input(Input::Signal { conn, bytes: &frame::encode_request(request) });
    }

    /// Of a participant who is there.
    pub(crate) fn sid(&self, identity: &str) -> String {
        let is_it = |p: &&crate::participant::Participant| p.access.identity.expose() == identity;
        self.livekit.participants.values().find(is_it).expect("there").sid.clone()
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, span: Duration) {
        self.now += span;
        self.input(Input::Timeout);
    }

    /// Publishes a microphone on section `mid`, by `cid`.
    pub(crate) fn publish(&mut self, conn: Conn, mid: &str, cid: &str) {
        self.send(conn, Request::AddTrack(microphone(cid)));
        self.send(conn, Request::Offer(description(2, first_offer() + &sending(mid, "audio", cid))));
    }

    /// The sid of the microphone on section 9, published if it is not yet.
    pub(crate) fn publish_once(&mut self, conn: Conn) -> String {
        let participant = self.livekit.conns[&conn];
        let sid = |world: &Self| world.livekit.participants[&participant].tracks.values().map(|track| track.info.sid.clone()).next();
        if sid(self).is_none() {
            self.publish(conn, "9", "mic");
        }
        sid(self).expect("published")
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
        let participant = self.livekit.conns[&conn];
        self.input(Input::Media(Event::Data { participant, reliable: true, payload: frame::encode_data(packet) }));
    }

    /// What was sent on data channels, with the number of the receiver in order of joining.
    pub(crate) fn sent(&mut self) -> Vec<(u32, DataPacket)> {
        std::mem::take(&mut self.sent)
    }
}

fn answer(sections: &[Section]) -> String {
    let mut answer = String::from("v=0\r\n");
    for Section { mid, role } in sections {
        let direction = match role {
            SectionRole::Publish { .. } => "recvonly",
            SectionRole::Subscribe { .. } => "sendonly",
            SectionRole::Inactive => "inactive",
        };
        answer += &format!("m=x 9 y\r\na=mid:{}\r\na=msid:random random\r\na={direction}\r\n", mid.as_str());
    }
    answer
}

fn offer(sections: &[OfferedSection]) -> String {
    let mut offer = String::from("v=0\r\nm=application 9 y\r\na=mid:data\r\n");
    for (at, OfferedSection { kind, track }) in sections.iter().enumerate() {
        let kind = if *kind == MediaKind::Audio { "audio" } else { "video" };
        let direction = if track.is_some() { "sendonly" } else { "inactive" };
        offer += &format!("m={kind} 9 y\r\na=mid:s{at}\r\na=msid:random random\r\na={direction}\r\n");
    }
    offer
}
