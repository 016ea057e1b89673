//! All that the other side sends: opened, told apart, asked for again, and answered for.

use std::time::Duration;

use conclave_base::{LookupMap, Time};
use conclave_rtp::rtcp::{Block, SenderInfo, Writer};
use conclave_rtp::{Arrivals, MAX_PACKET, NoRoom, OpenRefused, Opener, Packet};
use conclave_sfu::{IncomingStream, Mid, Rid};

use super::clock::RemoteClock;
use super::incoming::Incoming;
use super::negotiated::{Negotiated, Use};

/// SSRCs that are told apart. A peer that invents more begins anew, and those that its offer does not name are lost until they name themselves.
const MAX_STREAMS: usize = 512;
/// A packet is asked for again after so long, unless a round trip is known to take longer.
const ASK_AGAIN: Duration = Duration::from_millis(60);

/// What an SSRC carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Binding {
    /// A stream of its own, by its place.
    Media(usize),
    /// Repairs of the stream of a section and layer.
    RepairOf(Mid, Option<Rid>),
}

/// What came of a datagram.
#[derive(Debug)]
pub(super) struct Arrived {
    /// The stream, if it is new to the forwarder.
    pub(super) stream: Option<(IncomingStream, Mid, Option<Rid>)>,
    pub(super) packet: conclave_sfu::Packet,
}

#[derive(Debug)]
pub(super) struct Receiving {
    opener: Opener,
    bindings: LookupMap<u32, Binding>,
    streams: Vec<Incoming>,
    /// Of senders alone, since it is large.
    arrivals: Option<Arrivals>,
    clock: RemoteClock,
    /// Where packets are opened to, and where the payload of the last one lies there.
    opened: Box<[u8]>,
    payload: std::ops::Range<usize>,
}

impl Receiving {
    pub(super) fn new(opener: Opener) -> Self {
        Self {
            opener,
            bindings: LookupMap::default(),
            streams: Vec::new(),
            arrivals: None,
            clock: RemoteClock::default(),
            opened: vec![0; MAX_PACKET].into_boxed_slice(),
            payload: 0..0,
        }
    }

    /// After an offer the forwarder has to be told of streams once more: their sections may carry something else.
    pub(super) fn on_offer(&mut self) {
        for stream in &mut self.streams {
            stream.is_announced = false;
        }
    }

    /// Opens a packet. `None` for one that carries nothing new.
    pub(super) fn on_rtp(&mut self, datagram: &[u8], negotiated: &Negotiated, now: Time) -> Result<Option<Arrived>, OpenRefused> {
        let packet = Packet::read(datagram)?;
        let opened = self.opener.open(&packet, &mut self.opened)?;
        let seq = negotiated.extensions.transport_wide.and_then(|id| packet.extension(id)?.first_chunk());
        if let Some(seq) = seq {
            self.arrivals.get_or_insert_default().on_packet(u16::from_be_bytes(*seq), now);
        }
        // A browser probes for bandwidth under an SSRC that is no stream's.
        Ok(if packet.ssrc == 0 { None } else { self.arrived(&packet, (opened.number, opened.len), negotiated, now) })
    }

    fn arrived(&mut self, packet: &Packet<'_>, (number, len): (u64, usize), negotiated: &Negotiated, now: Time) -> Option<Arrived> {
        let (usage, codec) = negotiated.payload_type(packet.payload_type)?;
        let binding = match self.bindings.get(&packet.ssrc) {
            Some(binding) => *binding,
            None => self.bind(packet, usage, negotiated)?,
        };
        let (at, number, start) = match binding {
            Binding::Media(at) => {
                let stream = self.streams.get_mut(at)?;
                stream.on_packet(number, packet.timestamp, codec, now).then_some((at, number, 0))?
            }
            Binding::RepairOf(mid, rid) => {
                // RFC 4588, section 4: the number of the packet that is repeated, and its payload. Without one it is padding.
                let (seq, _) = self.opened[..len].split_first_chunk::<2>()?;
                let at = self.streams.iter().rposition(|stream| (stream.mid, stream.rid) == (mid, rid))?;
                let number = self.streams[at].number_of(u16::from_be_bytes(*seq));
                self.streams[at].recover(number).then_some((at, number, seq.len()))?
            }
        };
        self.payload = start..len;
        let stream = &mut self.streams[at];
        let is_new = !std::mem::replace(&mut stream.is_announced, true);
        Some(Arrived {
            stream: is_new.then_some((stream.stream, stream.mid, stream.rid)),
            packet: conclave_sfu::Packet {
                stream: stream.stream,
                codec,
                seq: number,
                time: packet.timestamp,
                recorded: self.clock.recorded(stream.report.as_ref(), packet.timestamp, codec.clock_rate(), now),
                marker: packet.marker,
            },
        })
    }

