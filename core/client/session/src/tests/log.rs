//! A hostile server, and hostile entries of members.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::snapshot::{EndReason, NoticeKind, Phase, RuleViolation, SecurityState};
use conclave_base::{Machine as _, MemberId, Seq};
use conclave_protocol::ws::{Class, Entry, LogPosition, LogTime};

use super::world::{AMARA, BELA, CHIDI, World};

#[test]
fn a_replayed_message_is_ignored_and_told() {
    let mut world = World::of(2);
    world.say(AMARA, "once");
    let replayed = world.last(Class::Message);
    world.append_raw(Class::Message, replayed);
    assert_eq!(world.chat(BELA), ["once"]);
    assert_eq!(world.lock(BELA), SecurityState::Attacked);
    world.pass(Duration::from_secs(11));
    assert_eq!(world.lock(BELA), SecurityState::Secure);
}

#[test]
fn a_commit_that_nobody_sealed_is_ignored_and_told() {
    let mut world = World::of(2);
    world.append_raw(Class::Commit, vec![7; 500]);
    for person in [AMARA, BELA] {
        assert!(world.notices(person).contains(&NoticeKind::CommitRefused { rule: RuleViolation::Invalid }));
        assert_eq!(world.lock(person), SecurityState::Attacked);
    }
    world.say(AMARA, "we go on");
    assert_eq!(world.chat(BELA), ["we go on"]);
    let chidi = world.open();
    world.join(chidi);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.names(AMARA), ["Amara", "Bela", "Chidi"], "and newcomers still come in");
}

#[test]
fn a_replayed_commit_is_ignored() {
    let mut world = World::of(2);
    let replayed = world.last(Class::Commit);
    world.append_raw(Class::Commit, replayed);
    assert!(world.notices(AMARA).iter().any(|n| matches!(n, NoticeKind::CommitRefused { .. })));
    assert_eq!(world.names(AMARA), ["Amara", "Bela"]);
    assert_eq!(world.screen(AMARA).safety_code, world.screen(BELA).safety_code);
}

#[test]
fn a_withheld_entry_breaks_the_log() {
    let mut world = World::of(2);
    let withheld = Rc::new(Cell::new(false));
    let flag = withheld.clone();
    world.server.twist = Box::new(move |person, entry| (person != BELA || flag.replace(true)).then_some(entry));
    world.say(AMARA, "not for Bela");
    world.say(AMARA, "for everybody");
    assert!(withheld.get());
    assert_eq!(world.over(BELA), Some(EndReason::LogBroken));
    assert_eq!(world.chat(BELA).len(), 0);
}

#[test]
fn a_swapped_entry_breaks_the_log() {
    let mut world = World::of(2);
    world.server.twist = Box::new(move |person, mut entry| {
        if person == BELA {
            entry.sealed[20] ^= 1;
        }
        Some(entry)
    });
    world.say(AMARA, "altered");
    assert_eq!(world.over(BELA), Some(EndReason::LogBroken));
}

/// A server that keeps a chain of its own for Bela: from the moment on that `change` gives another entry in place of one, until Bela comes
/// back and is given the true log.
fn fork_for_bela(world: &mut World, mut change: impl FnMut(Entry) -> Entry + 'static) {
    let mut chain: Option<LogPosition> = None;
    let mut last: Option<LogPosition> = None;
    world.server.twist = Box::new(move |person, entry| {
        if person != BELA {
            return Some(entry);
        }
        let honest = LogPosition { seq: entry.seq, chain_hash: entry.chain_hash };
        let follows = last.is_none_or(|last| last.seq.next() == entry.seq);
        let previous = chain.filter(|_| follows).or(last.filter(|_| follows));
        last = Some(honest);
        let changed = change(entry.clone());
        let Some(previous) = previous.filter(|_| chain.is_some() && follows || changed != entry) else {
            chain = None;
            return Some(entry);
        };
        let forged = Entry::new(&previous.chain_hash, changed.seq, changed.at, changed.class, changed.sealed);
        chain = Some(LogPosition { seq: forged.seq, chain_hash: forged.chain_hash });
        Some(forged)
    });
}

