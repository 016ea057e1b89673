//! Nodes that die, and a Redis that hangs, forgets or remembers another past.

use std::time::{Duration, Instant};

use conclave_delivery::{AppendError, Ask, Told};
use conclave_engines as engines;
use conclave_protocol::ws::Class;
use redis::aio::MultiplexedConnection;

use super::node::{MEETING, Node, append, who};

/// A node, the founder, and another.
async fn two(redis: &engines::Redis) -> (Node, Node) {
    let (mut a, mut b) = (Node::at(redis, 1).await, Node::at(redis, 2).await);
    a.enter(1, 1).await.expect("in");
    a.commit(1).await;
    b.enter(2, 1).await.expect("in");
    b.until("the commit", |b| b.mirror.last_commit().0 == 1).await;
    b.commit(2).await;
    (a, b)
}

async fn raw(redis: &engines::Redis) -> MultiplexedConnection {
    let client = redis::Client::open(redis.url()).expect("an address");
    client.get_multiplexed_async_connection().await.expect("connected")
}

const PARTS: [&str; 5] = ["meta", "log", "kept", "who", "nodes"];

fn key(part: &str) -> String {
    format!("conclave:{{{}}}:{part}", MEETING.to_text())
}

/// All that Redis has of the session.
async fn remember(raw: &mut MultiplexedConnection) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for part in PARTS {
        let dump: Option<Vec<u8>> = redis::cmd("DUMP").arg(key(part)).query_async(raw).await.expect("dumped");
        all.extend(dump.map(|dump| (key(part), dump)));
    }
    all
}

/// As a replica that lags behind and becomes the master.
async fn go_back(raw: &mut MultiplexedConnection, to: Vec<(String, Vec<u8>)>) {
    let mut pipe = redis::pipe();
    pipe.atomic();
    for part in PARTS {
        pipe.cmd("DEL").arg(key(part));
    }
    for (key, dump) in to {
        pipe.cmd("RESTORE").arg(key).arg(0).arg(dump);
    }
    pipe.exec_async(raw).await.expect("restored");
}

#[tokio::test]
async fn members_of_a_node_that_dies_are_gone_once_and_within_seconds() {
    let redis = engines::Redis::start().expect("Redis");
    let (mut a, b) = two(&redis).await;
    let mut c = Node::at(&redis, 3).await;
    c.enter(3, 1).await.expect("in");
    let died = Instant::now();
    drop(b);
    a.until("it is gone", |a| a.gone() == [who(2)]).await;
    let took = died.elapsed();
    assert!((Duration::from_secs(4)..Duration::from_secs(8)).contains(&took), "{took:?}");
    a.pass(Duration::from_secs(3)).await;
    assert_eq!(a.gone(), [who(2)], "of several survivors one says it");
    c.until("the same", |c| c.gone() == [who(2)]).await;
}

#[tokio::test]
async fn who_was_on_a_node_that_dies_and_comes_to_another_is_not_gone() {
    let redis = engines::Redis::start().expect("Redis");
    let (mut a, b) = two(&redis).await;
    drop(b);
    assert!(matches!(a.enter(2, 7).await, Ok(Told::Entered { known: true, .. })));
    a.pass(Duration::from_secs(8)).await;
    assert_eq!(a.gone(), []);
}

#[tokio::test]
async fn a_node_that_slept_brings_its_members_back_unless_they_are_elsewhere() {
    let redis = engines::Redis::start().expect("Redis");
    let (mut a, mut b) = two(&redis).await;
    b.enter(3, 2).await.expect("in");
    b.commit(3).await;
    let mut raw = raw(&redis).await;
    a.enter(3, 5).await.expect("in");
    while a.gone().is_empty() {
        // As if it had not ticked for long.
        redis::cmd("HSET").arg(key("nodes")).arg(2).arg(1).exec_async(&mut raw).await.expect("set");
        a.pass(Duration::from_millis(100)).await;
    }
    b.until("it lapsed", |b| b.lapsed > 0).await;
    for (n, conn) in [(2, 1), (3, 2)] {
        b.order(Ask::Back { who: who(n), place: b.place(conn) });
        b.order(Ask::Gone { who: who(n), place: b.place(conn) });
    }
    b.say(2, b"here").await;
    assert_eq!(b.gone(), [who(2), who(2)], "it was back, and is gone again; three is elsewhere");
}

