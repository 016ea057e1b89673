use std::time::Duration;

use conclave_base::Time;

const WINDOW: Duration = Duration::from_millis(500);

/// Bits per second of a stream, averaged over about a second.
#[derive(Debug, Default)]
pub(crate) struct BitrateMeter {
    since: Time,
    bytes: u64,
    bits: u64,
}

impl BitrateMeter {
    pub(crate) fn add(&mut self, bytes: usize, now: Time) {
        let passed = now - self.since;
        if passed >= WINDOW {
            let micros = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX);
            let measured = self.bytes.saturating_mul(8_000_000) / micros;
            self.bits = if passed >= 4 * WINDOW { measured } else { (self.bits + measured) / 2 };
            self.since = now;
            self.bytes = 0;
        }
        self.bytes += bytes as u64;
    }

    pub(crate) fn bits(&self) -> u64 {
        self.bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_is_measured() {
        let mut rate = BitrateMeter::default();
        for i in 0..300 {
            rate.add(1250, Time::from_millis(10_000 + i * 10));
        }
        assert!((950_000..=1_050_000).contains(&rate.bits()), "{}", rate.bits());
    }
}
