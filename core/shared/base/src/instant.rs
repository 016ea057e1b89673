use std::time::Instant;

use crate::Time;

/// Translates between our [`Time`] and the [`Instant`]s that a library counts in (str0m does).
#[derive(Debug, Clone, Copy)]
pub struct InstantOrigin {
    zero: Time,
    origin: Instant,
}

impl InstantOrigin {
    /// The origin of a connection that opens at `now`.
    pub fn starting(now: Time) -> Self {
        #[allow(clippy::disallowed_methods, reason = "an Instant has no other constructor; only spans from it are used")]
        let origin = Instant::now();
        Self { zero: now, origin }
    }

    /// The `Instant` that stands for `time`; times before the start are the start.
    pub fn instant(&self, time: Time) -> Instant {
        self.origin + (time - self.zero)
    }

    /// The `Time` that `instant` stands for; instants before the start are the start.
    pub fn time(&self, instant: Instant) -> Time {
        self.zero + instant.saturating_duration_since(self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let origin = InstantOrigin::starting(Time::from_millis(7_000));
        let later = Time::from_millis(7_250);
        assert_eq!(origin.time(origin.instant(later)), later);
        assert_eq!(origin.instant(Time::ZERO), origin.instant(Time::from_millis(7_000)));
    }
}
