//! The device key and the verified people of a native program: in one file, if its user wants that.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use conclave_base::{Redacted, Secret};
use conclave_session::identity_file::IdentityFile;
use conclave_session::people::{PeopleChange, VerifiedPerson};

use crate::{files, system};

/// An open file, which follows what the session wants kept.
pub struct Identity {
    path: PathBuf,
    file: IdentityFile,
}

impl Identity {
    /// Opens the file, or makes it.
    pub fn open(path: &Path, passphrase: &Redacted<String>) -> anyhow::Result<Self> {
        let about = || format!("the identity in {}", path.display());
        let (file, is_new) = match fs::read(path) {
            Ok(bytes) => (IdentityFile::open(&bytes, passphrase.expose()), false),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (IdentityFile::new(passphrase.expose(), &system::seed()?), true),
            Err(error) => return Err(error).with_context(about),
        };
        let identity = Self { path: path.to_owned(), file: file.with_context(about)? };
        if is_new {
            identity.write()?;
        }
        Ok(identity)
    }

    /// Seed of the device key.
    pub fn device(&self) -> Secret<32> {
        self.file.device().clone()
    }

    /// Who is verified.
    pub fn people(&self) -> &[VerifiedPerson] {
        self.file.people()
    }

    /// Does what a session asked for, and writes it.
    pub fn apply(&mut self, change: PeopleChange) -> anyhow::Result<()> {
        self.file.apply(change);
        self.write()
    }

    fn write(&self) -> anyhow::Result<()> {
        let about = || format!("cannot write the identity to {}: name a file in a folder that you may write to", self.path.display());
        files::replace(&self.path, &self.file.seal(&system::seed()?), 0o600).with_context(about)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_made_once_and_comes_back_with_whom_one_verified() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("me");
        let passphrase = Redacted::new("violet harbour seventeen".to_owned());
        let mut made = Identity::open(&path, &passphrase).expect("made");
        let person = VerifiedPerson { key: Redacted::new("a".to_owned()), name: Redacted::new("Amara".to_owned()), since: 7 };
        made.apply(PeopleChange::Verified { person: person.clone() }).expect("written");
        let read = Identity::open(&path, &passphrase).expect("it opens");
        assert_eq!((read.device(), read.people()), (made.device(), [person].as_slice()));
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        let error = Identity::open(&path, &Redacted::new("violet harbour sixteen".to_owned())).err().expect("another passphrase");
        assert!(format!("{error:#}").contains("passphrase wrong"), "{error:#}");
        assert!(format!("{error:#}").contains("me"), "{error:#}");
    }
}
