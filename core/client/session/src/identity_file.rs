//! The device key, and who was verified on the device, as a file: for a client that has no browser to keep them in.
//!
//! It is sealed as a file of meetings is (`sealed_file`), and written anew with each change. Whoever has it and its passphrase is taken for this
//! device by all who verified its user.

use conclave_base::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::meetings_file::seed;
use crate::people::{MAX_PEOPLE, PeopleChange, VerifiedPerson};
use crate::rng::Rng;
use crate::sealed_file::{self, FileKey};

pub use crate::meetings_file::PASSPHRASE_CHARS;

/// Largest file, in bytes.
pub const MAX_FILE: usize = 256 * 1024;

const HEAD: &[u8] = b"conclave identity 1\n";

/// Why there is no such file, or nothing in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityFileError {
    /// Below [`PASSPHRASE_CHARS`].
    #[error("passphrase too short: take {PASSPHRASE_CHARS} letters or more, such as several words that nobody would guess together")]
    Short,
    /// Not such a file, or of another version.
    #[error("not a file with an identity")]
    NotOurs,
    /// Another passphrase, or the file was changed.
    #[error("passphrase wrong, or the file is damaged")]
    Closed,
}

/// An open file.
pub struct IdentityFile {
    key: FileKey,
    content: Content,
}

#[derive(Serialize, Deserialize)]
struct Content {
    #[serde(with = "seed")]
    device: Secret<32>,
    people: Vec<VerifiedPerson>,
}

impl IdentityFile {
    /// A new device key, drawn from `randomness`, and nobody verified.
    pub fn new(passphrase: &str, randomness: &Secret<32>) -> Result<Self, IdentityFileError> {
        if passphrase.chars().count() < PASSPHRASE_CHARS {
            return Err(IdentityFileError::Short);
        }
        let mut rng = Rng::new(randomness);
        let key = FileKey::new(passphrase, rng.bytes());
        Ok(Self { key, content: Content { device: rng.secret(), people: Vec::new() } })
    }

    /// Reads what [`Self::seal`] wrote.
    pub fn open(file: &[u8], passphrase: &str) -> Result<Self, IdentityFileError> {
        let parts = sealed_file::parts(file, HEAD).filter(|_| file.len() <= MAX_FILE).ok_or(IdentityFileError::NotOurs)?;
        let (key, plain) = parts.open(passphrase).ok_or(IdentityFileError::Closed)?;
        let (content, _padding) = postcard::take_from_bytes::<Content>(&plain).map_err(|_| IdentityFileError::NotOurs)?;
        if content.people.len() > MAX_PEOPLE { Err(IdentityFileError::NotOurs) } else { Ok(Self { key, content }) }
    }

    /// Seed of the device key.
    pub const fn device(&self) -> &Secret<32> {
        &self.content.device
    }

    /// Who is verified.
    pub fn people(&self) -> &[VerifiedPerson] {
        &self.content.people
    }

    /// Does what a session asked for. The file is to be written anew.
    pub fn apply(&mut self, change: PeopleChange) {
        let (PeopleChange::Verified { person: VerifiedPerson { key, .. } } | PeopleChange::Forgotten { key }) = &change;
        self.content.people.retain(|known| known.key != *key);
        if let PeopleChange::Verified { person } = change {
            self.content.people.push(person);
        }
    }

    /// The file as it is to be written now, with fresh randomness.
    pub fn seal(&self, randomness: &Secret<32>) -> Vec<u8> {
        let plain = Zeroizing::new(postcard::to_stdvec(&self.content).expect("these types have no failing serializer"));
        self.key.seal(HEAD, plain, &mut Rng::new(randomness))
    }
}

#[cfg(test)]
mod tests {
    use conclave_base::Redacted;

    use super::*;

    const WORDS: &str = "violet harbour seventeen";

    fn person(key: &str, name: &str) -> VerifiedPerson {
        VerifiedPerson { key: Redacted::new(key.to_owned()), name: Redacted::new(name.to_owned()), since: 7 }
    }

    #[test]
    fn what_was_kept_comes_back_and_only_with_the_passphrase() {
        let mut file = IdentityFile::new(WORDS, &Secret::new([1; 32])).expect("long enough");
        file.apply(PeopleChange::Verified { person: person("a", "Amara") });
        file.apply(PeopleChange::Verified { person: person("b", "Bela") });
        file.apply(PeopleChange::Verified { person: person("a", "Amara Okafor") });
        file.apply(PeopleChange::Forgotten { key: Redacted::new("b".to_owned()) });
        let sealed = file.seal(&Secret::new([2; 32]));
        let read = IdentityFile::open(&sealed, WORDS).expect("it opens");
        assert_eq!((read.device(), read.people()), (file.device(), [person("a", "Amara Okafor")].as_slice()));
        for secret in [b"Amara".as_slice(), file.device().expose()] {
            assert!(!sealed.windows(secret.len()).any(|window| window == secret));
        }
        assert_ne!(sealed, read.seal(&Secret::new([3; 32])), "another nonce each time");
        assert_eq!(IdentityFile::open(&sealed, "violet harbour sixteen").err(), Some(IdentityFileError::Closed));
        let mut changed = sealed.clone();
        changed[sealed.len() - 1] ^= 1;
        assert_eq!(IdentityFile::open(&changed, WORDS).err(), Some(IdentityFileError::Closed));
    }

    #[test]
    fn what_is_no_such_file_is_called_so() {
        let meetings = crate::meetings_file::seal(&[], WORDS, &Secret::new([1; 32])).expect("sealed");
        for other in [b"".as_slice(), b"conclave identity 2\n", &meetings] {
            assert_eq!(IdentityFile::open(other, WORDS).err(), Some(IdentityFileError::NotOurs));
        }
        assert_eq!(IdentityFile::new("fifteen letters", &Secret::new([1; 32])).err(), Some(IdentityFileError::Short));
    }
}
