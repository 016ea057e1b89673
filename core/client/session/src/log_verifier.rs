use std::collections::VecDeque;

use conclave_base::Seq;
use conclave_protocol::ws::{Class, Entry, LogPosition, LogTime};

/// Entries of which the chain hash is remembered. Whoever reads so far behind the others is shown as away.
const RECENT: usize = 4096;

/// The server withheld, re-ordered, rewound or forked entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("log broken")]
pub(crate) struct LogBroken;

/// Where this client is in the log, and the hash chain up to there.
#[derive(Debug, Default, Clone)]
pub(crate) struct LogVerifier {
    seq: Seq,
    /// Of the newest entry that was read.
    at: LogTime,
    chain_hash: [u8; 32],
    /// Head and chain that the server claimed at admission.
    head: Seq,
    head_chain_hash: [u8; 32],
    /// Up to here a newcomer is given snapshots, commits and proposals only: gaps are allowed.
    sparse: bool,
    /// The last commit's place: as claimed at admission, and later as seen.
    last_commit: Seq,
    /// Chain hashes [..8] of the entries up to `seq`, to be compared with what others have read; at most [`RECENT`].
    recent: VecDeque<[u8; 8]>,
    /// The newest entry whose place was claimed or seen to be the last commit's has been read.
    commits_read: Seq,
}

/// What the server claims of its log at admission.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogClaim {
    /// The newest entry.
    pub(crate) head: Seq,
    /// The hash chain up to there.
    pub(crate) chain_hash: [u8; 32],
    pub(crate) last_commit: Seq,
}

impl LogVerifier {
    /// Admitted as a newcomer: entries come from the last snapshot.
    pub(crate) fn of_newcomer(LogClaim { head, chain_hash, last_commit }: LogClaim) -> Self {
        Self { head, head_chain_hash: chain_hash, sparse: true, last_commit, ..Self::default() }
    }

    /// Admitted again: entries come from where this client was.
    pub(crate) fn on_return(&mut self, LogClaim { head, chain_hash, last_commit }: LogClaim) -> Result<(), LogBroken> {
        if head < self.seq || (head == self.seq && chain_hash != self.chain_hash) || last_commit < self.last_commit {
            return Err(LogBroken);
        }
        (self.head, self.head_chain_hash, self.sparse) = (head, chain_hash, false);
        self.last_commit = last_commit;
        Ok(())
    }

    /// Checks the next entry and moves on to it.
    pub(crate) fn verify(&mut self, entry: &Entry) -> Result<(), LogBroken> {
        let sparse = self.sparse && entry.seq <= self.head;
        if entry.seq <= self.seq {
            return Err(LogBroken);
        }
        if !sparse && self.sparse && self.seq < self.head {
            // Everything that a newcomer is given was read: go on from the head that was claimed.
            (self.seq, self.chain_hash, self.sparse) = (self.head, self.head_chain_hash, false);
            self.recent = VecDeque::from([self.position().chain_hash8()]);
        }
        if entry.seq == self.seq.next() {
            if !entry.follows(&self.chain_hash) {
                return Err(LogBroken);
            }
        } else if !sparse {
            return Err(LogBroken);
        }
        if entry.at < self.at || entry.seq == self.head && entry.chain_hash != self.head_chain_hash {
            return Err(LogBroken);
        }
        if entry.seq != self.seq.next() {
            self.recent.clear();
        }
        (self.seq, self.at, self.chain_hash) = (entry.seq, entry.at, entry.chain_hash);
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(self.position().chain_hash8());
        if entry.class == Class::Commit {
            self.last_commit = self.last_commit.max(entry.seq);
        }
        // A snapshot stands for all commits before it.
        if matches!(entry.class, Class::Commit | Class::Snapshot) {
            self.commits_read = entry.seq;
        }
        Ok(())
    }

