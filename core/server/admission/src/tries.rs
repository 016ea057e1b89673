use std::collections::BTreeMap;
use std::time::Duration;

use conclave_base::{Bucket, MeetingId, Time};

use crate::api::Block;

/// How many passphrases may be tried: some at once and then one in a while, and no more than so many in a day. In a day's time as many come back.
#[derive(Debug, Clone, Copy)]
struct Limits {
    at_once: u32,
    /// Seconds for one more.
    then: u32,
    in_a_day: u32,
}

/// At one meeting, from one block.
const HERE: Limits = Limits { at_once: 10, then: 30, in_a_day: 40 };
/// At one meeting, from everywhere.
const MEETING: Limits = Limits { at_once: 40, then: 10, in_a_day: 120 };
/// At all meetings, from one block.
const BLOCK: Limits = Limits { at_once: 100, then: 10, in_a_day: 1200 };
const DAY: u32 = 24 * 60 * 60;
/// A try is shown to have been right within this, or counts.
const OPEN: Duration = Duration::from_secs(120);
/// Of so many something is remembered. Those that come when there are so many share one allowance.
const REMEMBERED: usize = 1 << 16;

/// Passphrases that were tried, and not shown to be right.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    allowances: BTreeMap<Whose, Allowance>,
    /// Those that may still be shown to have been right, once each: where they came from and when.
    open: BTreeMap<(MeetingId, [u8; 32]), (Block, Time)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Here(MeetingId, Block),
    Meeting(MeetingId),
    Block(Block),
    Others,
}

#[derive(Debug)]
struct Allowance {
    limits: Limits,
    /// Counts seconds, as the next one.
    soon: Bucket,
    day: Bucket,
}

impl Limits {
    const fn day_cost(self) -> usize {
        (DAY / self.in_a_day) as usize
    }
}

impl Whose {
    const fn limits(self) -> Limits {
        match self {
            Self::Here(..) | Self::Others => HERE,
            Self::Meeting(_) => MEETING,
            Self::Block(_) => BLOCK,
        }
    }
}

impl Allowance {
    fn full(limits: Limits, now: Time) -> Self {
        let bucket = |tries: u32, seconds: u32| Bucket::full(1, tries * seconds, now);
        Self { limits, soon: bucket(limits.at_once, limits.then), day: bucket(limits.in_a_day, DAY / limits.in_a_day) }
    }

    fn wait(&mut self, now: Time) -> Duration {
        self.soon.wait(self.limits.then as usize, now).max(self.day.wait(self.limits.day_cost(), now))
    }

    fn take(&mut self, now: Time) {
        self.soon.take(self.limits.then as usize, now);
        self.day.take(self.limits.day_cost(), now);
    }

    fn give(&mut self) {
        self.soon.give(self.limits.then as usize);
        self.day.give(self.limits.day_cost());
    }
}

impl Tries {
    /// Counts a try, by what was blinded; else says how long to wait for the next one.
    pub(crate) fn take(&mut self, meeting: MeetingId, blinded: [u8; 32], block: Block, now: Time) -> Result<(), Duration> {
        let all = whose(meeting, block);
        let wait = all.iter().map(|whose| self.allowance(*whose, now).wait(now)).max().unwrap_or_default();
        if wait > Duration::ZERO {
            return Err(wait);
        }
        for whose in all {
            self.allowance(whose, now).take(now);
        }
        if self.open.len() < REMEMBERED {
            self.open.insert((meeting, blinded), (block, now));
        }
        Ok(())
    }

    /// A try was right after all. To be told so again, or of one that was not made, changes nothing.
    pub(crate) fn give(&mut self, meeting: MeetingId, blinded: [u8; 32]) {
        let Some((block, _)) = self.open.remove(&(meeting, blinded)) else { return };
        for whose in whose(meeting, block) {
            if let Some(allowance) = self.allowances.get_mut(&whose) {
                allowance.give();
            }
        }
    }

    /// Forgets those of whom nothing needs to be remembered.
    pub(crate) fn forget_full(&mut self, now: Time) {
        self.open.retain(|_, (_, at)| now < *at + OPEN);
        self.allowances.retain(|_, allowance| !(allowance.soon.is_full(now) && allowance.day.is_full(now)));
    }

    fn allowance(&mut self, whose: Whose, now: Time) -> &mut Allowance {
        let known = self.allowances.len() < REMEMBERED || self.allowances.contains_key(&whose);
        let whose = if known { whose } else { Whose::Others };
        self.allowances.entry(whose).or_insert_with(|| Allowance::full(whose.limits(), now))
    }
}

