use argon2::{Algorithm, Argon2, Params, Version};
use conclave_base::{MeetingId, Secret};
use ed25519_dalek::SigningKey;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::MeetingLink;
use crate::passphrase::Evaluated;

const SALT: &[u8] = b"conclave/1";
/// Argon2id: 64 MiB, three passes, one lane. Under a second in a browser.
const ARGON2: (u32, u32, u32) = (64 * 1024, 3, 1);

/// Everything that is derived from the link, and from the passphrase if there is one.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) meeting: MeetingId,
    /// The server stores the public half, and lets in whoever signs its challenge.
    pub(crate) admission: SigningKey,
    /// The MLS external PSK.
    pub(crate) psk: Secret<32>,
    /// Seals what the delivery service stores.
    pub(crate) envelope: Secret<32>,
    /// Seals title and policy.
    pub(crate) meta: Secret<32>,
    /// The server's public key for the passphrase, if there is one.
    pub(crate) server_key: Option<[u8; 32]>,
}

impl Keys {
    /// Of a link alone, or with a passphrase as the server evaluated it, and the key by which it did.
    pub(crate) fn new(link: &MeetingLink, passphrase: Option<(&Evaluated, [u8; 32])>) -> Self {
        let secret = link.secret();
        let mut input = Zeroizing::new(secret.expose().to_vec());
        if let Some((evaluated, _)) = passphrase {
            let salt = expand::<16>(&extract(secret.expose()), b"passphrase");
            input.extend_from_slice(&*stretch(&**evaluated, salt.expose()));
        }
        let root = extract(&input);
        Self {
            meeting: meeting_id(link),
            admission: SigningKey::from_bytes(expand::<32>(&root, b"admission").expose()),
            psk: expand(&root, b"psk"),
            envelope: expand(&root, b"envelope"),
            meta: expand(&root, b"meta"),
            server_key: passphrase.map(|(_, server_key)| server_key),
        }
    }
}

pub(crate) fn meeting_id(link: &MeetingLink) -> MeetingId {
    MeetingId::from_bytes(*expand::<16>(&extract(link.all()), b"meeting id").expose())
}

pub(crate) fn extract(input: &[u8]) -> Hkdf<Sha256> {
    Hkdf::new(Some(SALT), input)
}

pub(crate) fn expand<const N: usize>(key: &Hkdf<Sha256>, label: &[u8]) -> Secret<N> {
    let mut out = [0; N];
    key.expand(label, &mut out).expect("at most 255 hash lengths are asked for");
    Secret::new(out)
}

/// A passphrase, or what became of it, as a key.
pub(crate) fn stretch(passphrase: &[u8], salt: &[u8; 16]) -> Zeroizing<[u8; 32]> {
    let (memory, passes, lanes) = ARGON2;
    let params = Params::new(memory, passes, lanes, Some(32)).expect("these parameters are in range");
    let mut out = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase, salt, &mut *out)
        .expect("the salt is long enough, and no passphrase is over 4 GiB");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_its_own_and_hangs_on_all_of_the_link() {
        let link = MeetingLink::new(&[1; 32], &[2; 16]);
        let keys = Keys::new(&link, None);
        let mut all = vec![*keys.psk.expose(), *keys.envelope.expose(), *keys.meta.expose(), keys.admission.to_bytes()];
        let other = Keys::new(&MeetingLink::new(&[1; 32], &[3; 16]), None);
        all.extend([*other.psk.expose(), *other.envelope.expose(), *other.meta.expose(), other.admission.to_bytes()]);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 8);
        assert_ne!(keys.meeting, Keys::new(&MeetingLink::new(&[9; 32], &[2; 16]), None).meeting, "another host, another meeting");
    }

    #[test]
    fn a_passphrase_changes_every_key_but_not_the_meeting() {
        let link = MeetingLink::new(&[1; 32], &[2; 16]);
        let with = |evaluated: u8| Keys::new(&link, Some((&Evaluated::new([evaluated; 64]), [7; 32])));
        let without = Keys::new(&link, None);
        assert_eq!(without.meeting, with(1).meeting);
        assert_ne!(without.psk, with(1).psk);
        assert_ne!(with(1).psk, with(2).psk);
    }
}