    /// Whether another member, whose word stands at the newest entry and who had read the entry `seq` with this chain hash [..8] when it
    /// spoke, reads the same log; `None` if that cannot be told.
    pub(crate) fn is_same_log(&self, seq: Seq, chain_hash: [u8; 8]) -> Option<bool> {
        // In one log nobody has read what comes after the own word: this client is given fewer entries.
        if seq > self.seq {
            return Some(false);
        }
        let behind = usize::try_from(self.seq.0.checked_sub(seq.0)?).ok()?;
        let own = self.recent.get(self.recent.len().checked_sub(behind + 1)?)?;
        Some(*own == chain_hash)
    }

    /// An append of this client was refused: the last commit is this one, and its entry is on its way.
    pub(crate) fn on_stale(&mut self, last_commit: Seq) {
        self.last_commit = self.last_commit.max(last_commit);
    }

    /// The last entry read, in this log and no other.
    pub(crate) fn position(&self) -> LogPosition {
        LogPosition { seq: self.seq, chain_hash: self.chain_hash }
    }

    /// The log's time at the last entry read.
    pub(crate) fn time(&self) -> LogTime {
        self.at
    }

    /// The last commit's place, to be named in an append.
    pub(crate) fn last_commit(&self) -> Seq {
        self.last_commit
    }

    /// Whether every commit that is known of was read.
    pub(crate) fn has_all_commits(&self) -> bool {
        self.commits_read >= self.last_commit
    }

