//! Passphrases in files.

use std::path::Path;

use anyhow::Context as _;
use conclave_base::Redacted;

/// The first line of a file.
pub fn read(path: &Path) -> anyhow::Result<Redacted<String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the passphrase from {}", path.display()))?;
    Ok(Redacted::new(text.lines().next().unwrap_or_default().to_owned()))
}
