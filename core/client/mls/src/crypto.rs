//! The primitives of the two suites that Conclave speaks, by RustCrypto, with all randomness from one seed.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes128Gcm, KeyInit as _};
use conclave_base::Secret;
use ed25519_dalek::{Signer as _, SigningKey};
use hkdf::Hkdf;
use hkdf::hmac::{Hmac, Mac as _};
use openmls_traits::crypto::OpenMlsCrypto;
use openmls_traits::random::OpenMlsRand;
use openmls_traits::types::{
    AeadType, Ciphersuite, CryptoError, ExporterSecret, HashType, HpkeCiphertext, HpkeConfig, HpkeKeyPair, KemOutput, SignatureScheme,
};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};
use tls_codec::SecretVLBytes;

use crate::access::is_signed_by;
use crate::config::SUITES;
use crate::hpke;

/// Bytes of AES-GCM's nonce.
const NONCE: usize = 12;

/// What OpenMLS computes with. The same calls after the same seed give the same bytes, on every platform.
pub(crate) struct Crypto {
    /// ChaCha20 from the seed. Drawn from by one thread at a time, in the order of the calls.
    stream: Mutex<ChaCha20Rng>,
    /// Of this and of what it seals, [`OpenMlsCrypto::hpke_seal`] makes its ephemeral key: OpenMLS seals the secrets of a path on several
    /// threads, which would draw from the stream in any order.
    seal_key: Secret<32>,
    verified: Arc<Mutex<Verified>>,
}

impl Crypto {
    pub(crate) fn new(seed: &Secret<32>) -> Self {
        Self::with(seed, Arc::default())
    }

    /// With a seed of its own that is drawn from this one's; what was verified by one need not be by the other.
    pub(crate) fn fork(&self) -> Self {
        Self::with(&Secret::new(self.draw()), Arc::clone(&self.verified))
    }

    fn with(seed: &Secret<32>, verified: Arc<Mutex<Verified>>) -> Self {
        let mut stream = ChaCha20Rng::from_seed(*seed.expose());
        let mut seal_key = [0; 32];
        stream.fill_bytes(&mut seal_key);
        Self { stream: Mutex::new(stream), seal_key: Secret::new(seal_key), verified }
    }

    pub(crate) fn draw<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    fn fill(&self, bytes: &mut [u8]) {
        // A panic elsewhere leaves the stream whole.
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }

    /// Fresh for each recipient, context and plaintext. The same for the same ones, which gives the same ciphertext again and nothing new.
    fn seal_randomness(&self, inputs: [&[u8]; 4]) -> Result<[u8; 32], CryptoError> {
        let mut mac = hmac(self.seal_key.expose())?;
        for input in inputs {
            mac.update(&(input.len() as u64).to_be_bytes());
            mac.update(input);
        }
        Ok(mac.finalize().into_bytes().into())
    }
}

/// Good signatures of leaves and KeyPackages, oldest first. OpenMLS verifies those of a whole tree with each snapshot, Welcome and external commit:
/// a newcomer to a large meeting would do that twice, or more often.
#[derive(Default)]
struct Verified {
    order: VecDeque<[u8; 32]>,
    all: BTreeSet<[u8; 32]>,
}

impl Verified {
    /// Twice the leaves of the largest group.
    const MOST: usize = 2048;

    fn has(&self, once: &[u8; 32]) -> bool {
        self.all.contains(once)
    }

    fn add(&mut self, once: [u8; 32]) {
        if self.all.insert(once) {
            self.order.push_back(once);
        }
        if self.order.len() > Self::MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
    }
}

/// Whether what is signed is a leaf or a KeyPackage, by its label (RFC 9420, 5.1.2). All else is seen once.
fn is_verified_again(data: &[u8]) -> bool {
    let labelled = data.get(1..).unwrap_or_default();
    labelled.starts_with(b"MLS 1.0 LeafNodeTBS") || labelled.starts_with(b"MLS 1.0 KeyPackageTBS")
}

/// Of key, signature and what is signed: the first two have one length.
fn digest(key: &[u8; 32], data: &[u8], signature: &[u8; 64]) -> [u8; 32] {
    Sha256::new().chain_update(key).chain_update(signature).chain_update(data).finalize().into()
}

impl OpenMlsRand for Crypto {
    type Error = Infallible;

