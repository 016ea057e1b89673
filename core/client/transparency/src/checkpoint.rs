//! Checkpoints (c2sp.org/tlog-checkpoint): what a log says of itself at one size.

use std::fmt;

use crate::key::{SigningKey, VerifierKey};
use crate::merkle::{Hash, MAX_SIZE};
use crate::note::{Note, NoteError, NoteSignature};
use crate::text;

/// Longest origin, bytes: what an ML-DSA-44 cosignature can commit to.
pub const MAX_ORIGIN: usize = 255;
/// Most extension lines.
const MAX_EXTENSIONS: usize = 16;

/// Why a text is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a checkpoint")]
pub struct NotACheckpoint;

/// Origin, size and hash of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// Of a log with this origin, `2^63 - 1` entries at most.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, NotACheckpoint> {
        if origin.is_empty() || origin.len() > MAX_ORIGIN || origin.contains(|c: char| c < ' ') || size > MAX_SIZE {
            return Err(NotACheckpoint);
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions: Vec::new() })
    }

    /// Reads the text of a note.
    pub fn parse(text: &str) -> Result<Self, NotACheckpoint> {
        let mut lines = text.strip_suffix('\n').ok_or(NotACheckpoint)?.split('\n');
        let mut line = || lines.next().filter(|line| !line.is_empty()).ok_or(NotACheckpoint);
        let (origin, size, root) = (line()?, line()?, line()?);
        let size = text::decimal(size).ok_or(NotACheckpoint)?;
        let mut checkpoint = Self::new(origin, size, text::hash_from_base64(root).ok_or(NotACheckpoint)?)?;
        for extension in lines {
            if extension.is_empty() || checkpoint.extensions.len() == MAX_EXTENSIONS {
                return Err(NotACheckpoint);
            }
            checkpoint.extensions.push(extension.to_owned());
        }
        Ok(checkpoint)
    }

    /// Which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The tree's hash.
    pub const fn root(&self) -> Hash {
        self.root
    }

    /// The note that a log publishes, signed with its keys.
    pub fn signed(&self, keys: &[SigningKey], time: u64) -> SignedCheckpoint {
        let signatures = keys.iter().map(|key| key.sign(self, time)).collect();
        SignedCheckpoint { note: Note::new(self.to_string(), signatures), checkpoint: self.clone() }
    }
}

/// The text of the note.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, text::base64(&self.root.0))?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A checkpoint as it is published: with signatures, none of which is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl SignedCheckpoint {
    /// Reads the file.
    pub fn parse(note: &[u8]) -> Result<Self, NoteError> {
        let note = Note::parse(note)?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(|NotACheckpoint| NoteError::Malformed)?;
        Ok(Self { checkpoint, note })
    }

    /// What is signed.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// What is signed, and by whom.
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// See [`Note::verify`].
    pub fn verify(&self, key: &VerifierKey) -> Result<Option<u64>, NoteError> {
        self.note.verify(key)
    }

    /// Whether one of a log's keys signed; an error if a line that claims one of them is wrong. The origin is the key's name, as c2sp.org/tlog-policy
    /// has it.
    pub(crate) fn verify_log<'a>(&self, keys: impl IntoIterator<Item = &'a VerifierKey>) -> Result<bool, NoteError> {
        let mut signed = false;
        for key in keys.into_iter().filter(|key| key.name() == self.checkpoint.origin) {
            signed |= self.verify(key)?.is_some();
        }
        Ok(signed)
    }

    /// The same checkpoint with these signatures of others beside those of `keep`; what was there of the same keys goes.
    pub fn with_signatures(&self, keep: &[&VerifierKey], signatures: Vec<NoteSignature>) -> Self {
        let kept = self.note.signatures().iter().filter(|line| keep.iter().any(|key| line.claims(key))).cloned();
        let note = Note::new(self.note.text().to_owned(), kept.chain(signatures).collect());
        Self { checkpoint: self.checkpoint.clone(), note }
    }
}

/// The file.
impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}
