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
}
