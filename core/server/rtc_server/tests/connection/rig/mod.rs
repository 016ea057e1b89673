//! A media server and participants who are plain str0m, joined by a network that is a queue and a clock that is a number.

pub(crate) mod camera;

use std::cell::Cell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use conclave_base::{Datagram, Machine as _, Polled, Time};
use conclave_rtc_server::{Config, Connection};
use conclave_sfu::{Command, Input, Limits, Output, ParticipantId, RoomId, Section, SectionRole, Sfu};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::ice::{StunMessage, TransId};
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid, Rid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Rtc};

/// How long a datagram is under way.
const LATENCY: Duration = Duration::from_millis(10);

/// Decides which datagrams are lost.
pub(crate) type Loss = Box<dyn FnMut(Way, usize, &[u8]) -> bool>;

/// Which way a datagram goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

pub(crate) struct World {
    pub(crate) sfu: Sfu<Connection>,
    pub(crate) clients: Vec<Client>,
    pub(crate) events: Vec<conclave_sfu::Event>,
    /// Loses the datagrams for which it says so.
    pub(crate) lose: Loss,
    /// What the way to one of the clients is like, if it is not as good as any.
    pub(crate) line: Option<Line>,
    pub(crate) now: Time,
    clock: Rc<Cell<Time>>,
    start: Time,
    origin: Instant,
    wire: VecDeque<Flight>,
}

/// A line that carries so much, and has a queue before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) client: usize,
    /// Bits per second.
    pub(crate) bits: u64,
    /// The longest queue; what does not fit is lost.
    pub(crate) queue: Duration,
    /// One way, beyond that of everybody.
    pub(crate) delay: Duration,
    /// Of a thousand, by chance.
    pub(crate) losses: u64,
    /// When it is free again.
    pub(crate) free: Time,
    pub(crate) chance: u64,
    /// Datagrams that it was given, and those that it lost.
    pub(crate) given: u64,
    pub(crate) lost: u64,
}

impl Line {
    /// When a datagram arrives that is sent now.
    fn carry(&mut self, len: usize, now: Time) -> Option<Time> {
        self.given += 1;
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if (self.chance >> 33) % 1000 < self.losses || self.free - now > self.queue {
            self.lost += 1;
            return None;
        }
        self.free = self.free.max(now) + Duration::from_micros(len as u64 * 8_000_000 / self.bits);
        Some(self.free + LATENCY + self.delay)
    }
}

/// A datagram under way.
struct Flight {
    arrives: Time,
    way: Way,
    client: usize,
    bytes: Vec<u8>,
}

/// A participant.
pub(crate) struct Client {
    pub(crate) rtc: Rtc,
    pub(crate) packets: Vec<RtpPacket>,
    /// Layers that a key frame is wanted of, since last looked at.
    pub(crate) key_frames_wanted: Vec<Option<Rid>>,
    pub(crate) channel: Option<ChannelId>,
    pub(crate) messages: Vec<Vec<u8>>,
    /// The server's last answer.
    pub(crate) answer: String,
    address: SocketAddr,
    wake: Time,
}

