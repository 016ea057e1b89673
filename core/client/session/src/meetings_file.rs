//! The meetings that a device keeps, with their host keys, as a file: to go on as host on another device, or after this one is lost.
//!
//! ```text
//!  conclave meetings 1\n ‖ salt (16) ‖ nonce (12) ‖ AES-256-GCM (postcard of the list, zeros up to a multiple of 4 KiB)
//! ```
//! The key is Argon2id of the passphrase under the salt, with the cost of a meeting's passphrase. Whoever has both enters as host, and nothing
//! but the passphrase guards the file: so it is longer than one that is asked for by a server.

use conclave_base::{Redacted, Secret};
use conclave_mls::clean_line;
use conclave_protocol::limits::TITLE_CHARS;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::meeting_link;
use crate::rng::Rng;
use crate::sealed_file::{self, FileKey};

/// Shortest passphrase of a file, in characters: several words.
pub const PASSPHRASE_CHARS: usize = 16;
/// Meetings in a file.
pub const MAX_MEETINGS: usize = 1000;
/// Largest file, in bytes.
pub const MAX_FILE: usize = 1024 * 1024;

const HEAD: &[u8] = b"conclave meetings 1\n";
/// What JavaScript's numbers tell apart.
const MAX_TIME: u64 = 1 << 53;

/// A meeting that a device keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMeeting {
    /// As its host called it; may be empty.
    pub title: Redacted<String>,
    /// Whole URL.
    pub link: Redacted<String>,
    /// Unix milliseconds.
    pub created_at: u64,
    /// Seed of the host key.
    #[serde(with = "seed")]
    pub host: Secret<32>,
}

/// Why there is no file, or nothing in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify), derive(Serialize), serde(rename_all = "camelCase"))]
pub enum MeetingsFileError {
    /// Below [`PASSPHRASE_CHARS`].
    #[error("passphrase too short")]
    Short,
    /// Over [`MAX_MEETINGS`], or what they say is too long.
    #[error("too many meetings for one file")]
    TooMany,
    /// Not such a file, or of another version.
    #[error("not a file of meetings")]
    NotOurs,
    /// Another passphrase, or the file was changed.
    #[error("passphrase wrong, or the file is damaged")]
    Closed,
}

/// Makes the file. `seed` is fresh randomness.
pub fn seal(meetings: &[KeptMeeting], passphrase: &str, seed: &Secret<32>) -> Result<Vec<u8>, MeetingsFileError> {
    if passphrase.chars().count() < PASSPHRASE_CHARS {
        return Err(MeetingsFileError::Short);
    }
    let plain = Zeroizing::new(postcard::to_stdvec(meetings).expect("these types have no failing serializer"));
    if meetings.len() > MAX_MEETINGS || plain.len() > MAX_FILE / 2 {
        return Err(MeetingsFileError::TooMany);
    }
    let mut rng = Rng::new(seed);
    Ok(FileKey::new(passphrase, rng.bytes()).seal(HEAD, plain, &mut rng))
}

/// Reads such a file. Titles come out fit to be shown.
pub fn open(file: &[u8], passphrase: &str) -> Result<Vec<KeptMeeting>, MeetingsFileError> {
    let file = sealed_file::parts(file, HEAD).filter(|_| file.len() <= MAX_FILE).ok_or(MeetingsFileError::NotOurs)?;
    let (_, plain) = file.open(passphrase).ok_or(MeetingsFileError::Closed)?;
    let (meetings, _padding) = postcard::take_from_bytes::<Vec<KeptMeeting>>(&plain).map_err(|_| MeetingsFileError::NotOurs)?;
    if meetings.len() > MAX_MEETINGS {
        return Err(MeetingsFileError::NotOurs);
    }
    meetings.into_iter().map(check).collect::<Option<_>>().ok_or(MeetingsFileError::NotOurs)
}

/// A meeting as it could have been written here, whoever made the file.
fn check(meeting: KeptMeeting) -> Option<KeptMeeting> {
    let found = meeting_link::find(meeting.link.expose()).ok()?;
    let link = Redacted::new(found.link.url(&found.origin?));
    let title = Redacted::new(clean_line(meeting.title.expose(), TITLE_CHARS));
    (meeting.created_at < MAX_TIME).then_some(KeptMeeting { title, link, ..meeting })
}

