use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conclave_base::Seq;
use conclave_protocol::ws::{Class, Entry, LogPosition};

use crate::ask::{Contents, Ordered, Trim};
use crate::rules::is_catch_up;

/// What an entry costs beside its sealed bytes: its header and its place in the map, rounded up.
pub const ENTRY_OVERHEAD: usize = 128;

/// A session's log as one node has it: what was ordered elsewhere, for members to read. See the crate's page.
#[derive(Debug, Clone)]
pub struct Mirror {
    entries: BTreeMap<Seq, Arc<Entry>>,
    /// Memory that `entries` may take, in bytes.
    bound: usize,
    /// Memory that `entries` take.
    used: usize,
    /// What a joiner reads: the last snapshot, and commits and proposals after it.
    catch_up: BTreeSet<Seq>,
    /// The part of `used` that `catch_up` takes.
    catch_up_bytes: usize,
    /// All other entries; the oldest are evicted when memory is short.
    evictable: BTreeSet<Seq>,
    head: LogPosition,
    last_commit: Seq,
    /// Where joiners start; `Seq(0)` for the founding commit.
    snapshot: Seq,
    /// The newest entry that was evicted.
    evicted: LogPosition,
    /// The newest such commit, proposal or snapshot.
    evicted_catch_up: Seq,
    /// The newest such commit.
    evicted_commit: Seq,
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

/// It is not the entry after the newest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another entry comes next")]
pub struct OutOfOrder;

impl Mirror {
    /// An empty log that holds at most `bound` bytes.
    pub const fn new(bound: usize) -> Self {
        let nothing = LogPosition { seq: Seq(0), chain_hash: [0; 32] };
        Self {
            entries: BTreeMap::new(),
            bound,
            used: 0,
            catch_up: BTreeSet::new(),
            catch_up_bytes: 0,
            evictable: BTreeSet::new(),
            head: nothing,
            last_commit: Seq(0),
            snapshot: Seq(0),
            evicted: nothing,
            evicted_catch_up: Seq(0),
            evicted_commit: Seq(0),
        }
    }

    /// A log as its order has it.
    pub fn of(bound: usize, contents: Contents) -> Result<Self, OutOfOrder> {
        let Contents { base, last_commit, kept, entries } = contents;
        let mut mirror = Self { head: base, evicted: base, last_commit, evicted_commit: last_commit, ..Self::new(bound) };
        for entry in kept {
            mirror.insert(Arc::new(entry));
        }
        (mirror.last_commit, mirror.head) = (last_commit, base);
        // What was evicted of these came before the snapshot, which joiners begin with.
        mirror.evicted_catch_up = base.seq.min(Seq(mirror.snapshot.0.saturating_sub(1)));
        for entry in entries {
            mirror.apply(entry)?;
        }
        Ok(mirror)
    }

    /// The newest entry's place; `Seq(0)` when there was none yet.
    pub const fn head(&self) -> Seq {
        self.head.seq
    }

    /// Chain value at [`Self::head`].
    pub const fn chain_hash(&self) -> [u8; 32] {
        self.head.chain_hash
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

    /// Takes over the next entry. When memory is short, the oldest entries that no joiner needs are evicted.
    pub fn apply(&mut self, Ordered { seq, at, class, sealed }: Ordered) -> Result<(), OutOfOrder> {
        if seq != self.head.seq.next() {
            return Err(OutOfOrder);
        }
        let entry = Entry::new(&self.head.chain_hash, seq, at, class, sealed);
        self.head = LogPosition { seq, chain_hash: entry.chain_hash };
        self.insert(Arc::new(entry));
        self.evict_to(self.bound);
        Ok(())
    }

    fn insert(&mut self, entry: Arc<Entry>) {
        let (seq, cost) = (entry.seq, entry.sealed.len() + ENTRY_OVERHEAD);
        match entry.class {
            Class::Commit => self.last_commit = seq,
            Class::Snapshot => {
                self.snapshot = seq;
                self.evictable.append(&mut self.catch_up);
                self.catch_up_bytes = 0;
            }
            Class::Proposal | Class::Message | Class::JoinRequest | Class::Welcome | Class::Gone => {}
        }
        if is_catch_up(entry.class) {
            self.catch_up.insert(seq);
            self.catch_up_bytes += cost;
        } else {
            self.evictable.insert(seq);
        }
        self.used += cost;
        self.entries.insert(seq, entry);
    }

    /// A reader that starts a join: the last snapshot (or the founding commit), commits and proposals after it up to the
    /// present head, and from there on everything.
    pub const fn reader_from_snapshot(&self) -> Cursor {
        Cursor { at: Seq(self.snapshot.0.saturating_sub(1)), catch_up_until: self.head.seq }
    }

    /// A reader that has everything up to `after`. Refuses a position of another log, such as the one before a restart.
    pub fn reader_from(&self, after: LogPosition) -> Result<Cursor, Evicted> {
        let LogPosition { seq, chain_hash } = after;
        let ours = match (self.entries.get(&seq), self.entries.get(&seq.next())) {
            _ if seq == self.head.seq => chain_hash == self.head.chain_hash,
            (Some(entry), _) => chain_hash == entry.chain_hash,
            // Evicted: the chain hash of the entry after it still tells.
            (None, Some(next)) => next.follows(&chain_hash),
            (None, None) => false,
        };
        if ours && seq >= self.evicted.seq { Ok(Cursor { at: seq, catch_up_until: seq }) } else { Err(Evicted) }
    }

    /// The next entry for a reader; `None` when it has read all there is.
    pub fn read(&self, cursor: &mut Cursor) -> Result<Option<&Arc<Entry>>, Evicted> {
        let evicted = if self.evicted.seq > cursor.catch_up_until { self.evicted.seq } else { self.evicted_catch_up };
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
            if entry.seq > self.evicted.seq {
                self.evicted = LogPosition { seq: entry.seq, chain_hash: entry.chain_hash };
            }
            if is_catch_up(entry.class) {
                self.evicted_catch_up = self.evicted_catch_up.max(entry.seq);
            }
            if entry.class == Class::Commit {
                self.evicted_commit = self.evicted_commit.max(entry.seq);
            }
        }
    }

    /// By which the order forgets what was evicted here.
    pub fn trim(&self) -> Option<Trim> {
        let LogPosition { seq: upto, chain_hash } = self.evicted;
        let next = self.entries.get(&upto.next()).filter(|_| upto > Seq(0))?;
        let kept = self.catch_up.range(..=upto).filter_map(|seq| self.entries.get(seq));
        let commits = kept.clone().filter(|entry| entry.class == Class::Commit).map(|entry| entry.seq);
        Some(Trim {
            upto,
            next_at: next.at,
            chain_hash,
            last_commit: commits.max().map_or(self.evicted_commit, |kept| kept.max(self.evicted_commit)),
            kept: kept.map(|entry| (entry.seq, entry.chain_hash)).collect(),
        })
    }
}