#[test]
fn a_line_that_only_one_member_is_not_given_is_noticed_by_all_and_they_begin_anew() {
    let mut world = World::of(3);
    world.pass(Duration::from_secs(1));
    world.say(BELA, "old");
    let old = world.last(Class::Message);
    let (replaced, armed) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
    let (flag, on) = (replaced.clone(), armed.clone());
    // In place of Amara's line Bela gets her own old one, which OpenMLS takes for hers.
    fork_for_bela(&mut world, move |entry| {
        if entry.class == Class::Message && on.take() {
            flag.set(true);
            return Entry { sealed: old.clone(), ..entry };
        }
        entry
    });
    world.pass(Duration::from_secs(6));
    armed.set(true);
    world.say(AMARA, "not for Bela");
    assert!(replaced.get());
    assert_eq!(world.chat(BELA), ["old"]);
    world.pass(Duration::from_secs(10));
    for person in [AMARA, BELA, CHIDI] {
        assert!(world.notices(person).contains(&NoticeKind::LogForked), "{person}");
    }
    world.pass(Duration::from_secs(15));
    world.say(AMARA, "for all");
    for person in [AMARA, BELA, CHIDI] {
        assert_eq!(world.names(person).len(), 3);
        assert_eq!(world.lock(person), SecurityState::Secure, "one log again");
        assert_eq!(world.chat(person).last(), Some(&"for all"));
    }
}

#[test]
fn who_is_given_a_log_that_goes_on_without_an_entry_is_told() {
    let mut world = World::of(3);
    world.pass(Duration::from_secs(6));
    let armed = Rc::new(Cell::new(false));
    let (on, mut shift, mut chain, mut last) = (armed.clone(), 0, [0; 32], Seq(0));
    world.server.twist = Box::new(move |person, entry| {
        if person != BELA {
            return Some(entry);
        }
        if entry.seq != last.next() {
            shift = 0;
        }
        last = entry.seq;
        if on.get() && entry.class == Class::Message {
            on.set(false);
            shift = 1;
            return None;
        }
        let shown = if shift == 0 { entry } else { Entry::new(&chain, Seq(entry.seq.0 - shift), entry.at, entry.class, entry.sealed) };
        chain = shown.chain_hash;
        Some(shown)
    });
    world.say(CHIDI, "for all");
    armed.set(true);
    world.say(AMARA, "not for Bela");
    assert_eq!(world.chat(BELA), ["for all"]);
    world.pass(Duration::from_secs(10));
    assert!(world.notices(BELA).contains(&NoticeKind::LogForked));
}

#[test]
fn a_server_that_forks_the_log_again_and_again_is_left() {
    let mut world = World::of(2);
    let mut n = 0u8;
    fork_for_bela(&mut world, move |entry| {
        n = n.wrapping_add(1);
        if entry.class == Class::Message && n.is_multiple_of(8) { Entry { sealed: vec![n; 40], ..entry } } else { entry }
    });
    world.pass(Duration::from_secs(60));
    assert!([AMARA, BELA].iter().any(|person| world.over(*person) == Some(EndReason::LogBroken)));
}

#[test]
fn a_line_that_the_server_takes_and_drops_is_never_called_sent() {
    let mut world = World::of(2);
    world.pass(Duration::from_secs(1));
    world.server.swallows = Box::new(|person, class| person == AMARA && class == Class::Message);
    world.say(AMARA, "into the void");
    world.pass(Duration::from_secs(6));
    assert_eq!((world.unsent(AMARA), world.chat(AMARA)), (vec!["into the void"], vec![]));
    assert!(world.notices(AMARA).contains(&NoticeKind::Undelivered));
    world.server.swallows = Box::new(|_, _| false);
    world.pass(Duration::from_secs(10));
    assert_eq!((world.unsent(AMARA), world.chat(AMARA), world.chat(BELA)), (vec![], vec!["into the void"], vec!["into the void"]));
}

#[test]
fn a_removal_that_the_server_takes_and_drops_is_told_and_tried_again() {
    let mut world = World::of(3);
    world.pass(Duration::from_secs(1));
    let chidi = world.identity(CHIDI).to_text();
    world.server.swallows = Box::new(|person, class| person == AMARA && class == Class::Commit);
    world.command(AMARA, crate::snapshot::Command::Remove { identity: chidi, open: true }).expect("a host may");
    world.pass(Duration::from_secs(6));
    assert_eq!(world.names(AMARA).len(), 3, "the screen does not claim it");
    assert!(world.notices(AMARA).contains(&NoticeKind::NotRemoved { name: "Chidi".into() }));
    assert!(world.notices(AMARA).contains(&NoticeKind::Undelivered));
    world.server.swallows = Box::new(|_, _| false);
    world.pass(Duration::from_secs(10));
    assert_eq!(world.names(BELA), ["Amara", "Bela"]);
    assert_eq!(world.over(CHIDI), Some(EndReason::Removed));
}

