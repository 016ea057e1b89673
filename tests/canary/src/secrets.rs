//! The keys behind a link, derived once more from docs/protocol.md and not with the client's code.

use anyhow::{Context as _, ensure};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_attacks::outsider::{expand, extract};

/// What of a link no server may know.
pub(crate) struct Secrets {
    /// What stands behind the `#`.
    pub(crate) fragment: String,
    /// The half of it that is not the host's fingerprint.
    pub(crate) secret: Vec<u8>,
    /// Seeds and keys: admission, MLS PSK, envelope, title.
    pub(crate) keys: Vec<[u8; 32]>,
}

impl Secrets {
    /// Of a meeting with a passphrase.
    pub(crate) fn of(link: &str, passphrase: &str) -> anyhow::Result<Self> {
        let (_, fragment) = link.split_once('#').context("a link has a fragment")?;
        let bytes = URL_SAFE_NO_PAD.decode(fragment)?;
        ensure!(bytes.len() == 32, "a link holds 32 bytes");
        let secret = bytes[16..].to_vec();
        let salt: [u8; 16] = expand(&extract(&secret), "passphrase")?;
        let mut stretched = [0; 32];
        let params = Params::new(64 * 1024, 3, 1, Some(32)).map_err(|e| anyhow::anyhow!("{e}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into(passphrase.as_bytes(), &salt, &mut stretched).map_err(|e| anyhow::anyhow!("{e}"))?;
        let root = extract(&[secret.as_slice(), &stretched].concat());
        let labels = ["admission", "psk", "envelope", "meta"];
        let keys = labels.into_iter().map(|label| expand(&root, label)).collect::<anyhow::Result<_>>()?;
        Ok(Self { fragment: fragment.to_owned(), secret, keys })
    }
}
