use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore as _, SeedableRng as _};

/// Draws the ids that LiveKit's clients expect: a prefix for the kind, then twelve letters and digits.
///
/// Random, so that they tell nobody how many meetings there were.
pub(crate) struct Sids(ChaCha20Rng);

impl Sids {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    pub(crate) fn room(&mut self) -> String {
        self.draw("RM_")
    }

    pub(crate) fn participant(&mut self) -> String {
        self.draw("PA_")
    }

    /// `kind` is the letter after `TR_` by which people tell tracks apart in logs; clients look at `TR` only.
    pub(crate) fn track(&mut self, kind: &str) -> String {
        self.draw(&format!("TR_{kind}"))
    }

    fn draw(&mut self, prefix: &str) -> String {
        const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut sid = prefix.to_owned();
        for _ in 0..12 {
            // 2^32 is so much larger than 62 that the bias does not matter: sids are names, not secrets.
            let at = self.0.next_u32() % 62;
            sid.push(char::from(LETTERS[at as usize]));
        }
        sid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sids_look_as_clients_expect_and_differ() {
        let mut sids = Sids::new([1; 32]);
        let (a, b) = (sids.participant(), sids.participant());
        assert!(a.starts_with("PA_") && a.len() == 15 && a != b);
        assert!(sids.track("V").starts_with("TR_V") && sids.room().starts_with("RM_"));
    }
}
