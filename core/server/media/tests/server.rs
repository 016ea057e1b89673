//! Signalling and forwarder together, over a transport without network.

mod fake;

use std::net::SocketAddr;
use std::time::Duration;

use conclave_base::{Machine as _, Polled, Redacted, Time};
use conclave_livekit_proto::frame;
use conclave_livekit_proto::proto::leave_request::Action;
use conclave_livekit_proto::proto::signal_request::Message as Request;
use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{
    AddTrackRequest, ConnectionSettings, DisconnectReason, JoinRequest, SessionDescription, TrackSource, TrackType,
};
use conclave_livekit_proto::{Access, ApiKey, Grants};
use conclave_livekit_server::{AuthorizedJoin, CloseReason, Config, Conn, Signalling};
use conclave_media::{Input, MediaServer, Output};
use conclave_sfu::Sfu;
use fake::Fake;

/// What came out since last looked at.
#[derive(Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a few in a test")]
enum Seen {
    Message(Conn, Message),
    Closed(Conn, CloseReason),
    Joined(String),
    Left(String),
    /// Port of the receiver, and content.
    Datagram(u16, String),
}

struct World {
    server: MediaServer<Fake>,
    now: Time,
    key: ApiKey,
    seen: Vec<Seen>,
    wakes: Time,
}

fn receiving(mid: &str) -> String {
    format!("m=audio 9 x\r\na=mid:{mid}\r\na=recvonly\r\n")
}

