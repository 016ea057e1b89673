//! What a witness decides (c2sp.org/tlog-witness): it cosigns a log that only grew since it last looked.
//!
//! ```text
//!   request ──> Witness::add_checkpoint ──> Cosigned ──> the shell stores it ──> Witness::stored ──> answer
//! ```

use std::collections::BTreeMap;
use std::fmt;

use crate::checkpoint::SignedCheckpoint;
use crate::key::{SigningKey, VerifierKey};
use crate::merkle::{Hash, verify_consistency};
use crate::note::{MAX_NOTE, NoteError};
use crate::proof::parse_path;
use crate::text;

/// Longest request, bytes: the longest note, and the longest proof before it.
pub const MAX_REQUEST: usize = MAX_NOTE + 4096;

/// `add-checkpoint`: "cosign this, it begins with what you have seen".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the witness cosigned last.
    pub old: u64,
    /// From there to the checkpoint.
    pub proof: Vec<Hash>,
    /// What to cosign.
    pub checkpoint: SignedCheckpoint,
}

impl AddCheckpoint {
    /// Reads a request.
    pub fn parse(request: &[u8]) -> Result<Self, NoteError> {
        if request.len() > MAX_REQUEST {
            return Err(NoteError::TooLong);
        }
        let request = std::str::from_utf8(request).map_err(|_| NoteError::Malformed)?;
        let (head, note) = request.split_once("\n\n").ok_or(NoteError::Malformed)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(text::decimal).ok_or(NoteError::Malformed)?;
        Ok(Self { old, proof: parse_path(lines)?, checkpoint: SignedCheckpoint::parse(note.as_bytes())? })
    }
}

/// The request.
impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", text::base64(&hash.0)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Not such a request.
    #[error("malformed request")]
    Malformed,
    /// A log that this witness does not look at.
    #[error("unknown log")]
    UnknownLog,
    /// Not signed by that log.
    #[error("not signed by the log")]
    NotSigned,
    /// Not the size that was cosigned last, which is this one.
    #[error("{0}")]
    OtherSize(u64),
    /// Does not begin with what was cosigned before.
    #[error("not consistent with what was cosigned before")]
    Inconsistent,
    /// The log signed another tree of the same size: both notes together are the proof. It is never cosigned.
    #[error("the log signed another tree of this size before")]
    Fork(Box<SignedCheckpoint>),
}

impl Rejected {
    /// The status of the answer.
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::NotSigned => 403,
            Self::UnknownLog => 404,
            Self::OtherSize(_) => 409,
            Self::Inconsistent | Self::Fork(_) => 422,
        }
    }
}

/// Why a witness does not go on from what was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// No such log.
    #[error("unknown log")]
    UnknownLog,
    /// Not what this witness stored for that log.
    #[error("not a checkpoint that this witness cosigned")]
    NotOurs,
}

/// A cosigned checkpoint that must be stored before anybody hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    checkpoint: SignedCheckpoint,
    answer: String,
}

impl Cosigned {
    /// What to store, and what to publish: the log's signatures and ours.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// What to answer, once it is stored and [`Witness::stored`].
    pub fn answer(&self) -> &str {
        &self.answer
    }
}

#[derive(Debug)]
struct Log {
    keys: Vec<VerifierKey>,
    latest: Option<SignedCheckpoint>,
}

/// One witness: its key, the logs that it looks at, and the last checkpoint of each that it cosigned.
#[derive(Debug)]
pub struct Witness {
    key: SigningKey,
    logs: BTreeMap<String, Log>,
}

impl Witness {
    /// Has seen nothing yet. A log's origin is its keys' name.
    pub fn new(key: SigningKey, logs: impl IntoIterator<Item = VerifierKey>) -> Self {
        let mut by_origin = BTreeMap::new();
        for key in logs {
            by_origin.entry(key.name().to_owned()).or_insert(Log { keys: Vec::new(), latest: None }).keys.push(key);
        }
        Self { key, logs: by_origin }
    }

    /// What others check its cosignatures with.
    pub const fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// Origins of its logs.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.logs.keys().map(String::as_str)
    }

    /// Goes on from what was stored before the process ended.
    pub fn restore(&mut self, stored: &[u8]) -> Result<(), RestoreError> {
        let stored = SignedCheckpoint::parse(stored).map_err(|_| RestoreError::NotOurs)?;
        let log = self.logs.get_mut(stored.checkpoint().origin()).ok_or(RestoreError::UnknownLog)?;
        let ours = stored.verify(self.key.verifier()).is_ok_and(|time| time.is_some());
        if !ours || log.latest.is_some() {
            return Err(RestoreError::NotOurs);
        }
        log.latest = Some(stored);
        Ok(())
    }

    /// The last checkpoint that was cosigned.
    pub fn latest(&self, origin: &str) -> Option<&SignedCheckpoint> {
        self.logs.get(origin)?.latest.as_ref()
    }

    /// Decides about a request at `now`, POSIX seconds. Changes nothing: the next request must not be looked at before this one's answer is
    /// [`Self::stored`] or dropped.
    pub fn add_checkpoint(&self, request: &[u8], now: u64) -> Result<Cosigned, Rejected> {
        let AddCheckpoint { old, proof, checkpoint: signed } = AddCheckpoint::parse(request).map_err(|_| Rejected::Malformed)?;
        let checkpoint = signed.checkpoint();
        let log = self.logs.get(checkpoint.origin()).ok_or(Rejected::UnknownLog)?;
        if !signed.verify_log(&log.keys).is_ok_and(|signed| signed) {
            return Err(Rejected::NotSigned);
        }
        if old > checkpoint.size() {
            return Err(Rejected::Malformed);
        }
        let latest = log.latest.as_ref().map(SignedCheckpoint::checkpoint);
        let seen = latest.map_or((0, Hash::of_empty_tree()), |latest| (latest.size(), latest.root()));
        if old != seen.0 {
            return Err(Rejected::OtherSize(seen.0));
        }
        if let Some(known) = &log.latest
            && seen.0 == checkpoint.size()
            && seen.1 != checkpoint.root()
        {
            return Err(Rejected::Fork(Box::new(known.clone())));
        }
        verify_consistency(seen, (checkpoint.size(), checkpoint.root()), &proof).map_err(|_| Rejected::Inconsistent)?;
        let cosignature = self.key.sign(checkpoint, now.max(1));
        let answer = cosignature.to_string();
        let keys: Vec<_> = log.keys.iter().collect();
        Ok(Cosigned { checkpoint: signed.with_signatures(&keys, vec![cosignature]), answer })
    }

    /// Takes note that it was stored.
    pub fn stored(&mut self, cosigned: &Cosigned) {
        if let Some(log) = self.logs.get_mut(cosigned.checkpoint.checkpoint().origin()) {
            log.latest = Some(cosigned.checkpoint.clone());
        }
    }
}