#[tokio::test]
async fn a_log_that_went_back_ends_for_all_and_is_not_written_on() {
    let redis = engines::Redis::start().expect("Redis");
    let (mut a, mut b) = two(&redis).await;
    let mut raw = raw(&redis).await;
    let before = remember(&mut raw).await;
    a.say(1, b"acknowledged").await;
    b.until("the line", |b| b.mirror.head() == a.mirror.head()).await;
    let log = a.log;
    go_back(&mut raw, before).await;
    a.until("it ends", |a| a.ended == 1).await;
    b.until("it ends", |b| b.ended == 1).await;
    a.enter(1, 2).await.expect("in");
    assert_ne!(a.log.map(|_| a.entries.len()), log.map(|_| 3), "another log, and nothing in it");
    assert_eq!(a.commit(1).await.0, 1);
}

#[tokio::test]
async fn a_log_that_went_back_and_on_is_known_by_what_stands_at_the_same_place() {
    let redis = engines::Redis::start().expect("Redis");
    let (mut a, mut b) = two(&redis).await;
    let mut raw = raw(&redis).await;
    let before = remember(&mut raw).await;
    let seq = a.say(1, b"one past").await;
    b.until("the line", |b| b.mirror.head() == seq).await;
    go_back(&mut raw, before).await;
    // Who never saw the lost line writes on, before any other notices.
    let mut c = Node::at(&redis, 3).await;
    c.enter(3, 1).await.expect("in");
    let told = c.ask(append(3, Class::Message, 0, b"the other past")).await;
    let mut refused = 0;
    for (node, n) in [(&mut a, 1), (&mut b, 2)] {
        let told = node.ask(append(n, Class::Message, 0, b"on the first past")).await;
        refused += u32::from(told.is_err());
        node.until("it ends", |node| node.ended == 1).await;
        assert!(!node.lines().contains(&b"the other past".to_vec()), "no node has two entries at one place");
    }
    assert_eq!(refused, 2, "{told:?}");
    c.until("it ends for all", |c| c.ended == 1).await;
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_ends_the_session_and_the_next_begins() {
    let mut redis = engines::Redis::start().expect("Redis");
    let (mut a, mut b) = two(&redis).await;
    redis.crash().expect("killed");
    redis.start_again().expect("started");
    a.until("it ends", |a| a.ended == 1).await;
    b.until("it ends", |b| b.ended == 1).await;
    a.enter_in_the_end(1, 2).await;
    b.enter_in_the_end(2, 2).await;
    assert_eq!(a.commit(1).await.0, 1);
    b.until("the commit", |b| b.mirror.head().0 == 1).await;
    assert_eq!(a.position(), b.position());
}

#[tokio::test]
async fn while_redis_hangs_it_is_said_and_what_was_asked_is_done_once_or_not_at_all() {
    let redis = engines::Redis::start().expect("Redis");
    let (mut a, mut b) = two(&redis).await;
    redis.pause().expect("paused");
    let in_doubt = a.begin(append(1, Class::Message, 0, b"in doubt"));
    a.pass(Duration::from_millis(1500)).await;
    let refused = a.ask(append(1, Class::Message, 0, b"refused")).await;
    assert_eq!(refused, Err(conclave_admission::OrderError::Away));
    // That a member goes is not forgotten.
    b.begin(append(2, Class::Message, 0, b"in doubt, too"));
    b.order(Ask::Away { who: who(2), place: b.place(1) });
    b.order(Ask::Gone { who: who(2), place: b.place(1) });
    b.pass(Duration::from_millis(1500)).await;
    redis.resume().expect("resumed");
    let told = a.answer_to(in_doubt).await;
    a.until("two is gone", |a| a.gone() == [who(2)]).await;
    let count = a.lines().iter().filter(|line| *line == b"in doubt").count();
    assert_eq!(count, usize::from(matches!(told, Ok(Told::Appended { .. }))), "{told:?}");
    assert!(!a.lines().contains(&b"refused".to_vec()));
    b.until("the same", |b| b.mirror.head() >= a.mirror.head()).await;
    assert_eq!((a.ended, b.ended), (0, 0), "the log goes on");
    a.say(1, b"after").await;
}

#[tokio::test]
async fn a_redis_without_memory_refuses_and_breaks_nothing() {
    let redis = engines::Redis::start_with(&["--maxmemory", "8mb"]).expect("Redis");
    let (mut a, _b) = two(&redis).await;
    let mut refused = false;
    for n in 0..400 {
        let told = a.ask(append(1, Class::Message, 0, &[n as u8; 60_000])).await;
        refused = told == Ok(Told::Refused(AppendError::Full));
        if refused {
            break;
        }
        assert!(matches!(told, Ok(Told::Appended { .. })), "{told:?}");
    }
    assert!(refused, "its memory is full");
    let mut raw = raw(&redis).await;
    redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg("100mb").exec_async(&mut raw).await.expect("set");
    a.say(1, b"there is room again").await;
}
