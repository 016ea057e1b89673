//! Everything in a folder.

use std::fs;
use std::path::Path;

/// The bytes of every file below `folder`, and its path.
pub(crate) fn below(folder: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        all.push(path.to_string_lossy().into_owned().into_bytes());
        if path.is_dir() {
            all.append(&mut below(&path)?);
        } else if path.is_file() {
            all.push(fs::read(&path)?);
        }
    }
    Ok(all)
}