#[test]
fn whom_the_server_does_not_let_know_of_its_removal_is_removed_again() {
    let mut world = World::of(2);
    world.pass(Duration::from_secs(1));
    let bela = world.identity(BELA).to_text();
    world.server.slow = Box::new(|person| person == BELA);
    world.command(AMARA, crate::snapshot::Command::Remove { identity: bela, open: true }).expect("a host may");
    world.pass(Duration::from_secs(1));
    assert_eq!((world.names(AMARA), world.names(BELA).len()), (vec!["Amara"], 2));
    // A server that claims to have begun anew, and lets in Amara first.
    world.server.forget();
    world.server.slow = Box::new(|_| false);
    world.people[BELA].cut_off = true;
    world.break_connection(AMARA);
    world.break_connection(BELA);
    world.pass(Duration::from_secs(4));
    assert_eq!(world.names(AMARA), ["Amara"]);
    world.people[BELA].cut_off = false;
    world.pass(Duration::from_secs(10));
    assert_eq!((world.over(BELA), world.names(AMARA)), (Some(EndReason::Removed), vec!["Amara"]));
}

#[test]
fn a_line_whose_fate_is_unknown_is_sent_again_and_shown_once() {
    let mut world = World::of(3);
    world.pass(Duration::from_secs(1));
    // Bela hears nothing any more; what she says still goes out.
    world.server.slow = Box::new(|person| person == BELA);
    world.say(BELA, "once");
    assert_eq!((world.chat(AMARA), world.unsent(BELA)), (vec!["once"], vec!["once"]));
    let bela = world.identity(BELA);
    world.append_raw(Class::Gone, bela.as_bytes().to_vec());
    world.pass(Duration::from_secs(1));
    assert_eq!(world.names(AMARA), ["Amara", "Chidi"]);
    world.server.slow = Box::new(|_| false);
    world.pass(Duration::from_secs(5));
    for person in [AMARA, BELA, CHIDI] {
        assert_eq!((world.chat(person), world.names(person).len()), (vec!["once"], 3));
    }
    assert_eq!(world.unsent(BELA), Vec::<&str>::new());
}

#[test]
fn a_server_whose_clock_runs_otherwise_is_told() {
    let mut world = World::of(2);
    world.pass(Duration::from_secs(90));
    assert!(!world.notices(AMARA).contains(&NoticeKind::ClockOff));
    world.server.clock_percent = 150;
    world.pass(Duration::from_secs(150));
    assert!(world.notices(AMARA).contains(&NoticeKind::ClockOff));
}

#[test]
fn nobody_is_led_back_to_before_a_removal() {
    let mut world = World::of(3);
    world.pass(Duration::from_secs(1));
    let chidi = world.identity(CHIDI);
    let before = world.server.log.clone();
    // Chidi's program is hostile: it goes on in the group of before, and confirms it to whoever comes.
    world.people[CHIDI].cut_off = true;
    world.command(AMARA, crate::snapshot::Command::Remove { identity: chidi.to_text(), open: true }).expect("a host may");
    world.pass(Duration::from_millis(500));
    assert_eq!(world.names(AMARA), ["Amara", "Bela"]);
    world.server.log = before;
    world.people[CHIDI].cut_off = false;
    world.break_connection(AMARA);
    world.pass(Duration::from_secs(5));
    assert_eq!(world.over(AMARA), Some(EndReason::LogBroken));
    assert!(world.seal(AMARA, conclave_base::Source::Microphone, b"to whom?").is_err());
}

#[test]
fn nobody_is_led_to_where_a_removal_did_not_happen_however_much_did_there() {
    let mut world = World::of(3);
    world.pass(Duration::from_secs(1));
    let chidi = world.identity(CHIDI);
    let before = world.server.log.clone();
    world.server.slow = Box::new(|person| person == CHIDI);
    world.command(AMARA, crate::snapshot::Command::Remove { identity: chidi.to_text(), open: true }).expect("a host may");
    world.pass(Duration::from_millis(500));
    assert_eq!((world.names(AMARA).len(), world.names(BELA).len()), (2, 2));
    // Chidi is not given that, and the group in which Chidi still is goes on too.
    for person in [AMARA, BELA] {
        world.people[person].cut_off = true;
    }
    world.server.log = before;
    world.server.slow = Box::new(|_| false);
    let dana = world.open();
    world.join(dana);
    world.pass(Duration::from_secs(1));
    assert_eq!((world.names(dana), world.screen(dana).epoch), (vec!["Amara", "Bela", "Chidi", "Dana"], world.screen(BELA).epoch));
    for person in [AMARA, BELA] {
        world.people[person].cut_off = false;
        world.break_connection(person);
    }
    world.pass(Duration::from_secs(5));
    for person in [AMARA, BELA] {
        assert_eq!(world.over(person), Some(EndReason::LogBroken), "{person}");
    }
}

