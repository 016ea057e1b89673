//! In a meeting that hides speech, nobody but its members learns whose microphone is on.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use conclave_base::{Source, Time};
use conclave_media_crypto::SealError;

use super::world::{AMARA, BELA, CHIDI, World};
use crate::snapshot::Command;

const TICK: Duration = Duration::from_millis(20);

fn microphone(world: &mut World, person: usize, mic: bool) {
    world.command(person, Command::Media { mic, camera: false, screen: false }).expect("in every stage");
}

/// What the server gets for half a minute, in which Bela's microphone is switched at these ticks: when, from whom, and of which size.
fn seen_by_the_server(mut world: World, switched: &[u32]) -> Vec<(Time, usize, usize)> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let overheard = Rc::clone(&seen);
    world.server.overhears = Box::new(move |person, bytes| overheard.borrow_mut().push((Time::ZERO, person, bytes.len())));
    let mut mic = false;
    for tick in 0..1500 {
        if switched.contains(&tick) {
            mic = !mic;
            microphone(&mut world, BELA, mic);
        }
        world.pass(TICK);
        seen.borrow_mut().iter_mut().filter(|(at, ..)| *at == Time::ZERO).for_each(|(at, ..)| *at = world.now);
    }
    seen.take()
}

#[test]
fn the_log_is_the_same_whatever_a_microphone_does() {
    let silent = seen_by_the_server(World::hiding_speech(3), &[]);
    assert!(silent.len() > 20, "heartbeats flow");
    let switches: Vec<_> = (100..1400).step_by(37).collect();
    assert_eq!(seen_by_the_server(World::hiding_speech(3), &switches), silent);
    // Where speech is not hidden, the same server sees each of them.
    assert_ne!(seen_by_the_server(World::of(3), &switches), seen_by_the_server(World::of(3), &[]));
}

#[test]
fn who_hears_a_member_sees_the_microphone_at_once_and_all_others_with_a_heartbeat() {
    let mut world = World::hiding_speech(3);
    let bela = world.identity(BELA);
    let seen = |world: &World, by: usize| world.screen(by).members[BELA].mic;
    microphone(&mut world, BELA, true);
    let sound = world.seal(BELA, Source::Microphone, b"sound").expect("inside");
    assert_eq!(world.open_frame(AMARA, bela, Source::Microphone, &sound), Ok(b"sound".to_vec()));
    assert_eq!([AMARA, CHIDI].map(|by| seen(&world, by)), [true, false]);
    world.pass(Duration::from_millis(3100));
    assert_eq!([AMARA, CHIDI].map(|by| seen(&world, by)), [true, true]);
    microphone(&mut world, BELA, false);
    let silence = world.seal(BELA, Source::Microphone, b"sound").expect("silence flows");
    assert_eq!(world.open_frame(AMARA, bela, Source::Microphone, &silence), Ok([0xf8, 0xff, 0xfe, 0, 0].to_vec()));
    assert_eq!([AMARA, CHIDI].map(|by| seen(&world, by)), [false, true]);
    world.pass(Duration::from_millis(3100));
    assert_eq!([AMARA, CHIDI].map(|by| seen(&world, by)), [false, false]);
}

#[test]
fn a_heartbeat_from_before_does_not_undo_what_a_frame_says_and_two_do() {
    let mut world = World::hiding_speech(2);
    let bela = world.identity(BELA);
    let seen = |world: &World| world.screen(AMARA).members[BELA].mic;
    microphone(&mut world, BELA, true);
    let sound = world.seal(BELA, Source::Microphone, b"sound").expect("inside");
    assert!(world.open_frame(AMARA, bela, Source::Microphone, &sound).is_ok());
    microphone(&mut world, BELA, false);
    // The server keeps back the frames that would say so.
    world.pass(Duration::from_millis(3100));
    assert!(seen(&world));
    world.pass(Duration::from_millis(3100));
    assert!(!seen(&world));
}

#[test]
fn silence_is_sealed_while_one_may_speak_and_only_in_place_of_sound() {
    let mut world = World::hiding_speech(2);
    assert!(world.seal(BELA, Source::Microphone, b"sound").is_ok());
    for source in [Source::Camera, Source::Screen, Source::ScreenAudio] {
        assert_eq!(world.seal(BELA, source, b"frame"), Err(SealError::SourceOff));
    }
    // The log stands still: nothing of her goes out any more, be it silence.
    world.server.twist = Box::new(|person, entry| (person != BELA).then_some(entry));
    world.server.swallows = Box::new(|person, _| person == BELA);
    world.pass(Duration::from_secs(11));
    assert_eq!(world.seal(BELA, Source::Microphone, b"sound"), Err(SealError::SourceOff));
}
