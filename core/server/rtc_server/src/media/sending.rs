//! All that we send to the other side: packets that wait, sealed into batches; what was lost, sent again; and how much the path carries.

use std::collections::VecDeque;
use std::time::Duration;

use conclave_base::Time;
use conclave_rtp::rtcp::{Block, Feedback};
use conclave_rtp::{Batch, Bounds, Estimator, Outgoing as Header, SealRefused, Sealer, Sent, sealed_len};
use conclave_sfu::{Mid, OutgoingPacket, OutgoingStream, WriteRefused};

use super::clock::ntp;
use super::negotiated::PayloadType;
use super::outgoing::{Outgoing, Unsealed};
use super::prober::Prober;
use super::vp8;

/// What the estimate begins with, in bits per second.
const FIRST_ESTIMATE: u64 = 4_000_000;
/// What it stays between.
const BOUNDS: Bounds = Bounds { least: 50_000, most: 100_000_000 };
/// Packets that wait to be sealed; the owner takes all of them out after each batch of datagrams that came.
const MAX_WAITING: usize = 2048;
/// Bytes that packets of a picture are padded by, so that they leave together: a sender splits a frame into parts that differ by a byte.
const MOST_PADDING: u8 = 16;
/// Waiting packets that are looked at for it.
const LOOKAHEAD: usize = 16;
/// Repairs that one RTCP packet may ask for.
const MOST_ASKED: usize = 512;
/// Packets of a probe that leave at once.
const MOST_PROBES: usize = 64;

/// A packet that waits.
#[derive(Debug)]
struct Waiting {
    stream: usize,
    packet: Unsealed,
    purpose: Purpose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Media,
    /// Sent again under the SSRC for repairs, for a probe if it is not 0.
    Repair(u8),
}

#[derive(Debug)]
pub(super) struct Sending {
    sealer: Option<Sealer>,
    /// In order of their beginning; none ever goes.
    pub(super) streams: Vec<Outgoing>,
    waiting: VecDeque<Waiting>,
    /// Once something is sent, since it is large.
    sent: Option<Sent>,
    estimator: Estimator,
    prober: Prober,
    wanted: u64,
    round_trip: Duration,
}

impl Default for Sending {
    fn default() -> Self {
        Self {
            sealer: None,
            streams: Vec::new(),
            waiting: VecDeque::new(),
            sent: None,
            estimator: Estimator::new(FIRST_ESTIMATE, BOUNDS),
            prober: Prober::default(),
            wanted: 0,
            round_trip: Duration::from_millis(100),
        }
    }
}

impl Sending {
    pub(super) fn start(&mut self, sealer: Sealer) {
        self.sealer = Some(sealer);
        self.register();
    }

    /// The stream of a section, which may be new.
    pub(super) fn add(&mut self, stream: Outgoing) -> usize {
        let known = self.streams.iter_mut().position(|known| known.ssrc == stream.ssrc);
        let at = known.unwrap_or_else(|| {
            self.streams.push(Outgoing::new(stream.mid, stream.ssrc, stream.repairs.as_ref().map(|repairs| repairs.ssrc), stream.cname));
            self.streams.len() - 1
        });
        (self.streams[at].types, self.streams[at].extensions) = (stream.types, stream.extensions);
        self.register();
        at
    }

    /// Makes the streams known to the sealer that are not yet.
    fn register(&mut self) {
        let Some(sealer) = &mut self.sealer else { return };
        for stream in &mut self.streams {
            if stream.id.is_none() {
                stream.id = sealer.add_stream(stream.ssrc).ok();
            }
            if let Some(repairs) = stream.repairs.as_mut().filter(|repairs| repairs.id.is_none()) {
                repairs.id = sealer.add_stream(repairs.ssrc).ok();
            }
        }
    }