#[test]
fn a_log_that_forgets_its_end_breaks_on_return() {
    let mut world = World::of(2);
    // The server claims a session of the same length with another past.
    world.say(AMARA, "one");
    let head = world.server.log.head();
    world.break_connection(BELA);
    let mut other = conclave_delivery::Log::new(1 << 20);
    other.append(Class::Commit, Seq(0), vec![1; 40], LogTime(0)).expect("an empty log");
    while other.head() < head {
        other.append(Class::Message, Seq(0), vec![2; 40], LogTime(0)).expect("a small message");
    }
    world.server.log = other;
    world.server.claims_the_past = true;
    world.pass(Duration::from_secs(3));
    assert_eq!(world.over(BELA), Some(EndReason::LogBroken));
}

#[test]
fn who_is_kept_behind_is_told_and_so_are_the_others() {
    let mut world = World::of(3);
    let stop = Rc::new(Cell::new(u64::MAX));
    let limit = stop.clone();
    world.server.twist = Box::new(move |person, entry| (person != CHIDI || entry.seq.0 <= limit.get()).then_some(entry));
    stop.set(world.server.log.head().0);
    let dana = world.open();
    world.join(dana);
    world.pass(Duration::from_secs(30));
    assert_eq!(world.over(CHIDI), Some(EndReason::LogBroken), "commits that Chidi is told of never come");
    for person in [AMARA, BELA, dana] {
        assert_eq!(world.names(person), ["Amara", "Bela", "Dana"], "what Chidi says is of old epochs: Chidi is lost");
        assert_eq!(world.screen(person).safety_code, world.screen(AMARA).safety_code);
        assert!(!world.notices(person).iter().any(|n| matches!(n, NoticeKind::CommitRefused { .. })), "and nobody disagreed");
    }
}

#[test]
fn messages_of_another_group_in_the_log_are_a_split() {
    let mut world = World::of(2);
    for _ in 0..4 {
        // Somebody with the link goes on in a group of their own.
        let stray = world.last(Class::Message);
        world.append_raw(Class::Message, stray);
        world.pass(Duration::from_secs(4));
    }
    assert_eq!(world.lock(AMARA), SecurityState::Split);
    world.pass(Duration::from_secs(21));
    assert_eq!(world.lock(AMARA), SecurityState::Secure);
}

#[test]
fn a_ghost_at_the_media_server_is_told_once() {
    let mut world = World::of(2);
    let ghost = MemberId::of_key(b"nobody").to_text();
    let bela = world.identity(BELA).to_text();
    world.command(AMARA, crate::snapshot::Command::MediaPeers { identities: vec![bela.clone()] }).expect("inside");
    world.pass(Duration::from_secs(2));
    for _ in 0..4 {
        let identities = vec![ghost.clone(), bela.clone()];
        world.command(AMARA, crate::snapshot::Command::MediaPeers { identities }).expect("inside");
        world.pass(Duration::from_secs(3));
    }
    assert_eq!(world.notices(AMARA).iter().filter(|n| **n == NoticeKind::Ghost).count(), 1);
    assert_eq!(world.lock(AMARA), SecurityState::Attacked);
    world.pass(Duration::from_secs(30));
    assert_eq!(world.notices(AMARA).iter().filter(|n| **n == NoticeKind::Ghost).count(), 1);
    assert_eq!(world.lock(AMARA), SecurityState::Secure);
}

