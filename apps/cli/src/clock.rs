//! Time and randomness of the system.

use std::time::{Duration, Instant};

use conclave_base::Time;
use conclave_device::system::unix;
pub(crate) use conclave_device::system::{random, seed, unix_seconds};

/// Unix time that never goes back, whatever happens to the system's clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    at: Time,
}

impl Clock {
    /// Begins at the system's time.
    #[expect(clippy::new_without_default, reason = "two of them differ")]
    pub fn new() -> Self {
        Self { started: Instant::now(), at: Time::ZERO + unix() }
    }

    /// The time now.
    pub fn now(&self) -> Time {
        self.at + self.started.elapsed()
    }

    /// When to wake for `time`.
    pub fn deadline(&self, time: Time) -> tokio::time::Instant {
        // "Never" is far enough away as an hour: waking for nothing costs nothing.
        let ahead = time.since(self.at).min(self.started.elapsed() + Duration::from_secs(3600));
        tokio::time::Instant::from_std(self.started + ahead)
    }
}
