//! Nothing is said into a group of which nothing proves that it lives and hears.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use conclave_base::{MemberId, Source};
use conclave_media_crypto::SealError;
use conclave_protocol::ws::{Class, Entry, LogPosition};

use super::world::{AMARA, BELA, CHIDI, World};
use crate::snapshot::{Command, Phase, SecurityState};

/// Everybody has a microphone on; what they said was heard.
fn speaking(people: usize) -> World {
    let mut world = World::of(people);
    for person in 0..people {
        world.command(person, Command::Media { mic: true, camera: false, screen: false }).expect("inside");
    }
    world.pass(Duration::from_secs(6));
    for person in 0..people {
        world.seal(person, Source::Microphone, b"all is well").expect("all are heard");
        assert_eq!(world.lock(person), SecurityState::Secure);
    }
    world
}

fn may_speak(world: &mut World, person: usize) -> bool {
    world.seal(person, Source::Microphone, b"sound") != Err(SealError::SourceOff)
}

/// Bela is silent within `seconds`; what she seals until then, a removed Chidi may open, and nothing after.
fn falls_silent(world: &mut World, seconds: u64) {
    let (bela, chidi) = (world.identity(BELA), world.identity(CHIDI));
    // Chidi's program stays as it was.
    world.people[CHIDI].dead = true;
    world.command(AMARA, Command::Remove { identity: chidi.to_text(), open: true }).expect("a host may");
    world.pass(Duration::from_secs(seconds));
    assert!(!may_speak(world, BELA));
    assert_eq!(world.lock(BELA), SecurityState::Unsure, "and the screen says so");
    let after = world.seal(BELA, Source::Microphone, b"later");
    assert!(after.is_err() && opened_by(world, CHIDI, bela, after).is_none());
}

fn opened_by(world: &mut World, person: usize, owner: MemberId, sealed: Result<Vec<u8>, SealError>) -> Option<Vec<u8>> {
    world.open_frame(person, owner, Source::Microphone, &sealed.ok()?).ok()
}

#[test]
fn a_frozen_log_silences_whom_it_is_shown_to() {
    let mut world = speaking(3);
    // Her appends are acknowledged and dropped, and she is given nothing.
    world.server.twist = Box::new(|person, entry| (person != BELA).then_some(entry));
    world.server.swallows = Box::new(|person, _| person == BELA);
    falls_silent(&mut world, 11);
}

#[test]
fn a_log_in_which_only_the_own_words_come_back_silences() {
    let mut world = speaking(3);
    world.pass(Duration::from_secs(1));
    // A chain of her own, with what she says and nothing else.
    let mut chain = None;
    world.server.says_gone = false;
    let own = Rc::new(RefCell::new(Vec::<Vec<u8>>::new()));
    let said = own.clone();
    world.server.overhears = Box::new(move |person, sealed| {
        if person == BELA {
            said.borrow_mut().push(sealed.to_vec());
        }
    });
    world.server.twist = Box::new(move |person, entry| {
        if person != BELA {
            return Some(entry);
        }
        let (seq, hash) = chain.unwrap_or((entry.seq, None));
        let hash = match hash {
            Some(hash) => hash,
            None => {
                chain = Some((entry.seq.next(), Some(entry.chain_hash)));
                return Some(entry);
            }
        };
        own.borrow().contains(&entry.sealed).then(|| {
            let entry = Entry::new(&hash, seq, entry.at, entry.class, entry.sealed);
            chain = Some((seq.next(), Some(entry.chain_hash)));
            entry
        })
    });
    falls_silent(&mut world, 17);
}

