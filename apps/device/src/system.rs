//! Time and randomness of the system.

use std::time::{Duration, SystemTime};

use conclave_base::Secret;

/// POSIX time, seconds.
pub fn unix_seconds() -> u64 {
    unix().as_secs()
}

/// POSIX time.
pub fn unix() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO)
}

/// Fresh randomness from the system.
pub fn seed() -> anyhow::Result<Secret<32>> {
    Ok(Secret::new(random()?))
}

/// So many bytes of it.
pub fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("the system gives no randomness: {e}"))?;
    Ok(bytes)
}
