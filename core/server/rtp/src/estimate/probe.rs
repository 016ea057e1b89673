//! Short bursts above the estimate, by which it learns that there is more.

use conclave_base::Time;

use super::millis;
use crate::twcc::Outcome;

/// Probes that are on their way at once.
const CLUSTERS: usize = 4;
/// Packets of one.
const ENOUGH: u32 = 5;
/// Longest time that one takes, in milliseconds.
const LONGEST: f64 = 1000.0;
/// One that arrives more slowly than by this share of how it left has filled the path.
const FULL: f64 = 0.9;
/// What is taken of a path that was filled.
const SHARE: f64 = 0.95;

#[derive(Debug, Clone, Copy, Default)]
struct Cluster {
    probe: u8,
    packets: u32,
    bytes: u64,
    sent: Span,
    arrived: Span,
}

/// From the first packet to the last one; the bytes of one of them do not count towards the rate.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    first: Time,
    last: Time,
    first_size: u16,
    last_size: u16,
}

impl Span {
    fn add(&mut self, is_first: bool, at: Time, size: u16) {
        if is_first || at < self.first {
            (self.first, self.first_size) = (at, size);
        }
        if is_first || at >= self.last {
            (self.last, self.last_size) = (at, size);
        }
    }

    /// Bits per second, without the bytes of one end.
    fn rate(&self, bytes: u64, without: u16) -> Option<f64> {
        let span = millis(self.first, self.last);
        (1.0..=LONGEST).contains(&span).then(|| bytes.saturating_sub(u64::from(without)) as f64 * 8.0 / span * 1e3)
    }
}

#[derive(Debug, Default)]
pub(super) struct Probes {
    clusters: [Cluster; CLUSTERS],
    next: usize,
    /// One of which feedback told since the last time.
    touched: Option<usize>,
}

impl Probes {
    pub(super) fn on_packet(&mut self, outcome: &Outcome, arrived: Time) {
        if outcome.probe == 0 {
            return;
        }
        let at = self.clusters.iter().position(|cluster| cluster.probe == outcome.probe).unwrap_or_else(|| {
            let at = self.next;
            self.next = (at + 1) % CLUSTERS;
            self.clusters[at] = Cluster { probe: outcome.probe, ..Cluster::default() };
            at
        });
        let cluster = &mut self.clusters[at];
        let is_first = cluster.packets == 0;
        cluster.packets += 1;
        cluster.bytes += u64::from(outcome.size);
        cluster.sent.add(is_first, outcome.sent, outcome.size);
        cluster.arrived.add(is_first, arrived, outcome.size);
        self.touched = Some(at);
    }

    /// What the probe reached of which feedback just told, in bits per second.
    pub(super) fn result(&mut self) -> Option<f64> {
        let cluster = &self.clusters[self.touched.take()?];
        if cluster.packets < ENOUGH {
            return None;
        }
        let left = cluster.sent.rate(cluster.bytes, cluster.sent.last_size)?;
        let came = cluster.arrived.rate(cluster.bytes, cluster.arrived.first_size)?;
        // Nothing arrives twice as fast as it left: somewhere it was held up, which tells nothing.
        if came > 2.0 * left {
            return None;
        }
        Some(if came < FULL * left { SHARE * came } else { came.min(left) })
    }
}
