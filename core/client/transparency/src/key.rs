//! Keys of signed notes: those that check (vkeys) and those that sign.

use std::fmt;
use std::str::FromStr;

use conclave_base::{Secret, hex};
use ed25519_dalek::Signer as _;
use ml_dsa::MlDsa44;
use sha2::{Digest as _, Sha256};

use crate::checkpoint::Checkpoint;
use crate::note::NoteSignature;
use crate::text;

/// Longest name of a key, bytes: what an ML-DSA-44 cosignature can commit to.
pub const MAX_NAME: usize = 255;
/// Longest vkey, characters: an ML-DSA-44 key with the longest name.
const MAX_VKEY: usize = MAX_NAME + 2048;
/// Bytes of an ML-DSA-44 public key (FIPS 204, table 2).
const ML_DSA_44_KEY: usize = 1312;
/// Latest time that a cosignature may tell.
const MAX_TIMESTAMP: u64 = i64::MAX as u64;

/// How a key signs: the type byte of c2sp.org/signed-note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// Ed25519 over the note's text: what a log signs with.
    Ed25519,
    /// Ed25519 over text and time: `cosignature/v1` of c2sp.org/tlog-cosignature.
    CosignatureV1,
    /// ML-DSA-44 over name, time, origin, size and hash: `subtree/v1` of c2sp.org/tlog-cosignature, from entry 0 on.
    MlDsa44,
}

impl Algorithm {
    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
            Self::MlDsa44 => 0x06,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::CosignatureV1),
            0x06 => Some(Self::MlDsa44),
            _ => None,
        }
    }

    /// Whether a signature tells when it was made.
    pub const fn is_timed(self) -> bool {
        !matches!(self, Self::Ed25519)
    }
}

/// Why something is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Empty, too long, or with a space, a plus or a control character.
    #[error("not a key's name")]
    Name,
    /// Not `name+id+base64`.
    #[error("malformed key")]
    Malformed,
    /// Signs in a way that is not supported.
    #[error("unknown signature type")]
    Algorithm,
    /// The id is not that of this name and key.
    #[error("key id does not fit")]
    Id,
}

fn check_name(name: &str) -> Result<(), KeyError> {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.len() > MAX_NAME || name.contains(forbidden) { Err(KeyError::Name) } else { Ok(()) }
}

/// A public key with the name that stands in its signature lines; its text is the vkey.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerifierKey {
    name: String,
    algorithm: Algorithm,
    key: Vec<u8>,
}

impl VerifierKey {
    fn new(name: &str, algorithm: Algorithm, key: &[u8]) -> Result<Self, KeyError> {
        check_name(name)?;
        let valid = match algorithm {
            Algorithm::Ed25519 | Algorithm::CosignatureV1 => ed25519(key).is_some(),
            Algorithm::MlDsa44 => key.len() == ML_DSA_44_KEY,
        };
        if !valid {
            return Err(KeyError::Malformed);
        }
        Ok(Self { name: name.to_owned(), algorithm, key: key.to_vec() })
    }

    /// Whose key it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it signs.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key itself, whatever it is called and however it signs.
    pub fn public_key(&self) -> &[u8] {
        &self.key
    }

    /// Tells keys of one name apart; an accident, never an attack, is what it prevents.
    pub fn id(&self) -> [u8; 4] {
        let hash = Sha256::new().chain_update(&self.name).chain_update([b'\n', self.algorithm.byte()]).chain_update(&self.key).finalize();
        let [a, b, c, d, ..] = hash.0;
        [a, b, c, d]
    }

    /// Checks a signature of this key over a note's text; gives the time that it tells, POSIX seconds, or 0.
    pub(crate) fn verify(&self, note: &str, signature: &[u8]) -> Option<u64> {
        let (time, signature) = if self.algorithm.is_timed() {
            let (time, signature) = signature.split_first_chunk::<8>()?;
            (u64::from_be_bytes(*time), signature)
        } else {
            (0, signature)
        };
        let message = message(self.algorithm, &self.name, note, time)?;
        match self.algorithm {
            Algorithm::Ed25519 | Algorithm::CosignatureV1 => {
                let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
                ed25519(&self.key)?.verify_strict(&message, &signature).ok()?;
            }
            Algorithm::MlDsa44 => {
                let key = ml_dsa::VerifyingKey::<MlDsa44>::decode(self.key.as_slice().try_into().ok()?);
                let signature = ml_dsa::Signature::<MlDsa44>::try_from(signature).ok()?;
                key.verify_with_context(&message, &[], &signature).then_some(())?;
            }
        }
        Some(time)
    }
}

