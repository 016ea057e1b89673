//! A [`Transport`] without network: a datagram *is* what a real one would find in it, written as text.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use conclave_base::{Codec, Datagram, Machine as _, Polled, Time};
use conclave_rtp::Batch;
use conclave_sfu::{
    Channel, Command, DescriptionRefused, Direction, Event, IncomingStream, Input, Limits, MediaKind, Mid, Offer, OutgoingPacket,
    OutgoingStream, Output, Packet, ParticipantId, Purpose, Received, Rid, RoomId, Sealing, Section, SectionRole, SendRefused, Sfu,
    TrackId, TrackSettings, Transport, TransportEvent, TransportOutput,
};

/// Bytes of a large packet, besides its descriptor.
const LARGE: usize = 1198;
/// Room in the reliable channel before it says "full".
const CHANNEL_ROOM: usize = 3;

#[derive(Debug)]
pub(crate) struct Fake {
    ufrag: String,
    sending: BTreeMap<Mid, OutgoingStream>,
    /// What it offered last.
    offered: Option<Vec<(Mid, Direction)>>,
    peer: Option<SocketAddr>,
    out: VecDeque<TransportOutput>,
    payload: Vec<u8>,
    /// Packets that are still to be sent to probe with, and on which stream.
    probes: (u32, u32),
    open: bool,
    sent: usize,
}

impl Fake {
    fn say(&mut self, text: String) {
        if let Some(dst) = self.peer {
            self.out.push_back(TransportOutput::Datagram(Datagram { src: server(), dst, bytes: text.into_bytes() }));
        }
    }
}

impl Transport for Fake {
    type Config = ();

    fn open((): &(), _: Time) -> Self {
        Self {
            ufrag: "none".into(),
            sending: BTreeMap::new(),
            offered: None,
            peer: None,
            out: VecDeque::new(),
            payload: Vec::new(),
            probes: (0, 0),
            open: false,
            sent: 0,
        }
    }

    /// The "SDP" is the ufrag to take on.
    fn accept(&mut self, offer: &str, sections: &[(Mid, Direction)], _: Time) -> Result<String, DescriptionRefused> {
        if offer.is_empty() {
            return Err(DescriptionRefused::NotUnderstood("empty".into()));
        }
        self.ufrag = offer.into();
        for (mid, direction) in sections {
            if *direction == Direction::Send {
                let number = mid.as_str().parse().expect("mids are numbers here");
                self.sending.insert(*mid, OutgoingStream(number));
            }
        }
        Ok(format!("answer to {offer}"))
    }

    /// Sections are called as their places.
    fn offer(&mut self, sections: &[(MediaKind, Direction)], restart_ice: bool, _: Time) -> Result<Option<Offer>, DescriptionRefused> {
        let mids: Vec<Mid> = (0..sections.len()).map(|at| mid(&at.to_string())).collect();
        let named = mids.iter().zip(sections).map(|(mid, (_, direction))| (*mid, *direction)).collect();
        if self.offered.as_ref() == Some(&named) && !restart_ice {
            return Ok(None);
        }
        let sdp = format!("{sections:?}");
        self.offered = Some(named);
        Ok(Some(Offer { sdp, mids }))
    }

    fn accept_answer(&mut self, answer: &str, now: Time) -> Result<(), DescriptionRefused> {
        let offered = self.offered.clone().ok_or(DescriptionRefused::Unexpected)?;
        self.accept(answer, &offered, now).map(|_| ())
    }

    fn ufrag(&self) -> &str {
        &self.ufrag
    }

    fn add_candidate(&mut self, _: &str) {}

