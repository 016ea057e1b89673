//! Time and randomness of the system.

use std::time::{Duration, Instant, SystemTime};

use conclave_base::Time;

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

/// POSIX time, seconds.
pub(crate) fn unix_seconds() -> u64 {
    unix().as_secs()
}

fn unix() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO)
}

/// Fresh randomness from the system.
pub(crate) fn seed() -> anyhow::Result<conclave_base::Secret<32>> {
    Ok(conclave_base::Secret::new(random()?))
}

/// So many bytes of it.
pub(crate) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("the system gives no randomness: {e}"))?;
    Ok(bytes)
}
