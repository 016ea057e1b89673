//! The secret behind the server's part of passphrases: one file in the data folder. Without it no meeting opens that has a passphrase.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use conclave_base::Secret;

use crate::serve::random;

const NAME: &str = "passphrase.key";

/// Reads it from `folder`, or makes it, for nobody else to read.
pub(crate) fn read_or_make(folder: &Path) -> anyhow::Result<Secret<32>> {
    let path = folder.join(NAME);
    match std::fs::read(&path) {
        Ok(bytes) => {
            let key = <[u8; 32]>::try_from(bytes).ok().with_context(|| {
                format!("{} is damaged: put it back from where you keep it, or meetings with a passphrase do not open", path.display())
            })?;
            Ok(Secret::new(key))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => make(folder, &path),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read: allow this user to", path.display())),
    }
}

/// Whole or not at all, also when the machine stops in the middle.
fn make(folder: &Path, path: &Path) -> anyhow::Result<Secret<32>> {
    let advice = || format!("{} cannot be written: allow this user to write there", path.display());
    let key = random::<32>()?;
    let draft = path.with_extension("new");
    std::fs::create_dir_all(folder).with_context(advice)?;
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft).with_context(advice)?;
    file.write_all(&key).and_then(|()| file.sync_all()).with_context(advice)?;
    std::fs::rename(&draft, path).and_then(|()| File::open(folder)?.sync_all()).with_context(advice)?;
    Ok(Secret::new(key))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().expect("folder");
        let key = read_or_make(folder.path()).expect("made");
        assert_eq!(read_or_make(folder.path()).expect("read").expose(), key.expose());
        let path = folder.path().join(NAME);
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 1);
        std::fs::write(&path, "short").expect("written");
        assert!(read_or_make(folder.path()).is_err(), "a damaged one is not replaced");
    }
}
