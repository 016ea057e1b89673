//! A file that opens with a passphrase: `head ‖ salt (16) ‖ nonce (12) ‖ AES-256-GCM (content, zeros up to a multiple of 4 KiB)`, under a key that is
//! Argon2id of the passphrase, with the cost of a meeting's passphrase.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use zeroize::Zeroizing;

use crate::keys::stretch;
use crate::rng::Rng;

pub(crate) const SALT: usize = 16;
pub(crate) const NONCE: usize = 12;
/// Sizes are multiples of this: a file does not tell how much is in it.
const BLOCK: usize = 4096;

/// What seals and opens one file.
pub(crate) struct FileKey {
    salt: [u8; SALT],
    key: Zeroizing<[u8; 32]>,
}

/// A file of which nothing was opened yet.
pub(crate) struct SealedFile<'a> {
    head: &'a [u8],
    salt: [u8; SALT],
    nonce: &'a [u8; NONCE],
    sealed: &'a [u8],
}

/// The parts of a file that begins with this head; `None` if it does not.
pub(crate) fn parts<'a>(file: &'a [u8], head: &'a [u8]) -> Option<SealedFile<'a>> {
    let (salt, rest) = file.strip_prefix(head)?.split_first_chunk::<SALT>()?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
    Some(SealedFile { head, salt: *salt, nonce, sealed })
}

impl SealedFile<'_> {
    /// The content with zeros behind it, and the key for the next time; `None` if the passphrase is another one, or the file was changed.
    pub(crate) fn open(&self, passphrase: &str) -> Option<(FileKey, Zeroizing<Vec<u8>>)> {
        let key = FileKey::new(passphrase, self.salt);
        let payload = Payload { msg: self.sealed, aad: self.head };
        let plain = key.cipher().decrypt(Nonce::from_slice(self.nonce), payload).ok()?;
        Some((key, Zeroizing::new(plain)))
    }
}

impl FileKey {
    pub(crate) fn new(passphrase: &str, salt: [u8; SALT]) -> Self {
        Self { key: stretch(passphrase.as_bytes(), &salt), salt }
    }

    /// The whole file.
    pub(crate) fn seal(&self, head: &[u8], mut plain: Zeroizing<Vec<u8>>, rng: &mut Rng) -> Vec<u8> {
        let padded = plain.len().next_multiple_of(BLOCK);
        plain.resize(padded, 0);
        let nonce = rng.bytes::<NONCE>();
        let payload = Payload { msg: &plain, aad: head };
        let sealed = self.cipher().encrypt(Nonce::from_slice(&nonce), payload).expect("a file is far below AES-GCM's 64 GiB");
        [head, &self.salt, &nonce, &sealed].concat()
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.key).into())
    }
}