    fn random_array<const N: usize>(&self) -> Result<[u8; N], Infallible> {
        Ok(self.draw())
    }

    fn random_vec(&self, len: usize) -> Result<Vec<u8>, Infallible> {
        let mut bytes = vec![0; len];
        self.fill(&mut bytes);
        Ok(bytes)
    }
}

impl OpenMlsCrypto for Crypto {
    fn supports(&self, suite: Ciphersuite) -> Result<(), CryptoError> {
        if SUITES.contains(&u16::from(suite)) { Ok(()) } else { Err(CryptoError::UnsupportedCiphersuite) }
    }

    fn supported_ciphersuites(&self) -> Vec<Ciphersuite> {
        SUITES.iter().filter_map(|suite| Ciphersuite::try_from(*suite).ok()).collect()
    }

    fn hkdf_extract(&self, hash: HashType, salt: &[u8], ikm: &[u8]) -> Result<SecretVLBytes, CryptoError> {
        require_sha256(hash)?;
        Ok(Hkdf::<Sha256>::extract(Some(salt), ikm).0.to_vec().into())
    }

    fn hkdf_expand(&self, hash: HashType, prk: &[u8], info: &[u8], len: usize) -> Result<SecretVLBytes, CryptoError> {
        require_sha256(hash)?;
        let mut okm = vec![0; len];
        let expanded = Hkdf::<Sha256>::from_prk(prk).is_ok_and(|hkdf| hkdf.expand(info, &mut okm).is_ok());
        if expanded { Ok(okm.into()) } else { Err(CryptoError::HkdfOutputLengthInvalid) }
    }

    fn hmac(&self, hash: HashType, key: &[u8], message: &[u8]) -> Result<SecretVLBytes, CryptoError> {
        require_sha256(hash)?;
        Ok(hmac(key)?.chain_update(message).finalize().into_bytes().to_vec().into())
    }

    fn hash(&self, hash: HashType, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        require_sha256(hash)?;
        Ok(Sha256::digest(data).to_vec())
    }

    fn aead_encrypt(&self, aead: AeadType, key: &[u8], data: &[u8], nonce: &[u8], aad: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let (key, nonce) = aes128_gcm(aead, key, nonce)?;
        key.encrypt(&nonce.into(), Payload { msg: data, aad }).map_err(|_| CryptoError::CryptoLibraryError)
    }

    fn aead_decrypt(&self, aead: AeadType, key: &[u8], sealed: &[u8], nonce: &[u8], aad: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let (key, nonce) = aes128_gcm(aead, key, nonce)?;
        key.decrypt(&nonce.into(), Payload { msg: sealed, aad }).map_err(|_| CryptoError::AeadDecryptionError)
    }

    fn signature_key_gen(&self, scheme: SignatureScheme) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        require_ed25519(scheme)?;
        let key = SigningKey::from_bytes(&self.draw());
        Ok((key.to_bytes().to_vec(), key.verifying_key().to_bytes().to_vec()))
    }

    fn verify_signature(&self, scheme: SignatureScheme, data: &[u8], key: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        require_ed25519(scheme)?;
        let (Ok(key), Ok(signature)) = (key.try_into(), signature.try_into()) else { return Err(CryptoError::InvalidSignature) };
        let once = is_verified_again(data).then(|| digest(key, data, signature));
        let verified = || self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if once.is_some_and(|once| verified().has(&once)) {
            return Ok(());
        }
        if !is_signed_by(key, data, signature) {
            return Err(CryptoError::InvalidSignature);
        }
        if let Some(once) = once {
            verified().add(once);
        }
        Ok(())
    }

    fn sign(&self, scheme: SignatureScheme, data: &[u8], key: &[u8]) -> Result<Vec<u8>, CryptoError> {
        require_ed25519(scheme)?;
        let key = SigningKey::try_from(key).map_err(|_| CryptoError::InvalidLength)?;
        Ok(key.sign(data).to_vec())
    }

    fn hpke_seal(&self, config: HpkeConfig, key: &[u8], info: &[u8], aad: &[u8], plain: &[u8]) -> Result<HpkeCiphertext, CryptoError> {
        hpke::seal(&config, key, info, aad, plain, self.seal_randomness([key, info, aad, plain])?)
    }

    fn hpke_open(&self, config: HpkeConfig, input: &HpkeCiphertext, key: &[u8], info: &[u8], aad: &[u8]) -> Result<Vec<u8>, CryptoError> {
        hpke::open(&config, input, key, info, aad)
    }

    fn hpke_setup_sender_and_export(
        &self,
        config: HpkeConfig,
        key: &[u8],
        info: &[u8],
        context: &[u8],
        len: usize,
    ) -> Result<(KemOutput, ExporterSecret), CryptoError> {
        hpke::send_export(&config, key, info, context, len, self.draw())
    }

    fn hpke_setup_receiver_and_export(
        &self,
        config: HpkeConfig,
        encapsulated: &[u8],
        key: &[u8],
        info: &[u8],
        context: &[u8],
        len: usize,
    ) -> Result<ExporterSecret, CryptoError> {
        hpke::receive_export(&config, encapsulated, key, info, context, len)
    }

    fn derive_hpke_keypair(&self, config: HpkeConfig, ikm: &[u8]) -> Result<HpkeKeyPair, CryptoError> {
        hpke::derive_key_pair(&config, ikm)
    }
}

