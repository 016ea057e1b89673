use std::time::Instant;

use conclave_base::Time;

/// Translates between our [`Time`] and the `Instant`s that str0m counts in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    zero: Time,
    origin: Instant,
}

impl Clock {
    /// A clock for a connection that opens at `now`.
    pub(crate) fn starting(now: Time) -> Self {
        #[allow(clippy::disallowed_methods, reason = "an Instant has no other constructor; only spans from it are used")]
        let origin = Instant::now();
        Self { zero: now, origin }
    }

    /// The `Instant` that stands for `time`; times before the start are the start.
    pub(crate) fn instant(&self, time: Time) -> Instant {
        self.origin + (time - self.zero)
    }

    /// The `Time` that `instant` stands for; instants before the start are the start.
    pub(crate) fn time(&self, instant: Instant) -> Time {
        self.zero + instant.saturating_duration_since(self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let clock = Clock::starting(Time::from_millis(7_000));
        let later = Time::from_millis(7_250);
        assert_eq!(clock.time(clock.instant(later)), later);
        assert_eq!(clock.instant(Time::ZERO), clock.instant(Time::from_millis(7_000)));
    }
}
