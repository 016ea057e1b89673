use conclave_base::{Secret, known};
use ed25519_dalek::{Signer as _, SigningKey};
use openmls_traits::OpenMlsProvider;
use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;

use crate::crypto::Crypto;
use crate::store::Store;

/// What OpenMLS stands on: primitives with all their randomness from [`crate::GroupConfig::seed`], and a store in memory.
pub(crate) struct Provider {
    crypto: Crypto,
    store: Store,
}

impl Provider {
    pub(crate) fn new(seed: &Secret<32>) -> Self {
        Self { crypto: Crypto::new(seed), store: Store::default() }
    }

    /// Random bytes.
    pub(crate) fn draw<const N: usize>(&self) -> [u8; N] {
        self.crypto.draw()
    }

    /// A seed for another provider, independent of all that this one draws later.
    pub(crate) fn seed(&self) -> Secret<32> {
        Secret::new(self.crypto.draw())
    }

    /// Another provider, which draws from a seed of its own and keeps what it stores by itself.
    pub(crate) fn fork(&self) -> Self {
        Self { crypto: self.crypto.fork(), store: Store::default() }
    }
}

impl OpenMlsProvider for Provider {
    type CryptoProvider = Crypto;
    type RandProvider = Crypto;
    type StorageProvider = Store;

    fn storage(&self) -> &Store {
        &self.store
    }

    fn crypto(&self) -> &Crypto {
        &self.crypto
    }

    fn rand(&self) -> &Crypto {
        &self.crypto
    }
}

/// The leaf signature key; erased on drop.
pub(crate) struct LeafKey(SigningKey);

impl LeafKey {
    pub(crate) fn new(seed: &Secret<32>) -> Self {
        Self(SigningKey::from_bytes(seed.expose()))
    }

    pub(crate) fn seed(&self) -> Secret<32> {
        Secret::new(self.0.to_bytes())
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }
}

impl Signer for LeafKey {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        let signature = self.0.sign(payload).to_vec();
        known::on_signed(self.0.verifying_key().as_bytes(), payload, &signature);
        Ok(signature)
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}
