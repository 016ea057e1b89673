//! Proofs that a file was logged, for checking without a network (c2sp.org/tlog-proof).

use std::fmt;

use crate::checkpoint::SignedCheckpoint;
use crate::key::VerifierKey;
use crate::merkle::{Hash, MAX_PATH, NotProved, verify_inclusion};
use crate::note::{MAX_NOTE, NoteError, NoteSignature};
use crate::text;

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Longest extra data, bytes.
const MAX_EXTRA: usize = 16 * 1024;
/// Longest proof, bytes: the longest note, and all that can stand before it.
pub const MAX_PROOF: usize = MAX_NOTE + 32 * 1024;

/// Where an entry stands in a log, why that is so, and who signed for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProof {
    extra: Option<Vec<u8>>,
    index: u64,
    path: Vec<Hash>,
    checkpoint: SignedCheckpoint,
}

impl LogProof {
    /// From the log's own tree: see [`crate::Tiles::inclusion`].
    pub const fn new(index: u64, path: Vec<Hash>, checkpoint: SignedCheckpoint) -> Self {
        Self { extra: None, index, path, checkpoint }
    }

    /// Reads the file.
    pub fn parse(proof: &[u8]) -> Result<Self, NoteError> {
        if proof.len() > MAX_PROOF {
            return Err(NoteError::TooLong);
        }
        let proof = std::str::from_utf8(proof).map_err(|_| NoteError::Malformed)?;
        let (head, note) = proof.split_once("\n\n").ok_or(NoteError::Malformed)?;
        let mut lines = head.split('\n');
        let mut line = || lines.next().ok_or(NoteError::Malformed);
        if line()? != HEADER {
            return Err(NoteError::Malformed);
        }
        let mut index = line()?;
        let extra = match index.strip_prefix("extra ") {
            Some(extra) => {
                let extra = text::from_base64(extra).filter(|extra| extra.len() <= MAX_EXTRA).ok_or(NoteError::Malformed)?;
                index = line()?;
                Some(extra)
            }
            None => None,
        };
        let index = index.strip_prefix("index ").and_then(text::decimal).ok_or(NoteError::Malformed)?;
        let path = parse_path(lines)?;
        Ok(Self { extra, index, path, checkpoint: SignedCheckpoint::parse(note.as_bytes())? })
    }

    /// What somebody wrote beside the proof. Nobody signed it.
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// Where the entry stands, counted from 0.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The tree of which this is a proof, and who signed for it.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Whether no other entry stands behind it: only then a rebuilder's cosignature speaks of it.
    pub fn is_of_last(&self) -> bool {
        self.index.checked_add(1) == Some(self.checkpoint.checkpoint().size())
    }

    /// The same proof, of which these signatures are part; what was there of keys that are not in `keep` goes.
    pub fn with_signatures(&self, keep: &[&VerifierKey], signatures: Vec<NoteSignature>) -> Self {
        Self { checkpoint: self.checkpoint.with_signatures(keep, signatures), ..self.clone() }
    }

    /// Whether the entry stands there. Says nothing of who signed: that is a [`crate::Policy`]'s.
    pub fn verify_inclusion(&self, leaf: Hash) -> Result<(), NotProved> {
        let tree = self.checkpoint.checkpoint();
        verify_inclusion(leaf, self.index, tree.size(), &self.path, tree.root())
    }
}

/// Hashes in base64, one a line, as many as a proof can have.
pub(crate) fn parse_path<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<Hash>, NoteError> {
    let mut path = Vec::new();
    for line in lines {
        if path.len() == MAX_PATH {
            return Err(NoteError::TooLong);
        }
        path.push(text::hash_from_base64(line).ok_or(NoteError::Malformed)?);
    }
    Ok(path)
}

/// The file.
impl fmt::Display for LogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", text::base64(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{}", text::base64(&hash.0)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}
