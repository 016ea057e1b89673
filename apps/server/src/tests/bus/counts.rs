//! What is counted, in memory and in Redis: both are held to the same.

use std::time::Duration;

use conclave_admission::{Count, Counted, Kind, OrderError, Receipt, Use, Whose};
use conclave_engines as engines;
use futures_util::future::join_all;

use super::node::Node;

/// Longer than any test: nothing comes back meanwhile but for this.
const HOUR: Duration = Duration::from_secs(3600);
/// For which two clocks may differ, and the machine be busy.
const SLACK: Duration = Duration::from_secs(60);

fn whose(kind: u8, n: u8) -> Whose {
    Whose { kind: Kind(kind), hash: Some([n; 16]) }
}

/// So many of it at once, and one more each hour.
fn one(whose: Whose, at_once: u32) -> Use {
    Use { whose, cost: HOUR, whole: HOUR * at_once }
}

fn take(uses: &[Use]) -> Count {
    Count::Take { uses: uses.to_vec(), receipt: None }
}

fn about(counted: Result<Counted, OrderError>, wait: Duration) -> bool {
    matches!(counted, Ok(Counted::Wait(is)) if is <= wait && is + SLACK > wait)
}

async fn what_is_used_up_is_refused_and_told_when_it_may_be(node: &mut Node) {
    for _ in 0..3 {
        assert_eq!(node.count(take(&[one(whose(1, 1), 3)])).await, Ok(Counted::Done));
    }
    let refused = node.count(take(&[one(whose(1, 1), 3)])).await;
    assert!(about(refused, HOUR), "{refused:?}");
    assert_eq!(node.count(take(&[one(whose(2, 1), 3)])).await, Ok(Counted::Done), "of another kind");
    let soon = Use { whose: whose(1, 2), cost: Duration::from_millis(200), whole: Duration::from_millis(200) };
    assert_eq!(node.count(take(&[soon])).await, Ok(Counted::Done));
    let Ok(Counted::Wait(wait)) = node.count(take(&[soon])).await else { panic!("used up") };
    tokio::time::sleep(wait).await;
    assert_eq!(node.count(take(&[soon])).await, Ok(Counted::Done), "as it was told");
}

async fn of_several_all_are_used_or_none(node: &mut Node) {
    let (scarce, ample) = (one(whose(1, 3), 1), one(whose(2, 3), 2));
    assert_eq!(node.count(take(&[scarce, ample])).await, Ok(Counted::Done));
    for _ in 0..5 {
        assert!(about(node.count(take(&[ample, scarce])).await, HOUR));
    }
    assert_eq!(node.count(take(&[ample])).await, Ok(Counted::Done), "the refused took nothing");
    let refused = node.count(take(&[ample])).await;
    assert!(about(refused, HOUR), "{refused:?}");
}

async fn what_was_taken_by_a_receipt_is_given_back_once(node: &mut Node) {
    let uses = vec![one(whose(1, 4), 2), one(whose(2, 4), 2)];
    for n in 0..2 {
        let count = Count::Take { uses: uses.clone(), receipt: Some(Receipt([n; 16])) };
        assert_eq!(node.count(count).await, Ok(Counted::Done));
    }
    for receipt in [0, 0, 9] {
        assert_eq!(node.count(Count::Give(Receipt([receipt; 16]))).await, Ok(Counted::Done));
    }
    assert_eq!(node.count(take(&uses)).await, Ok(Counted::Done));
    assert!(about(node.count(take(&uses)).await, HOUR), "once, and of no receipt that was not given nothing");
}

#[tokio::test]
async fn what_is_counted_in_memory_is_as_it_should_be() {
    let node = &mut Node::alone();
    what_is_used_up_is_refused_and_told_when_it_may_be(node).await;
    of_several_all_are_used_or_none(node).await;
    what_was_taken_by_a_receipt_is_given_back_once(node).await;
}

#[tokio::test]
async fn what_is_counted_in_redis_is_as_it_should_be() {
    let redis = engines::Redis::start().expect("Redis");
    let node = &mut Node::at(&redis, 1).await;
    what_is_used_up_is_refused_and_told_when_it_may_be(node).await;
    of_several_all_are_used_or_none(node).await;
    what_was_taken_by_a_receipt_is_given_back_once(node).await;
}

#[tokio::test]
async fn nodes_that_count_at_once_let_through_no_more_than_may_be() {
    let redis = engines::Redis::start().expect("Redis");
    let mut nodes = join_all((1..=4).map(|node| Node::at(&redis, node))).await;
    let counting = nodes.iter_mut().map(|node| async move {
        let mut done = 0;
        for _ in 0..10 {
            done += u32::from(node.count(take(&[one(whose(1, 1), 7), one(whose(2, 1), 9)])).await == Ok(Counted::Done));
        }
        done
    });
    assert_eq!(join_all(counting).await.into_iter().sum::<u32>(), 7);
}

#[tokio::test]
async fn while_redis_is_away_nothing_is_let_through() {
    let redis = engines::Redis::start().expect("Redis");
    let mut node = Node::at(&redis, 1).await;
    redis.pause().expect("held up");
    assert_eq!(node.count(take(&[one(whose(1, 1), 7)])).await, Err(OrderError::Away));
    redis.resume().expect("goes on");
}

/// The same, by chance, asked of both. Drawn by a generator of its own, from a seed that is shown.
#[tokio::test]
async fn whatever_is_asked_both_count_the_same() {
    let redis = engines::Redis::start().expect("Redis");
    let (mut memory, mut many) = (Node::alone(), Node::at(&redis, 1).await);
    let mut drawn = 1_u64;
    let mut draw = |bound: u64| {
        drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (drawn >> 33) % bound
    };
    for step in 0..3000 {
        let mut small = |bound: u64| u8::try_from(draw(bound)).expect("small");
        let count = if small(4) == 0 {
            Count::Give(Receipt([small(20); 16]))
        } else {
            let uses = (1..=1 + small(3)).map(|kind| one(whose(kind, small(4)), 20 + u32::from(small(5)))).collect();
            let receipt = (small(2) == 0).then(|| Receipt([small(20); 16]));
            Count::Take { uses, receipt }
        };
        let (here, there) = (memory.count(count.clone()).await, many.count(count.clone()).await);
        let alike = match (here, there) {
            (Ok(Counted::Wait(here)), Ok(Counted::Wait(there))) => here.abs_diff(there) < SLACK,
            (here, there) => here == there,
        };
        assert!(alike, "step {step}: {count:?}: {here:?} and {there:?}");
    }
}