fn require_sha256(hash: HashType) -> Result<(), CryptoError> {
    if hash == HashType::Sha2_256 { Ok(()) } else { Err(CryptoError::UnsupportedHashAlgorithm) }
}

fn require_ed25519(scheme: SignatureScheme) -> Result<(), CryptoError> {
    if scheme == SignatureScheme::ED25519 { Ok(()) } else { Err(CryptoError::UnsupportedSignatureScheme) }
}

fn hmac(key: &[u8]) -> Result<Hmac<Sha256>, CryptoError> {
    <Hmac<Sha256> as hkdf::hmac::KeyInit>::new_from_slice(key).map_err(|_| CryptoError::InvalidLength)
}

fn aes128_gcm(aead: AeadType, key: &[u8], nonce: &[u8]) -> Result<(Aes128Gcm, [u8; NONCE]), CryptoError> {
    if aead != AeadType::Aes128Gcm {
        return Err(CryptoError::UnsupportedAeadAlgorithm);
    }
    let key = Aes128Gcm::new_from_slice(key).map_err(|_| CryptoError::InvalidLength)?;
    Ok((key, nonce.try_into().map_err(|_| CryptoError::InvalidLength)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is signed with a leaf: its label, and this.
    fn leaf(content: &[u8]) -> Vec<u8> {
        [&[19], b"MLS 1.0 LeafNodeTBS".as_slice(), content].concat()
    }

    #[test]
    fn a_signature_that_was_verified_is_good_for_nothing_else() {
        let crypto = Crypto::new(&Secret::new([1; 32]));
        let (key, other) = (SigningKey::from_bytes(&[2; 32]), SigningKey::from_bytes(&[3; 32]));
        let verify = |crypto: &Crypto, data: &[u8], key: &SigningKey, signature: &[u8]| {
            crypto.verify_signature(SignatureScheme::ED25519, data, key.verifying_key().as_bytes(), signature).is_ok()
        };
        let signature = key.sign(&leaf(b"a")).to_bytes();
        let forks = [crypto.fork(), crypto.fork()];
        for crypto in forks.iter().chain([&crypto]).cycle().take(9) {
            assert!(verify(crypto, &leaf(b"a"), &key, &signature));
            assert!(!verify(crypto, &leaf(b"b"), &key, &signature), "another leaf");
            assert!(!verify(crypto, &leaf(b"a"), &other, &signature), "another key");
            assert!(!verify(crypto, &leaf(b"a"), &key, &other.sign(&leaf(b"a")).to_bytes()), "another signature");
        }
        assert_eq!(crypto.verified.lock().map(|verified| verified.all.len()).ok(), Some(1));
    }

    #[test]
    fn of_signatures_that_were_verified_a_bounded_number_is_known() {
        let mut verified = Verified::default();
        let of = |n: usize| digest(&[0; 32], &n.to_be_bytes(), &[0; 64]);
        (0..Verified::MOST + 9).for_each(|n| verified.add(of(n)));
        assert_eq!((verified.order.len(), verified.all.len()), (Verified::MOST, Verified::MOST));
        assert!(!verified.has(&of(8)) && verified.has(&of(9)));
    }
}
