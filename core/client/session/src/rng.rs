use std::time::Duration;

use conclave_base::Secret;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore as _, SeedableRng as _};

/// All randomness of one session, drawn from the seed that the shell gave.
pub(crate) struct Rng(ChaCha20Rng);

impl Rng {
    pub(crate) fn new(seed: &Secret<32>) -> Self {
        Self(ChaCha20Rng::from_seed(*seed.expose()))
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    pub(crate) fn secret(&mut self) -> Secret<32> {
        Secret::new(self.bytes())
    }

    /// For what draws by itself.
    pub(crate) const fn source(&mut self) -> &mut ChaCha20Rng {
        &mut self.0
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Evenly from `0..limit`; `limit` is small beside 2^64.
    pub(crate) fn gen_range(&mut self, limit: u64) -> u64 {
        self.0.next_u64() % limit.max(1)
    }

    /// Evenly within `span`.
    pub(crate) fn spread(&mut self, span: Duration) -> Duration {
        Duration::from_micros(self.gen_range(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }
}
