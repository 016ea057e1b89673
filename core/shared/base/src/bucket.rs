use std::time::Duration;

use crate::Time;

/// A token bucket: `rate` tokens a second on average, `burst` at once. It counts in thousandths.
#[derive(Debug, Clone)]
pub struct Bucket {
    rate: u64,
    burst: u64,
    milli: u64,
    since: Time,
}

impl Bucket {
    /// A full one.
    pub fn full(rate: u32, burst: u32, now: Time) -> Self {
        let burst = u64::from(burst) * 1000;
        Self { rate: u64::from(rate), burst, milli: burst, since: now }
    }

    /// Takes `cost` tokens; `false`, and takes none, when there are not so many.
    pub fn take(&mut self, cost: usize, now: Time) -> bool {
        let enough = self.has(cost, now);
        if enough {
            self.milli -= milli(cost);
        }
        enough
    }

    /// Gives `cost` tokens back that were taken.
    pub fn give(&mut self, cost: usize) {
        self.milli = self.milli.saturating_add(milli(cost)).min(self.burst);
    }

    /// How long until there are `cost` tokens, if nobody takes one; no more than fit.
    pub fn wait(&mut self, cost: usize, now: Time) -> Duration {
        self.has(cost, now);
        Duration::from_millis(milli(cost).min(self.burst).saturating_sub(self.milli).div_ceil(self.rate.max(1)))
    }

    /// Whether it is as full as it can be: nothing needs to be remembered of it.
    pub fn is_full(&mut self, now: Time) -> bool {
        self.has(0, now);
        self.milli == self.burst
    }

    /// Whether there are `cost` tokens.
    pub fn has(&mut self, cost: usize, now: Time) -> bool {
        let earned = now.as_millis().saturating_sub(self.since.as_millis()).saturating_mul(self.rate);
        if earned > 0 {
            self.milli = self.milli.saturating_add(earned).min(self.burst);
            self.since = now;
        }
        self.milli >= milli(cost)
    }
}

fn milli(cost: usize) -> u64 {
    u64::try_from(cost).unwrap_or(u64::MAX).saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_average_rules() {
        let mut bucket = Bucket::full(10, 3, Time::ZERO);
        assert_eq!((0..5).filter(|_| bucket.take(1, Time::ZERO)).count(), 3);
        assert!(!bucket.take(1, Time::from_millis(99)));
        assert!(!bucket.take(2, Time::from_millis(150)));
        assert!(bucket.take(1, Time::from_millis(150)));
    }

    #[test]
    fn it_says_when_there_is_enough_again_and_takes_back_no_more_than_fits() {
        let mut bucket = Bucket::full(2, 10, Time::ZERO);
        assert!(bucket.is_full(Time::ZERO) && bucket.take(10, Time::ZERO));
        assert_eq!(bucket.wait(3, Time::ZERO), Duration::from_millis(1500));
        assert_eq!(bucket.wait(3, Time::from_millis(1000)), Duration::from_millis(500));
        bucket.give(2);
        assert_eq!(bucket.wait(3, Time::from_millis(1000)), Duration::ZERO);
        assert!(!bucket.is_full(Time::from_millis(1000)));
        bucket.give(100);
        assert!(bucket.is_full(Time::from_millis(1000)) && !bucket.take(11, Time::from_millis(1000)));
    }
}
