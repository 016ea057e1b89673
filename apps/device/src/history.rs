//! What whoever judges releases remembers from run to run, in a file: without it, an older release and a forked log pass as new.

use std::path::Path;

use anyhow::Context as _;
use conclave_transparency::{Hash, History, Version};
use serde::{Deserialize, Serialize};

use crate::files;

/// Longest file, bytes.
const MOST: usize = 64 * 1024;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    highest: Option<((u64, u64, u64), [u8; 32])>,
    trees: Vec<(String, u64, [u8; 32])>,
    waiting: Vec<([u8; 32], u64)>,
}

/// What is remembered; nothing if the file is not there yet.
pub fn read(path: &Path) -> anyhow::Result<History> {
    if !path.exists() {
        return Ok(History::default());
    }
    let kept: Kept = serde_json::from_slice(&files::read(path, MOST)?)
        .with_context(|| format!("{} is not what is remembered of releases: take the right file, or a new one", path.display()))?;
    Ok(History {
        highest: kept.highest.map(|((major, minor, patch), leaf)| (Version(major, minor, patch), Hash(leaf))),
        trees: kept.trees.into_iter().map(|(origin, size, root)| (origin, (size, Hash(root)))).collect(),
        waiting: kept.waiting.into_iter().map(|(leaf, since)| (Hash(leaf), since)).collect(),
    })
}

/// Writes it whole, or not at all.
pub fn write(path: &Path, history: &History) -> anyhow::Result<()> {
    let kept = Kept {
        highest: history.highest.map(|(Version(major, minor, patch), leaf)| ((major, minor, patch), leaf.0)),
        trees: history.trees.iter().map(|(origin, (size, root))| (origin.clone(), *size, root.0)).collect(),
        waiting: history.waiting.iter().map(|(leaf, since)| (leaf.0, *since)).collect(),
    };
    files::write(path, &serde_json::to_vec(&kept)?)
}
