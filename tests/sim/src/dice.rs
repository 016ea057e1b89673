use std::time::Duration;

use conclave_base::Secret;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore as _, SeedableRng as _};

/// Chance from a seed. Each purpose has dice of its own, so that one more draw for one changes nothing for another.
pub(crate) struct Dice(ChaCha20Rng);

impl Dice {
    pub(crate) fn new(seed: u64, purpose: &str, number: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        bytes[8..16].copy_from_slice(&number.to_be_bytes());
        for (byte, letter) in bytes[16..].iter_mut().zip(purpose.bytes()) {
            *byte = letter;
        }
        Self(ChaCha20Rng::from_seed(bytes))
    }

    /// One of `0..end`; `end` is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    pub(crate) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len.try_into().expect("a usize fits"))).expect("below a usize")
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from + 1))
    }

    pub(crate) fn secret(&mut self) -> Secret<32> {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        Secret::new(bytes)
    }
}
