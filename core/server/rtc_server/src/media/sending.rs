//! All that we send to the other side: packets sealed into batches, and how much the path carries.

use std::time::Duration;

use conclave_base::Time;
use conclave_rtp::rtcp::{Block, Feedback};
use conclave_rtp::{Batch, Bounds, Estimator, Outgoing as Header, SealRefused, Sealer, Sent, sealed_len};
use conclave_sfu::{Mid, OutgoingPacket, OutgoingStream, Purpose, Sealing};

use super::clock::ntp;
use super::negotiated::PayloadType;
use super::outgoing::Outgoing;
use super::prober::Prober;
use super::vp8;

/// What the estimate begins with, in bits per second.
const FIRST_ESTIMATE: u64 = 4_000_000;
/// What it stays between.
const BOUNDS: Bounds = Bounds { least: 50_000, most: 100_000_000 };
/// Bytes that packets of a picture are padded by, so that they leave together: a sender splits a frame into parts that differ by a byte.
const MOST_PADDING: u8 = 16;

#[derive(Debug)]
pub(super) struct Sending {
    sealer: Option<Sealer>,
    /// In order of their beginning; none ever goes.
    pub(super) streams: Vec<Outgoing>,
    /// Once something is sent, since it is large.
    sent: Option<Sent>,
    estimator: Estimator,
    prober: Prober,
    /// [`Self::probe`] is to be asked.
    is_probing: bool,
    wanted: u64,
    round_trip: Duration,
}

