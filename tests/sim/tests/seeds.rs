//! A few of the meetings that `cargo xtask test` and `cargo xtask sim` hold by the thousand.

use conclave_sim::{Script, hold};

const SEEDS: std::ops::Range<u64> = 72..88;

#[test]
fn meetings_keep_every_promise() {
    for seed in SEEDS {
        if let Err(failure) = hold(&Script::of_seed(seed)) {
            panic!("seed {seed}: {failure}; `cargo xtask sim --from {seed} --seeds 1` shortens it");
        }
    }
}
