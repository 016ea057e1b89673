//! The log against a model of it, and by example.

use conclave_base::Seq;
use conclave_delivery::{AppendError, Cursor, ENTRY_OVERHEAD, Evicted, Log};
use conclave_protocol::limits;
use conclave_protocol::ws::{Class, Entry, LogPosition, LogTime};
use proptest::prelude::*;

const NOW: LogTime = LogTime(1000);
const BOUND: usize = 4 * (ENTRY_OVERHEAD + 10);

fn founded(bound: usize) -> Log {
    let mut log = Log::new(bound);
    log.append(Class::Commit, Seq(0), vec![0; 10], NOW).expect("an empty log takes a commit");
    log
}

const START: LogPosition = LogPosition { seq: Seq(0), chain_hash: [0; 32] };

/// The position of entry `seq` in a log of which nothing was evicted.
fn position(log: &Log, seq: u64) -> LogPosition {
    let mut reader = log.reader_from(START).expect("nothing was evicted");
    loop {
        let entry = log.read(&mut reader).expect("nothing was evicted").expect("the log has this entry");
        if entry.seq == Seq(seq) {
            return LogPosition { seq: entry.seq, chain_hash: entry.chain_hash };
        }
    }
}

fn read_all(log: &Log, cursor: &mut Cursor) -> Result<Vec<u64>, Evicted> {
    let mut seen = Vec::new();
    while let Some(entry) = log.read(cursor)? {
        seen.push(entry.seq.0);
    }
    Ok(seen)
}

#[test]
fn of_two_commits_at_once_the_second_is_refused_and_nothing_of_it_is_kept() {
    let mut log = founded(BOUND);
    let before = (log.head(), log.chain_hash(), log.used());
    assert_eq!(log.append(Class::Commit, Seq(0), vec![1], NOW), Err(AppendError::Stale { last_commit: Seq(1) }));
    assert_eq!((log.head(), log.chain_hash(), log.used()), before);
    assert_eq!(log.append(Class::Commit, Seq(1), vec![1], NOW), Ok(Seq(2)));
}

#[test]
fn only_a_commit_can_be_first() {
    let mut log = Log::new(BOUND);
    for class in [Class::Proposal, Class::Message, Class::JoinRequest, Class::Welcome, Class::Snapshot, Class::Gone] {
        assert_eq!(log.append(class, Seq(0), vec![1], NOW), Err(AppendError::Stale { last_commit: Seq(0) }));
    }
}

#[test]
fn a_snapshot_that_would_hide_a_proposal_or_a_commit_is_refused() {
    let mut log = founded(1 << 20);
    log.append(Class::Proposal, Seq(0), vec![1], NOW).expect("room");
    assert_eq!(log.append(Class::Snapshot, Seq(1), vec![1], NOW), Err(AppendError::Stale { last_commit: Seq(1) }));
    log.append(Class::Commit, Seq(1), vec![1], NOW).expect("room");
    assert_eq!(log.append(Class::Snapshot, Seq(1), vec![1], NOW), Err(AppendError::Stale { last_commit: Seq(3) }));
    assert_eq!(log.append(Class::Snapshot, Seq(3), vec![1], NOW), Ok(Seq(4)));
}

#[test]
fn the_time_of_the_log_never_goes_back() {
    let mut log = founded(1 << 20);
    for at in [5000, 3000, 5000, 7000] {
        log.append(Class::Message, Seq(0), vec![1], LogTime(at)).expect("room");
    }
    let mut reader = log.reader_from(START).expect("nothing was evicted");
    let mut times = Vec::new();
    while let Some(entry) = log.read(&mut reader).expect("nothing was evicted") {
        times.push(entry.at.0);
    }
    assert_eq!(times, [NOW.0, 5000, 5000, 5000, 7000]);
}

#[test]
fn sizes_are_limited_by_class() {
    let mut log = founded(conclave_protocol::limits::LOG_BYTES);
    let at_limit = vec![0; limits::SEALED_MESSAGE];
    assert!(log.append(Class::Message, Seq(0), at_limit, NOW).is_ok());
    assert_eq!(log.append(Class::Message, Seq(0), vec![0; limits::SEALED_MESSAGE + 1], NOW), Err(AppendError::TooLarge));
    for (class, limit) in [(Class::Commit, limits::SEALED_COMMIT), (Class::Snapshot, limits::SEALED_HANDSHAKE)] {
        assert_eq!(log.append(class, Seq(1), vec![0; limit + 1], NOW), Err(AppendError::TooLarge));
    }
}