#[test]
fn who_is_given_no_log_calls_nobody_a_ghost_who_may_have_come_in_meanwhile() {
    let mut world = World::of(2);
    world.report_participants(AMARA);
    world.pass(Duration::from_secs(4));
    // Amara's connection is dead, and nothing has told her yet.
    world.people[AMARA].cut_off = true;
    let chidi = world.open();
    world.join(chidi);
    world.report_participants(AMARA);
    world.pass(Duration::from_millis(8500));
    assert_eq!((world.names(AMARA).len(), &world.screen(AMARA).phase), (2, &Phase::Inside));
    assert!(!world.notices(AMARA).contains(&NoticeKind::Ghost));
    world.people[AMARA].cut_off = false;
    world.break_connection(AMARA);
    world.pass(Duration::from_secs(30));
    assert_eq!(world.names(AMARA).len(), 3);
    assert!(!world.notices(AMARA).contains(&NoticeKind::Ghost));
}

#[test]
fn whose_log_comes_late_calls_nobody_a_ghost_whose_commit_it_has_not_read_yet() {
    let mut world = World::of(2);
    world.report_participants(AMARA);
    world.pass(Duration::from_secs(4));
    world.people[AMARA].late = true;
    world.say(BELA, "before the newcomer");
    world.pass(Duration::from_millis(100));
    let chidi = world.open();
    world.join(chidi);
    world.report_participants(AMARA);
    world.pass(Duration::from_millis(8500));
    world.people[AMARA].late = false;
    world.pass(Duration::from_secs(2));
    assert_eq!(world.names(AMARA).len(), 3);
    assert!(!world.notices(AMARA).contains(&NoticeKind::Ghost));
}

#[test]
fn whose_line_was_dead_calls_nobody_a_ghost_before_it_heard_of_the_media_server_again() {
    let mut world = World::of(2);
    world.report_participants(AMARA);
    world.pass(Duration::from_secs(4));
    world.server.slow = Box::new(|person| person > BELA);
    let chidi = world.open();
    world.join(chidi);
    world.pass(Duration::from_millis(100));
    world.report_participants(AMARA);
    world.people[AMARA].late = true;
    world.pass(Duration::from_millis(8500));
    // Chidi has long given up, of which nothing has come here.
    assert_eq!(world.people[chidi].media, None);
    world.people[AMARA].late = false;
    world.pass(Duration::from_secs(4));
    assert!(!world.notices(AMARA).contains(&NoticeKind::Ghost));
    world.pass(Duration::from_secs(8));
    assert!(world.notices(AMARA).contains(&NoticeKind::Ghost), "and nothing comes of it later either");
}

/// Reports to Amara who is at the media server, and lets 100 ms pass, until `span` is over.
fn pass_with_media(world: &mut World, span: Duration) {
    for _ in 0..span.as_millis() / 100 {
        world.report_participants(AMARA);
        world.pass(Duration::from_millis(100));
    }
}

#[test]
fn a_joiner_is_at_the_media_server_before_it_is_a_member() {
    let mut world = World::of(1);
    let slow = Rc::new(Cell::new(true));
    let held = slow.clone();
    world.server.slow = Box::new(move |person| person == BELA && held.get());
    let bela = world.open();
    world.join(bela);
    pass_with_media(&mut world, Duration::from_secs(1));
    let early = world.people[bela].media.expect("the token came with the admission");
    assert_eq!((world.people[bela].tokens.len(), world.names(AMARA).len()), (1, 1), "and the log is not read yet");
    assert!(world.seal(bela, conclave_base::Source::Camera, b"frame").is_err(), "without keys nothing is sealed");
    slow.set(false);
    pass_with_media(&mut world, Duration::from_secs(1));
    assert_eq!((world.identity(bela), world.people[bela].media, world.people[bela].tokens.len()), (early, Some(early), 1));
    pass_with_media(&mut world, Duration::from_secs(10));
    assert_eq!((world.notices(AMARA).contains(&NoticeKind::Ghost), world.lock(AMARA)), (false, SecurityState::Secure));
}

#[test]
fn a_joiner_that_is_slow_is_no_ghost() {
    let mut world = World::of(1);
    let slow = Rc::new(Cell::new(true));
    let held = slow.clone();
    world.server.slow = Box::new(move |person| person == BELA && held.get());
    let bela = world.open();
    world.join(bela);
    world.pass(Duration::from_millis(100));
    let first = world.people[bela].media.expect("the token came with the admission");
    pass_with_media(&mut world, Duration::from_secs(18));
    assert_eq!(world.people[bela].media, None, "no leaf in time: it left the media server");
    // The attempt is given up, and another follows.
    pass_with_media(&mut world, Duration::from_secs(12));
    assert_eq!(world.names(AMARA), ["Amara"]);
    slow.set(false);
    pass_with_media(&mut world, Duration::from_secs(30));
    assert_eq!(world.names(AMARA), ["Amara", "Bela"]);
    assert_eq!(world.identity(bela), first, "the next attempt is the same person");
    assert_eq!(world.people[bela].media, Some(first), "the connection belongs to the leaf");
    assert_eq!((world.notices(AMARA).contains(&NoticeKind::Ghost), world.lock(AMARA)), (false, SecurityState::Secure));
}