pub(crate) mod seed {
    use conclave_base::Secret;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(crate) fn serialize<S: Serializer>(seed: &Secret<32>, serializer: S) -> Result<S::Ok, S::Error> {
        seed.expose().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret<32>, D::Error> {
        <[u8; 32]>::deserialize(deserializer).map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MeetingLink;
    use crate::sealed_file::{NONCE, SALT};

    const WORDS: &str = "violet harbour seventeen";

    fn meeting(n: u8) -> KeptMeeting {
        let link = MeetingLink::new(&[n; 32], &[n; 16]).url("https://meet.example.org");
        KeptMeeting { title: Redacted::new(format!("Editorial {n}")), link: Redacted::new(link), created_at: 7, host: Secret::new([n; 32]) }
    }

    fn file(meetings: &[KeptMeeting]) -> Vec<u8> {
        seal(meetings, WORDS, &Secret::new([9; 32])).expect("few meetings and a long passphrase")
    }

    #[test]
    fn a_file_gives_back_what_was_kept_and_shows_nothing_of_it() {
        let meetings = [meeting(1), meeting(2)];
        let sealed = file(&meetings);
        assert_eq!(open(&sealed, WORDS), Ok(meetings.to_vec()));
        assert_eq!(sealed.len(), file(&[]).len(), "how many there are is not seen");
        for secret in [b"Editorial".as_slice(), b"meet.example.org", &[1; 16]] {
            assert!(!sealed.windows(secret.len()).any(|window| window == secret));
        }
        assert_ne!(sealed, seal(&meetings, WORDS, &Secret::new([8; 32])).expect("another salt"));
    }

    #[test]
    fn another_passphrase_opens_nothing_and_neither_does_a_changed_file() {
        let sealed = file(&[meeting(1)]);
        assert_eq!(open(&sealed, "violet harbour sixteen"), Err(MeetingsFileError::Closed));
        for at in [HEAD.len(), HEAD.len() + SALT, HEAD.len() + SALT + NONCE, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(open(&changed, WORDS), Err(MeetingsFileError::Closed), "byte {at}");
        }
    }

    #[test]
    fn what_is_no_such_file_is_called_so() {
        let sealed = file(&[meeting(1)]);
        let newer = [b"conclave meetings 2\n", &sealed[HEAD.len()..]].concat();
        let huge = [sealed.as_slice(), &[0; MAX_FILE]].concat();
        for other in [b"".as_slice(), b"%PDF-1.7", &sealed[..HEAD.len() + 20], &newer, &huge] {
            assert_eq!(open(other, WORDS), Err(MeetingsFileError::NotOurs));
        }
        let elsewhere = KeptMeeting { link: Redacted::new("https://example.org/".to_owned()), ..meeting(1) };
        assert_eq!(open(&file(&[elsewhere]), WORDS), Err(MeetingsFileError::NotOurs), "not a meeting's link");
        let endless = KeptMeeting { created_at: u64::MAX, ..meeting(1) };
        assert_eq!(open(&file(&[endless]), WORDS), Err(MeetingsFileError::NotOurs));
    }

    #[test]
    fn a_file_has_a_passphrase_that_is_worth_it_and_a_bound() {
        assert_eq!(seal(&[], "fifteen letters", &Secret::new([9; 32])), Err(MeetingsFileError::Short));
        let many: Vec<_> = (0..=MAX_MEETINGS).map(|n| meeting(n as u8)).collect();
        assert_eq!(seal(&many, WORDS, &Secret::new([9; 32])), Err(MeetingsFileError::TooMany));
        assert_eq!(open(&file(&many[..MAX_MEETINGS]), WORDS).map(|read| read.len()), Ok(MAX_MEETINGS));
    }

    #[test]
    fn a_title_that_was_not_written_here_is_cleaned() {
        let meeting = KeptMeeting { title: Redacted::new("Edito\u{202e}rial\nTuesday".repeat(20)), ..meeting(1) };
        let read = open(&file(&[meeting]), WORDS).expect("it opens");
        let title = read[0].title.expose();
        assert!(title.chars().count() <= TITLE_CHARS && !title.contains(['\u{202e}', '\n']), "{title}");
    }
}
