//! Random histories: the order in memory and the script answer alike.

use conclave_admission::OrderError;
use conclave_base::Seq;
use conclave_delivery::{Ask, LogId, Mirror, Order, Ordered, Told};
use conclave_engines as engines;
use conclave_protocol::ws::Class;

use super::node::{Node, who};
use crate::clock::now;

/// So small that all limits are met.
const BOUND: usize = 6000;
const HISTORIES: u64 = 150;
const STEPS: u64 = 80;

struct Dice(u64);

impl Dice {
    /// Below `n`.
    fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn random(dice: &mut Dice, node: &Node) -> Ask {
    let n = u8::try_from(dice.roll(6)).expect("small") + 1;
    let (who, place) = (who(n), node.place(dice.roll(4) + 1));
    match dice.roll(20) {
        0..3 => Ask::Enter { who, place, found: LogId([2; 16]), people: 3, lasts: None },
        3 => Ask::Away { who, place },
        4 | 5 => Ask::Gone { who, place },
        6 => Ask::Back { who, place },
        7 => Ask::Forget { who, place },
        8 => node.mirror.trim().map_or(Ask::Away { who, place }, Ask::Trim),
        _ => {
            use Class::{Commit, JoinRequest, Message, Proposal, Snapshot, Welcome};
            let classes = [Commit, Commit, Commit, Message, Message, Message, Proposal, JoinRequest, Welcome, Snapshot];
            let class = classes[usize::try_from(dice.roll(10)).expect("small")];
            let behind = if dice.roll(5) == 0 { 1 } else { 0 };
            let parent_commit = Seq(node.mirror.last_commit().0.saturating_sub(behind));
            let sealed = vec![n; usize::try_from(dice.roll(300)).expect("small")];
            Ask::Append { who, newcomer: dice.roll(4) == 0, class, parent_commit, sealed }
        }
    }
}

fn without_time(entries: &[Ordered]) -> Vec<(Seq, Class, Vec<u8>)> {
    entries.iter().map(|entry| (entry.seq, entry.class, entry.sealed.clone())).collect()
}

#[tokio::test]
async fn the_script_answers_as_the_order_in_memory() {
    let redis = engines::Redis::start().expect("Redis");
    let client = redis::Client::open(redis.url()).expect("an address");
    let mut raw = client.get_multiplexed_async_connection().await.expect("connected");
    let (mut full, mut trimmed, mut gone) = (0, 0, 0);
    for seed in 0..HISTORIES {
        redis::cmd("FLUSHALL").exec_async(&mut raw).await.expect("flushed");
        let (mut dice, mut node) = (Dice(seed), Node::at_url(&redis.url(), 1, BOUND).await);
        let mut order = Order::new(LogId([2; 16]), BOUND, None, now());
        node.enter_among(1, 1, 3).await.expect("in");
        let first = Ask::Enter { who: who(1), place: node.place(1), found: LogId([2; 16]), people: 3, lasts: None };
        order.handle(first, now());
        let mut entries = Vec::new();
        for step in 0..STEPS {
            let ask = random(&mut dice, &node);
            let (expected, made) = order.handle(ask.clone(), now());
            entries.extend(made);
            trimmed += u32::from(matches!(ask, Ask::Trim(_)));
            full += u32::from(matches!(expected, Told::Refused(conclave_delivery::AppendError::Full)));
            assert_eq!(node.ask(ask.clone()).await, Ok::<_, OrderError>(expected), "seed {seed}, step {step}: {ask:?}");
            let head = entries.last().map_or(Seq(0), |entry: &Ordered| entry.seq);
            node.until("all", |node| node.mirror.head() >= head).await;
        }
        assert_eq!(without_time(&node.entries), without_time(&entries), "seed {seed}");
        gone += node.gone().len();
        // Whoever comes now has what joiners need, and the same chain.
        let mut late = Node::at_url(&redis.url(), 2, BOUND).await;
        if late.enter_among(9, 1, 9).await.is_ok() {
            assert_eq!(late.position(), node.position(), "seed {seed}");
            assert_eq!(late.mirror.last_commit(), node.mirror.last_commit(), "seed {seed}");
            assert_eq!(read(&late.mirror), read(&node.mirror), "seed {seed}");
        }
    }
    assert!(full > 100 && trimmed > 100 && gone > 100, "these histories are too tame: {full} full, {trimmed} trimmed, {gone} gone");
}

/// What a joiner reads.
fn read(mirror: &Mirror) -> Vec<(Seq, [u8; 32])> {
    let mut reader = mirror.reader_from_snapshot();
    let mut all = Vec::new();
    while let Ok(Some(entry)) = mirror.read(&mut reader) {
        all.push((entry.seq, entry.chain_hash));
    }
    all
}
