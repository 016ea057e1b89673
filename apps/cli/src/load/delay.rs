//! How long packets took, in little memory: counts by size, each bucket a thirty-second part of a power of two wide.

/// Buckets of one power of two.
const PARTS: u64 = 32;
/// Of values below `PARTS` each has a bucket of its own.
const BUCKETS: usize = PARTS as usize * 60;

/// Microseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Delays {
    /// Grows to the largest that was needed.
    counts: Vec<u64>,
    total: u64,
    most: u64,
}

impl Delays {
    pub(super) fn record(&mut self, micros: u64) {
        let at = bucket(micros);
        if self.counts.len() <= at {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += 1;
        self.total += 1;
        self.most = self.most.max(micros);
    }

    /// These and those.
    pub(super) fn add(&mut self, more: &Self) {
        if self.counts.len() < more.counts.len() {
            self.counts.resize(more.counts.len(), 0);
        }
        self.counts.iter_mut().zip(&more.counts).for_each(|(count, more)| *count += more);
        self.total += more.total;
        self.most = self.most.max(more.most);
    }

    /// What `percent` of all do not exceed, to 3 % (the upper end of its bucket); none of none.
    pub(super) fn percentile(&self, percent: f64) -> Option<u64> {
        let rank = (self.total as f64 * percent / 100.0).ceil().max(1.0);
        let mut seen = 0;
        let at = self.counts.iter().position(|count| {
            seen += count;
            seen as f64 >= rank
        })?;
        Some(upper(at).min(self.most))
    }

    pub(super) fn most(&self) -> Option<u64> {
        (self.total > 0).then_some(self.most)
    }
}

fn bucket(value: u64) -> usize {
    let power = u64::from(value.max(1).ilog2()).saturating_sub(PARTS.ilog2().into());
    let at = power * PARTS + (value >> power);
    usize::try_from(at).map_or(BUCKETS, |at| at.min(BUCKETS))
}

/// The largest value of a bucket.
fn upper(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let power = (bucket / PARTS).saturating_sub(1);
    ((bucket - power * PARTS + 1) << power) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_three_percent_whatever_their_size() {
        let mut delays = Delays::default();
        for value in (1..=1000).rev() {
            delays.record(value * 100);
        }
        for (percent, exact) in [(50.0, 50_000.0), (99.0, 99_000.0), (0.0, 100.0)] {
            let found = delays.percentile(percent).expect("some") as f64;
            assert!((exact..=exact * 1.035).contains(&found), "{percent}: {found}");
        }
        assert_eq!((delays.percentile(100.0), delays.most()), (Some(100_000), Some(100_000)));
    }

    #[test]
    fn every_value_lies_in_its_bucket() {
        for value in (0..5000).chain([1 << 20, (1 << 40) + 12345, u64::from(u32::MAX)]) {
            let at = bucket(value);
            assert!(value <= upper(at) && (at == 0 || value > upper(at - 1)), "{value} in {at}");
        }
        assert!(bucket(u64::MAX) <= BUCKETS);
    }

    #[test]
    fn of_two_sides_together_the_percentile_is_that_of_all() {
        let (mut a, mut b) = (Delays::default(), Delays::default());
        (1..=99).for_each(|value| a.record(value % 10));
        b.record(700_000);
        assert_eq!((a.most(), Delays::default().percentile(50.0)), (Some(9), None));
        a.add(&b);
        assert_eq!((a.percentile(99.0), a.most()), (Some(9), Some(700_000)));
    }
}
