//! From what DTLS agreed on to session keys (RFC 5764, section 4.2; RFC 3711, section 4.3; RFC 7714, section 11).

use conclave_base::Secret;
use zeroize::Zeroizing;

use super::{Opener, Sealer};
use crate::aead::{self, Key};

/// Bytes of a salt.
pub(super) const SALT: usize = 12;
/// Of the longest key.
const KEY: usize = 32;

/// An SRTP protection profile (RFC 7714, section 14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// SRTP_AEAD_AES_128_GCM.
    AeadAes128Gcm,
    /// SRTP_AEAD_AES_256_GCM.
    AeadAes256Gcm,
}

impl Profile {
    const fn key_len(self) -> usize {
        match self {
            Self::AeadAes128Gcm => 16,
            Self::AeadAes256Gcm => KEY,
        }
    }

    /// Bytes that DTLS exports for it: two keys and two salts.
    pub const fn keying_len(self) -> usize {
        2 * (self.key_len() + SALT)
    }
}

/// Which side of the DTLS handshake we were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Sent the first message.
    Client,
    /// Answered it.
    Server,
}

/// There are no keys: the material has another length than the profile asks for, or there is no cryptography on this platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no keys can be made of this")]
pub struct BadKeyingMaterial;

/// What DTLS exported. It cannot be copied, and making keys uses it up: two [`Sealer`]s of one key would repeat each other's nonces.
#[derive(Debug)]
pub struct KeyingMaterial {
    profile: Profile,
    bytes: Secret<{ 2 * (KEY + SALT) }>,
}

impl KeyingMaterial {
    /// Takes the exported bytes in the order of RFC 5764, section 4.2. Whoever gives them gives them once, to nobody else, and erases them.
    pub fn new(profile: Profile, exported: &[u8]) -> Result<Self, BadKeyingMaterial> {
        let mut bytes = Zeroizing::new([0; 2 * (KEY + SALT)]);
        if exported.len() != profile.keying_len() {
            return Err(BadKeyingMaterial);
        }
        bytes[..exported.len()].copy_from_slice(exported);
        Ok(Self { profile, bytes: Secret::new(*bytes) })
    }

    /// What opens the other side's packets, and what seals our own.
    pub fn into_keys(self, role: Role) -> Result<(Opener, Sealer), BadKeyingMaterial> {
        let (keys, salts) = self.bytes.expose()[..self.profile.keying_len()].split_at(2 * self.profile.key_len());
        let (client_key, server_key) = keys.split_at(self.profile.key_len());
        let (client_salt, server_salt) = salts.split_at(SALT);
        let client = (client_key, client_salt);
        let server = (server_key, server_salt);
        let (ours, theirs) = match role {
            Role::Client => (client, server),
            Role::Server => (server, client),
        };
        let sealer = Sealer::new(SessionKey::derive(ours, RTP)?, SessionKey::derive(ours, RTCP)?);
        let opener = Opener::new(SessionKey::derive(theirs, RTP)?, SessionKey::derive(theirs, RTCP)?);
        Ok((opener, sealer))
    }
}

/// Labels of the key and of the salt (RFC 3711, section 4.3.2).
const RTP: (u8, u8) = (0x00, 0x02);
const RTCP: (u8, u8) = (0x03, 0x05);

/// Key and salt for one direction of SRTP or of SRTCP.
pub(super) struct SessionKey {
    pub(super) key: Key,
    pub(super) salt: [u8; SALT],
}

impl SessionKey {
    #[cfg(test)]
    pub(super) fn new(key: &[u8], salt: [u8; SALT]) -> Option<Self> {
        Some(Self { key: Key::new(key)?, salt })
    }

    fn derive((key, salt): (&[u8], &[u8]), (key_label, salt_label): (u8, u8)) -> Result<Self, BadKeyingMaterial> {
        let mut session = Zeroizing::new([0; KEY]);
        let session = &mut session[..key.len()];
        let mut session_salt = [0; SALT];
        derive(key, salt, key_label, session).ok_or(BadKeyingMaterial)?;
        derive(key, salt, salt_label, &mut session_salt).ok_or(BadKeyingMaterial)?;
        Ok(Self { key: Key::new(session).ok_or(BadKeyingMaterial)?, salt: session_salt })
    }
}

/// The key derivation function with a derivation rate of 0: AES in counter mode (RFC 3711, section 4.3.3). A salt of 12 bytes stands at the front of
/// the 14 that the function is made for (RFC 7714, section 11).
pub(super) fn derive(master_key: &[u8], master_salt: &[u8], label: u8, out: &mut [u8]) -> Option<()> {
    let mut iv = [0; 16];
    iv.get_mut(..master_salt.len())?.copy_from_slice(master_salt);
    iv[7] ^= label;
    aead::keystream(master_key, iv, out)
}
