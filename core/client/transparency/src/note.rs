//! Signed notes (c2sp.org/signed-note): a text, and lines of signatures under it.

use std::fmt;

use crate::key::VerifierKey;
use crate::text;

/// Longest note, bytes.
pub const MAX_NOTE: usize = 256 * 1024;
/// Most signature lines; sixteen are what everybody has to take.
pub const MAX_SIGNATURES: usize = 64;

/// Why a note is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`MAX_NOTE`], or with more than [`MAX_SIGNATURES`].
    #[error("note too long")]
    TooLong,
    /// Not a text, an empty line and signature lines.
    #[error("malformed note")]
    Malformed,
    /// A line that claims to be by a known key is not.
    #[error("signature of {0} is wrong")]
    BadSignature(String),
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

impl NoteSignature {
    pub(crate) const fn new(name: String, id: [u8; 4], bytes: Vec<u8>) -> Self {
        Self { name, id, bytes }
    }

    /// Reads a line without its end.
    fn parse(line: &str) -> Option<Self> {
        let (name, signature) = line.strip_prefix("— ")?.split_once(' ')?;
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
            return None;
        }
        let bytes = text::from_base64(signature)?;
        let (id, bytes) = bytes.split_first_chunk::<4>()?;
        (!bytes.is_empty()).then(|| Self { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
    }

    /// Reads signature lines alone, as a witness answers.
    pub fn parse_lines(lines: &[u8]) -> Result<Vec<Self>, NoteError> {
        if lines.len() > MAX_NOTE {
            return Err(NoteError::TooLong);
        }
        let lines = std::str::from_utf8(lines).ok().and_then(|lines| lines.strip_suffix('\n')).ok_or(NoteError::Malformed)?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == MAX_SIGNATURES {
                return Err(NoteError::TooLong);
            }
            signatures.push(Self::parse(line).ok_or(NoteError::Malformed)?);
        }
        Ok(signatures)
    }

    /// Whether the line claims to be by this key.
    pub fn claims(&self, key: &VerifierKey) -> bool {
        self.name == key.name() && self.id == key.id()
    }
}

/// The line with its end.
impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "— {} {}", self.name, text::base64(&[&self.id, self.bytes.as_slice()].concat()))
    }
}

/// A text with signatures, none of which is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// Reads a note.
    pub fn parse(note: &[u8]) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE {
            return Err(NoteError::TooLong);
        }
        let note = std::str::from_utf8(note).map_err(|_| NoteError::Malformed)?;
        if note.contains(|c: char| c < ' ' && c != '\n') {
            return Err(NoteError::Malformed);
        }
        let end = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, lines) = (&note[..=end], &note[end + 2..]);
        Ok(Self { text: text.to_owned(), signatures: NoteSignature::parse_lines(lines.as_bytes())? })
    }

    /// A text that ends in a newline, and its signatures.
    pub(crate) const fn new(text: String, signatures: Vec<NoteSignature>) -> Self {
        Self { text, signatures }
    }

    /// The text, to its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The lines under it.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Checks all lines that claim to be by this key. Gives the latest time that one tells, 0 where such a key tells none; nothing if no line claims.
    pub fn verify(&self, key: &VerifierKey) -> Result<Option<u64>, NoteError> {
        let mut latest = None;
        for signature in self.signatures.iter().filter(|signature| signature.claims(key)) {
            let time = key.verify(&self.text, &signature.bytes).ok_or_else(|| NoteError::BadSignature(key.name().to_owned()))?;
            latest = latest.max(Some(time));
        }
        Ok(latest)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| write!(f, "{signature}"))
    }
}
