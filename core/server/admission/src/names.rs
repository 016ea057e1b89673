//! What may be used up of making meetings and of trying passphrases: the limits, and under what names they are counted.

use std::time::Duration;

use conclave_base::{MeetingId, Secret};
use sha2::{Digest as _, Sha256};

use crate::allowances::{Count, Kind, Receipt, Use, Whose};
use crate::api::{Block, Config, Quota};

const LABEL: &[u8] = b"conclave/1 counted";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Meetings that one block makes or changes at once, with host links, and one more each time that so long has passed.
const CREATIONS: Limit = Limit { at_once: 30, then: Duration::from_secs(10) };
/// How many passphrases may be tried: some at once and then one in a while, and no more than so many in a day, which come back in a day's time.
/// At one meeting, from one block.
const HERE: [Limit; 2] = [Limit { at_once: 10, then: Duration::from_secs(30) }, Limit::in_a_day(40)];
/// At one meeting, from everywhere.
const MEETING: [Limit; 2] = [Limit { at_once: 40, then: Duration::from_secs(10) }, Limit::in_a_day(120)];
/// At all meetings, from one block.
const BLOCK: [Limit; 2] = [Limit { at_once: 100, then: Duration::from_secs(10) }, Limit::in_a_day(1200)];

const BLOCKS_CREATIONS: Kind = Kind(1);
const ALL_CREATIONS: Kind = Kind(2);
const TRIES_HERE: [Kind; 2] = [Kind(3), Kind(4)];
const TRIES_AT_MEETING: [Kind; 2] = [Kind(5), Kind(6)];
const TRIES_OF_BLOCK: [Kind; 2] = [Kind(7), Kind(8)];
const RECEIPTS: Kind = Kind(9);
const CREATORS_CREATIONS: Kind = Kind(10);

/// So many at once, and one more each time that so long has passed.
#[derive(Debug, Clone, Copy)]
struct Limit {
    at_once: u32,
    then: Duration,
}

/// The names under which all nodes count: hashes under a key that they share.
#[derive(Debug)]
pub(crate) struct Names(Secret<32>);

impl Limit {
    const fn in_a_day(at_once: u32) -> Self {
        Self { at_once, then: Duration::from_secs(DAY.as_secs() / at_once as u64) }
    }

    fn of(self, whose: Whose) -> Use {
        Use { whose, cost: self.then, whole: self.then * self.at_once }
    }
}

impl Names {
    /// All nodes have the secret from which the keys of passphrases come.
    pub(crate) fn new(config: &Config) -> Self {
        Self(Secret::new(Sha256::new_with_prefix(LABEL).chain_update(config.passphrases.expose()).finalize().into()))
    }

    /// A meeting is made or changed.
    pub(crate) fn creation(&self, block: Block, all: (u32, u32), quota: Option<Quota>) -> Count {
        let (rate, at_once) = all;
        let all = Limit { at_once, then: Duration::from_secs(1) / rate.max(1) };
        let mut uses = vec![CREATIONS.of(self.of(BLOCKS_CREATIONS, &[&block.0.to_be_bytes()])), all.of(self.of(ALL_CREATIONS, &[]))];
        uses.extend(quota.map(|Quota { creator, a_day }| Limit::in_a_day(a_day.max(1)).of(self.of(CREATORS_CREATIONS, &[&creator]))));
        Count::Take { uses, receipt: None }
    }

    /// A passphrase is tried.
    pub(crate) fn a_try(&self, meeting: MeetingId, blinded: &[u8; 32], block: Block) -> Count {
        let block = block.0.to_be_bytes();
        let [here, at_meeting, of_block]: [&[&[u8]]; 3] = [&[meeting.as_bytes(), &block], &[meeting.as_bytes()], &[&block]];
        let all = [(HERE, TRIES_HERE, here), (MEETING, TRIES_AT_MEETING, at_meeting), (BLOCK, TRIES_OF_BLOCK, of_block)];
        let uses = all
            .into_iter()
            .flat_map(|(limits, kinds, parts)| limits.into_iter().zip(kinds).map(move |(limit, kind)| limit.of(self.of(kind, parts))));
        Count::Take { uses: uses.collect(), receipt: Some(self.receipt(meeting, blinded)) }
    }

    /// The passphrase that was tried was right: it does not count.
    pub(crate) fn right(&self, meeting: MeetingId, blinded: &[u8; 32]) -> Count {
        Count::Give(self.receipt(meeting, blinded))
    }

    fn receipt(&self, meeting: MeetingId, blinded: &[u8; 32]) -> Receipt {
        Receipt(self.hash(RECEIPTS, &[meeting.as_bytes(), blinded]))
    }

    fn of(&self, kind: Kind, parts: &[&[u8]]) -> Whose {
        Whose { kind, hash: Some(self.hash(kind, parts)) }
    }

    /// The parts of one kind are always as many and as long.
    fn hash(&self, kind: Kind, parts: &[&[u8]]) -> [u8; 16] {
        let mut hash = Sha256::new_with_prefix(self.0.expose());
        hash.update([kind.0]);
        for part in parts {
            hash.update(part);
        }
        let mut name = [0; 16];
        name.copy_from_slice(&hash.finalize()[..16]);
        name
    }
}

#[cfg(test)]
mod tests {
    use conclave_base::Time;

    use super::*;
    use crate::allowances::{Counted, LocalCounts, RECEIPT, REMEMBERED};

    struct Tries {
        names: Names,
        counts: LocalCounts,
    }

    impl Tries {
        fn new() -> Self {
            let names = Names::new(&Config::new(Secret::new([1; 32]), Secret::new([2; 32])));
            Self { names, counts: LocalCounts::default() }
        }

