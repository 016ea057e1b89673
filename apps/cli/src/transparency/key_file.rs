//! The file that holds a log's or a witness's key: its vkey, and the private key in hexadecimal, a line each.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use conclave_base::{Secret, hex};
use conclave_device::files;
use conclave_transparency::{Algorithm, SigningKey, VerifierKey};

use crate::clock;

/// Longest file, bytes: an ML-DSA-44 vkey with the longest name, and 65 more.
const MAX_FILE: usize = 4096;

/// Makes a key, and a new file that only its owner can read.
pub(crate) fn create(path: &Path, name: &str, algorithm: Algorithm) -> anyhow::Result<SigningKey> {
    let seed = clock::seed()?;
    let text = hex::encode(seed.expose());
    let key = SigningKey::new(name, algorithm, seed)
        .with_context(|| format!("{name} cannot be a key's name: it has 1 to 255 bytes and no space, plus or control character"))?;
    let why = || format!("cannot write {}: name a folder that holds no key yet", path.display());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).with_context(why)?;
    write!(file, "{}\n{text}\n", key.verifier()).and_then(|()| file.sync_all()).with_context(why)?;
    Ok(key)
}

/// Reads what [`create`] wrote.
pub(crate) fn read(path: &Path) -> anyhow::Result<SigningKey> {
    let bytes = files::read(path, MAX_FILE)?;
    parse(&bytes).with_context(|| format!("{} holds no key: take the folder that `init` made", path.display()))
}

fn parse(bytes: &[u8]) -> Option<SigningKey> {
    let mut lines = std::str::from_utf8(bytes).ok()?.lines();
    let verifier: VerifierKey = lines.next()?.parse().ok()?;
    let seed = hex::decode(lines.next()?)?;
    let key = SigningKey::new(verifier.name(), verifier.algorithm(), Secret::new(seed)).ok()?;
    (*key.verifier() == verifier && lines.next().is_none()).then_some(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_comes_back_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().expect("folder");
        for (name, algorithm) in [("log", Algorithm::Ed25519), ("w1", Algorithm::CosignatureV1), ("w2", Algorithm::MlDsa44)] {
            let path = folder.path().join(name);
            let made = create(&path, name, algorithm).expect("made");
            assert_eq!(read(&path).expect("read").verifier(), made.verifier());
            assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
            assert!(create(&path, name, algorithm).is_err(), "no key is overwritten");
            let text = std::fs::read_to_string(&path).expect("read");
            let other = if text.ends_with("0\n") { "1\n" } else { "0\n" };
            std::fs::write(&path, format!("{}{other}", &text[..text.len() - 2])).expect("written");
            assert!(read(&path).is_err(), "a private key that is not that of the vkey");
        }
        assert!(create(&folder.path().join("spaces"), "a name", Algorithm::Ed25519).is_err());
    }
}
