//! One picture to many, without sockets: what opening a publisher's packets once and sealing them for each subscriber costs, beside str0m, which does it
//! on the server today.

use std::time::Duration;

use anyhow::Context as _;
use conclave_base::Time;
use conclave_rtp::{Batch, Entry, Kind, Opener, Outgoing, Packet, Profile, Ring, Role, Sealer, StreamId, sealed_len};
use str0m::Event;
use str0m::media::{MediaKind, Mid, Pt};
use str0m::rtp::{RtpWrite, Ssrc};

use crate::attest::processor;
use crate::peers::{Pair, keys};
use crate::report::{Figure, Report};
use crate::statistics::median;

const PROFILE: Profile = Profile::AeadAes256Gcm;
const SUBSCRIBERS: [usize; 2] = [50, 200];
const ROUNDS: usize = 5;
/// 2 Mbit/s at 30 pictures a second: so many packets of this size each.
const PACKETS: u64 = 8;
const PAYLOAD: usize = 1060;
const PICTURES: u64 = 60;
const PICTURE: Duration = Duration::from_micros(33_333);
const SSRC: u32 = 7;
/// One packet in so many is opened by its receiver, and compared.
const SAMPLE: u64 = 101;
const STR0M: &str = "str0m-0.25";

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    for subscribers in SUBSCRIBERS {
        let (mut ours, mut theirs) = (Ours::new(subscribers)?, Theirs::new(subscribers)?);
        let mut rounds = Vec::new();
        for round in 0..=ROUNDS {
            // In turns, so that what disturbs one disturbs the other.
            let pair = (ours.round()?, theirs.round()?);
            eprintln!("{subscribers} subscribers, round {round}: {:.0} packets a second of one processor, str0m {:.0}", pair.0, pair.1);
            // The first one makes places for streams.
            if round > 0 {
                rounds.push(pair);
            }
        }
        let middle = |side: fn(&(f64, f64)) -> f64| median(&rounds.iter().map(side).collect::<Vec<_>>());
        let value = middle(|round| round.0).context("rounds")?;
        report.add(Figure::rate(format!("rtp.fan_out_{subscribers}"), value, "packets/CPU-s").beside(STR0M, middle(|round| round.1)))?;
    }
    Ok(())
}

/// A publisher of which nothing is measured.
struct Publisher {
    sealer: Sealer,
    stream: StreamId,
    number: u64,
}

impl Publisher {
    fn new() -> anyhow::Result<Self> {
        let (_, mut sealer) = keys(PROFILE, Role::Client);
        let stream = sealer.add_stream(SSRC)?;
        Ok(Self { sealer, stream, number: 0 })
    }

    /// The datagrams of one picture.
    fn picture(&mut self, payload_type: u8) -> anyhow::Result<Vec<Vec<u8>>> {
        let timestamp = u32::try_from(self.number / PACKETS * 3000)?;
        (1..=PACKETS)
            .map(|n| {
                let transport = (self.number as u16).to_be_bytes();
                let header = Outgoing { marker: n == PACKETS, payload_type, timestamp, extensions: &[(3, &transport)], padding: 0 };
                let mut out = vec![0; 1500];
                let len = self.sealer.claim(self.stream, self.number)?.seal(&header, &[&payload(self.number)], &mut out)?;
                out.truncate(len);
                self.number += 1;
                Ok(out)
            })
            .collect()
    }
}

/// VP8 as far as its descriptor, which str0m reads, and then bytes that tell the packet.
fn payload(number: u64) -> [u8; PAYLOAD] {
    let mut payload = [number as u8; PAYLOAD];
    payload[0] = 0x10;
    payload[1..9].copy_from_slice(&number.to_be_bytes());
    payload
}

/// Of what leaves: how many, and a sample that has to open to what came in.
#[derive(Default)]
struct Check {
    sent: u64,
    sampled: Vec<(usize, Vec<u8>)>,
}

impl Check {
    fn on_datagram(&mut self, subscriber: usize, datagram: &[u8]) {
        if self.sent.is_multiple_of(SAMPLE) {
            self.sampled.push((subscriber, datagram.to_vec()));
        }
        self.sent += 1;
    }

    /// All that should have left did, and the sample is right.
    fn finish(self, openers: &mut [Opener], from: u64) -> anyhow::Result<()> {
        let wanted = PACKETS * PICTURES * openers.len() as u64;
        anyhow::ensure!(self.sent == wanted, "{} of {wanted} packets left", self.sent);
        for (subscriber, datagram) in self.sampled {
            let mut out = [0; 1500];
            let opened = openers[subscriber].open(&Packet::read(&datagram)?, &mut out)?;
            let number = u64::from_be_bytes(out[1..9].try_into()?);
            anyhow::ensure!(number >= from && out[..opened.len] == payload(number), "packet {number} came out as another one");
        }
        Ok(())
    }
}

struct Ours {
    publisher: Publisher,
    opener: Opener,
    ring: Ring<()>,
    subscribers: Vec<(Sealer, StreamId)>,
    openers: Vec<Opener>,
    batch: Batch,
}

