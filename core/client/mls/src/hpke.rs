//! HPKE (RFC 9180) in base mode, as the two suites use it: by the crate `hpke`, with the randomness of each encapsulation an argument.

use std::convert::Infallible;

use hpke::aead::AesGcm128;
use hpke::kdf::HkdfSha256;
use hpke::kem::{X25519HkdfSha256, XWing};
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use openmls_traits::types::{
    CryptoError, ExporterSecret, HpkeAeadType, HpkeCiphertext, HpkeConfig, HpkeKdfType, HpkeKemType, HpkeKeyPair, KemOutput,
};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use shake::{ExtendableOutput as _, Shake256, Update as _, XofReader as _};
use zeroize::Zeroizing;

/// Calls the function for the KEM of the suite; KDF and AEAD are the same in both.
macro_rules! by_kem {
    ($config:expr, $function:ident($($argument:expr),*)) => {
        match $config {
            HpkeConfig(HpkeKemType::DhKem25519, HpkeKdfType::HkdfSha256, HpkeAeadType::AesGcm128) => {
                $function::<X25519HkdfSha256>($($argument),*)
            }
            HpkeConfig(HpkeKemType::XWingKemDraft6, HpkeKdfType::HkdfSha256, HpkeAeadType::AesGcm128) => $function::<XWing>($($argument),*),
            HpkeConfig(..) => Err(CryptoError::UnsupportedCiphersuite),
        }
    };
}

/// Seals `plain` to the public key `key`.
pub(crate) fn seal(
    config: &HpkeConfig,
    key: &[u8],
    info: &[u8],
    aad: &[u8],
    plain: &[u8],
    randomness: [u8; 32],
) -> Result<HpkeCiphertext, CryptoError> {
    by_kem!(config, seal_with(key, info, aad, plain, randomness))
}

fn seal_with<K: Kem>(key: &[u8], info: &[u8], aad: &[u8], plain: &[u8], randomness: [u8; 32]) -> Result<HpkeCiphertext, CryptoError> {
    let key = K::PublicKey::from_bytes(key).map_err(|_| CryptoError::InvalidPublicKey)?;
    let rng = &mut Randomness::of(randomness);
    let (encapsulated, ciphertext) =
        hpke::single_shot_seal_with_rng::<AesGcm128, HkdfSha256, K>(&OpModeS::Base, &key, info, plain, aad, rng)
            .map_err(|_| CryptoError::HpkeEncryptionError)?;
    Ok(HpkeCiphertext { kem_output: encapsulated.to_bytes().to_vec().into(), ciphertext: ciphertext.into() })
}

/// Opens what was sealed to the private key `key`.
pub(crate) fn open(config: &HpkeConfig, input: &HpkeCiphertext, key: &[u8], info: &[u8], aad: &[u8]) -> Result<Vec<u8>, CryptoError> {
    by_kem!(config, open_with(input, key, info, aad))
}

fn open_with<K: Kem>(input: &HpkeCiphertext, key: &[u8], info: &[u8], aad: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let key = K::PrivateKey::from_bytes(key).map_err(|_| CryptoError::HpkeDecryptionError)?;
    let encapsulated = K::EncappedKey::from_bytes(input.kem_output.as_slice()).map_err(|_| CryptoError::HpkeDecryptionError)?;
    let sealed = input.ciphertext.as_slice();
    hpke::single_shot_open::<AesGcm128, HkdfSha256, K>(&OpModeR::Base, &key, &encapsulated, info, sealed, aad)
        .map_err(|_| CryptoError::HpkeDecryptionError)
}

/// Sets a sender up for the public key `key`: what the receiver needs, and `len` exported bytes.
pub(crate) fn send_export(
    config: &HpkeConfig,
    key: &[u8],
    info: &[u8],
    context: &[u8],
    len: usize,
    randomness: [u8; 32],
) -> Result<(KemOutput, ExporterSecret), CryptoError> {
    by_kem!(config, send_export_with(key, info, context, len, randomness))
}

