//! What members may rely on, whatever makes the order.

use std::time::Duration;

use conclave_base::Seq;
use conclave_delivery::{AppendError, Ask, Told};
use conclave_engines as engines;
use conclave_protocol::ws::Class;
use futures_util::future::join_all;

use super::node::{MEETING, Node, append, who};

async fn the_first_commit_founds_and_of_two_at_once_the_second_is_stale(node: &mut Node) {
    assert!(matches!(node.enter(1, 1).await, Ok(Told::Entered { known: false, .. })));
    let early = node.ask(append(1, Class::Message, 0, b"early")).await;
    assert_eq!(early, Ok(Told::Refused(AppendError::Stale { last_commit: Seq(0) })));
    assert_eq!(node.commit(1).await, Seq(1));
    let stale = node.ask(append(1, Class::Commit, 0, b"late")).await;
    assert_eq!(stale, Ok(Told::Refused(AppendError::Stale { last_commit: Seq(1) })));
    let large = node.ask(append(1, Class::Message, 1, &vec![0; 64 * 1024 + 1])).await;
    assert_eq!(large, Ok(Told::Refused(AppendError::TooLarge)));
    assert_eq!(node.say(1, b"hello").await, Seq(2));
    assert_eq!(node.lines(), [b"hello"]);
    assert!(node.entries.is_sorted_by_key(|entry| entry.at), "time never goes back");
}

async fn a_snapshot_hides_no_proposal(node: &mut Node) {
    node.enter(1, 1).await.expect("in");
    node.commit(1).await;
    assert!(matches!(node.ask(append(1, Class::Proposal, 0, b"add")).await, Ok(Told::Appended { seq: Seq(2), .. })));
    let stale = node.ask(append(1, Class::Snapshot, 1, b"tree")).await;
    assert_eq!(stale, Ok(Told::Refused(AppendError::Stale { last_commit: Seq(1) })));
    node.until("the proposal", |node| node.mirror.head() == Seq(2)).await;
    assert_eq!(node.commit(1).await, Seq(3));
    assert!(matches!(node.ask(append(1, Class::Snapshot, 3, b"tree")).await, Ok(Told::Appended { seq: Seq(4), .. })));
}

async fn there_are_no_more_people_than_may_be_and_whoever_is_in_keeps_the_place(node: &mut Node) {
    for n in 1..=3 {
        assert!(matches!(node.enter_among(n, n.into(), 3).await, Ok(Told::Entered { .. })));
    }
    assert_eq!(node.enter_among(4, 4, 3).await, Ok(Told::TooManyPeople));
    assert!(matches!(node.enter_among(3, 5, 3).await, Ok(Told::Entered { .. })), "again, by another connection");
    assert_eq!(node.enter_among(3, 2, 3).await, Ok(Told::Outdated), "an older one that comes late");
    node.order(Ask::Away { who: who(3), place: node.place(5) });
    assert!(matches!(node.enter_among(4, 6, 3).await, Ok(Told::Entered { .. })));
}

async fn who_is_gone_is_told_once_and_again_to_newcomers_and_who_is_elsewhere_is_not(node: &mut Node) {
    node.enter(1, 1).await.expect("in");
    node.enter(2, 2).await.expect("in");
    node.commit(1).await;
    node.commit(2).await;
    node.order(Ask::Away { who: who(1), place: node.place(1) });
    node.enter(1, 3).await.expect("back");
    node.order(Ask::Gone { who: who(1), place: node.place(1) });
    node.say(2, b"one is back").await;
    assert_eq!(node.gone(), []);
    for _ in 0..2 {
        node.order(Ask::Gone { who: who(1), place: node.place(3) });
    }
    node.say(2, b"one is gone").await;
    assert_eq!(node.gone(), [who(1)]);
    node.enter(3, 4).await.expect("in");
    let parent_commit = node.mirror.last_commit();
    let sealed = b"I come".to_vec();
    let come = Ask::Append { who: who(3), newcomer: true, class: Class::Commit, parent_commit, sealed };
    assert!(matches!(node.ask(come).await, Ok(Told::Appended { .. })));
    node.say(2, b"three is in").await;
    assert_eq!(node.gone(), [who(1), who(1)]);
}