fn description(id: u32, sdp: String) -> SessionDescription {
    SessionDescription { r#type: "offer".into(), sdp, id, ..Default::default() }
}

impl World {
    fn new(limits: conclave_sfu::Limits) -> Self {
        let config = Config { seed: [3; 32], ice_servers: Vec::new(), limits: conclave_livekit_server::Limits::default() };
        let server = MediaServer::new(Signalling::new(config), Sfu::new((), limits));
        let now = Time::from_millis(1_800_000_000_000);
        Self { server, now, key: ApiKey::new("key", b"secret"), seen: Vec::new(), wakes: Time::MAX }
    }

    /// Joins with the offer `sdp`. The fake's ufrag is the connection's number.
    fn join(&mut self, number: u64, identity: &str, sdp: String) -> Conn {
        let access = Access { identity: Redacted::new(identity.into()), grants: Grants::member("room".into()), ..Default::default() };
        let token = self.key.mint(&access, self.now, Duration::from_secs(60)).expect("mints");
        let request = JoinRequest {
            connection_settings: Some(ConnectionSettings { auto_subscribe: true, ..Default::default() }),
            publisher_offer: Some(description(1, sdp)),
            ..Default::default()
        };
        let query = format!("access_token={token}&join_request={}", conclave_livekit_proto::join::join_request_param(&request));
        let join = Box::new(AuthorizedJoin::verify(&self.key, &query, None, self.now).expect("a good token"));
        let conn = Conn(number);
        self.input(Input::SignalOpened { conn, join });
        conn
    }

    fn send(&mut self, conn: Conn, request: Request) {
        self.input(Input::Signal { conn, bytes: &frame::encode_request(request) });
    }

    fn datagram(&mut self, port: u16, bytes: &[u8]) {
        self.input(Input::Datagram { src: address(port), dst: address(7882), bytes });
    }

    fn input(&mut self, input: Input<'_>) {
        self.server.handle(input, self.now).expect("not refused");
        loop {
            self.seen.push(match self.server.poll() {
                Polled::Output(Output::Signal { conn, bytes }) => {
                    Seen::Message(conn, frame::decode_response(&bytes).expect("our own message"))
                }
                Polled::Output(Output::CloseSignal { conn, reason }) => Seen::Closed(conn, reason),
                Polled::Output(Output::Joined { identity, .. }) => Seen::Joined(identity.into_inner()),
                Polled::Output(Output::Left { identity, .. }) => Seen::Left(identity.into_inner()),
                Polled::Output(Output::Batch { dst, .. }) => {
                    let (bytes, _) = self.server.batch().datagrams();
                    Seen::Datagram(dst.port(), String::from_utf8(bytes.to_vec()).expect("text"))
                }
                Polled::Output(Output::Datagram(d)) => Seen::Datagram(d.dst.port(), String::from_utf8(d.bytes).expect("text")),
                Polled::Idle(until) => {
                    self.wakes = until;
                    return;
                }
            });
        }
    }

    fn look(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.seen)
    }
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

fn leave(seen: &[Seen]) -> Option<(Action, DisconnectReason)> {
    seen.iter().find_map(|s| if let Seen::Message(_, Message::Leave(l)) = s { Some((l.action(), l.reason())) } else { None })
}

/// Ann sends a microphone from port 1, Ben receives it at port 2.
fn one_to_one() -> World {
    let mut world = World::new(conclave_sfu::Limits::default());
    let ann = world.join(1, "ann", format!("ufrag:a\r\n{}", receiving("0")));
    let cid = "mic".to_owned();
    let (r#type, source) = (TrackType::Audio.into(), TrackSource::Microphone.into());
    world.send(ann, Request::AddTrack(AddTrackRequest { cid, r#type, source, ..Default::default() }));
    let sending = "m=audio 9 x\r\na=mid:1\r\na=msid:- mic\r\na=sendonly\r\n";
    world.send(ann, Request::Offer(description(2, format!("ufrag:a\r\n{}{sending}", receiving("0")))));
    world.join(2, "ben", format!("ufrag:b\r\n{}", receiving("7")));
    for (port, ufrag) in [(1, "a"), (2, "b")] {
        world.datagram(port, &fake::stun(ufrag));
    }
    world
}

#[test]
fn what_signalling_negotiates_the_forwarder_forwards() {
    let mut world = one_to_one();
    let answers = world.look().into_iter().filter(|s| matches!(s, Seen::Message(_, Message::Answer(_)))).count();
    assert_eq!(answers, 3);
    world.datagram(1, b"rtp 1 500");
    assert_eq!(world.look(), [Seen::Datagram(2, "rtp 7 1".into())]);
    assert_eq!((world.server.sfu().stats().packets_out, world.server.signalling().participants()), (1, 2));
}

#[test]
fn what_the_forwarder_tells_reaches_the_room() {
    let mut world = one_to_one();
    world.look();
    world.datagram(2, b"down");
    let lost = |s: &Seen| matches!(s, Seen::Message(Conn(1), Message::ConnectionQuality(_)));
    assert!(world.look().iter().any(lost));
}

#[test]
fn a_full_media_side_refuses() {
    let mut world = World::new(conclave_sfu::Limits { participants: 0, ..conclave_sfu::Limits::default() });
    let ann = world.join(1, "ann", receiving("0"));
    let seen = world.look();
    assert_eq!(leave(&seen), Some((Action::Disconnect, DisconnectReason::JoinFailure)));
    assert!(seen.contains(&Seen::Closed(ann, CloseReason::Left)) && seen.contains(&Seen::Left("ann".into())));
    assert_eq!((world.server.signalling().participants(), world.server.signalling().counters().refused), (0, 1));
}

#[test]
fn a_first_offer_without_an_answer_ends_the_participation() {
    let mut world = World::new(conclave_sfu::Limits::default());
    world.join(1, "ann", format!("bad\r\n{}", receiving("0")));
    assert_eq!(leave(&world.look()), Some((Action::Disconnect, DisconnectReason::MediaFailure)));
    assert_eq!(world.server.signalling().participants(), 0);
}

#[test]
fn a_later_offer_without_an_answer_lets_the_client_start_anew() {
    let mut world = World::new(conclave_sfu::Limits::default());
    let ann = world.join(1, "ann", format!("ufrag:a\r\n{}", receiving("0")));
    world.look();
    world.send(ann, Request::Offer(description(2, format!("bad\r\n{}", receiving("0")))));
    assert_eq!(leave(&world.look()), Some((Action::Reconnect, DisconnectReason::MediaFailure)));
}

#[test]
fn a_silent_client_expires_while_datagrams_keep_coming() {
    let mut world = one_to_one();
    world.look();
    for _ in 0..60 {
        world.now += Duration::from_secs(1);
        world.datagram(1, b"rtp 1 501");
    }
    let seen = world.look();
    assert!(seen.contains(&Seen::Left("ann".into())) && seen.contains(&Seen::Left("ben".into())));
    assert_eq!(world.wakes, Time::MAX, "nothing is left to wait for");
}