impl World {
    pub(crate) fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "an Instant has no other constructor")]
        let origin = Instant::now();
        let now = Time::from_millis(50_000);
        let config = Config::new(vec![server()]).expect("an address that can be announced");
        Self {
            sfu: Sfu::new(config, Limits::default()),
            clients: Vec::new(),
            events: Vec::new(),
            lose: Box::new(|_, _, _| false),
            line: None,
            now,
            clock: Rc::new(Cell::new(now)),
            start: now,
            origin,
            wire: VecDeque::new(),
        }
    }

    pub(crate) fn instant(&self) -> Instant {
        self.origin + (self.now - self.start)
    }

    /// The time, for those who decide over losses.
    pub(crate) fn clock(&self) -> Rc<Cell<Time>> {
        Rc::clone(&self.clock)
    }

    /// A participant without media; its number is its participant.
    pub(crate) fn add(&mut self) -> usize {
        let id = self.clients.len();
        let address = SocketAddr::from(([10, 0, 1, id as u8], 4000));
        let mut rtc = Rtc::builder().set_rtp_mode(true).build(self.instant());
        rtc.add_local_candidate(Candidate::host(address, "udp").expect("an address"));
        self.clients.push(Client {
            rtc,
            packets: Vec::new(),
            key_frames_wanted: Vec::new(),
            channel: None,
            messages: Vec::new(),
            answer: String::new(),
            address,
            wake: self.now,
        });
        self.command(Command::Open { participant: ParticipantId(id as u64), room: RoomId(1) });
        id
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.sfu.handle(Input::Command(command), self.now).expect("not refused");
        self.drain_sfu();
    }

    /// Offers to the server and takes its answer, which is returned.
    pub(crate) fn negotiate(&mut self, client: usize, (offer, pending): (SdpOffer, SdpPendingOffer), sections: Vec<Section>) -> String {
        self.command(Command::Offer { participant: ParticipantId(client as u64), sdp: offer.to_sdp_string(), sections });
        let Some(conclave_sfu::Event::Answer { sdp: answer, .. }) = self.events.last().cloned() else {
            panic!("no answer: {:?}", self.events.last());
        };
        let parsed = SdpAnswer::from_sdp_string(&answer).expect("an answer that can be read");
        self.clients[client].rtc.sdp_api().accept_answer(pending, parsed).expect("an answer that fits");
        self.clients[client].answer.clone_from(&answer);
        answer
    }

    /// The server hears a consent check (RFC 7675) of a participant, which proves itself with `password` and nominates nothing.
    pub(crate) fn check_consent(&mut self, client: usize, password: &str) {
        let Client { rtc, answer, address, .. } = &mut self.clients[client];
        let name = format!("{}:{}", attribute(answer, "ice-ufrag"), rtc.direct_api().local_ice_credentials().ufrag);
        let hmac = str0m::crypto::from_feature_flags().sha1_hmac_provider;
        let mut bytes = [0; 256];
        let check = StunMessage::binding_request(&name, TransId::new(), true, 1, 1, false);
        let len = check.to_bytes(Some(password.as_bytes()), &mut bytes, |key, parts| hmac.sha1_hmac(key, parts)).expect("room");
        let datagram = Input::Datagram { src: *address, dst: server(), bytes: &bytes[..len] };
        self.sfu.handle(datagram, self.now).expect("datagrams are not refused");
        self.drain_sfu();
        self.run(100);
    }

    /// Lets time pass, a millisecond at a time.
    pub(crate) fn run(&mut self, ms: u64) {
        for _ in 0..ms {
            self.settle();
            self.now += Duration::from_millis(1);
            self.clock.set(self.now);
        }
    }

    /// Delivers what has arrived.
    fn settle(&mut self) {
        for client in 0..self.clients.len() {
            if self.clients[client].wake <= self.now {
                let timeout = str0m::Input::Timeout(self.instant());
                self.clients[client].rtc.handle_input(timeout).expect("time is taken");
            }
            self.drain_client(client);
        }
        self.sfu.handle(Input::Timeout, self.now).expect("time is not refused");
        self.drain_sfu();
        while self.wire.front().is_some_and(|f| f.arrives <= self.now) {
            let Some(Flight { way, client, bytes, .. }) = self.wire.pop_front() else { return };
            if (self.lose)(way, client, &bytes) {
                continue;
            }
            match way {
                Way::ToServer => {
                    let src = self.clients[client].address;
                    let datagram = Input::Datagram { src, dst: server(), bytes: &bytes };
                    self.sfu.handle(datagram, self.now).expect("datagrams are not refused");
                    self.drain_sfu();
                }
                Way::ToClient => {
                    let dst = self.clients[client].address;
                    let receive = Receive::new(Protocol::Udp, server(), dst, &bytes).expect("a datagram");
                    let input = str0m::Input::Receive(self.instant(), receive);
                    self.clients[client].rtc.handle_input(input).expect("datagram is taken");
                    self.drain_client(client);
                }
            }
        }
    }

    fn drain_sfu(&mut self) {
        loop {
            match self.sfu.poll() {
                Polled::Output(Output::Datagram(Datagram { dst, bytes, .. })) => self.send_to_client(dst, bytes),
                Polled::Output(Output::Batch { dst, .. }) => {
                    let (bytes, segment) = self.sfu.batch().datagrams();
                    let datagrams: Vec<_> = bytes.chunks(segment).map(<[u8]>::to_vec).collect();
                    datagrams.into_iter().for_each(|bytes| self.send_to_client(dst, bytes));
                }
                Polled::Output(Output::Event(event)) => self.events.push(event),
                Polled::Idle(_) => return,
            }
        }
    }

    fn send_to_client(&mut self, dst: SocketAddr, bytes: Vec<u8>) {
        let Some(client) = self.clients.iter().position(|c| c.address == dst) else { return };
        let line = self.line.as_mut().filter(|line| line.client == client);
        let Some(arrives) = line.map_or(Some(self.now + LATENCY), |line| line.carry(bytes.len(), self.now)) else { return };
        self.fly(Flight { arrives, way: Way::ToClient, client, bytes });
    }

    fn fly(&mut self, flight: Flight) {
        let at = self.wire.partition_point(|before| before.arrives <= flight.arrives);
        self.wire.insert(at, flight);
    }

    fn drain_client(&mut self, id: usize) {
        let (start, origin, now) = (self.start, self.origin, self.instant());
        let delay = self.line.filter(|line| line.client == id).map_or(Duration::ZERO, |line| line.delay);
        let arrives = self.now + LATENCY + delay;
        loop {
            let client = &mut self.clients[id];
            match client.rtc.poll_output().expect("alive") {
                str0m::Output::Transmit(t) => {
                    let bytes = t.contents.into();
                    self.fly(Flight { arrives, way: Way::ToServer, client: id, bytes });
                }
                str0m::Output::Timeout(at) if at <= now => client.rtc.handle_input(str0m::Input::Timeout(now)).expect("time is taken"),
                str0m::Output::Timeout(at) => {
                    client.wake = start + at.saturating_duration_since(origin);
                    return;
                }
                str0m::Output::Event(Event::RtpPacket(packet)) => client.packets.push(packet),
                str0m::Output::Event(Event::KeyframeRequest(request)) => client.key_frames_wanted.push(request.rid),
                str0m::Output::Event(Event::ChannelOpen(channel, _)) => client.channel = Some(channel),
                str0m::Output::Event(Event::ChannelData(data)) => client.messages.push(data.data),
                str0m::Output::Event(_) => {}
            }
        }
    }

    pub(crate) fn saw(&self, event: &conclave_sfu::Event) -> bool {
        self.events.contains(event)
    }
}