#[test]
fn a_joiner_reads_the_snapshot_and_what_moves_the_group_and_later_everything() {
    let mut log = founded(1 << 20);
    log.append(Class::Message, Seq(0), vec![1], NOW).expect("room");
    log.append(Class::Commit, Seq(1), vec![1], NOW).expect("room");
    assert_eq!(read_all(&log, &mut log.reader_from_snapshot()), Ok(vec![1, 3]));
    log.append(Class::Snapshot, Seq(3), vec![1], NOW).expect("room");
    log.append(Class::Message, Seq(0), vec![1], NOW).expect("room");
    log.append(Class::Proposal, Seq(0), vec![1], NOW).expect("room");
    let mut joiner = log.reader_from_snapshot();
    log.append(Class::Message, Seq(0), vec![1], NOW).expect("room");
    assert_eq!(read_all(&log, &mut joiner), Ok(vec![4, 6, 7]));
    log.append(Class::JoinRequest, Seq(0), vec![1], NOW).expect("room");
    assert_eq!(read_all(&log, &mut joiner), Ok(vec![8]));
}

#[test]
fn who_comes_back_in_time_misses_nothing_and_who_comes_late_or_from_elsewhere_is_told() {
    let mut log = founded(BOUND);
    log.append(Class::Message, Seq(0), vec![0; 10], NOW).expect("room");
    let (first, second) = (position(&log, 1), position(&log, 2));
    assert_eq!(log.reader_from(first).and_then(|mut c| read_all(&log, &mut c)), Ok(vec![2]));
    assert_eq!(log.reader_from(LogPosition { seq: Seq(3), ..second }), Err(Evicted));
    for elsewhere in [first, second] {
        assert_eq!(log.reader_from(LogPosition { chain_hash: [9; 32], ..elsewhere }), Err(Evicted), "this log has another past");
    }
    log.append(Class::Message, Seq(0), vec![0; 10], NOW).expect("room");
    let third = position(&log, 3);
    for _ in 0..3 {
        log.append(Class::Message, Seq(0), vec![0; 10], NOW).expect("the oldest messages go");
    }
    assert_eq!(log.reader_from(first), Err(Evicted));
    assert_eq!(log.reader_from(second), Err(Evicted));
    assert_eq!(log.reader_from(third).and_then(|mut c| read_all(&log, &mut c)), Ok(vec![4, 5, 6]));
}

#[test]
fn commits_that_outgrow_their_memory_are_refused_until_a_snapshot_makes_room_and_messages_are_not() {
    let mut log = founded(BOUND);
    for seq in 1..3 {
        log.append(Class::Commit, Seq(seq), vec![0; 10], NOW).expect("room");
    }
    assert_eq!(log.append(Class::Commit, Seq(3), vec![0; 10], NOW), Err(AppendError::Full));
    assert_eq!(log.append(Class::Message, Seq(3), vec![0; 10], NOW), Ok(Seq(4)));
    assert_eq!(log.append(Class::Gone, Seq(3), vec![0; 10], NOW), Ok(Seq(5)));
    assert_eq!(log.append(Class::Snapshot, Seq(3), vec![0; 10], NOW), Ok(Seq(6)));
    assert_eq!(log.append(Class::Commit, Seq(3), vec![0; 10], NOW), Ok(Seq(7)));
    assert_eq!(read_all(&log, &mut log.reader_from_snapshot()), Ok(vec![6, 7]));
}

#[test]
fn proposals_that_outgrow_their_part_leave_room_for_commits() {
    let mut log = founded(16 * (ENTRY_OVERHEAD + 10));
    assert_eq!(log.append(Class::Proposal, Seq(1), vec![0; 10], NOW), Ok(Seq(2)));
    assert_eq!(log.append(Class::Proposal, Seq(1), vec![0; 10], NOW), Err(AppendError::Full));
    assert_eq!(log.append(Class::Commit, Seq(1), vec![0; 10], NOW), Ok(Seq(3)));
    assert_eq!(log.append(Class::Proposal, Seq(3), vec![0; 10], NOW), Err(AppendError::Full));
    assert_eq!(log.append(Class::Snapshot, Seq(3), vec![0; 10], NOW), Ok(Seq(4)));
    assert_eq!(log.append(Class::Proposal, Seq(3), vec![0; 10], NOW), Ok(Seq(5)));
}

