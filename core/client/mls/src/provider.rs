use std::cell::RefCell;
use std::convert::Infallible;

use conclave_base::Secret;
use ed25519_dalek::{Signer as _, SigningKey};
use openmls_rust_crypto::RustCrypto;
use openmls_traits::OpenMlsProvider;
use openmls_traits::random::OpenMlsRand;
use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore as _, SeedableRng as _};

use crate::store::Store;

/// What OpenMLS stands on: RustCrypto's primitives, a store in memory, and randomness from [`crate::GroupConfig::seed`].
///
/// Not all randomness comes from the seed: `openmls_rust_crypto` seals to HPKE keys (update paths, external init) with ephemeral
/// keys that it draws from the operating system, or from the browser's `crypto.getRandomValues`, and offers no other way. So two runs
/// from one seed differ in their ciphertexts.
pub(crate) struct Provider {
    crypto: RustCrypto,
    store: Store,
    rand: Rand,
}

impl Provider {
    pub(crate) fn new(seed: &Secret<32>) -> Self {
        let rand = Rand(RefCell::new(ChaCha20Rng::from_seed(*seed.expose())));
        Self { crypto: RustCrypto::default(), store: Store::default(), rand }
    }

    /// A seed for another provider, independent of all that this one draws later.
    pub(crate) fn fork(&self) -> Secret<32> {
        let mut seed = [0; 32];
        self.rand.0.borrow_mut().fill_bytes(&mut seed);
        Secret::new(seed)
    }
}

impl OpenMlsProvider for Provider {
    type CryptoProvider = RustCrypto;
    type RandProvider = Rand;
    type StorageProvider = Store;

    fn storage(&self) -> &Store {
        &self.store
    }

    fn crypto(&self) -> &RustCrypto {
        &self.crypto
    }

    fn rand(&self) -> &Rand {
        &self.rand
    }
}

/// ChaCha20 from the session's seed.
pub(crate) struct Rand(RefCell<ChaCha20Rng>);

impl OpenMlsRand for Rand {
    type Error = Infallible;

    fn random_array<const N: usize>(&self) -> Result<[u8; N], Infallible> {
        let mut bytes = [0; N];
        self.0.borrow_mut().fill_bytes(&mut bytes);
        Ok(bytes)
    }

    fn random_vec(&self, len: usize) -> Result<Vec<u8>, Infallible> {
        let mut bytes = vec![0; len];
        self.0.borrow_mut().fill_bytes(&mut bytes);
        Ok(bytes)
    }
}

/// The leaf signature key; erased on drop.
pub(crate) struct LeafKey(SigningKey);

impl LeafKey {
    pub(crate) fn new(seed: &Secret<32>) -> Self {
        Self(SigningKey::from_bytes(seed.expose()))
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }
}

impl Signer for LeafKey {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(self.0.sign(payload).to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}
