use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conclave_base::Seq;
use conclave_protocol::limits;
use conclave_protocol::ws::{Class, Entry, LogPosition, LogTime};

/// What an entry costs beside its sealed bytes: its header and its place in the map, rounded up.
pub const ENTRY_OVERHEAD: usize = 128;

/// The log of one session. See the crate's page.
#[derive(Debug, Clone)]
pub struct Log {
    entries: BTreeMap<Seq, Arc<Entry>>,
    /// Memory that `entries` may take, in bytes.
    bound: usize,
    /// Memory that `entries` take.
    used: usize,
    /// What a joiner reads: the last snapshot, and commits and proposals after it.
    catch_up: BTreeSet<Seq>,
    /// The part of `used` that `catch_up` takes.
    catch_up_bytes: usize,
    /// The part of `catch_up_bytes` that proposals take.
    proposal_bytes: usize,
    /// All other entries; the oldest are evicted when memory is short.
    evictable: BTreeSet<Seq>,
    head: Seq,
    /// When the newest entry came.
    at: LogTime,
    chain_hash: [u8; 32],
    last_commit: Seq,
    /// The last commit or proposal.
    last_handshake: Seq,
    /// Where joiners start; `Seq(0)` for the founding commit.
    snapshot: Seq,
    /// The newest entry that was evicted.
    evicted: Seq,
    /// The newest such commit, proposal or snapshot.
    evicted_catch_up: Seq,
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
    /// What a joiner reads has outgrown its part of the memory; a snapshot would help.
    #[error("log full")]
    Full,
}

/// How far a reader has read. Belongs to the log that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The last entry read or passed over.
    at: Seq,
    /// Up to here only what a joiner needs is read.
    catch_up_until: Seq,
}

/// Entries that the reader had still to read were evicted: it was too slow, or away for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entries to be read were evicted")]
pub struct Evicted;

impl Log {
    /// An empty log that holds at most `bound` bytes.
    pub const fn new(bound: usize) -> Self {
        Self {
            entries: BTreeMap::new(),
            bound,
            used: 0,
            catch_up: BTreeSet::new(),
            catch_up_bytes: 0,
            proposal_bytes: 0,
            evictable: BTreeSet::new(),
            head: Seq(0),
            at: LogTime(0),
            chain_hash: [0; 32],
            last_commit: Seq(0),
            last_handshake: Seq(0),
            snapshot: Seq(0),
            evicted: Seq(0),
            evicted_catch_up: Seq(0),
        }
    }

    /// The newest entry's place; `Seq(0)` when there was none yet.
    pub const fn head(&self) -> Seq {
        self.head
    }

    /// Chain value at [`Self::head`].
    pub const fn chain_hash(&self) -> [u8; 32] {
        self.chain_hash
    }

    /// The last commit's place; `Seq(0)` when there was none yet.
    pub const fn last_commit(&self) -> Seq {
        self.last_commit
    }

    /// Memory taken, in bytes.
    pub const fn used(&self) -> usize {
        self.used
    }

    /// Memory that [`Self::evict_to`] cannot free, in bytes.
    pub const fn needed(&self) -> usize {
        self.catch_up_bytes
    }

    /// Appends an entry that came at `at`, by a clock that does not go back, and gives its place. `parent_commit` is the last commit that the
    /// sender knows; it matters for commits and snapshots only. When memory is short, the oldest entries that no joiner needs are evicted;
    /// however many commits and proposals there are, messages find room.
    pub fn append(&mut self, class: Class, parent_commit: Seq, sealed: Vec<u8>, at: LogTime) -> Result<Seq, AppendError> {
        self.check(class, parent_commit, sealed.len())?;
        let cost = sealed.len() + ENTRY_OVERHEAD;
        let seq = self.head.next();
        self.at = self.at.max(at);
        let entry = Entry::new(&self.chain_hash, seq, self.at, class, sealed);
        match class {
            Class::Commit => (self.last_commit, self.last_handshake) = (seq, seq),
            Class::Proposal => self.last_handshake = seq,
            Class::Snapshot => {
                self.snapshot = seq;
                self.evictable.append(&mut self.catch_up);
                (self.catch_up_bytes, self.proposal_bytes) = (0, 0);
            }
            Class::Message | Class::JoinRequest | Class::Welcome | Class::Gone => {}
        }
        if is_catch_up(class) {
            self.catch_up.insert(seq);
            self.catch_up_bytes += cost;
            if class == Class::Proposal {
                self.proposal_bytes += cost;
            }
        } else {
            self.evictable.insert(seq);
        }
        self.used += cost;
        (self.head, self.chain_hash) = (seq, entry.chain_hash);
        self.entries.insert(seq, Arc::new(entry));
        self.evict_to(self.bound);
        Ok(seq)
    }

    /// Whether [`Self::append`] would append this; changes nothing.
    pub fn check(&self, class: Class, parent_commit: Seq, size: usize) -> Result<(), AppendError> {
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

    /// A reader that starts a join: the last snapshot (or the founding commit), commits and proposals after it up to the
    /// present head, and from there on everything.
    pub const fn reader_from_snapshot(&self) -> Cursor {
        Cursor { at: Seq(self.snapshot.0.saturating_sub(1)), catch_up_until: self.head }
    }

    /// A reader that has everything up to `after`. Refuses a position of another log, such as the one before a restart.
    pub fn reader_from(&self, after: LogPosition) -> Result<Cursor, Evicted> {
        let LogPosition { seq, chain_hash } = after;
        let ours = match (self.entries.get(&seq), self.entries.get(&seq.next())) {
            _ if seq == self.head => chain_hash == self.chain_hash,
            (Some(entry), _) => chain_hash == entry.chain_hash,
            // Evicted: the chain hash of the entry after it still tells.
            (None, Some(next)) => next.follows(&chain_hash),
            (None, None) => false,
        };
        if ours && seq >= self.evicted { Ok(Cursor { at: seq, catch_up_until: seq }) } else { Err(Evicted) }
    }

    /// The next entry for a reader; `None` when it has read all there is.
    pub fn read(&self, cursor: &mut Cursor) -> Result<Option<&Arc<Entry>>, Evicted> {
        let evicted = if self.evicted > cursor.catch_up_until { self.evicted } else { self.evicted_catch_up };
        if cursor.at < evicted {
            return Err(Evicted);
        }
        for (seq, entry) in self.entries.range(cursor.at.next()..) {
            cursor.at = *seq;
            if *seq > cursor.catch_up_until || is_catch_up(entry.class) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Evicts the oldest entries that no joiner needs until the log takes no more than `bytes`, if there are so many.
    pub fn evict_to(&mut self, bytes: usize) {
        while self.used > bytes {
            let Some(entry) = self.evictable.pop_first().and_then(|seq| self.entries.remove(&seq)) else { return };
            self.used -= entry.sealed.len() + ENTRY_OVERHEAD;
            self.evicted = self.evicted.max(entry.seq);
            if is_catch_up(entry.class) {
                self.evicted_catch_up = self.evicted_catch_up.max(entry.seq);
            }
        }
    }
}

/// Whether a joiner reads entries of this class while it catches up.
const fn is_catch_up(class: Class) -> bool {
    matches!(class, Class::Commit | Class::Proposal | Class::Snapshot)
}

const fn limit(class: Class) -> usize {
    match class {
        Class::Commit => limits::SEALED_COMMIT,
        Class::Snapshot | Class::Welcome => limits::SEALED_HANDSHAKE,
        Class::Proposal | Class::Message | Class::JoinRequest | Class::Gone => limits::SEALED_MESSAGE,
    }
}
