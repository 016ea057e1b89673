use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use conclave_base::{MeetingId, Secret};
use conclave_protocol::ws::Class;

use crate::rng::Rng;

const NONCE: usize = 12;

/// Bytes that nobody with this meeting's link sealed in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("envelope does not open")]
pub(crate) struct NotOurs;

/// Seals what the server stores: AES-256-GCM, nonce ‖ ciphertext ‖ tag, with a random 96-bit nonce.
pub(crate) struct Envelope {
    cipher: Aes256Gcm,
    meeting: MeetingId,
}

impl Envelope {
    pub(crate) fn new(key: &Secret<32>, meeting: MeetingId) -> Self {
        Self { cipher: Aes256Gcm::new(key.expose().into()), meeting }
    }

    /// Seals a log entry of this class.
    pub(crate) fn seal(&self, class: Class, plain: &[u8], rng: &mut Rng) -> Vec<u8> {
        self.seal_as(class.code(), plain, rng)
    }

    /// Opens a log entry of this class.
    pub(crate) fn open(&self, class: Class, sealed: &[u8]) -> Result<Vec<u8>, NotOurs> {
        self.open_as(class.code(), sealed)
    }

    /// `code` stands in the AAD beside the meeting: what was sealed as one thing never opens as another.
    pub(crate) fn seal_as(&self, code: u8, plain: &[u8], rng: &mut Rng) -> Vec<u8> {
        let nonce = rng.bytes::<NONCE>();
        let payload = Payload { msg: plain, aad: &self.aad(code) };
        let sealed = self.cipher.encrypt(Nonce::from_slice(&nonce), payload).expect("entries are far below AES-GCM's 64 GiB");
        [nonce.as_slice(), &sealed].concat()
    }

    pub(crate) fn open_as(&self, code: u8, sealed: &[u8]) -> Result<Vec<u8>, NotOurs> {
        let (nonce, body) = sealed.split_at_checked(NONCE).ok_or(NotOurs)?;
        let payload = Payload { msg: body, aad: &self.aad(code) };
        self.cipher.decrypt(Nonce::from_slice(nonce), payload).map_err(|_| NotOurs)
    }

    fn aad(&self, code: u8) -> Vec<u8> {
        [self.meeting.as_bytes().as_slice(), &[code]].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_as_what_it_was_sealed_as() {
        let mut rng = Rng::new(&Secret::new([1; 32]));
        let key = Secret::new([7; 32]);
        let here = Envelope::new(&key, MeetingId::from_bytes([1; 16]));
        let sealed = here.seal(Class::Commit, b"to everybody", &mut rng);
        assert_eq!(here.open(Class::Commit, &sealed), Ok(b"to everybody".to_vec()));
        assert_eq!(here.open(Class::Message, &sealed), Err(NotOurs));
        assert_eq!(Envelope::new(&key, MeetingId::from_bytes([2; 16])).open(Class::Commit, &sealed), Err(NotOurs));
        assert_eq!(here.open(Class::Commit, &sealed[..11]), Err(NotOurs));
        assert_ne!(sealed, here.seal(Class::Commit, b"to everybody", &mut rng), "a nonce is never used twice");
    }
}
