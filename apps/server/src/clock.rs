//! The one place of the server that reads a clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use conclave_base::Time;

/// Unix time that never goes back: the wall clock read once, then the monotonic one.
pub(crate) fn now() -> Time {
    static ORIGIN: OnceLock<(Instant, Duration)> = OnceLock::new();
    let (start, unix) = ORIGIN.get_or_init(|| (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()));
    Time::ZERO + *unix + start.elapsed()
}
