//! Whoever goes is locked out, in meetings that are computed whole and in those of which most is left out; and in about the same time.

use std::time::Duration;

use conclave_sim::{Crowd, Fact, lockout};

#[test]
fn whoever_goes_is_locked_out_in_time_and_it_makes_no_difference_who_sleeps() {
    for sparse in [false, true] {
        let times = lockout(Crowd { members: 16, rounds: 2, seed: 1, sparse }).expect("everybody is locked out");
        for (fact, took) in times {
            let most = match fact {
                Fact::Leave | Fact::Removal => Duration::from_secs(1),
                Fact::Crash | Fact::Network => Duration::from_millis(3500),
            };
            assert!(took < most, "{fact:?}, sparse {sparse}: {took:?}");
        }
    }
}