    pub(super) fn write(&mut self, stream: OutgoingStream, packet: OutgoingPacket<'_>) -> Result<(), WriteRefused> {
        if self.sealer.is_none() || self.waiting.len() >= MAX_WAITING {
            return Err(WriteRefused::Full);
        }
        let at = stream.0 as usize;
        self.streams.get(at).ok_or(WriteRefused::NoStream)?.payload_type(packet.codec).ok_or(WriteRefused::NoCodec)?;
        let unsealed = Unsealed {
            number: packet.seq,
            timestamp: packet.time,
            recorded: packet.recorded,
            marker: packet.marker,
            codec: packet.codec,
            vp8: packet.vp8,
            payload: packet.payload.clone(),
        };
        self.waiting.push_back(Waiting { stream: at, packet: unsealed, purpose: Purpose::Media });
        Ok(())
    }

    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Seals what waits, as far as it can leave together.
    pub(super) fn seal(&mut self, batch: &mut Batch, now: Time) {
        let Some(sealer) = &mut self.sealer else { return };
        while let Some(waiting) = self.waiting.front() {
            let Some(stream) = self.streams.get_mut(waiting.stream) else {
                self.waiting.pop_front();
                continue;
            };
            let least = if batch.is_empty() { longest_of_its_kind(&self.waiting) } else { 0 };
            if !seal_one(sealer, stream, (waiting, least), self.sent.get_or_insert_default(), batch, now) {
                return;
            }
            if let Some(Waiting { packet, purpose: Purpose::Media, .. }) = self.waiting.pop_front() {
                stream.on_sent(packet, now);
            }
        }
    }

    pub(super) fn seal_rtcp(&mut self, packet: &[u8], out: &mut [u8]) -> Result<usize, SealRefused> {
        self.sealer.as_mut().ok_or(SealRefused::Exhausted)?.seal_rtcp(packet, out)
    }

    /// The section that a stream is of.
    pub(super) fn mid_of(&self, ssrc: u32) -> Option<Mid> {
        self.streams.iter().find(|stream| stream.ssrc == ssrc).map(|stream| stream.mid)
    }

    /// The receiver has not got some packets of a stream.
    pub(super) fn on_nack(&mut self, ssrc: u32, lost: impl Iterator<Item = u16>, now: Time) {
        let Some(at) = self.streams.iter().position(|stream| stream.ssrc == ssrc) else { return };
        for seq in lost.take(MOST_ASKED) {
            if self.waiting.len() >= MAX_WAITING {
                return;
            }
            if let Some(packet) = self.streams[at].repair(seq, self.round_trip, now) {
                self.waiting.push_back(Waiting { stream: at, packet, purpose: Purpose::Repair(0) });
            }
        }
    }

    /// The receiver tells how a stream arrives.
    pub(super) fn on_block(&mut self, block: &Block, now: Time) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.ssrc == block.ssrc) {
            stream.is_known = true;
        }
        if block.last_report == 0 {
            return;
        }
        // RFC 3550, section 6.4.1, in 2^-16 seconds.
        let trip = ((ntp(now) >> 16) as u32).wrapping_sub(block.last_report).wrapping_sub(block.delay);
        if trip.cast_signed() >= 0 {
            let trip = Duration::from_micros(u64::from(trip) * 1_000_000 / 65_536);
            self.round_trip = trip.clamp(Duration::from_millis(5), Duration::from_secs(1));
            self.estimator.on_round_trip(trip);
        }
    }

    /// The receiver tells when packets came; gives what the path carries. Of sound alone nobody can tell.
    pub(super) fn on_feedback(&mut self, feedback: Feedback<'_>, now: Time) -> Option<u64> {
        let estimator = &mut self.estimator;
        if let Some(sent) = &mut self.sent {
            sent.apply(feedback, now, |outcome| estimator.on_outcome(outcome));
        }
        estimator.on_feedback(now);
        self.probed_with().map(|_| self.estimator.estimate())
    }

    pub(super) fn round_trip(&self) -> Duration {
        self.round_trip
    }

    pub(super) fn set_wanted(&mut self, bits: u64) {
        self.wanted = bits;
    }

    /// When [`Self::probe`] is to be asked.
    pub(super) fn probes_at(&self) -> Time {
        let wakes = self.prober.wakes_at(self.estimator.estimate(), self.wanted);
        if self.sealer.is_some() && self.probed_with().is_some() { wakes } else { Time::MAX }
    }

    /// The stream that can be probed with: pictures, since a browser takes empty packets of sound for a stream of their own.
    fn probed_with(&self) -> Option<usize> {
        self.streams.iter().rposition(|stream| stream.extensions.transport_wide.is_some() && stream.has_recent())
    }

    /// Has the packets of a probe sent that are due.
    pub(super) fn probe(&mut self, now: Time) {
        let Some(at) = self.probed_with() else { return };
        for nth in 0..MOST_PROBES {
            let Some(number) = self.prober.due(self.estimator.estimate(), self.wanted, now) else { return };
            let packet = self.streams[at].recent(nth, now).filter(|_| self.waiting.len() < MAX_WAITING);
            let Some(packet) = packet else {
                self.prober.give_up(now);
                return;
            };
            self.prober.on_sent(packet.payload.len());
            self.waiting.push_back(Waiting { stream: at, packet, purpose: Purpose::Repair(number) });
        }
    }
}

