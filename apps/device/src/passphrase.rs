//! Where the passphrase of a file comes from.

use std::path::Path;

use anyhow::Context as _;
use conclave_base::Redacted;

use crate::keyring;

/// The first line of a file.
pub fn read(path: &Path) -> anyhow::Result<Redacted<String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the passphrase from {}", path.display()))?;
    Ok(Redacted::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// That of `sealed`, which may not be there yet: from the file `given`, or else from the keyring.
pub async fn of(sealed: &Path, given: Option<&Path>) -> anyhow::Result<Redacted<String>> {
    match given {
        Some(given) => read(given),
        None => keyring::passphrase(!sealed.exists()).await,
    }
}