#[test]
fn a_log_is_cut_to_what_joiners_need_and_no_further() {
    let mut log = founded(1 << 20);
    for _ in 0..3 {
        log.append(Class::Message, Seq(1), vec![0; 10], NOW).expect("room");
    }
    let one = ENTRY_OVERHEAD + 10;
    log.evict_to(2 * one);
    assert_eq!((log.used(), log.needed(), log.head()), (2 * one, one, Seq(4)));
    log.evict_to(0);
    assert_eq!((log.used(), read_all(&log, &mut log.reader_from_snapshot())), (one, Ok(vec![1])));
}

#[test]
fn a_reader_too_slow_for_what_was_evicted_is_told_not_skipped() {
    let mut log = founded(BOUND);
    let mut slow = log.reader_from_snapshot();
    assert_eq!(read_all(&log, &mut slow), Ok(vec![1]));
    for _ in 0..9 {
        log.append(Class::Message, Seq(0), vec![0; 10], NOW).expect("the oldest messages go");
    }
    assert_eq!(log.read(&mut slow), Err(Evicted));
}

/// What a log is, said in the plainest way: all that was ever appended, and which of it is still there.
#[derive(Default)]
struct Model {
    all: Vec<(Class, usize)>,
    gone: Vec<bool>,
}

impl Model {
    fn last(&self, classes: &[Class]) -> u64 {
        self.all.iter().rposition(|(class, _)| classes.contains(class)).map_or(0, |i| i as u64 + 1)
    }

    fn needs(&self, index: usize) -> bool {
        let snapshot = self.all.iter().rposition(|(class, _)| *class == Class::Snapshot).unwrap_or(0);
        index >= snapshot && matches!(self.all[index].0, Class::Commit | Class::Proposal | Class::Snapshot)
    }

    fn used(&self, only_needed: bool) -> usize {
        let kept = (0..self.all.len()).filter(|i| !self.gone[*i] && (!only_needed || self.needs(*i)));
        kept.map(|i| self.all[i].1 + ENTRY_OVERHEAD).sum()
    }

    fn append(&mut self, class: Class, parent_commit: u64, size: usize, bound: usize) -> Result<u64, ()> {
        let commit = self.last(&[Class::Commit]);
        let ok = match class {
            Class::Commit => parent_commit == commit,
            Class::Snapshot => commit > 0 && parent_commit == commit && self.last(&[Class::Proposal]) < commit,
            Class::Proposal | Class::Message | Class::JoinRequest | Class::Welcome | Class::Gone => commit > 0,
        };
        let cost = size + ENTRY_OVERHEAD;
        let proposals = (0..self.all.len()).filter(|i| self.needs(*i) && self.all[*i].0 == Class::Proposal);
        let proposals: usize = proposals.map(|i| self.all[i].1 + ENTRY_OVERHEAD).sum();
        let room = match class {
            Class::Snapshot => bound,
            Class::Proposal => (bound - bound / 4).saturating_sub(self.used(true)).min((bound / 16).saturating_sub(proposals)),
            Class::Commit => (bound - bound / 4).saturating_sub(self.used(true)),
            Class::Message | Class::JoinRequest | Class::Welcome | Class::Gone => bound - self.used(true),
        };
        if !ok || cost > room {
            return Err(());
        }
        self.all.push((class, size));
        self.gone.push(false);
        while self.used(false) > bound {
            let oldest = (0..self.all.len()).find(|i| !self.gone[*i] && !self.needs(*i));
            self.gone[oldest.expect("what is needed fits")] = true;
        }
        Ok(self.all.len() as u64)
    }
}

fn class() -> impl Strategy<Value = Class> {
    use Class::{Commit, Gone, JoinRequest, Message, Proposal, Snapshot, Welcome};
    prop_oneof![4 => Just(Message), 3 => Just(Commit), 1 => Just(Proposal), 1 => Just(JoinRequest), 1 => Just(Gone), 1 => Just(Welcome), 2 => Just(Snapshot)]
}