impl Ours {
    fn new(subscribers: usize) -> anyhow::Result<Self> {
        let subscribers: Vec<_> = std::iter::repeat_with(|| keys(PROFILE, Role::Server).1).take(subscribers).collect();
        let openers = subscribers.iter().map(|_| keys(PROFILE, Role::Client).0).collect();
        let subscribers = subscribers.into_iter().map(|mut sealer| sealer.add_stream(SSRC).map(|stream| (sealer, stream)));
        Ok(Self {
            publisher: Publisher::new()?,
            opener: keys(PROFILE, Role::Server).0,
            ring: Ring::new(512, 1 << 19),
            subscribers: subscribers.collect::<Result<_, _>>()?,
            openers,
            batch: Batch::default(),
        })
    }

    /// Packets that leave for a second of one processor.
    fn round(&mut self) -> anyhow::Result<f64> {
        let from = self.publisher.number;
        let mut check = Check::default();
        let mut nanos = 0;
        for _ in 0..PICTURES {
            let datagrams = self.publisher.picture(96)?;
            let start = processor()?;
            let first = self.publisher.number - PACKETS;
            for datagram in &datagrams {
                let packet = Packet::read(datagram)?;
                let opened = self.opener.open(&packet, self.ring.space())?;
                let entry =
                    Entry { number: opened.number, timestamp: packet.timestamp, marker: packet.marker, arrived: Time::ZERO, note: () };
                anyhow::ensure!(self.ring.insert(entry, opened.len), "a packet came twice");
            }
            for (at, (sealer, stream)) in self.subscribers.iter_mut().enumerate() {
                for number in first..first + PACKETS {
                    let (entry, payload) = self.ring.get(number).context("it just came")?;
                    let transport = (number as u16).to_be_bytes();
                    let extensions: [(u8, &[u8]); 1] = [(3, &transport)];
                    let header = Outgoing {
                        marker: entry.marker,
                        payload_type: 96,
                        timestamp: entry.timestamp,
                        extensions: &extensions,
                        padding: 0,
                    };
                    let out = self.batch.space(sealed_len(&header, payload.len()));
                    let len = sealer.claim(*stream, number)?.seal(&header, &[payload], out)?;
                    self.batch.push(len);
                }
                let (bytes, segment) = self.batch.datagrams();
                bytes.chunks(segment).for_each(|datagram| check.on_datagram(at, datagram));
                self.batch.clear();
            }
            nanos += processor()? - start;
        }
        let sent = check.sent;
        check.finish(&mut self.openers, from)?;
        Ok(sent as f64 / nanos as f64 * 1e9)
    }
}

/// str0m in RTP mode, as the server uses it, but without sections that nobody needs, bandwidth estimation and pacing.
struct Theirs {
    publisher: Publisher,
    from: Pair,
    to: Vec<Pair>,
    openers: Vec<Opener>,
    pt: Pt,
}

impl Theirs {
    fn new(subscribers: usize) -> anyhow::Result<Self> {
        let mid: Mid = "vid".into();
        let mut from = Pair::connected(PROFILE, false);
        let pt = from.right.rtc.codec_config().find(|p| p.spec().codec == str0m::format::Codec::Vp8).context("VP8")?.pt();
        let mut api = from.right.rtc.direct_api();
        api.declare_media(mid, MediaKind::Video);
        api.expect_stream_rx(Ssrc::from(SSRC), None, mid, None);
        let to = std::iter::repeat_with(|| {
            let mut pair = Pair::connected(PROFILE, false);
            let mut api = pair.right.rtc.direct_api();
            api.declare_media(mid, MediaKind::Video);
            api.declare_stream_tx(Ssrc::from(SSRC), None, mid, None).set_unpaced(true);
            pair
        });
        let to: Vec<_> = to.take(subscribers).collect();
        let openers = to.iter().map(|_| keys(PROFILE, Role::Client).0).collect();
        Ok(Self { publisher: Publisher::new()?, from, to, openers, pt })
    }

    fn round(&mut self) -> anyhow::Result<f64> {
        let from = self.publisher.number;
        let mut check = Check::default();
        let mut nanos = 0;
        for _ in 0..PICTURES {
            let datagrams = self.publisher.picture(*self.pt)?;
            self.from.step(PICTURE);
            for pair in &mut self.to {
                pair.step(PICTURE);
                pair.right.sent.clear();
                pair.left.events.clear();
                pair.right.events.clear();
            }
            self.from.right.events.clear();
            let start = processor()?;
            for datagram in &datagrams {
                self.from.right.receive(datagram, self.from.now);
            }
            let mut packets = Vec::new();
            for event in self.from.right.events.drain(..) {
                if let Event::RtpPacket(packet) = event {
                    packets.push(packet);
                }
            }
            for (at, pair) in self.to.iter_mut().enumerate() {
                for packet in &packets {
                    let mut api = pair.right.rtc.direct_api();
                    let stream = api.stream_tx(&Ssrc::from(SSRC)).context("declared")?;
                    let payload = std::sync::Arc::clone(&packet.payload);
                    let write =
                        RtpWrite::new(self.pt, packet.seq_no, packet.header.timestamp, pair.now, payload).marker(packet.header.marker);
                    stream.write_rtp(write);
                }
                pair.right.tick(pair.now);
                let datagrams = pair.right.sent.drain(..).filter(|datagram| Kind::of(datagram) == Kind::Rtp);
                datagrams.for_each(|datagram| check.on_datagram(at, &datagram));
            }
            nanos += processor()? - start;
        }
        let sent = check.sent;
        check.finish(&mut self.openers, from)?;
        Ok(sent as f64 / nanos as f64 * 1e9)
    }
}
