//! The primitives of the two suites that Conclave speaks, by RustCrypto, with all randomness from one seed.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

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
}

impl Crypto {
    pub(crate) fn new(seed: &Secret<32>) -> Self {
        let mut stream = ChaCha20Rng::from_seed(*seed.expose());
        let mut seal_key = [0; 32];
        stream.fill_bytes(&mut seal_key);
        Self { stream: Mutex::new(stream), seal_key: Secret::new(seal_key) }
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
        if is_signed_by(key, data, signature) { Ok(()) } else { Err(CryptoError::InvalidSignature) }
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