        fn take(&mut self, meeting: MeetingId, blinded: u8, block: Block, now: Time) -> Result<(), Duration> {
            match self.counts.handle(self.names.a_try(meeting, &[blinded; 32], block), now) {
                Counted::Done => Ok(()),
                Counted::Wait(wait) => Err(wait),
            }
        }

        fn give(&mut self, meeting: MeetingId, blinded: u8, now: Time) {
            assert_eq!(self.counts.handle(self.names.right(meeting, &[blinded; 32]), now), Counted::Done);
        }

        /// How many of so many are taken, one after the other.
        fn count(&mut self, block: Block, mut now: Time, pause: Duration, most: usize) -> usize {
            let mut taken = 0;
            for _ in 0..most {
                taken += usize::from(self.take(meeting(1), 1, block, now).is_ok());
                now += pause;
            }
            taken
        }
    }

    fn meeting(n: u32) -> MeetingId {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&n.to_be_bytes());
        MeetingId::from_bytes(id)
    }

    #[test]
    fn tries_are_slowed_then_stopped_and_thaw() {
        let mut tries = Tries::new();
        let second = Duration::from_secs(1);
        assert_eq!(tries.count(Block(1), Time::ZERO, Duration::ZERO, 100), 10);
        let wait = tries.take(meeting(1), 1, Block(1), Time::ZERO).expect_err("slowed");
        assert_eq!(wait, Duration::from_secs(30));
        assert!(tries.take(meeting(1), 1, Block(1), Time::ZERO + wait).is_ok(), "as it was told");
        assert_eq!(tries.count(Block(1), Time::from_millis(31_000), second, 1000), 29, "40 in all");
        let now = Time::from_millis(1_031_000);
        let wait = tries.take(meeting(1), 1, Block(1), now).expect_err("stopped");
        assert!(wait > Duration::from_secs(600), "{wait:?}");
        assert!(tries.take(meeting(1), 1, Block(1), now + wait).is_ok());
        assert!(tries.take(meeting(2), 1, Block(2), now).is_ok(), "others are not concerned");
        let later = now + DAY * 2;
        assert_eq!(tries.count(Block(1), later, Duration::ZERO, 100), 10);
    }

    #[test]
    fn many_blocks_together_are_stopped_too_and_so_is_one_at_many_meetings() {
        let mut tries = Tries::new();
        let all: usize = (0..100).map(|block| tries.count(Block(block), Time::ZERO, Duration::ZERO, 20)).sum();
        assert_eq!(all, 40);
        let mut tries = Tries::new();
        let taken = (0..1000).filter(|n| tries.take(meeting(*n), 1, Block(1), Time::ZERO).is_ok()).count();
        assert_eq!(taken, 100);
    }

    #[test]
    fn who_was_right_has_not_tried() {
        let mut tries = Tries::new();
        for _ in 0..500 {
            assert!(tries.take(meeting(1), 1, Block(1), Time::ZERO).is_ok());
            tries.give(meeting(1), 1, Time::ZERO);
        }
        let next = |tries: &mut Tries, blinded| tries.take(meeting(1), blinded, Block(1), Time::ZERO).is_ok();
        assert!((2..12).all(|blinded| next(&mut tries, blinded)) && !next(&mut tries, 12));
        tries.give(meeting(1), 2, Time::ZERO);
        for wrong in [2, 1] {
            tries.give(meeting(1), wrong, Time::ZERO);
        }
        assert!(next(&mut tries, 12) && !next(&mut tries, 13), "each is given back once, and none that was not taken");
        let late = Time::ZERO + RECEIPT;
        let before = tries.take(meeting(1), 14, Block(1), Time::ZERO).expect_err("used up");
        tries.give(meeting(1), 3, late);
        let after = (0..100).filter(|_| tries.take(meeting(1), 14, Block(1), late).is_ok()).count();
        assert_eq!(after as u64, RECEIPT.as_secs() / before.as_secs(), "it came too late");
    }

    #[test]
    fn memory_is_bounded_and_nobody_tries_more_for_it() {
        let mut tries = Tries::new();
        for n in 0..REMEMBERED as u32 {
            let _refused = tries.take(meeting(n + 10), 1, Block(u64::from(n)), Time::ZERO);
        }
        let many = (0..1000).filter(|n| tries.take(meeting(1), 1, Block(1 << 40 | n), Time::ZERO).is_ok()).count();
        assert_eq!(many, 0, "what all those share who are not remembered is used up");
    }

    #[test]
    fn who_makes_meetings_without_end_stops_its_own_block_and_all_together_the_rest() {
        let mut tries = Tries::new();
        let mut make = |block, now| tries.counts.handle(tries.names.creation(Block(block), (20, 200), None), now) == Counted::Done;
        assert_eq!((0..100).filter(|_| make(1, Time::ZERO)).count(), 30);
        assert!(make(2, Time::ZERO) && !make(1, Time::from_millis(9_999)) && make(1, Time::from_millis(10_000)));
        let later = Time::from_millis(1_000_000);
        assert_eq!((10..1000).filter(|block| make(*block, later)).count(), 200);
    }

    #[test]
    fn names_tell_nothing_without_the_key() {
        let (names, others) = (Tries::new().names, Names::new(&Config::new(Secret::new([1; 32]), Secret::new([3; 32]))));
        assert_ne!(names.creation(Block(1), (1, 1), None), others.creation(Block(1), (1, 1), None));
        assert_ne!(names.right(meeting(1), &[1; 32]), others.right(meeting(1), &[1; 32]));
    }
}
