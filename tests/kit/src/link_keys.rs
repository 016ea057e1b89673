//! The keys behind a link, derived once more from docs/protocol.md and not with the client's code: so a test is an exam of both.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use anyhow::{Context as _, ensure};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_base::MeetingId;
use conclave_protocol::payload::PassphraseKey;
use ed25519_dalek::SigningKey;
use hkdf::Hkdf;
use sha2::Sha256;

use crate::{Guess, random};

/// Bytes of an envelope's nonce, which stands before the ciphertext.
pub(crate) const NONCE: usize = 12;

/// What of a link no server may know.
pub struct LinkKeys {
    /// What stands behind the `#`.
    pub fragment: String,
    /// The half of it that is not the host's fingerprint.
    pub secret: Vec<u8>,
    /// The meeting's public name.
    pub meeting: MeetingId,
    /// Seed of the Ed25519 key that the server lets in.
    pub admission: [u8; 32],
    /// The MLS PSK.
    pub psk: [u8; 32],
    /// Seals log entries.
    pub envelope: [u8; 32],
    /// Seals title and policy.
    pub meta: [u8; 32],
}

impl LinkKeys {
    /// Of a link beside which no passphrase stands.
    pub fn of(link: &str) -> anyhow::Result<Self> {
        Self::derive(link, None)
    }

    /// Of a link and a passphrase, of which `server` does its part.
    pub fn with_passphrase(server: &str, link: &str, passphrase: &str) -> anyhow::Result<Self> {
        let meeting = Self::of(link)?.meeting;
        let guess = Guess::new(meeting, passphrase)?;
        let answer = guess.ask(server)?.map_err(|wait| anyhow::anyhow!("too many tries: wait {wait} s"))?;
        Self::of_evaluated(link, &guess.finish(&answer)?)
    }

    /// Of a link and what became of a passphrase by the server's part.
    pub fn of_evaluated(link: &str, evaluated: &[u8]) -> anyhow::Result<Self> {
        Self::derive(link, Some(evaluated))
    }

    fn derive(link: &str, evaluated: Option<&[u8]>) -> anyhow::Result<Self> {
        let (_, fragment) = link.split_once('#').context("a link has a fragment")?;
        let bytes = URL_SAFE_NO_PAD.decode(fragment)?;
        ensure!(bytes.len() == 32, "a link holds 32 bytes");
        let secret = bytes[16..].to_vec();
        let mut input = secret.clone();
        if let Some(evaluated) = evaluated {
            input.extend(stretch(evaluated, &expand(&extract(&secret), "passphrase")?)?);
        }
        let root = extract(&input);
        Ok(Self {
            fragment: fragment.to_owned(),
            secret,
            meeting: MeetingId::from_bytes(expand(&extract(&bytes), "meeting id")?),
            admission: expand(&root, "admission")?,
            psk: expand(&root, "psk")?,
            envelope: expand(&root, "envelope")?,
            meta: expand(&root, "meta")?,
        })
    }

    /// What seals the host key, if this is the second half of a host link.
    pub fn host_link_key(&self, second: &[u8]) -> anyhow::Result<[u8; 32]> {
        expand(&extract(&[URL_SAFE_NO_PAD.decode(&self.fragment)?.as_slice(), second].concat()), "host link key")
    }

    /// Whether title and policy, as the server keeps them of a meeting with a passphrase, open with these.
    pub fn open_record(&self, record: &[u8]) -> bool {
        let Some((&code, body)) = record.split_first() else { return false };
        let Ok((_, sealed)) = PassphraseKey::take(body) else { return false };
        self.open(&self.meta, code, sealed).is_ok()
    }

    /// The key that the server lets in.
    pub(crate) fn admission_key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.admission)
    }

    /// Opens what was sealed with `key` as a thing of this code: nonce, then ciphertext and tag.
    pub fn open(&self, key: &[u8; 32], code: u8, sealed: &[u8]) -> anyhow::Result<Vec<u8>> {
        let (nonce, body) = sealed.split_at_checked(NONCE).context("shorter than a nonce")?;
        let payload = Payload { msg: body, aad: &self.aad(code) };
        Aes256Gcm::new(key.into()).decrypt(Nonce::from_slice(nonce), payload).map_err(|_| anyhow::anyhow!("an envelope does not open"))
    }

    /// The reverse of [`Self::open`].
    pub(crate) fn seal(&self, key: &[u8; 32], code: u8, content: &[u8]) -> anyhow::Result<Vec<u8>> {
        let nonce = random::<NONCE>()?;
        let payload = Payload { msg: content, aad: &self.aad(code) };
        let sealed = Aes256Gcm::new(key.into()).encrypt(Nonce::from_slice(&nonce), payload);
        Ok([nonce.as_slice(), &sealed.map_err(|_| anyhow::anyhow!("not sealed"))?].concat())
    }

    fn aad(&self, code: u8) -> Vec<u8> {
        [self.meeting.as_bytes().as_slice(), &[code]].concat()
    }
}

/// HKDF-Extract (RFC 5869) with the salt of docs/protocol.md.
fn extract(input: &[u8]) -> Hkdf<Sha256> {
    Hkdf::new(Some(b"conclave/1".as_slice()), input)
}

/// HKDF-Expand (RFC 5869) of what one label names.
fn expand<const N: usize>(key: &Hkdf<Sha256>, label: &str) -> anyhow::Result<[u8; N]> {
    let mut out = [0; N];
    key.expand(label.as_bytes(), &mut out).map_err(|_| anyhow::anyhow!("too long for HKDF"))?;
    Ok(out)
}

/// Argon2id (RFC 9106): 64 MiB, three passes, one lane.
fn stretch(input: &[u8], salt: &[u8; 16]) -> anyhow::Result<[u8; 32]> {
    let mut stretched = [0; 32];
    let params = Params::new(64 * 1024, 3, 1, Some(32)).map_err(|e| anyhow::anyhow!("{e}"))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(input, salt, &mut stretched).map_err(|e| anyhow::anyhow!("{e}"))?;
    Ok(stretched)
}
