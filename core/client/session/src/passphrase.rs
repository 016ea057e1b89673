//! The passphrase of a meeting: what it must be, and how it is asked about.
//!
//! Before it becomes a key it passes a function that only the server can compute, for this meeting alone, and that shows the server nothing of it
//! (RFC 9497, mode VOPRF, ristretto255-SHA512). So whoever has only the link has to ask for each guess, and is refused after some.
//! The server proves with each answer which key it used; the host signed that key when the meeting was made
//! ([`conclave_protocol::payload::PassphraseKey`]). An answer by another one is known for that, and is not taken for a wrong passphrase.

use std::collections::BTreeSet;

use conclave_base::MeetingId;
use conclave_protocol::http::{EvaluatePassphrase, PassphraseEvaluated};
use voprf::{BlindedElement, EvaluationElement, Group as _, Proof, Ristretto255, VoprfClient};
use zeroize::Zeroizing;

use crate::rng::Rng;

/// Shortest passphrase, in characters. The server counts guesses, so that it need not withstand a computer alone.
pub const CHARS: usize = 12;
/// From here on a passphrase of words also withstands who guesses with the link and the help of the server, at the cost of Argon2id.
pub const STRONG_CHARS: usize = 20;
/// Different characters that it has at least.
pub const DIFFERENT: usize = 5;
/// Longest passphrase, in bytes.
pub(crate) const MAX_BYTES: usize = 1024;

/// The server's part of a passphrase. With the link, the passphrase and nothing else it becomes the keys of the meeting.
pub(crate) type Evaluated = Zeroizing<[u8; 64]>;

/// The answer is not by the key that it has to be by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OtherKey;

/// The passphrase as it counts, whatever stands around it by mistake.
pub(crate) fn tidy(passphrase: &str) -> &str {
    passphrase.trim()
}

/// Whether somebody may choose this one.
pub(crate) fn is_long_enough(passphrase: &str) -> bool {
    let different: BTreeSet<char> = passphrase.chars().collect();
    passphrase.chars().count() >= CHARS && different.len() >= DIFFERENT && passphrase.len() <= MAX_BYTES
}

/// A passphrase that the server is asked about.
pub(crate) struct Asked {
    passphrase: Zeroizing<String>,
    state: VoprfClient<Ristretto255>,
    pub(crate) request: EvaluatePassphrase,
}

impl Asked {
    /// `None` if it is empty or too long.
    pub(crate) fn new(meeting: MeetingId, passphrase: &str, rng: &mut Rng) -> Option<Self> {
        let passphrase = Zeroizing::new(tidy(passphrase).to_owned());
        if passphrase.is_empty() || passphrase.len() > MAX_BYTES {
            return None;
        }
        let blinding = VoprfClient::blind(passphrase.as_bytes(), rng.source()).ok()?;
        let message: BlindedElement<Ristretto255> = blinding.message;
        let request = EvaluatePassphrase { meeting, blinded: message.serialize().into() };
        Some(Self { passphrase, state: blinding.state, request })
    }

    /// What the answer makes of it, if it is by this key.
    pub(crate) fn finish(&self, answer: &PassphraseEvaluated, server_key: &[u8; 32]) -> Result<Evaluated, OtherKey> {
        let evaluated = EvaluationElement::deserialize(&answer.evaluated).map_err(|_| OtherKey)?;
        let proof = Proof::deserialize(&answer.proof).map_err(|_| OtherKey)?;
        let public = Ristretto255::deserialize_elem(server_key).map_err(|_| OtherKey)?;
        let output = self.state.finalize(self.passphrase.as_bytes(), &evaluated, &proof, public).map_err(|_| OtherKey)?;
        Ok(Zeroizing::new(output.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_has_some_length_and_is_not_one_letter_over_and_over() {
        for short in ["", "eleven long", "aaaaaaaaaaaaaaaaaaaaaa", "abababababab", &"violet harbour ".repeat(80)] {
            assert!(!is_long_enough(short), "{short}");
        }
        for enough in ["twelve lette", "violet harbour seventeen", "فنجان شاي رابع"] {
            assert!(is_long_enough(enough), "{enough}");
        }
    }
}
