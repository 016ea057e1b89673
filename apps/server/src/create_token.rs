//! The operator's token: on a closed server, whoever makes a meeting shows it.

use std::path::Path;

use anyhow::Context as _;
use axum::http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};

/// A shorter one could be guessed.
const SHORTEST: usize = 16;

/// Only its hash is kept, and hashes are compared: how long that takes tells nothing of the token.
#[derive(Clone)]
pub(crate) struct CreateToken([u8; 32]);

impl CreateToken {
    /// The first line of a file.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("the file {} of --create-token-file", file.display()))?;
        let token = text.lines().next().unwrap_or_default().trim();
        anyhow::ensure!(
            token.len() >= SHORTEST,
            "the first line of {} is shorter than {SHORTEST} characters: put a longer token there",
            file.display()
        );
        Ok(Self(hash(token)))
    }

    /// Whether a request carries it, as `Authorization: Bearer TOKEN`.
    pub(crate) fn is_shown_in(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        shown.is_some_and(|token| hash(token.trim()) == self.0)
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
