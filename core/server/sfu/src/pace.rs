//! How fast pictures leave for one receiver. What comes at once, a key frame of hundreds of packets say, would overflow the receiver's socket or a queue
//! on its path if it left at once.

use conclave_base::Time;

/// Bytes that may leave at once: more than a usual picture has, and less than half of what a socket of the usual size holds.
const BURST: i64 = 48_000;
/// A path is taken to carry this much, whatever the estimate, in bits per second: an estimate that fell too low must not keep back what it is measured by.
const LEAST: u64 = 4_000_000;
/// What leaves, of what the path is taken to carry, in halves (WebRTC's senders pace by the same factor).
const HALVES: u64 = 5;

/// A leaky bucket, which each receiver has.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Bytes that may leave now; what the last packet was too long is owed.
    left: i64,
    filled: Time,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self { left: BURST, filled: Time::ZERO }
    }

    /// Time has passed; the path carries `estimate`, and `desired` is what is sent on average, both in bits per second.
    pub(crate) fn fill(&mut self, estimate: Option<u64>, desired: u64, now: Time) {
        let bits = estimate.unwrap_or(0).max(desired).max(LEAST).saturating_mul(HALVES) / 2;
        let passed = u64::try_from((now - self.filled).as_micros()).unwrap_or(u64::MAX);
        let bytes = i64::try_from(bits.saturating_mul(passed) / 8_000_000).unwrap_or(BURST);
        if bytes > 0 {
            self.filled = now;
            self.left = self.left.saturating_add(bytes).min(BURST);
        }
    }

    /// Whether the next packet may leave.
    pub(crate) const fn allows(&self) -> bool {
        self.left > 0
    }

    /// A packet of this length left.
    pub(crate) const fn on_sent(&mut self, len: usize) {
        self.left = self.left.saturating_sub_unsigned(len as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of 1,200 bytes that leave in so many milliseconds, of those that came at zero.
    fn leave(estimate: Option<u64>, desired: u64, ms: u64) -> usize {
        let mut pace = Pace::new();
        let mut count = 0;
        for now in (0..ms).map(Time::from_millis) {
            pace.fill(estimate, desired, now);
            while pace.allows() {
                pace.on_sent(1200);
                count += 1;
            }
        }
        count
    }

    #[test]
    fn a_burst_leaves_at_once_and_the_rest_as_fast_as_the_path_is_taken_to_carry() {
        assert_eq!(leave(None, 0, 1), 40);
        // 10 Mbit/s.
        assert!((140..155).contains(&leave(None, 0, 100)));
        assert!((240..260).contains(&leave(Some(8_000_000), 0, 100)));
    }

    #[test]
    fn an_estimate_that_fell_holds_back_nothing_that_is_sent_anyway() {
        assert!((140..155).contains(&leave(Some(100_000), 0, 100)));
        assert!((240..260).contains(&leave(Some(100_000), 8_000_000, 100)));
    }

    #[test]
    fn what_is_not_used_is_not_saved_up() {
        let mut pace = Pace::new();
        pace.fill(None, 0, Time::from_millis(3_600_000));
        assert_eq!(pace.left, BURST);
    }
}
