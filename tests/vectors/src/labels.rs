//! The labelled functions of RFC 9420 on our primitives.

use conclave_base::Secret;
use conclave_mls::rfc9420::{Answer, Primitives};

/// Bytes of a hash and of a secret.
pub(crate) const HASH: usize = 32;

pub(crate) struct Labels(pub(crate) Primitives);

impl Labels {
    pub(crate) fn new() -> Self {
        Self(Primitives::new(&Secret::new([7; 32])))
    }

    /// RefHash (5.2).
    pub(crate) fn ref_hash(&self, label: &str, value: &[u8]) -> Answer<Vec<u8>> {
        self.0.hash(&[vector(label.as_bytes()), vector(value)].concat())
    }

    /// ExpandWithLabel (8).
    pub(crate) fn expand(&self, secret: &[u8], label: &str, context: &[u8], len: u16) -> Answer<Vec<u8>> {
        let info = [len.to_be_bytes().to_vec(), labelled(label, context)].concat();
        self.0.expand(secret, &info, len.into())
    }

    /// DeriveSecret (8).
    pub(crate) fn derive(&self, secret: &[u8], label: &str) -> Answer<Vec<u8>> {
        self.expand(secret, label, b"", HASH as u16)
    }

    /// SignWithLabel (5.1.2).
    pub(crate) fn sign(&self, private: &[u8], label: &str, content: &[u8]) -> Answer<Vec<u8>> {
        self.0.sign(private, &labelled(label, content))
    }

    /// VerifyWithLabel (5.1.2).
    pub(crate) fn verify(&self, public: &[u8], label: &str, content: &[u8], signature: &[u8]) -> Answer<()> {
        self.0.verify(public, &labelled(label, content), signature)
    }

    /// EncryptWithLabel (5.1.3).
    pub(crate) fn encrypt(&self, public: &[u8], label: &str, context: &[u8], plain: &[u8]) -> Answer<(Vec<u8>, Vec<u8>)> {
        self.0.seal(public, &labelled(label, context), plain)
    }

    /// DecryptWithLabel (5.1.3).
    pub(crate) fn decrypt(&self, private: &[u8], label: &str, context: &[u8], kem_output: &[u8], ciphertext: &[u8]) -> Answer<Vec<u8>> {
        self.0.open(private, &labelled(label, context), kem_output, ciphertext)
    }
}

/// The shape that all labels are used in: the label with the protocol's name, and what it is about.
fn labelled(label: &str, content: &[u8]) -> Vec<u8> {
    [vector(format!("MLS 1.0 {label}").as_bytes()), vector(content)].concat()
}

/// `opaque bytes<V>` (2.1.2).
pub(crate) fn vector(bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).expect("a test vector is short");
    let header = match len {
        0..0x40 => vec![len as u8],
        0x40..0x4000 => (len as u16 | 0x4000).to_be_bytes().to_vec(),
        _ => (len | 0x8000_0000).to_be_bytes().to_vec(),
    };
    [header.as_slice(), bytes].concat()
}
