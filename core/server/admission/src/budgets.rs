use std::collections::BTreeMap;
use std::time::Duration;

use conclave_base::{Bucket, Time};

use crate::api::Block;

/// Look-ups and new WebSockets of one block per second on average, and at once: a company that comes to work behind one address.
const REQUESTS: (u32, u32) = (20, 400);
/// Blocks of which something is remembered. Those that come when there are so many share one budget.
const BLOCKS: usize = 1 << 16;
const OTHERS: Block = Block(u64::MAX);
/// A block of which nothing came for so long is forgotten: its budget is full again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(360);

/// What the clients of each address block may ask for, in a given time.
#[derive(Debug, Default)]
pub struct Budgets(BTreeMap<Block, Budget>);

#[derive(Debug)]
struct Budget {
    requests: Bucket,
    last: Time,
}

impl Budgets {
    /// Whether a client of `block` may ask for something or open a WebSocket.
    pub fn take_request(&mut self, block: Block, now: Time) -> bool {
        self.budget(block, now).requests.take(1, now)
    }

    /// Forgets the blocks of which nothing came for so long that their budgets are full again.
    pub fn forget_idle(&mut self, now: Time) {
        self.0.retain(|_, budget| now < budget.last + FORGOTTEN_AFTER);
    }

    fn budget(&mut self, block: Block, now: Time) -> &mut Budget {
        let block = if self.0.len() < BLOCKS || self.0.contains_key(&block) { block } else { OTHERS };
        let budget = self.0.entry(block).or_insert_with(|| Budget { requests: Bucket::full(REQUESTS.0, REQUESTS.1, now), last: now });
        budget.last = now;
        budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_is_forgotten_had_its_budget_full_again() {
        let mut budgets = Budgets::default();
        let block = Block(1);
        while budgets.take_request(block, Time::ZERO) {}
        let later = Time::ZERO + FORGOTTEN_AFTER;
        let mut kept = Budgets::default();
        std::mem::swap(&mut kept, &mut budgets);
        let count = |budgets: &mut Budgets| (0..1000).filter(|_| budgets.take_request(block, later)).count();
        assert_eq!(count(&mut kept), count(&mut budgets));
        kept.forget_idle(later + FORGOTTEN_AFTER);
        assert!(kept.0.is_empty());
    }

    #[test]
    fn more_blocks_than_are_remembered_share_one_budget() {
        let mut budgets = Budgets::default();
        for block in 0..2 * BLOCKS as u64 {
            budgets.take_request(Block(block), Time::ZERO);
        }
        assert_eq!(budgets.0.len(), BLOCKS + 1);
        assert!(budgets.take_request(Block(7), Time::ZERO), "those that were there keep theirs");
        assert!(!budgets.take_request(Block(u64::MAX / 2), Time::ZERO));
    }
}
