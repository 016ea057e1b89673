use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use conclave_base::Time;

/// A receipt is good for so long.
pub const RECEIPT: Duration = Duration::from_secs(120);
/// Of so many something is remembered. Those that come when there are so many share one allowance of each kind.
pub const REMEMBERED: usize = 1 << 17;

/// Of what kind an allowance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u8);

/// Whose allowance: a hash under a key, which leads back to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Whose {
    /// Of what kind.
    pub kind: Kind,
    /// `None`: of all who are not remembered.
    pub hash: Option<[u8; 16]>,
}

/// What is done once uses up a part of an allowance, which comes back with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Whose.
    pub whose: Whose,
    /// How long the part takes to come back.
    pub cost: Duration,
    /// How long the whole takes to come back.
    pub whole: Duration,
}

/// By what uses are given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receipt(pub [u8; 16]);

/// What is asked of the one place where it is counted for all nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Count {
    /// Counts all of these, or none, if one allowance is used up.
    Take {
        /// What is used up.
        uses: Vec<Use>,
        /// By what they can be given back, once.
        receipt: Option<Receipt>,
    },
    /// Gives back what was taken by this receipt.
    Give(Receipt),
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Counted, or given back; or there was nothing to give back.
    Done,
    /// Nothing is counted: it may be after so long.
    Wait(Duration),
}

/// What counts where one process serves all: `counts.lua` of `apps/server` counts the same for many, and a test holds both to that.
#[derive(Debug, Default)]
pub struct LocalCounts {
    /// When each allowance is whole again: in the order of names, and of times.
    whole_at: BTreeMap<Whose, Time>,
    by_time: BTreeSet<(Time, Whose)>,
    /// What was taken by each receipt, and in the order of times.
    taken: BTreeMap<Receipt, (Time, Vec<(Whose, Duration)>)>,
    receipts: BTreeSet<(Time, Receipt)>,
}

impl LocalCounts {
    /// Answers.
    pub fn handle(&mut self, count: Count, now: Time) -> Counted {
        self.forget(now);
        match count {
            Count::Take { uses, receipt } => self.take(uses, receipt, now),
            Count::Give(receipt) => {
                let taken = self.taken.remove(&receipt).map(|(at, taken)| {
                    self.receipts.remove(&(at, receipt));
                    taken
                });
                for (whose, cost) in taken.unwrap_or_default() {
                    if let Some(at) = self.whole_at.get(&whose).copied() {
                        self.set(whose, Time::from_millis(at.as_millis().saturating_sub(millis(cost))));
                    }
                }
                Counted::Done
            }
        }
    }

    fn take(&mut self, mut uses: Vec<Use>, receipt: Option<Receipt>, now: Time) -> Counted {
        for Use { whose, .. } in &mut uses {
            if !self.whole_at.contains_key(whose) && self.whole_at.len() >= REMEMBERED {
                whose.hash = None;
            }
        }
        let after: Vec<Time> = uses.iter().map(|of| self.whole_at.get(&of.whose).map_or(now, |at| now.max(*at)) + of.cost).collect();
        let wait = uses.iter().zip(&after).map(|(of, after)| after.since(now + of.whole)).max().unwrap_or_default();
        if wait > Duration::ZERO {
            return Counted::Wait(wait);
        }
        for (of, after) in uses.iter().zip(after) {
            self.set(of.whose, after);
        }
        if let Some(receipt) = receipt.filter(|_| self.taken.len() < REMEMBERED) {
            let taken = uses.iter().map(|of| (of.whose, of.cost)).collect();
            if let Some((before, _)) = self.taken.insert(receipt, (now, taken)) {
                self.receipts.remove(&(before, receipt));
            }
            self.receipts.insert((now, receipt));
        }
        Counted::Done
    }

    fn set(&mut self, whose: Whose, at: Time) {
        if let Some(before) = self.whole_at.insert(whose, at) {
            self.by_time.remove(&(before, whose));
        }
        self.by_time.insert((at, whose));
    }

    /// Of an allowance that is whole nothing needs to be remembered, and an old receipt is good for nothing.
    fn forget(&mut self, now: Time) {
        while let Some((at, whose)) = self.by_time.first().copied()
            && at <= now
        {
            self.by_time.pop_first();
            self.whole_at.remove(&whose);
        }
        while let Some((at, receipt)) = self.receipts.first().copied()
            && at + RECEIPT <= now
        {
            self.receipts.pop_first();
            self.taken.remove(&receipt);
        }
    }
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