    fn receive(&mut self, src: SocketAddr, _: SocketAddr, datagram: &[u8], now: Time) -> Received {
        if datagram.first() == Some(&0) {
            self.peer = Some(src);
            return Received::Authenticated;
        }
        let text = std::str::from_utf8(datagram).expect("text");
        let words: Vec<&str> = text.split(' ').collect();
        let number = |i: usize| words[i].parse().expect("a number");
        let event = match words[0] {
            "stream" => TransportEvent::Stream {
                stream: IncomingStream(number(1) as u32),
                mid: mid(words[2]),
                rid: words.get(3).map(|r| Rid::new(r).expect("a rid")),
            },
            "rtp" => {
                self.payload = match words[2] {
                    "key" => vec![0x10, 0x00, 0xaa],
                    "delta" => vec![0x10, 0x01, 0xaa],
                    "large-key" => [&[0x10, 0x00][..], &[0xaa; LARGE]].concat(),
                    "large" => [&[0x10, 0x01][..], &[0xaa; LARGE]].concat(),
                    "cut" => vec![0x90],
                    _ => vec![0xaa],
                };
                TransportEvent::Packet(Packet {
                    stream: IncomingStream(number(1) as u32),
                    codec: if words[2] == "opus" { Codec::Opus } else { Codec::Vp8 },
                    seq: number(3),
                    time: number(4) as u32,
                    recorded: now,
                    marker: true,
                })
            }
            "nack" => TransportEvent::Lost {
                stream: OutgoingStream(number(1) as u32),
                seqs: words[2..].iter().map(|word| word.parse().expect("a number")).collect(),
            },
            "probe" => {
                self.probes = (number(1) as u32, number(2) as u32);
                return Received::Accepted;
            }
            "pli" => TransportEvent::KeyFrameRequested(mid(words[1])),
            "estimate" => TransportEvent::Estimate(number(1)),
            "channel" => {
                self.open = true;
                TransportEvent::ChannelOpen(Channel::Reliable)
            }
            "message" => TransportEvent::Message { channel: Channel::Reliable, payload: words[1].as_bytes().to_vec() },
            "room" => {
                self.sent = 0;
                TransportEvent::Writable
            }
            "down" => TransportEvent::Disconnected,
            "up" => TransportEvent::Connected,
            _ => return Received::Dropped,
        };
        self.out.push_back(TransportOutput::Event(event));
        Received::Accepted
    }

    fn tick(&mut self, _: Time) {}

    fn poll(&mut self) -> TransportOutput {
        self.out.pop_front().unwrap_or(TransportOutput::Idle(Time::MAX))
    }

    fn outgoing(&self, mid: Mid) -> Option<OutgoingStream> {
        self.sending.get(&mid).copied()
    }

    fn payload(&self) -> &[u8] {
        &self.payload
    }

    fn path(&self) -> Option<(SocketAddr, SocketAddr)> {
        Some((server(), self.peer?))
    }

    fn seal(&mut self, stream: OutgoingStream, packet: &OutgoingPacket<'_>, purpose: Purpose, batch: &mut Batch, _: Time) -> Sealing {
        let text = format!(
            "{} {} {} {}",
            match purpose {
                Purpose::Media => "rtp",
                Purpose::Repair => "again",
                Purpose::Probe => "probe",
            },
            stream.0,
            packet.seq,
            packet.time
        );
        if !batch.takes(text.len()) {
            return Sealing::Later;
        }
        batch.space(text.len()).copy_from_slice(text.as_bytes());
        batch.push(text.len());
        Sealing::Sealed
    }

    fn probe(&mut self, _: Time) -> Option<OutgoingStream> {
        let (stream, left) = self.probes;
        self.probes.1 = left.checked_sub(1)?;
        Some(OutgoingStream(stream))
    }

    fn is_probing(&self) -> bool {
        self.probes.1 > 0
    }

    fn give_up_probe(&mut self, _: Time) {
        self.probes.1 = 0;
    }

    fn request_key_frame(&mut self, stream: IncomingStream) {
        self.say(format!("pli {}", stream.0));
    }

    fn send(&mut self, channel: Channel, payload: &[u8]) -> Result<(), SendRefused> {
        if !self.open {
            return Err(SendRefused::NotOpen);
        }
        if self.sent >= CHANNEL_ROOM {
            return Err(SendRefused::Full);
        }
        self.sent += 1;
        self.say(format!("{channel:?} {}", String::from_utf8_lossy(payload)));
        Ok(())
    }

    fn set_desired_rate(&mut self, _: u64) {}

    fn close(&mut self) {
        self.say("bye".into());
    }
}