async fn when_its_time_is_over_a_log_takes_nothing_and_whoever_enters_then_begins_another(node: &mut Node) {
    let lasts = Duration::from_millis(700);
    let Ok(Told::Entered { log, left: Some(left), .. }) = node.enter_for(1, 1, 9, Some(lasts)).await else { panic!("it has an end") };
    assert!(left <= lasts && left + Duration::from_millis(300) > lasts, "{left:?}");
    node.commit(1).await;
    node.pass(Duration::from_millis(100)).await;
    let longer = Some(Duration::from_secs(3600));
    let Ok(Told::Entered { left: Some(later), .. }) = node.enter_for(2, 2, 9, longer).await else { panic!("in") };
    assert!(later < left, "whoever comes later does not make it longer");
    node.pass(later).await;
    assert_eq!(node.ask(append(1, Class::Message, 0, b"late")).await, Ok(Told::Refused(AppendError::Over)));
    node.order(Ask::Gone { who: who(1), place: node.place(1) });
    assert_eq!(node.gone(), [], "nor that somebody is gone");
    let Ok(Told::Entered { log: next, known: false, left: Some(left) }) = node.enter_for(1, 3, 9, longer).await else { panic!("anew") };
    assert!(next != log && left > lasts, "{left:?}");
    assert_eq!(node.position().seq, Seq(0));
    assert_eq!(node.commit(1).await, Seq(1));
}

#[tokio::test]
async fn nodes_end_a_log_at_once_and_begin_the_next_one_together() {
    let redis = engines::Redis::start().expect("Redis");
    let (mut a, mut b) = (Node::at(&redis, 1).await, Node::at(&redis, 2).await);
    let lasts = Some(Duration::from_millis(700));
    a.enter_for(1, 1, 9, lasts).await.expect("in");
    let Ok(Told::Entered { left: Some(left), .. }) = b.enter_for(2, 1, 9, lasts).await else { panic!("it has an end") };
    a.commit(1).await;
    b.pass(left).await;
    for (node, n) in [(&mut a, 1), (&mut b, 2)] {
        assert_eq!(node.ask(append(n, Class::Message, 0, b"late")).await, Ok(Told::Refused(AppendError::Over)));
    }
    let Ok(Told::Entered { log, .. }) = b.enter_for(2, 2, 9, lasts).await else { panic!("anew") };
    a.until("the old one has ended", |a| a.ended == 1).await;
    assert!(matches!(a.enter_for(1, 2, 9, lasts).await, Ok(Told::Entered { log: other, .. }) if other == log));
}

#[tokio::test]
async fn who_gives_up_a_log_keeps_the_one_that_began_after_it() {
    let redis = engines::Redis::start().expect("Redis");
    for mut node in [Node::alone(), Node::at(&redis, 1).await] {
        let lasts = Some(Duration::from_millis(300));
        let Ok(Told::Entered { log: before, .. }) = node.enter_for(1, 1, 9, lasts).await else { panic!("in") };
        node.pass(Duration::from_millis(400)).await;
        assert!(matches!(node.enter(1, 2).await, Ok(Told::Entered { log, .. }) if log != before));
        node.bus.unfollow(MEETING, before);
        assert_eq!(node.commit(1).await, Seq(1));
        let another = append(1, Class::Message, 0, b"and goes on");
        assert!(matches!(node.ask(another).await, Ok(Told::Appended { .. })));
    }
}

#[tokio::test]
async fn the_order_in_memory_is_as_it_should_be() {
    the_first_commit_founds_and_of_two_at_once_the_second_is_stale(&mut Node::alone()).await;
    a_snapshot_hides_no_proposal(&mut Node::alone()).await;
    there_are_no_more_people_than_may_be_and_whoever_is_in_keeps_the_place(&mut Node::alone()).await;
    who_is_gone_is_told_once_and_again_to_newcomers_and_who_is_elsewhere_is_not(&mut Node::alone()).await;
    when_its_time_is_over_a_log_takes_nothing_and_whoever_enters_then_begins_another(&mut Node::alone()).await;
}

#[tokio::test]
async fn the_order_in_redis_is_as_it_should_be() {
    let mut redis = [(); 5].map(|()| engines::Redis::start().expect("Redis"));
    let [a, b, c, d, e] = &mut redis;
    the_first_commit_founds_and_of_two_at_once_the_second_is_stale(&mut Node::at(a, 1).await).await;
    a_snapshot_hides_no_proposal(&mut Node::at(b, 1).await).await;
    there_are_no_more_people_than_may_be_and_whoever_is_in_keeps_the_place(&mut Node::at(c, 1).await).await;
    who_is_gone_is_told_once_and_again_to_newcomers_and_who_is_elsewhere_is_not(&mut Node::at(d, 1).await).await;
    when_its_time_is_over_a_log_takes_nothing_and_whoever_enters_then_begins_another(&mut Node::at(e, 1).await).await;
}