fn ed25519(key: &[u8]) -> Option<ed25519_dalek::VerifyingKey> {
    ed25519_dalek::VerifyingKey::from_bytes(key.try_into().ok()?).ok()
}

/// What is signed; none for what such a key does not sign.
fn message(algorithm: Algorithm, name: &str, note: &str, time: u64) -> Option<Vec<u8>> {
    if time > MAX_TIMESTAMP {
        return None;
    }
    match algorithm {
        Algorithm::Ed25519 => Some(note.as_bytes().to_vec()),
        Algorithm::CosignatureV1 => {
            Checkpoint::parse(note).ok()?;
            Some(format!("cosignature/v1\ntime {time}\n{note}").into_bytes())
        }
        Algorithm::MlDsa44 => {
            let checkpoint = Checkpoint::parse(note).ok()?;
            let mut message = b"subtree/v1\n\0".to_vec();
            push_short(&mut message, name)?;
            message.extend_from_slice(&time.to_be_bytes());
            push_short(&mut message, checkpoint.origin())?;
            message.extend_from_slice(&[0; 8]);
            message.extend_from_slice(&checkpoint.size().to_be_bytes());
            message.extend_from_slice(&checkpoint.root().0);
            Some(message)
        }
    }
}

/// `opaque text<1..2^8-1>`
fn push_short(message: &mut Vec<u8>, text: &str) -> Option<()> {
    message.push(u8::try_from(text.len()).ok().filter(|length| *length > 0)?);
    message.extend_from_slice(text.as_bytes());
    Some(())
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(vkey: &str) -> Result<Self, KeyError> {
        if vkey.len() > MAX_VKEY {
            return Err(KeyError::Malformed);
        }
        let (name, rest) = vkey.split_once('+').ok_or(KeyError::Malformed)?;
        let (id, key) = rest.split_once('+').ok_or(KeyError::Malformed)?;
        let key = text::from_base64(key).ok_or(KeyError::Malformed)?;
        let (kind, key) = key.split_first().ok_or(KeyError::Malformed)?;
        let key = Self::new(name, Algorithm::from_byte(*kind).ok_or(KeyError::Algorithm)?, key)?;
        if hex::decode(id).ok_or(KeyError::Malformed)? == key.id() { Ok(key) } else { Err(KeyError::Id) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.algorithm.byte()], self.key.as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(&self.id()), text::base64(&key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+…", self.name, hex::encode(&self.id()))
    }
}

/// A key that signs checkpoints.
#[derive(Debug)]
pub struct SigningKey {
    verifier: VerifierKey,
    seed: Secret<32>,
}

impl SigningKey {
    /// From the private key (RFC 8032) or the seed ξ (FIPS 204).
    pub fn new(name: &str, algorithm: Algorithm, seed: Secret<32>) -> Result<Self, KeyError> {
        let public = match algorithm {
            Algorithm::Ed25519 | Algorithm::CosignatureV1 => {
                ed25519_dalek::SigningKey::from_bytes(seed.expose()).verifying_key().to_bytes().to_vec()
            }
            Algorithm::MlDsa44 => ml_dsa::ExpandedSigningKey::<MlDsa44>::from_seed(seed.expose().into()).verifying_key().encode().to_vec(),
        };
        Ok(Self { verifier: VerifierKey::new(name, algorithm, &public)?, seed })
    }

    /// What checks its signatures.
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs, and tells the time, in POSIX seconds, where [`Algorithm::is_timed`].
    pub fn sign(&self, checkpoint: &Checkpoint, time: u64) -> NoteSignature {
        let VerifierKey { name, algorithm, .. } = &self.verifier;
        let time = time.min(MAX_TIMESTAMP);
        // Names and origins are checked where they come in, so that there always is a message.
        let message = message(*algorithm, name, &checkpoint.to_string(), time).unwrap_or_default();
        let mut bytes = if algorithm.is_timed() { time.to_be_bytes().to_vec() } else { Vec::new() };
        match algorithm {
            Algorithm::Ed25519 | Algorithm::CosignatureV1 => {
                bytes.extend_from_slice(&ed25519_dalek::SigningKey::from_bytes(self.seed.expose()).sign(&message).to_bytes());
            }
            Algorithm::MlDsa44 => {
                let key = ml_dsa::ExpandedSigningKey::<MlDsa44>::from_seed(self.seed.expose().into());
                // Only a context of more than 255 bytes is refused.
                bytes.extend(key.sign_deterministic(&message, &[]).map(|signature| signature.encode()).unwrap_or_default());
            }
        }
        NoteSignature::new(name.clone(), self.verifier.id(), bytes)
    }
}