const fn whose(meeting: MeetingId, block: Block) -> [Whose; 3] {
    [Whose::Here(meeting, block), Whose::Meeting(meeting), Whose::Block(block)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meeting(n: u32) -> MeetingId {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&n.to_be_bytes());
        MeetingId::from_bytes(id)
    }

    /// How many are answered from now on, with `pause` between two.
    fn count(tries: &mut Tries, block: Block, mut now: Time, pause: Duration, most: usize) -> usize {
        let mut taken = 0;
        for _ in 0..most {
            taken += usize::from(tries.take(meeting(1), [1; 32], block, now).is_ok());
            now += pause;
        }
        taken
    }

    #[test]
    fn tries_are_slowed_then_stopped_and_thaw() {
        let mut tries = Tries::default();
        let second = Duration::from_secs(1);
        assert_eq!(count(&mut tries, Block(1), Time::ZERO, Duration::ZERO, 100), 10);
        let wait = tries.take(meeting(1), [1; 32], Block(1), Time::ZERO).expect_err("slowed");
        assert_eq!(wait, Duration::from_secs(30));
        assert!(tries.take(meeting(1), [1; 32], Block(1), Time::ZERO + wait).is_ok(), "as it was told");
        assert_eq!(count(&mut tries, Block(1), Time::from_millis(31_000), second, 1000), 29, "40 in all");
        let now = Time::from_millis(1_031_000);
        let wait = tries.take(meeting(1), [1; 32], Block(1), now).expect_err("stopped");
        assert!(wait > Duration::from_secs(600), "{wait:?}");
        assert!(tries.take(meeting(1), [1; 32], Block(1), now + wait).is_ok());
        assert!(tries.take(meeting(2), [1; 32], Block(2), now).is_ok(), "others are not concerned");
        let later = now + Duration::from_secs(u64::from(2 * DAY));
        assert_eq!(count(&mut tries, Block(1), later, Duration::ZERO, 100), 10);
    }

    #[test]
    fn many_blocks_together_are_stopped_too_and_so_is_one_at_many_meetings() {
        let mut tries = Tries::default();
        let all: usize = (0..100).map(|block| count(&mut tries, Block(block), Time::ZERO, Duration::ZERO, 20)).sum();
        assert_eq!(all, 40);
        let mut tries = Tries::default();
        let taken = (0..1000).filter(|n| tries.take(meeting(*n), [1; 32], Block(1), Time::ZERO).is_ok()).count();
        assert_eq!(taken, 100);
    }

    #[test]
    fn who_was_right_has_not_tried() {
        let mut tries = Tries::default();
        for _ in 0..500 {
            assert!(tries.take(meeting(1), [1; 32], Block(1), Time::ZERO).is_ok());
            tries.give(meeting(1), [1; 32]);
        }
        tries.forget_full(Time::ZERO);
        assert!(tries.allowances.is_empty());
        let next = |tries: &mut Tries, blinded| tries.take(meeting(1), [blinded; 32], Block(1), Time::ZERO).is_ok();
        assert!((2..12).all(|blinded| next(&mut tries, blinded)) && !next(&mut tries, 12));
        tries.give(meeting(1), [2; 32]);
        for wrong in [2, 1] {
            tries.give(meeting(1), [wrong; 32]);
        }
        assert!(next(&mut tries, 12) && !next(&mut tries, 13), "each is given back once, and none that was not taken");
        tries.forget_full(Time::ZERO + OPEN);
        assert!(!tries.allowances.is_empty());
        let open = tries.allowances.len();
        tries.give(meeting(1), [3; 32]);
        tries.forget_full(Time::ZERO + OPEN);
        assert_eq!(tries.allowances.len(), open, "it came too late");
        tries.forget_full(Time::ZERO + Duration::from_secs(u64::from(DAY)));
        assert!(tries.allowances.is_empty() && tries.open.is_empty());
    }

    #[test]
    fn memory_is_bounded_and_nobody_tries_more_for_it() {
        let mut tries = Tries::default();
        for n in 0..REMEMBERED as u32 {
            let _refused = tries.take(meeting(n + 10), [1; 32], Block(u64::from(n)), Time::ZERO);
        }
        assert!(tries.allowances.len() <= REMEMBERED + 1 && tries.open.len() <= REMEMBERED);
        let many = (0..1000).filter(|n| tries.take(meeting(1), [1; 32], Block(1 << 40 | n), Time::ZERO).is_ok()).count();
        assert_eq!(many, 0, "what all those share who are not remembered is used up");
    }
}