#[test]
fn answers_that_the_server_saved_up_prove_nothing() {
    let mut world = speaking(3);
    let own = Rc::new(RefCell::new(BTreeSet::new()));
    let said = own.clone();
    world.server.overhears = Box::new(move |person, sealed| {
        if person == BELA {
            said.borrow_mut().insert(sealed.to_vec());
        }
    });
    world.server.says_gone = false;
    // What all say while they are given nothing names a place that is the same in any log: it can be given out at any time.
    world.server.slow = Box::new(|_| true);
    let mut last = LogPosition { seq: world.server.log.head(), chain_hash: world.server.log.chain_hash() };
    world.pass(Duration::from_millis(3500));
    let saved_until = world.server.log.head();
    // Bela has a log of her own: her words come back at once, and of the others' one in eight seconds.
    let (mut saved, mut given) = (VecDeque::new(), None);
    world.server.twist = Box::new(move |person, entry| {
        if person != BELA {
            return Some(entry);
        }
        let own = own.borrow().contains(&entry.sealed);
        if !own && entry.seq <= saved_until {
            saved.push_back(entry.sealed.clone());
        }
        let (class, sealed) = if own {
            (entry.class, entry.sealed)
        } else if entry.at.since(*given.get_or_insert(entry.at)) >= Duration::from_secs(8) {
            given = Some(entry.at);
            (Class::Message, saved.pop_front()?)
        } else {
            return None;
        };
        let entry = Entry::new(&last.chain_hash, last.seq.next(), entry.at, class, sealed);
        last = LogPosition { seq: entry.seq, chain_hash: entry.chain_hash };
        Some(entry)
    });
    world.server.slow = Box::new(|_| false);
    assert!(may_speak(&mut world, BELA));
    let chidi = world.identity(CHIDI).to_text();
    world.people[CHIDI].dead = true;
    world.command(AMARA, Command::Remove { identity: chidi, open: true }).expect("a host may");
    world.pass(Duration::from_secs(13));
    assert!(!may_speak(&mut world, BELA));
}

#[test]
fn slow_lines_silence_nobody() {
    let mut world = speaking(2);
    for _ in 0..60 {
        world.server.slow = Box::new(|_| true);
        world.pass(Duration::from_millis(1800));
        world.server.slow = Box::new(|_| false);
        world.settle();
        for person in [AMARA, BELA] {
            assert!(may_speak(&mut world, person));
            assert_eq!(world.lock(person), SecurityState::Secure);
            assert!(world.screen(person).members.iter().all(|m| m.away_since.is_none()));
        }
    }
}

#[test]
fn media_without_a_log_are_silent() {
    let mut world = speaking(3);
    world.people[BELA].cut_off = true;
    world.break_connection(BELA);
    assert!(may_speak(&mut world, BELA), "a change of network silences nobody");
    falls_silent(&mut world, 11);
    assert!(matches!(world.screen(BELA).phase, Phase::Reconnecting { .. }));
    world.people[BELA].cut_off = false;
    world.pass(Duration::from_secs(10));
    assert!(may_speak(&mut world, BELA), "it goes on by itself");
    assert_eq!(world.lock(BELA), SecurityState::Secure);
}

#[test]
fn a_newcomer_to_yesterdays_session_says_nothing() {
    let mut world = speaking(2);
    // The log is as it was, and nobody of then is there.
    for person in [AMARA, BELA] {
        world.people[person].dead = true;
    }
    world.server.says_gone = false;
    let late = world.open();
    world.nothing_on(late);
    world.command(late, Command::Media { mic: true, camera: false, screen: false }).expect("at the door");
    world.join(late);
    for _ in 0..20 {
        world.pass(Duration::from_millis(500));
        if world.names(late).len() > 1 {
            assert!(!may_speak(&mut world, late));
        }
    }
    assert_eq!(world.lock(late), SecurityState::Unsure);
}

#[test]
fn a_newcomer_speaks_as_soon_as_somebody_inside_is_heard() {
    let mut world = speaking(3);
    let before = world.appended(Class::Message);
    let newcomer = world.open();
    world.nothing_on(newcomer);
    world.command(newcomer, Command::Media { mic: true, camera: false, screen: false }).expect("at the door");
    world.join(newcomer);
    world.pass(Duration::from_millis(100));
    assert!(may_speak(&mut world, newcomer));
    assert!(world.appended(Class::Message) <= before + 6, "one of those inside spoke up, not all");
}

#[test]
fn who_is_alone_is_not_silenced_by_that() {
    let mut world = speaking(1);
    world.pass(Duration::from_secs(60));
    assert!(may_speak(&mut world, AMARA));
    assert_eq!(world.lock(AMARA), SecurityState::Secure);
}

#[test]
fn who_slept_with_a_clock_that_stood_still_is_silent_until_a_word_of_now_is_answered() {
    let mut world = speaking(3);
    world.server.says_gone = false;
    world.people[BELA].dead = true;
    world.pass(Duration::from_secs(8));
    (world.people[BELA].dead, world.people[BELA].stood_still) = (false, Duration::from_secs(8));
    world.server.holds = Box::new(|person, _| person == BELA);
    assert!(may_speak(&mut world, BELA), "she cannot know yet, and reads only then");
    assert!(!may_speak(&mut world, BELA), "what she read was said later than it can be");
    world.release_held();
    world.pass(Duration::from_secs(4));
    assert!(may_speak(&mut world, BELA));
}
