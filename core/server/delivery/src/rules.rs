use conclave_base::Seq;
use conclave_protocol::limits;
use conclave_protocol::ws::{Class, LogTime};

use crate::{AppendError, ENTRY_OVERHEAD};

/// What decides whether an entry has a place in a log, and which: so much of a log as that takes, and no entry.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// Memory that the entries may take, in bytes.
    pub(crate) bound: usize,
    pub(crate) head: Seq,
    /// When the newest entry came.
    pub(crate) at: LogTime,
    pub(crate) last_commit: Seq,
    /// The last commit or proposal.
    last_handshake: Seq,
    /// Memory that a joiner's entries take: the last snapshot, and commits and proposals after it.
    catch_up_bytes: usize,
    /// The part of it that proposals take.
    proposal_bytes: usize,
}

impl Rules {
    pub(crate) const fn new(bound: usize) -> Self {
        Self { bound, head: Seq(0), at: LogTime(0), last_commit: Seq(0), last_handshake: Seq(0), catch_up_bytes: 0, proposal_bytes: 0 }
    }

    /// Whether [`Self::append`] would give a place; changes nothing.
    pub(crate) fn check(&self, class: Class, parent_commit: Seq, size: usize) -> Result<(), AppendError> {
        if size > limit(class) {
            return Err(AppendError::TooLarge);
        }
        let founded = self.last_commit > Seq(0);
        let current = match class {
            Class::Commit => parent_commit == self.last_commit,
            Class::Snapshot => founded && parent_commit == self.last_commit && self.last_commit == self.last_handshake,
            Class::Proposal | Class::Message | Class::JoinRequest | Class::Welcome | Class::Gone => founded,
        };
        if !current {
            return Err(AppendError::Stale { last_commit: self.last_commit });
        }
        if self.has_room(class, size + ENTRY_OVERHEAD) { Ok(()) } else { Err(AppendError::Full) }
    }

    /// Gives the place of an entry that comes at `at`, and its time.
    pub(crate) fn append(&mut self, class: Class, parent_commit: Seq, size: usize, at: LogTime) -> Result<(Seq, LogTime), AppendError> {
        self.check(class, parent_commit, size)?;
        let (seq, cost) = (self.head.next(), size + ENTRY_OVERHEAD);
        (self.head, self.at) = (seq, self.at.max(at));
        match class {
            Class::Commit => (self.last_commit, self.last_handshake) = (seq, seq),
            Class::Proposal => self.last_handshake = seq,
            Class::Snapshot => (self.catch_up_bytes, self.proposal_bytes) = (0, 0),
            Class::Message | Class::JoinRequest | Class::Welcome | Class::Gone => {}
        }
        if is_catch_up(class) {
            self.catch_up_bytes += cost;
        }
        if class == Class::Proposal {
            self.proposal_bytes += cost;
        }
        Ok((seq, self.at))
    }

    /// Whether an entry fits. A joiner needs commits and proposals, so that they are not evicted: what they leave free is for all others, which
    /// always fit, and of their own room proposals have a small part. A snapshot stands for all of them.
    const fn has_room(&self, class: Class, cost: usize) -> bool {
        match class {
            Class::Commit => self.catch_up_bytes + cost <= self.bound - self.bound / 4,
            Class::Proposal => self.catch_up_bytes + cost <= self.bound - self.bound / 4 && self.proposal_bytes + cost <= self.bound / 16,
            Class::Snapshot => cost <= self.bound,
            Class::Message | Class::JoinRequest | Class::Welcome | Class::Gone => self.catch_up_bytes + cost <= self.bound,
        }
    }
}

/// Whether a joiner reads entries of this class while it catches up.
pub(crate) const fn is_catch_up(class: Class) -> bool {
    matches!(class, Class::Commit | Class::Proposal | Class::Snapshot)
}

/// The largest sealed entry of this class.
pub const fn limit(class: Class) -> usize {
    match class {
        Class::Commit => limits::SEALED_COMMIT,
        Class::Snapshot | Class::Welcome => limits::SEALED_HANDSHAKE,
        Class::Proposal | Class::Message | Class::JoinRequest | Class::Gone => limits::SEALED_MESSAGE,
    }
}