#[derive(Debug, Clone)]
enum Step {
    Append { class: Class, behind: u64, size: usize },
    Read { reader: usize },
    Joiner,
    Returning { behind: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (class(), prop_oneof![4 => Just(0u64), 1 => 1..3u64], 0..200usize)
            .prop_map(|(class, behind, size)| Step::Append { class, behind, size }),
        3 => (0..8usize).prop_map(|reader| Step::Read { reader }),
        1 => Just(Step::Joiner),
        1 => (0..20u64).prop_map(|behind| Step::Returning { behind }),
    ]
}

proptest! {
    #[test]
    fn the_log_is_what_the_model_says(steps in proptest::collection::vec(step(), 1..120)) {
        let bound = 6000;
        let (mut log, mut model) = (Log::new(bound), Model::default());
        // A reader, and the entries that it has still to be given.
        let mut readers: Vec<(Cursor, std::collections::VecDeque<usize>)> = Vec::new();
        let mut chains = vec![[0; 32]];
        for step in steps {
            match step {
                Step::Append { class, behind, size } => {
                    let parent_commit = model.last(&[Class::Commit]).saturating_sub(behind);
                    let modelled = model.append(class, parent_commit, size, bound);
                    let real = log.append(class, Seq(parent_commit), vec![7; size], NOW);
                    prop_assert_eq!(real.ok(), modelled.ok().map(Seq));
                    if let Ok(seq) = modelled {
                        chains.push(log.chain_hash());
                        readers.iter_mut().for_each(|(_, owed)| owed.push_back(seq as usize - 1));
                    }
                }
                Step::Joiner => {
                    let owed = (0..model.all.len()).filter(|i| model.needs(*i)).collect();
                    readers.push((log.reader_from_snapshot(), owed));
                }
                Step::Returning { behind } => {
                    let after = model.all.len().saturating_sub(behind as usize);
                    let whole = (after..model.all.len()).all(|i| !model.gone[i]);
                    let cursor = log.reader_from(LogPosition { seq: Seq(after as u64), chain_hash: chains[after] });
                    prop_assert_eq!(cursor.is_ok(), whole);
                    if let Ok(cursor) = cursor {
                        readers.push((cursor, (after..model.all.len()).collect()));
                    }
                }
                Step::Read { reader } if reader < readers.len() => {
                    let (cursor, owed) = &mut readers[reader];
                    match log.read(cursor) {
                        Ok(entry) => prop_assert_eq!(entry.map(|e| e.seq.0 as usize - 1), owed.pop_front()),
                        Err(Evicted) => {
                            prop_assert!(owed.iter().any(|i| model.gone[*i]));
                            readers.remove(reader);
                        }
                    }
                }
                Step::Read { .. } => {}
            }
            prop_assert_eq!(log.used(), model.used(false));
            prop_assert!(log.used() <= bound);
            prop_assert_eq!(log.head(), Seq(model.all.len() as u64));
        }
    }

    #[test]
    fn the_chain_of_a_gapless_run_verifies_and_any_change_breaks_it(
        sizes in proptest::collection::vec(0..50usize, 1..20), at in any::<prop::sample::Index>()
    ) {
        let mut log = founded(1 << 20);
        for size in &sizes {
            log.append(Class::Message, Seq(0), vec![3; *size], NOW).expect("room");
        }
        let mut cursor = log.reader_from(START).expect("nothing was evicted");
        let mut entries = Vec::new();
        while let Some(entry) = log.read(&mut cursor).expect("nothing was evicted") {
            entries.push(Entry::clone(entry));
        }
        let holds = |entries: &[Entry]| {
            let previous = std::iter::once([0; 32]).chain(entries.iter().map(|entry| entry.chain_hash));
            previous.zip(entries).all(|(previous, entry)| entry.follows(&previous))
        };
        prop_assert!(holds(&entries));
        prop_assert_eq!(entries.last().map(|entry| entry.chain_hash), Some(log.chain_hash()));
        let index = at.index(entries.len());
        for change in [|e: &mut Entry| e.sealed.push(0), |e: &mut Entry| e.at.0 += 1, |e: &mut Entry| e.class = Class::Proposal] {
            let mut changed = entries.clone();
            change(&mut changed[index]);
            prop_assert!(!holds(&changed));
        }
    }
}