    /// The payload of the packet that came last.
    pub(super) fn payload(&self) -> &[u8] {
        self.opened.get(self.payload.clone()).unwrap_or_default()
    }

    /// Finds out what a new SSRC carries: by what the packet says of itself (RFC 8843, section 9.2; RFC 8852), else by the offer.
    fn bind(&mut self, packet: &Packet<'_>, usage: Use, negotiated: &Negotiated) -> Option<Binding> {
        let ids = &negotiated.extensions;
        let text = |id: Option<u8>| std::str::from_utf8(packet.extension(id?)?).ok();
        let named = text(ids.mid).and_then(|mid| Mid::new(mid).ok());
        let rid = |id| text(id).and_then(|rid| Rid::new(rid).ok());
        let (is_repair, mid, rid) = match (named, rid(ids.repaired_rid), rid(ids.rid)) {
            (Some(mid), Some(rid), None) => (true, mid, Some(rid)),
            (Some(mid), _, Some(rid)) => (false, mid, Some(rid)),
            (Some(mid), None, None) => (usage == Use::Repair, mid, None),
            (None, ..) => {
                let (mid, is_repair) = negotiated.offered_ssrc(packet.ssrc)?;
                (is_repair, mid, None)
            }
        };
        if self.bindings.len() >= MAX_STREAMS {
            self.bindings = LookupMap::default();
            self.streams.clear();
        }
        let binding = if is_repair {
            Binding::RepairOf(mid, rid)
        } else {
            self.streams.push(Incoming::new(IncomingStream(packet.ssrc), mid, rid));
            Binding::Media(self.streams.len() - 1)
        };
        self.bindings.insert(packet.ssrc, binding);
        Some(binding)
    }

    /// Opens a compound packet to `out`.
    pub(super) fn open_rtcp(&mut self, datagram: &[u8], out: &mut [u8]) -> Result<usize, OpenRefused> {
        self.opener.open_rtcp(datagram, out)
    }

    pub(super) fn on_sender_report(&mut self, ssrc: u32, report: SenderInfo, now: Time) {
        let Some(Binding::Media(at)) = self.bindings.get(&ssrc) else { return };
        if let Some(stream) = self.streams.get_mut(*at) {
            self.clock.on_report(&report, now);
            stream.on_report(report, now);
        }
    }

    /// What the senders of streams are told, of those of which something came.
    pub(super) fn blocks(&mut self, now: Time) -> Vec<Block> {
        self.streams.iter_mut().filter_map(|stream| stream.block(now)).collect()
    }

    /// Whether arrivals are to be told.
    pub(super) fn has_arrivals(&self) -> bool {
        self.arrivals.as_ref().is_some_and(Arrivals::is_pending)
    }

    /// Tells when packets came, as far as there is room.
    pub(super) fn tell_arrivals(&mut self, own: u32, writer: &mut Writer<'_>) -> Result<(), NoRoom> {
        let media = self.streams.first().map_or(0, |stream| stream.stream.0);
        self.arrivals.as_mut().map_or(Ok(()), |arrivals| arrivals.write(own, media, writer))
    }

    /// When packets are to be asked for.
    pub(super) fn asks_at(&self) -> Time {
        self.streams.iter().map(Incoming::asks_at).min().unwrap_or(Time::MAX)
    }

    /// Asks for what is missing.
    pub(super) fn ask(&mut self, own: u32, round_trip: Duration, writer: &mut Writer<'_>, now: Time) -> Result<(), NoRoom> {
        for stream in self.streams.iter_mut().filter(|stream| stream.asks_at() <= now) {
            writer.nack(own, stream.stream.0, stream.ask(ASK_AGAIN.max(round_trip), now))?;
        }
        Ok(())
    }
}