fn send_export_with<K: Kem>(
    key: &[u8],
    info: &[u8],
    context: &[u8],
    len: usize,
    randomness: [u8; 32],
) -> Result<(KemOutput, ExporterSecret), CryptoError> {
    let key = K::PublicKey::from_bytes(key).map_err(|_| CryptoError::SenderSetupError)?;
    let rng = &mut Randomness::of(randomness);
    let (encapsulated, sender) = hpke::setup_sender_with_rng::<AesGcm128, HkdfSha256, K>(&OpModeS::Base, &key, info, rng)
        .map_err(|_| CryptoError::SenderSetupError)?;
    let mut exported = vec![0; len];
    sender.export(context, &mut exported).map_err(|_| CryptoError::ExporterError)?;
    Ok((encapsulated.to_bytes().to_vec(), exported.into()))
}

/// The receiver's side of [`send_export`], with the private key `key`.
pub(crate) fn receive_export(
    config: &HpkeConfig,
    encapsulated: &[u8],
    key: &[u8],
    info: &[u8],
    context: &[u8],
    len: usize,
) -> Result<ExporterSecret, CryptoError> {
    by_kem!(config, receive_export_with(encapsulated, key, info, context, len))
}

fn receive_export_with<K: Kem>(
    encapsulated: &[u8],
    key: &[u8],
    info: &[u8],
    context: &[u8],
    len: usize,
) -> Result<ExporterSecret, CryptoError> {
    let key = K::PrivateKey::from_bytes(key).map_err(|_| CryptoError::ReceiverSetupError)?;
    let encapsulated = K::EncappedKey::from_bytes(encapsulated).map_err(|_| CryptoError::ReceiverSetupError)?;
    let receiver = hpke::setup_receiver::<AesGcm128, HkdfSha256, K>(&OpModeR::Base, &key, &encapsulated, info)
        .map_err(|_| CryptoError::ReceiverSetupError)?;
    let mut exported = vec![0; len];
    receiver.export(context, &mut exported).map_err(|_| CryptoError::ExporterError)?;
    Ok(exported.into())
}

/// DeriveKeyPair of the KEM.
pub(crate) fn derive_key_pair(config: &HpkeConfig, ikm: &[u8]) -> Result<HpkeKeyPair, CryptoError> {
    by_kem!(config, derive_key_pair_with(ikm))
}

fn derive_key_pair_with<K: KeyPairs>(ikm: &[u8]) -> Result<HpkeKeyPair, CryptoError> {
    let (private, public) = K::derive(ikm)?;
    Ok(HpkeKeyPair { private: private.to_bytes().to_vec().into(), public: public.to_bytes().to_vec() })
}

/// How a KEM makes keys of keying material.
trait KeyPairs: Kem {
    fn derive(ikm: &[u8]) -> Result<(Self::PrivateKey, Self::PublicKey), CryptoError> {
        Ok(Self::derive_keypair(ikm))
    }
}

impl KeyPairs for X25519HkdfSha256 {}

impl KeyPairs for XWing {
    /// SHAKE-256 without a label, as OpenMLS's own providers have it for this suite; the crate follows a later draft.
    fn derive(ikm: &[u8]) -> Result<(Self::PrivateKey, Self::PublicKey), CryptoError> {
        let mut seed = Zeroizing::new([0; 32]);
        Shake256::default().chain(ikm).finalize_xof().read(&mut *seed);
        let private = Self::PrivateKey::from_bytes(&*seed).map_err(|_| CryptoError::InvalidLength)?;
        let public = Self::sk_to_pk(&private);
        Ok((private, public))
    }
}

/// ChaCha20 for one encapsulation, as `hpke` takes it.
struct Randomness(ChaCha20Rng);

impl Randomness {
    fn of(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }
}

impl TryRng for Randomness {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Randomness {}
