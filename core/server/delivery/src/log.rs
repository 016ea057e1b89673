use std::ops::Deref;

use conclave_base::Seq;
use conclave_protocol::ws::{Class, LogTime};

use crate::ask::Ordered;
use crate::mirror::Mirror;
use crate::rules::Rules;

/// A log that one owner both orders and reads: the rules of an [`Order`](crate::Order) without its members, and a [`Mirror`].
#[derive(Debug, Clone)]
pub struct Log {
    rules: Rules,
    mirror: Mirror,
}

/// Why nothing was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// `parent_commit` is not the last commit, or a proposal came after it and the entry is a snapshot.
    #[error("stale: the last commit is another one")]
    Stale {
        /// The last commit's place.
        last_commit: Seq,
    },
    /// Over the limit of its class.
    #[error("entry too large")]
    TooLarge,
    /// The log has lasted for as long as it may. Whoever enters now begins another one.
    #[error("the time of the log is over")]
    Over,
    /// What a joiner reads has outgrown its part of the memory; a snapshot would help.
    #[error("log full")]
    Full,
}

impl Log {
    /// An empty log that holds at most `bound` bytes.
    pub const fn new(bound: usize) -> Self {
        Self { rules: Rules::new(bound), mirror: Mirror::new(bound) }
    }

    /// Appends an entry that came at `at`, by a clock that does not go back, and gives its place. `parent_commit` is the last commit that the
    /// sender knows; it matters for commits and snapshots only. When memory is short, the oldest entries that no joiner needs are evicted;
    /// however many commits and proposals there are, messages find room.
    pub fn append(&mut self, class: Class, parent_commit: Seq, sealed: Vec<u8>, at: LogTime) -> Result<Seq, AppendError> {
        let (seq, at) = self.rules.append(class, parent_commit, sealed.len(), at)?;
        self.mirror.apply(Ordered { seq, at, class, sealed }).map_err(|_| AppendError::Full)?;
        Ok(seq)
    }

    /// As [`Mirror::evict_to`].
    pub fn evict_to(&mut self, bytes: usize) {
        self.mirror.evict_to(bytes);
    }
}

impl Deref for Log {
    type Target = Mirror;

    fn deref(&self) -> &Mirror {
        &self.mirror
    }
}