#[test]
fn a_ghost_that_was_there_before_one_joined_is_told() {
    let mut world = World::of(1);
    let slow = Rc::new(Cell::new(true));
    let held = slow.clone();
    world.server.slow = Box::new(move |person| person == BELA && held.get());
    let bela = world.open();
    world.join(bela);
    let identities = vec![MemberId::of_key(b"nobody").to_text()];
    world.command(bela, crate::snapshot::Command::MediaPeers { identities }).expect("the media connection is there already");
    slow.set(false);
    world.pass(Duration::from_secs(110));
    assert_eq!(world.names(bela), ["Amara", "Bela"]);
    assert!(!world.notices(bela).contains(&NoticeKind::Ghost), "it may be what a crash left");
    world.pass(Duration::from_secs(15));
    assert!(world.notices(bela).contains(&NoticeKind::Ghost), "no server keeps that for so long");
}

#[test]
fn who_is_there_under_a_name_that_no_member_can_have_is_told_soon() {
    let mut world = World::of(2);
    world.command(AMARA, crate::snapshot::Command::MediaPeers { identities: vec!["mallory".to_owned()] }).expect("inside");
    world.pass(Duration::from_secs(9));
    assert!(world.notices(AMARA).contains(&NoticeKind::Ghost));
}

#[test]
fn a_crash_is_no_ghost_for_those_inside_and_for_who_comes_then() {
    let mut world = World::of(3);
    pass_with_media(&mut world, Duration::from_secs(3));
    world.people[BELA].dead = true;
    world.people[CHIDI].dead = true;
    // The media server keeps what they left for 35 s.
    pass_with_media(&mut world, Duration::from_secs(3));
    let newcomer = world.open();
    world.join(newcomer);
    for tenth in 0..420 {
        if tenth == 320 {
            world.people[BELA].media = None;
            world.people[CHIDI].media = None;
        }
        world.report_participants(AMARA);
        world.report_participants(newcomer);
        world.pass(Duration::from_millis(100));
    }
    for person in [AMARA, newcomer] {
        assert_eq!(world.names(person).len(), 2, "the others are out of the group");
        assert_eq!((world.notices(person).contains(&NoticeKind::Ghost), world.lock(person)), (false, SecurityState::Secure));
    }
}

#[test]
fn what_left_the_media_server_while_the_machine_slept_is_no_ghost() {
    let mut world = World::of(2);
    pass_with_media(&mut world, Duration::from_secs(3));
    world.people[BELA].dead = true;
    pass_with_media(&mut world, Duration::from_secs(10));
    world.people[AMARA].dead = true;
    world.pass(Duration::from_secs(60));
    world.people[AMARA].dead = false;
    world.people[BELA].media = None;
    world.pass(Duration::from_millis(200));
    pass_with_media(&mut world, Duration::from_secs(5));
    assert!(!world.notices(AMARA).contains(&NoticeKind::Ghost));
}

#[test]
fn who_was_a_member_and_stays_at_the_media_server_is_told_in_the_end() {
    let mut world = World::of(2);
    pass_with_media(&mut world, Duration::from_secs(3));
    world.people[BELA].dead = true;
    pass_with_media(&mut world, Duration::from_secs(107));
    assert_eq!(world.names(AMARA), ["Amara"]);
    assert!(!world.notices(AMARA).contains(&NoticeKind::Ghost), "an honest server may not have put it out yet");
    pass_with_media(&mut world, Duration::from_secs(25));
    assert!(world.notices(AMARA).contains(&NoticeKind::Ghost));
}

#[test]
fn garbage_from_the_server_is_survived() {
    let mut world = World::of(2);
    for bytes in [vec![], vec![255; 40], vec![2, 0, 0, 1]] {
        let _ = world.people[BELA].meeting.handle(crate::Input::Received(bytes), world.now);
        world.pass(Duration::from_secs(3));
    }
    assert_eq!(world.screen(BELA).phase, crate::snapshot::Phase::Inside, "it came back");
}