    /// Whether everything up to the head at admission was read.
    pub(crate) fn has_head(&self) -> bool {
        self.seq >= self.head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a server chains it that can count.
    fn chained(previous: &[u8; 32], entry: Entry) -> Entry {
        Entry::new(previous, entry.seq, entry.at, entry.class, entry.sealed)
    }

    /// A log of these classes, as the server would chain it.
    fn log(classes: &[Class]) -> Vec<Entry> {
        let mut chain_hash = [0; 32];
        (1..)
            .zip(classes)
            .map(|(seq, class)| {
                let entry = Entry::new(&chain_hash, Seq(seq), LogTime(seq * 100), *class, vec![seq as u8]);
                chain_hash = entry.chain_hash;
                entry
            })
            .collect()
    }

    const CLASSES: [Class; 6] = [Class::Commit, Class::Message, Class::Snapshot, Class::Message, Class::Commit, Class::Message];

    fn claim(head: u64, chain_hash: [u8; 32], last_commit: u64) -> LogClaim {
        LogClaim { head: Seq(head), chain_hash, last_commit: Seq(last_commit) }
    }

    fn newcomer(log: &[Entry], head: usize, last_commit: u64) -> LogVerifier {
        LogVerifier::of_newcomer(claim(head as u64, log[head - 1].chain_hash, last_commit))
    }

    #[test]
    fn a_newcomer_may_miss_messages_before_the_head_but_nothing_after() {
        let log = log(&CLASSES);
        let mut chain = newcomer(&log, 4, 1);
        assert_eq!(chain.verify(&log[2]), Ok(()));
        assert!(chain.has_all_commits(), "the snapshot stands for commit 1");
        assert_eq!(chain.verify(&log[4]), Ok(()));
        assert_eq!(chain.verify(&log[5]), Ok(()));

        let mut chain = newcomer(&log, 4, 1);
        assert_eq!(chain.verify(&log[2]), Ok(()));
        assert_eq!(chain.verify(&log[5]), Err(LogBroken), "entry 5 was withheld");
    }

    #[test]
    fn a_forked_entry_is_noticed() {
        let log = log(&CLASSES);
        let mut chain = newcomer(&log, 1, 1);
        assert_eq!(chain.verify(&log[0]), Ok(()));
        let mut forked = log[1].clone();
        forked.sealed.push(1);
        assert_eq!(chain.clone().verify(&forked), Err(LogBroken), "the chain does not fit");
        let forked = chained(&log[0].chain_hash, forked);
        assert_eq!(chain.verify(&forked), Ok(()));
        assert_eq!(chain.verify(&log[2]), Err(LogBroken), "the other branch does not fit");
    }

    #[test]
    fn a_newcomer_is_sure_of_the_head_that_it_was_told_and_of_nothing_before() {
        let log = log(&CLASSES);
        let mut chain = newcomer(&log, 4, 1);
        for entry in [&log[2], &log[4], &log[5]] {
            assert_eq!(chain.verify(entry), Ok(()));
        }
        let hash = |entry: &Entry| LogPosition { seq: entry.seq, chain_hash: entry.chain_hash }.chain_hash8();
        let same: Vec<_> = log.iter().map(|entry| chain.is_same_log(entry.seq, hash(entry))).collect();
        assert_eq!(same, [None, None, None, Some(true), Some(true), Some(true)]);
    }

    #[test]
    fn a_time_that_goes_back_is_noticed() {
        let log = log(&CLASSES);
        let mut chain = newcomer(&log, 1, 1);
        assert_eq!(chain.verify(&log[0]), Ok(()));
        let earlier = chained(&log[0].chain_hash, Entry { at: LogTime(99), ..log[1].clone() });
        assert_eq!(chain.verify(&earlier), Err(LogBroken));
        let same = chained(&log[0].chain_hash, Entry { at: LogTime(100), ..log[1].clone() });
        assert_eq!(chain.verify(&same), Ok(()));
        assert_eq!(chain.time(), LogTime(100));
    }

    #[test]
    fn who_read_another_log_is_found_by_what_it_says_of_it() {
        let log = log(&CLASSES);
        let mut chain = newcomer(&log, 3, 1);
        for entry in &log[2..] {
            assert_eq!(chain.verify(entry), Ok(()));
        }
        let hash = |entry: &Entry| LogPosition { seq: entry.seq, chain_hash: entry.chain_hash }.chain_hash8();
        assert_eq!(chain.is_same_log(Seq(2), hash(&log[1])), None, "before this client came");
        for entry in &log[2..] {
            assert_eq!(chain.is_same_log(entry.seq, hash(entry)), Some(true));
            assert_eq!(chain.is_same_log(entry.seq, [7; 8]), Some(false));
        }
        assert_eq!(chain.is_same_log(Seq(7), [7; 8]), Some(false), "who said this had read what comes after it");
    }

    #[test]
    fn a_rewound_log_is_noticed_on_return() {
        let log = log(&CLASSES);
        let mut chain = newcomer(&log, 1, 1);
        for entry in &log[..3] {
            assert_eq!(chain.verify(entry), Ok(()));
        }
        assert_eq!(chain.clone().verify(&log[2]), Err(LogBroken), "the same entry again");
        assert_eq!(chain.clone().on_return(claim(2, log[1].chain_hash, 1)), Err(LogBroken));
        assert_eq!(chain.clone().on_return(claim(3, log[1].chain_hash, 1)), Err(LogBroken), "same place, another past");
        assert_eq!(chain.on_return(claim(5, log[4].chain_hash, 5)), Ok(()));
        assert!(!chain.has_all_commits());
        assert_eq!(chain.clone().verify(&log[4]), Err(LogBroken), "entry 4 was withheld");
        assert_eq!(chain.verify(&log[3]), Ok(()));
        assert_eq!(chain.verify(&log[4]), Ok(()));
        assert!(chain.has_all_commits() && chain.has_head());
    }

    #[test]
    fn whoever_returns_after_a_snapshot_does_not_take_the_commit_before_it_for_a_rewound_log() {
        let log = log(&CLASSES);
        let mut chain = newcomer(&log, 1, 1);
        for entry in &log[..3] {
            assert_eq!(chain.verify(entry), Ok(()));
        }
        assert_eq!(chain.on_return(claim(4, log[3].chain_hash, 1)), Ok(()), "the snapshot is newer than the last commit");
        for entry in &log[3..5] {
            assert_eq!(chain.verify(entry), Ok(()));
        }
        assert_eq!(chain.on_return(claim(6, log[5].chain_hash, 1)), Err(LogBroken), "commit 5 was there");
    }
}
