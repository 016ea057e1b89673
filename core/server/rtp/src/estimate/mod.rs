//! How much a path carries: Google congestion control (draft-ietf-rmcat-gcc-02), at the sender.
//!
//! ```text
//!             ┌─> Groups ─> Trend ─> Detector ─> Increase or decrease ─┐
//!  Outcome ───┼─> Delivered (what arrives in half a second) ──^        ├─> the smaller one
//!             ├─> Losses ──────────────────────────────────────────────┘
//!             └─> Probes ─> at once to what they reached
//! ```
//!
//! The draft's Kalman filter is a least-squares line here, as in what browsers run today; the draft's constants are named where they stand.

mod delay;
mod delivered;
mod loss;
mod probe;
mod rate;

use std::time::Duration;

use conclave_base::Time;

use crate::twcc::Outcome;
use delay::Delay;
use delivered::Delivered;
use loss::Losses;
use probe::Probes;
use rate::Rate;

/// Bits per second that an estimate stays between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// No less, or nothing would be sent that could show that there is more.
    pub least: u64,
    /// No more.
    pub most: u64,
}

/// Of one path. It is told of packets as feedback tells of them, and draws its conclusions once a feedback.
#[derive(Debug)]
pub struct Estimator {
    bounds: Bounds,
    delay: Delay,
    delivered: Delivered,
    losses: Losses,
    probes: Probes,
    rate: Rate,
    /// Round trips, smoothed.
    rtt: Duration,
}

impl Estimator {
    /// Begins at `start` bits per second.
    pub fn new(start: u64, bounds: Bounds) -> Self {
        let start = start.clamp(bounds.least, bounds.most) as f64;
        Self {
            bounds,
            delay: Delay::default(),
            delivered: Delivered::default(),
            losses: Losses::new(start),
            probes: Probes::default(),
            rate: Rate::new(start),
            rtt: Duration::from_millis(100),
        }
    }

    /// What became of a packet.
    pub fn on_outcome(&mut self, outcome: Outcome) {
        self.losses.on_packet(outcome.arrived.is_none());
        let Some(arrived) = outcome.arrived else { return };
        self.delivered.on_packet(arrived, outcome.size);
        self.probes.on_packet(&outcome, arrived);
        self.delay.on_packet(outcome.sent, arrived);
    }

    /// A round trip took this long.
    pub fn on_round_trip(&mut self, rtt: Duration) {
        self.rtt = (self.rtt * 7 + rtt.min(Duration::from_secs(2))) / 8;
    }

    /// A feedback was heard to its end.
    pub fn on_feedback(&mut self, now: Time) {
        let delivered = self.delivered.rate();
        self.rate.update(self.delay.usage(), delivered, self.rtt, now);
        if let Some(reached) = self.probes.result() {
            self.rate.on_probe(reached, now);
            self.losses.on_probe(self.rate.bits());
        }
        let (least, most) = (self.bounds.least as f64, self.bounds.most as f64);
        self.rate.clamp(least, most);
        self.losses.update(self.rate.bits(), self.rtt, now);
        self.losses.clamp(least, most);
    }

    /// Bits per second.
    pub fn estimate(&self) -> u64 {
        self.rate.bits().min(self.losses.bits()) as u64
    }

    /// What arrived within the last half second of which feedback told, in bits per second.
    pub fn delivered(&self) -> Option<u64> {
        self.delivered.rate().map(|bits| bits as u64)
    }
}

/// Milliseconds from `earlier` to `later`, below zero if it is before.
fn millis(earlier: Time, later: Time) -> f64 {
    (later.as_micros() as f64 - earlier.as_micros() as f64) / 1000.0
}
