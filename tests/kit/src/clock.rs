use std::time::{SystemTime, UNIX_EPOCH};

use conclave_base::Time;

/// Unix time.
pub fn now() -> Time {
    Time::ZERO + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