impl Default for Sending {
    fn default() -> Self {
        Self {
            sealer: None,
            streams: Vec::new(),
            sent: None,
            estimator: Estimator::new(FIRST_ESTIMATE, BOUNDS),
            prober: Prober::default(),
            is_probing: false,
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

    pub(super) fn has_keys(&self) -> bool {
        self.sealer.is_some()
    }

    /// Seals a packet into a batch.
    pub(super) fn seal(
        &mut self,
        at: OutgoingStream,
        packet: &OutgoingPacket<'_>,
        purpose: Purpose,
        batch: &mut Batch,
        now: Time,
    ) -> Sealing {
        let (Some(sealer), Some(stream)) = (&mut self.sealer, self.streams.get_mut(at.0 as usize)) else { return Sealing::Refused };
        let probe = if purpose == Purpose::Probe { self.prober.number() } else { 0 };
        let sent = self.sent.get_or_insert_default();
        let sealed = seal(sealer, stream, packet, (purpose, probe), sent, (self.round_trip, now), batch);
        if sealed == Sealing::Sealed {
            match purpose {
                Purpose::Media => stream.on_sent(packet),
                Purpose::Repair => {}
                Purpose::Probe => self.prober.on_sent(packet.payload.len()),
            }
        }
        sealed
    }

    pub(super) fn seal_rtcp(&mut self, packet: &[u8], out: &mut [u8]) -> Result<usize, SealRefused> {
        self.sealer.as_mut().ok_or(SealRefused::Exhausted)?.seal_rtcp(packet, out)
    }

    /// The section that a stream is of.
    pub(super) fn mid_of(&self, ssrc: u32) -> Option<Mid> {
        self.streams.iter().find(|stream| stream.ssrc == ssrc).map(|stream| stream.mid)
    }

    /// The stream with an SSRC.
    pub(super) fn stream(&self, ssrc: u32) -> Option<OutgoingStream> {
        self.streams.iter().position(|stream| stream.ssrc == ssrc).map(|at| OutgoingStream(at as u32))
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

    /// When [`Self::begin_probe`] is due.
    pub(super) fn probes_at(&self) -> Time {
        if self.is_probing || self.sealer.is_none() || self.probed_with().is_none() {
            return Time::MAX;
        }
        self.prober.wakes_at(self.estimator.estimate(), self.wanted)
    }

    /// The stream that can be probed with: pictures, since a browser takes empty packets of sound for a stream of their own.
    fn probed_with(&self) -> Option<usize> {
        self.streams.iter().rposition(|stream| stream.extensions.transport_wide.is_some() && stream.has_repairable())
    }

    /// If a probe is due, its packets are asked for.
    pub(super) fn begin_probe(&mut self, now: Time) {
        self.is_probing |= self.probes_at() <= now;
    }

    pub(super) fn is_probing(&self) -> bool {
        self.is_probing
    }

    /// The stream of which a packet is to be sent for a probe; `None` if none is due now.
    pub(super) fn probe(&mut self, now: Time) -> Option<OutgoingStream> {
        let at = self.probed_with().filter(|_| self.is_probing);
        let stream = at.filter(|_| self.prober.due(self.estimator.estimate(), self.wanted, now).is_some());
        self.is_probing &= stream.is_some();
        stream.map(|at| OutgoingStream(at as u32))
    }

    pub(super) fn give_up_probe(&mut self, now: Time) {
        self.is_probing = false;
        self.prober.give_up(now);
    }
}

fn seal(
    sealer: &mut Sealer,
    stream: &mut Outgoing,
    packet: &OutgoingPacket<'_>,
    (purpose, probe): (Purpose, u8),
    sent: &mut Sent,
    (round_trip, now): (Duration, Time),
    batch: &mut Batch,
) -> Sealing {
    let Some(PayloadType { media, repair, .. }) = stream.payload_type(packet.codec) else { return Sealing::Refused };
    let is_media = purpose == Purpose::Media;
    let (id, payload_type) = match &stream.repairs {
        _ if is_media => (stream.id, Some(media)),
        Some(repairs) => (repairs.id, repair),
        None => (None, None),
    };
    let (Some(id), Some(payload_type)) = (id, payload_type) else { return Sealing::Refused };

    let start = vp8::Start::of(packet.payload, packet.vp8);
    let [changed, rest] = start.parts(packet.payload);
    let original = (packet.seq as u16).to_be_bytes();
    let parts = [if is_media { &[] } else { &original[..] }, changed, rest];
    let name = stream.mid;
    let mid = stream.extensions.mid.filter(|_| !is_media || !stream.is_known).map(|id| (id, name.as_str().as_bytes()));
    let transport_wide = stream.extensions.transport_wide;

    let (unnumbered, count) = extensions(transport_wide.map(|id| (id, &[0; 2][..])), mid);
    let header = Header { marker: packet.marker, payload_type, timestamp: packet.time, extensions: &unnumbered[..count], padding: 0 };
    let len = sealed_len(&header, parts.iter().map(|part| part.len()).sum());
    let most = if packet.codec.is_video() { MOST_PADDING } else { 0 };
    // The first one of a batch is its longest.
    let first =
        packet.longest.checked_sub(packet.payload.len()).and_then(|missing| u8::try_from(missing).ok()).filter(|missing| *missing <= most);
    let padding = match batch.padding(len, most) {
        Some(padding) => padding.max(first.unwrap_or_default()),
        // The last one may be shorter.
        None if batch.takes(len) => 0,
        None if batch.is_empty() => return Sealing::Refused,
        None => return Sealing::Later,
    };
    if purpose == Purpose::Repair && !stream.may_repair(packet.seq, packet.payload.len(), round_trip, now) {
        return Sealing::Refused;
    }
    let number = match &mut stream.repairs {
        Some(repairs) if !is_media => repairs.next_number(),
        _ => packet.seq,
    };
    let Ok(claim) = sealer.claim(id, number) else { return Sealing::Refused };
    let len = len + usize::from(padding);
    let seq = transport_wide.map(|_| sent.push(len, probe, now)).unwrap_or_default().to_be_bytes();
    let (numbered, count) = extensions(transport_wide.map(|id| (id, &seq[..])), mid);
    let header = Header { extensions: &numbered[..count], padding, ..header };
    match claim.seal(&header, &parts, batch.space(len)) {
        Ok(len) => batch.push(len),
        Err(e) => {
            tracing::debug!("packet not sealed: {e}");
            return Sealing::Refused;
        }
    }
    Sealing::Sealed
}

/// Those of the two that there are, and how many.
fn extensions<'a>(one: Option<(u8, &'a [u8])>, other: Option<(u8, &'a [u8])>) -> ([(u8, &'a [u8]); 2], usize) {
    match (one, other) {
        (Some(one), Some(other)) => ([one, other], 2),
        (Some(only), None) | (None, Some(only)) => ([only; 2], 1),
        (None, None) => ([(0, &[]); 2], 0),
    }
}