/// Bytes of the longest payload among those that can leave together with the first one, if that is padded: the first one of a batch is its longest.
fn longest_of_its_kind(waiting: &VecDeque<Waiting>) -> usize {
    let Some(first) = waiting.front().filter(|first| first.packet.codec.is_video()) else { return 0 };
    let most = first.packet.payload.len() + usize::from(MOST_PADDING);
    let alike = waiting.iter().take(LOOKAHEAD).filter(|other| other.stream == first.stream && other.purpose == first.purpose);
    alike.map(|other| other.packet.payload.len()).filter(|len| *len <= most).max().unwrap_or_default()
}

/// `false` if the packet does not fit into the batch; one that cannot be sealed at all is as good as sealed.
fn seal_one(
    sealer: &mut Sealer,
    stream: &mut Outgoing,
    (Waiting { packet, purpose, .. }, least): (&Waiting, usize),
    sent: &mut Sent,
    batch: &mut Batch,
    now: Time,
) -> bool {
    let Some(PayloadType { media, repair, .. }) = stream.payload_type(packet.codec) else { return true };
    let (id, payload_type, probe) = match purpose {
        Purpose::Media => (stream.id, Some(media), 0),
        Purpose::Repair(probe) => (stream.repairs.as_ref().and_then(|repairs| repairs.id), repair, *probe),
    };
    let (Some(id), Some(payload_type)) = (id, payload_type) else { return true };

    let start = vp8::Start::of(&packet.payload, packet.vp8);
    let [changed, rest] = start.parts(&packet.payload);
    let original = (packet.number as u16).to_be_bytes();
    let is_media = *purpose == Purpose::Media;
    let parts = [if is_media { &[] } else { &original[..] }, changed, rest];
    let name = stream.mid;
    let mid = stream.extensions.mid.filter(|_| !is_media || !stream.is_known).map(|id| (id, name.as_str().as_bytes()));
    let transport_wide = stream.extensions.transport_wide;

    let (unnumbered, count) = extensions(transport_wide.map(|id| (id, &[0; 2][..])), mid);
    let header = Header { marker: packet.marker, payload_type, timestamp: packet.timestamp, extensions: &unnumbered[..count], padding: 0 };
    let len = sealed_len(&header, parts.iter().map(|part| part.len()).sum());
    let first = u8::try_from(least.saturating_sub(packet.payload.len())).unwrap_or_default();
    let padding = match batch.padding(len, if packet.codec.is_video() { MOST_PADDING } else { 0 }) {
        Some(padding) => padding.max(first),
        // The last one may be shorter.
        None if batch.takes(len) => 0,
        None => return batch.is_empty(),
    };
    let number = match (purpose, &mut stream.repairs) {
        (Purpose::Repair(_), Some(repairs)) => repairs.next_number(),
        _ => packet.number,
    };
    let Ok(claim) = sealer.claim(id, number) else { return true };
    let len = len + usize::from(padding);
    let seq = transport_wide.map(|_| sent.push(len, probe, now)).unwrap_or_default().to_be_bytes();
    let (numbered, count) = extensions(transport_wide.map(|id| (id, &seq[..])), mid);
    let header = Header { extensions: &numbered[..count], padding, ..header };
    match claim.seal(&header, &parts, batch.space(len)) {
        Ok(len) => batch.push(len),
        Err(e) => tracing::debug!("packet not sealed: {e}"),
    }
    true
}

/// Those of the two that there are, and how many.
fn extensions<'a>(one: Option<(u8, &'a [u8])>, other: Option<(u8, &'a [u8])>) -> ([(u8, &'a [u8]); 2], usize) {
    match (one, other) {
        (Some(one), Some(other)) => ([one, other], 2),
        (Some(only), None) | (None, Some(only)) => ([only; 2], 1),
        (None, None) => ([(0, &[]); 2], 0),
    }
}