#[tokio::test]
async fn two_nodes_have_one_order_and_at_each_place_one_commit() {
    let redis = engines::Redis::start().expect("Redis");
    let (mut a, mut b) = (Node::at(&redis, 1).await, Node::at(&redis, 2).await);
    a.enter(1, 1).await.expect("in");
    b.enter(2, 1).await.expect("in");
    assert_eq!(a.log, b.log, "the first one founds");
    a.commit(1).await;
    b.until("the commit", |b| b.mirror.head() == Seq(1)).await;
    for _ in 0..50 {
        let parent = a.mirror.last_commit().0;
        let requests = (a.begin(append(1, Class::Commit, parent, b"mine")), b.begin(append(2, Class::Commit, parent, b"mine")));
        b.begin(append(2, Class::Message, 0, &[7; 40_000]));
        let told = [a.answer_to(requests.0).await, b.answer_to(requests.1).await];
        let won = |told| if let &Ok(Told::Appended { seq, .. }) = told { Some(seq) } else { None };
        let places: Vec<Seq> = told.iter().filter_map(won).collect();
        assert_eq!(places.len(), 1, "{told:?}");
        for node in [&mut a, &mut b] {
            node.until("the commit", |node| node.mirror.head() >= places[0]).await;
        }
    }
    let (last, before) = (a.say(1, b"the last").await, b.mirror.head());
    b.until("the last", |b| b.mirror.head() >= last).await;
    a.until("all", |a| a.mirror.head() >= before).await;
    assert_eq!(a.position(), b.position());
    assert_eq!(a.entries, b.entries);
}

#[tokio::test]
async fn nodes_that_let_people_in_at_once_let_in_no_more_than_may_be() {
    let redis = engines::Redis::start().expect("Redis");
    let mut nodes = join_all((1..=4).map(|node| Node::at(&redis, node))).await;
    let entering = nodes.iter_mut().enumerate().map(|(n, node)| async move {
        let mut entered = 0;
        for i in 0..5 {
            let member = u8::try_from(n * 5 + i + 1).expect("few");
            entered += u32::from(matches!(node.enter_among(member, i as u64 + 1, 7).await, Ok(Told::Entered { .. })));
        }
        entered
    });
    assert_eq!(join_all(entering).await.into_iter().sum::<u32>(), 7);
}

#[tokio::test]
async fn who_joins_while_much_is_said_has_every_entry_once() {
    let redis = engines::Redis::start().expect("Redis");
    let mut speaker = Node::at(&redis, 1).await;
    speaker.enter(1, 1).await.expect("in");
    speaker.commit(1).await;
    let mut listeners = join_all((2..8).map(|node| Node::at(&redis, node))).await;
    let talk = async {
        let mut last = Seq(0);
        for n in 0..600_u32 {
            last = speaker.say(1, &n.to_be_bytes()).await;
        }
        last
    };
    let join = join_all(listeners.iter_mut().enumerate().map(|(n, listener)| async move {
        let n = u8::try_from(n).expect("few") + 2;
        listener.pass(Duration::from_millis(20 * u64::from(n))).await;
        listener.enter(n, 1).await.expect("in");
    }));
    let (last, _joined) = tokio::join!(talk, join);
    for listener in &mut listeners {
        listener.until("the last", |listener| listener.mirror.head() >= last).await;
        assert_eq!((listener.position(), listener.lines().len()), (speaker.position(), 600));
    }
}

#[tokio::test]
async fn who_comes_to_another_node_is_there_and_not_gone() {
    let redis = engines::Redis::start().expect("Redis");
    let (mut a, mut b) = (Node::at(&redis, 1).await, Node::at(&redis, 2).await);
    a.enter(1, 9).await.expect("in");
    a.commit(1).await;
    assert!(matches!(b.enter(1, 1).await, Ok(Told::Entered { known: true, .. })), "it is known there, too");
    a.until("it moved", |a| a.moved.contains(&(who(1), conclave_delivery::Place { node: 2, conn: 1 }))).await;
    a.order(Ask::Away { who: who(1), place: a.place(9) });
    a.order(Ask::Gone { who: who(1), place: a.place(9) });
    a.say(1, b"after").await;
    assert_eq!(a.gone(), []);
}