impl Client {
    /// Sends one RTP packet.
    pub(crate) fn send(&mut self, mid: Mid, rid: Option<Rid>, packet: (u64, u32), payload: Vec<u8>, now: Instant) {
        let video = self.rtc.media(mid).expect("a section").kind() == MediaKind::Video;
        let wanted = if video { str0m::format::Codec::Vp8 } else { str0m::format::Codec::Opus };
        let pt = self.rtc.codec_config().find(|p| p.spec().codec == wanted).expect("negotiated").pt();
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(mid, rid).expect("a stream");
        stream.write_rtp(RtpWrite::new(pt, packet.0.into(), packet.1, now, payload).marker(true).nackable(video));
    }

    /// Asks for a key frame of what it receives on a section.
    pub(crate) fn want_key_frame(&mut self, mid: Mid) {
        let mut api = self.rtc.direct_api();
        api.stream_rx_by_mid(mid, None).expect("a stream").request_keyframe(KeyframeRequestKind::Pli);
    }
}

/// What an attribute of a session description says.
pub(crate) fn attribute<'a>(sdp: &'a str, name: &str) -> &'a str {
    let (_, rest) = sdp.split_once(&format!("a={name}:")).expect("an attribute");
    rest.lines().next().unwrap_or_default()
}

pub(crate) fn server() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 7882))
}

pub(crate) fn section(mid: Mid, role: SectionRole) -> Section {
    Section { mid: conclave_sfu::Mid::new(&mid).expect("a mid"), role }
}

/// An offer to send a camera in three layers.
pub(crate) fn offer_camera(client: &mut Client) -> (Mid, (SdpOffer, SdpPendingOffer)) {
    let layer = |name: &str| SimulcastLayer { rid: Rid::from(name), attributes: None };
    let simulcast = Simulcast { send: ["q", "h", "f"].map(layer).to_vec(), recv: vec![] };
    let mut api = client.rtc.sdp_api();
    let mid = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, Some(simulcast));
    (mid, api.apply().expect("something to offer"))
}

/// An offer with one new section.
pub(crate) fn offer_one(client: &mut Client, kind: MediaKind, direction: Direction) -> (Mid, (SdpOffer, SdpPendingOffer)) {
    let mut api = client.rtc.sdp_api();
    let mid = api.add_media(kind, direction, None, None, None);
    (mid, api.apply().expect("something to offer"))
}