/// A server, and the clock on its wall.
pub(crate) struct World {
    pub(crate) sfu: Sfu<Fake>,
    pub(crate) now: Time,
    pub(crate) events: Vec<Event>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_room_for(4)
    }

    pub(crate) fn with_room_for(participants: usize) -> Self {
        let limits = Limits { participants, message: 100 };
        Self { sfu: Sfu::new((), limits), now: Time::from_millis(1_000_000), events: Vec::new() }
    }

    /// Carries out a command that is not refused.
    pub(crate) fn command(&mut self, command: Command) -> Vec<String> {
        self.sfu.handle(Input::Command(command), self.now).expect("not refused");
        self.drain()
    }

    /// A participant of room 1 whose address is known and who offered `sections`.
    pub(crate) fn join(&mut self, id: u64, sections: Vec<Section>) {
        self.join_room(id, 1, sections);
    }

    pub(crate) fn join_room(&mut self, id: u64, room: u64, sections: Vec<Section>) {
        self.command(Command::Open { participant: ParticipantId(id), room: RoomId(room) });
        self.offer(id, sections);
        self.stun(id, id as u16);
    }

    pub(crate) fn offer(&mut self, id: u64, sections: Vec<Section>) {
        self.command(Command::Offer { participant: ParticipantId(id), sdp: format!("u{id}"), sections });
    }

    /// A STUN request for participant `id` from `port`.
    pub(crate) fn stun(&mut self, id: u64, port: u16) -> Vec<String> {
        let username = format!("u{id}:x");
        let mut stun = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        stun.extend([0; 12]);
        stun.extend([0, 6, 0, username.len() as u8]);
        stun.extend(username.as_bytes());
        self.datagram(port, &stun)
    }

    /// A datagram from participant `id`'s address, and what goes out because of it: "receiver: text".
    pub(crate) fn says(&mut self, id: u64, text: &str) -> Vec<String> {
        self.datagram(id as u16, text.as_bytes())
    }

    pub(crate) fn datagram(&mut self, port: u16, bytes: &[u8]) -> Vec<String> {
        self.sfu.handle(Input::Datagram { src: client(port), dst: server(), bytes }, self.now).expect("datagrams are not refused");
        self.drain()
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, ms: u64) -> Vec<String> {
        self.wait_by(100, ms)
    }

    /// Lets time pass, so much at a time.
    pub(crate) fn wait_by(&mut self, step: u64, ms: u64) -> Vec<String> {
        let mut out = Vec::new();
        for _ in 0..ms / step {
            self.now = Time::from_millis(self.now.as_millis() + step);
            self.sfu.handle(Input::Timeout, self.now).expect("time is not refused");
            out.extend(self.drain());
        }
        out
    }

    fn drain(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        loop {
            match self.sfu.poll() {
                Polled::Output(Output::Datagram(Datagram { dst, bytes, .. })) => {
                    out.push(format!("{}: {}", dst.port(), String::from_utf8(bytes).expect("text")));
                }
                Polled::Output(Output::Batch { dst, .. }) => {
                    let (bytes, segment) = self.sfu.batch().datagrams();
                    let texts = bytes.chunks(segment).map(|bytes| std::str::from_utf8(bytes).expect("text"));
                    out.extend(texts.map(|text| format!("{}: {text}", dst.port())));
                }
                Polled::Output(Output::Event(event)) => self.events.push(event),
                Polled::Idle(_) => return out,
            }
        }
    }

    pub(crate) fn tile(&mut self, id: u64, track: u64, width: u32, height: u32) -> Vec<String> {
        let settings = TrackSettings { enabled: true, width, height };
        self.command(Command::TrackSettings { participant: ParticipantId(id), track: TrackId(track), settings })
    }
}

pub(crate) fn server() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 7882))
}

pub(crate) fn client(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], port))
}

pub(crate) fn mid(text: &str) -> Mid {
    Mid::new(text).expect("a mid")
}

pub(crate) fn publish(name: &str, track: u64, layers: &[(&str, u32, u32)]) -> Section {
    let layer = |(rid, width, height): &(&str, u32, u32)| conclave_sfu::Layer {
        rid: Rid::new(rid).expect("a rid"),
        width: *width,
        height: *height,
    };
    Section { mid: mid(name), role: SectionRole::Publish { track: TrackId(track), layers: layers.iter().map(layer).collect() } }
}

pub(crate) fn subscribe(name: &str, track: u64) -> Section {
    Section { mid: mid(name), role: SectionRole::Subscribe { track: TrackId(track) } }
}
