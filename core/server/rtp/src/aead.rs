//! The only user of aws-lc-rs. Without it, on wasm32, there are no keys, and so nothing is ever sealed or opened.

/// Bytes that AES-GCM adds.
pub const TAG: usize = 16;

pub(crate) use implementation::{Key, keystream};

#[cfg(not(target_arch = "wasm32"))]
mod implementation {
    use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
    use aws_lc_rs::iv::FixedLength;

    use super::TAG;
    use crate::srtp::UniqueNonce;

    /// A key of AES-GCM.
    pub(crate) struct Key(LessSafeKey);

    impl Key {
        /// Of 16 or 32 bytes.
        pub(crate) fn new(key: &[u8]) -> Option<Self> {
            let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
            Some(Self(LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?)))
        }

        /// Encrypts in place; the tag goes to its own place.
        pub(crate) fn seal(&self, nonce: UniqueNonce, aad: &[u8], in_out: &mut [u8], tag: &mut [u8; TAG]) -> bool {
            let sealed = self.0.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce.into_bytes()), Aad::from(aad), in_out);
            sealed.is_ok_and(|made| {
                tag.copy_from_slice(made.as_ref());
                true
            })
        }

        /// Decrypts from `sealed` (with the tag behind it) to `out`, which is as long as the plaintext; `false` if anybody changed anything, and
        /// then `out` is worth nothing.
        pub(crate) fn open(&self, nonce: [u8; 12], aad: &[u8], sealed: &[u8], out: &mut [u8]) -> bool {
            let Some((ciphertext, tag)) = sealed.split_last_chunk::<TAG>() else { return false };
            self.0.open_separate_gather(Nonce::assume_unique_for_key(nonce), Aad::from(aad), ciphertext, tag, out).is_ok()
        }
    }

    /// Fills `out` with the keystream of AES in counter mode from `iv` on.
    pub(crate) fn keystream(key: &[u8], iv: [u8; 16], out: &mut [u8]) -> Option<()> {
        let algorithm = if key.len() == 16 { &AES_128 } else { &AES_256 };
        let key = EncryptingKey::ctr(UnboundCipherKey::new(algorithm, key).ok()?).ok()?;
        out.fill(0);
        key.less_safe_encrypt(out, EncryptionContext::Iv128(FixedLength::from(iv))).ok()?;
        Some(())
    }
}

#[cfg(target_arch = "wasm32")]
mod implementation {
    use super::TAG;
    use crate::srtp::UniqueNonce;

    pub(crate) enum Key {}

    impl Key {
        pub(crate) fn new(_: &[u8]) -> Option<Self> {
            None
        }

        pub(crate) fn seal(&self, _: UniqueNonce, _: &[u8], _: &mut [u8], _: &mut [u8; TAG]) -> bool {
            match *self {}
        }

        pub(crate) fn open(&self, _: [u8; 12], _: &[u8], _: &[u8], _: &mut [u8]) -> bool {
            match *self {}
        }
    }

    pub(crate) fn keystream(_: &[u8], _: [u8; 16], _: &mut [u8]) -> Option<()> {
        None
    }
}
