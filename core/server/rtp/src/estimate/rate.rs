//! Up and down by what the detector says (draft-ietf-rmcat-gcc-02, section 5.5).

use std::time::Duration;

use conclave_base::Time;

use super::delay::Usage;

/// Down to this share of what arrives (the draft's beta).
const BETA: f64 = 0.85;
/// Up by this in a second, far from what the path carried before (eta).
const ETA: f64 = 1.08;
/// No further above what arrives.
const MOST_OF_DELIVERED: f64 = 1.5;
/// What makes slow streams go up at all.
const SPARE: f64 = 10_000.0;
/// How much of the mean of earlier limits stays.
const CAPACITY_SMOOTHING: f64 = 0.95;
/// Bits of a packet.
const PACKET: f64 = 1200.0 * 8.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Hold,
    Increase,
}

#[derive(Debug)]
pub(super) struct Rate {
    bits: f64,
    state: State,
    updated: Option<Time>,
    decreased: Option<Time>,
    capacity: Option<Capacity>,
}

/// What arrived when queues grew: the path's limit, as far as we know. In kilobits per second.
#[derive(Debug, Clone, Copy)]
struct Capacity {
    mean: f64,
    /// Relative to the mean.
    variance: f64,
}

impl Capacity {
    fn deviation(&self) -> f64 {
        (self.variance * self.mean).sqrt()
    }

    fn observe(before: Option<Self>, kilobits: f64) -> Self {
        let Some(mut capacity) = before else { return Self { mean: kilobits, variance: 0.4 } };
        capacity.mean = CAPACITY_SMOOTHING * capacity.mean + (1.0 - CAPACITY_SMOOTHING) * kilobits;
        let error = capacity.mean - kilobits;
        let variance = CAPACITY_SMOOTHING * capacity.variance + (1.0 - CAPACITY_SMOOTHING) * error * error / capacity.mean.max(1.0);
        capacity.variance = variance.clamp(0.4, 2.5);
        capacity
    }
}

impl Rate {
    pub(super) fn new(start: f64) -> Self {
        Self { bits: start, state: State::Hold, updated: None, decreased: None, capacity: None }
    }

    pub(super) fn bits(&self) -> f64 {
        self.bits
    }

    pub(super) fn clamp(&mut self, least: f64, most: f64) {
        self.bits = self.bits.clamp(least, most);
    }

    /// A probe reached more than we thought.
    pub(super) fn on_probe(&mut self, reached: f64, now: Time) {
        // While what filled the path drains, a probe measures the queue.
        let is_settled = self.decreased.is_none_or(|at| now - at > Duration::from_secs(1));
        if is_settled && reached > self.bits {
            self.bits = reached;
        }
    }

    pub(super) fn update(&mut self, usage: Usage, delivered: Option<f64>, rtt: Duration, now: Time) {
        let elapsed = (now - self.updated.replace(now).unwrap_or(now)).as_secs_f64().min(1.0);
        match (usage, self.state) {
            (Usage::Over, _) => {
                self.decrease(delivered, rtt, now);
                self.state = State::Hold;
            }
            // What waits goes first.
            (Usage::Under, _) => self.state = State::Hold,
            (Usage::Normal, State::Hold) => self.state = State::Increase,
            (Usage::Normal, State::Increase) => self.increase(delivered, rtt, elapsed),
        }
    }

    fn increase(&mut self, delivered: Option<f64>, rtt: Duration, elapsed: f64) {
        if let (Some(capacity), Some(delivered)) = (self.capacity, delivered)
            && delivered / 1000.0 > capacity.mean + 3.0 * capacity.deviation()
        {
            // The path has become another one.
            self.capacity = None;
        }
        let limit = delivered.map_or(f64::INFINITY, |delivered| MOST_OF_DELIVERED * delivered + SPARE);
        if self.bits >= limit {
            return;
        }
        let more = match self.capacity {
            // Near the limit: half a packet for each time in which it could show.
            Some(_) => {
                let response = (rtt + Duration::from_millis(100)).as_secs_f64();
                (0.5 * PACKET / response).max(4000.0) * elapsed
            }
            None => self.bits * (ETA.powf(elapsed) - 1.0),
        };
        self.bits = (self.bits + more.max(1000.0 * elapsed)).min(limit);
    }

    fn decrease(&mut self, delivered: Option<f64>, rtt: Duration, now: Time) {
        // Not again before it could show, unless hardly anything arrives.
        let pause = rtt.clamp(Duration::from_millis(100), Duration::from_millis(200));
        let delivered = delivered.unwrap_or(self.bits);
        if self.decreased.is_some_and(|at| now - at < pause) && delivered > self.bits / 2.0 {
            return;
        }
        if let Some(capacity) = self.capacity
            && delivered / 1000.0 < capacity.mean - 3.0 * capacity.deviation()
        {
            self.capacity = None;
        }
        self.capacity = Some(Capacity::observe(self.capacity, delivered / 1000.0));
        self.bits = self.bits.min(BETA * delivered);
        self.decreased = Some(now);
    }
}
