//! Frames: who may, who may not, and what the user is told.

use conclave_base::Source;
use std::time::Duration;

use crate::Input;
use crate::snapshot::{Command, MediaDoubt, MediaRefusal, NoticeKind, RefusalReason, SecurityState};

use super::world::{AMARA, BELA, CHIDI, World};
use conclave_media_crypto::{FrameReport, OpenError, Proof, SealError, Track};

fn refusal(world: &World, by: usize, of: usize) -> Option<MediaRefusal> {
    world.screen(by).members[of].refusal.clone()
}

#[test]
fn a_frame_is_played_only_as_who_sealed_it() {
    let mut world = World::of(3);
    let (amara, bela) = (world.identity(AMARA), world.identity(BELA));
    let frame = world.seal(AMARA, Source::Camera, b"picture").expect("inside");
    assert_eq!(world.open_frame(CHIDI, bela, Source::Camera, &frame), Err(OpenError::WrongSender), "two tracks swapped");
    assert_eq!(world.open_frame(CHIDI, amara, Source::Screen, &frame), Err(OpenError::WrongSender), "one track re-labelled");
    assert_eq!(refusal(&world, CHIDI, BELA), Some(MediaRefusal { source: Source::Camera, reason: RefusalReason::WrongSender }));
    assert_eq!(world.lock(CHIDI), SecurityState::Attacked);
    assert_eq!(world.open_frame(CHIDI, amara, Source::Camera, &frame), Ok(b"picture".to_vec()), "and in its own place it is fine");
}

#[test]
fn what_is_refused_is_told_once_in_ten_seconds() {
    let mut world = World::of(2);
    let amara = world.identity(AMARA);
    for _ in 0..30 {
        assert_eq!(world.open_frame(BELA, amara, Source::Microphone, b"\xf8\xff\xfe"), Err(OpenError::NotSFrame));
        world.pass(Duration::from_millis(20));
    }
    let told = NoticeKind::MediaRefused { name: "Amara".to_owned(), source: Source::Microphone, reason: RefusalReason::NotSFrame };
    assert_eq!(world.notices(BELA).iter().filter(|n| **n == told).count(), 1);
    assert_eq!(refusal(&world, BELA, AMARA).map(|r| r.reason), Some(RefusalReason::NotSFrame));
    world.pass(Duration::from_secs(11));
    assert_eq!((refusal(&world, BELA, AMARA), world.lock(BELA)), (None, SecurityState::Secure));
}

#[test]
fn a_dark_picture_keeps_its_reason_while_sound_is_refused_too() {
    let mut world = World::of(2);
    let amara = world.identity(AMARA);
    for source in [Source::Microphone, Source::Camera, Source::Microphone] {
        assert_eq!(world.open_frame(BELA, amara, source, b"\xf8\xff\xfe"), Err(OpenError::NotSFrame));
        world.pass(Duration::from_millis(20));
    }
    assert_eq!(refusal(&world, BELA, AMARA).map(|t| t.source), Some(Source::Camera));
    let told = world.notices(BELA).iter().filter(|n| matches!(n, NoticeKind::MediaRefused { .. })).count();
    assert_eq!(told, 2, "of both, the screen reader hears");
}

#[test]
fn media_without_proof_is_marked_until_proofs_have_come_for_a_while() {
    let mut world = World::of(3);
    let track = |world: &World, of, source| Track { owner: world.identity(of), source };
    let proof = |world: &mut World, of, source, proof| {
        let track = track(world, of, source);
        world.handle(BELA, Input::FrameReport(FrameReport::Proof { track, proof }));
        world.settle();
    };
    let doubt = |world: &World, of: usize| world.screen(BELA).members[of].doubt.clone();
    let doubts = |source, forged| Some(MediaDoubt { source, forged });
    proof(&mut world, AMARA, Source::Microphone, Proof::Unproved);
    assert_eq!((doubt(&world, AMARA), doubt(&world, CHIDI)), (doubts(Source::Microphone, false), None));
    assert_eq!(world.lock(BELA), SecurityState::Unproved);
    proof(&mut world, AMARA, Source::Camera, Proof::Forged);
    assert_eq!(doubt(&world, AMARA), doubts(Source::Camera, true), "the graver one");
    for (source, forged) in [(Source::Microphone, false), (Source::Camera, true)] {
        let told = NoticeKind::MediaUnproved { name: "Amara".to_owned(), source, forged };
        assert_eq!(world.notices(BELA).iter().filter(|n| **n == told).count(), 1);
    }
    proof(&mut world, AMARA, Source::Camera, Proof::Proved);
    world.pass(Duration::from_secs(9));
    assert_eq!(doubt(&world, AMARA), doubts(Source::Camera, true));
    world.pass(Duration::from_secs(2));
    assert_eq!(doubt(&world, AMARA), doubts(Source::Microphone, false), "it stands for as long as nothing proves it");
    proof(&mut world, AMARA, Source::Microphone, Proof::Proved);
    world.pass(Duration::from_secs(11));
    assert_eq!((doubt(&world, AMARA), world.lock(BELA)), (None, SecurityState::Secure));
}

#[test]
fn a_few_duplicates_are_no_attack_but_a_replay_is() {
    let mut world = World::of(2);
    let amara = world.identity(AMARA);
    let frame = world.seal(AMARA, Source::Camera, b"picture").expect("inside");
    assert!(world.open_frame(BELA, amara, Source::Camera, &frame).is_ok());
    for _ in 0..3 {
        assert_eq!(world.open_frame(BELA, amara, Source::Camera, &frame), Err(OpenError::Replayed));
    }
    assert_eq!(world.lock(BELA), SecurityState::Secure);
    for _ in 0..3 {
        assert_eq!(world.open_frame(BELA, amara, Source::Camera, &frame), Err(OpenError::Replayed));
    }
    world.pass(Duration::from_millis(100));
    assert_eq!(refusal(&world, BELA, AMARA).map(|r| r.reason), Some(RefusalReason::Replayed));
}

#[test]
fn an_altered_frame_is_told() {
    let mut world = World::of(2);
    let amara = world.identity(AMARA);
    let mut frame = world.seal(AMARA, Source::Camera, b"picture").expect("inside");
    *frame.last_mut().expect("not empty") ^= 1;
    assert_eq!(world.open_frame(BELA, amara, Source::Camera, &frame), Err(OpenError::AuthenticationFailed));
    assert_eq!(refusal(&world, BELA, AMARA).map(|r| r.reason), Some(RefusalReason::AuthenticationFailed));
}

#[test]
fn nothing_is_sealed_for_a_roster_that_is_not_on_the_screen() {
    let mut world = World::of(2);
    world.people[AMARA].shows = false;
    let chidi = world.open();
    world.join(chidi);
    let amara = world.identity(AMARA);
    let frame = world.seal(AMARA, Source::Microphone, b"old epoch").expect("for a short while");
    assert!(world.open_frame(chidi, amara, Source::Microphone, &frame).is_err(), "the newcomer is not on Amara's screen");
    assert!(world.open_frame(BELA, amara, Source::Microphone, &frame).is_ok());
    world.pass(Duration::from_millis(2100));
    assert_eq!(world.seal(AMARA, Source::Microphone, b"frame"), Err(SealError::NoKey));
    let epoch = world.screen(AMARA).epoch;
    let key_frames = world.people[AMARA].key_frames;
    world.command(AMARA, Command::Shown { epoch }).expect("inside");
    let frame = world.seal(AMARA, Source::Microphone, b"shown").expect("now it is shown");
    assert_eq!(world.open_frame(chidi, amara, Source::Microphone, &frame), Ok(b"shown".to_vec()));
    assert_eq!(world.people[AMARA].key_frames, key_frames + 1, "the newcomer needs a key frame");
}

#[test]
fn what_was_switched_off_is_not_sealed() {
    let mut world = World::of(2);
    world.command(AMARA, Command::Media { mic: true, camera: false, screen: false }).expect("in every stage");
    assert!(world.seal(AMARA, Source::Microphone, b"sound").is_ok());
    assert_eq!(world.seal(AMARA, Source::Camera, b"picture"), Err(SealError::SourceOff));
    world.command(AMARA, Command::Media { mic: false, camera: false, screen: false }).expect("in every stage");
    assert_eq!(world.seal(AMARA, Source::Microphone, b"sound"), Err(SealError::SourceOff));
}

#[test]
fn keys_that_a_newcomer_never_had_are_no_attack() {
    let mut world = World::of(2);
    let amara = world.identity(AMARA);
    let early = world.seal(AMARA, Source::Microphone, b"before").expect("inside");
    let chidi = world.open();
    world.join(chidi);
    assert_eq!(world.open_frame(chidi, amara, Source::Microphone, &early), Err(OpenError::Expired));
    assert_eq!((world.lock(chidi), refusal(&world, chidi, AMARA)), (SecurityState::Secure, None));
}

#[test]
fn a_key_frame_follows_when_somebody_joined() {
    let mut world = World::of(2);
    let before = world.people[AMARA].key_frames;
    let chidi = world.open();
    world.join(chidi);
    world.pass(Duration::from_millis(249));
    assert_eq!(world.people[AMARA].key_frames, before, "receivers first");
    world.pass(Duration::from_millis(2));
    assert_eq!(world.people[AMARA].key_frames, before + 1);
}

/// Bela's connection breaks, and before it is back Chidi joins: Amara seals with keys that Bela does not have yet.
fn one_is_behind() -> (World, Vec<u8>) {
    let mut world = World::of(2);
    world.people[BELA].cut_off = true;
    world.break_connection(BELA);
    let chidi = world.open();
    world.join(chidi);
    world.pass(Duration::from_millis(300));
    let frame = world.seal(AMARA, Source::Microphone, b"new epoch").expect("shown");
    (world, frame)
}

#[test]
fn a_frame_whose_epoch_is_on_its_way_waits_for_it() {
    let (mut world, frame) = one_is_behind();
    let amara = world.identity(AMARA);
    assert_eq!(world.open_frame(BELA, amara, Source::Microphone, &frame), Err(OpenError::EpochUnknown));
    assert!(world.people[BELA].received.is_empty(), "it waits");
    world.people[BELA].cut_off = false;
    world.pass(Duration::from_millis(1000));
    assert_eq!(world.people[BELA].received.values().collect::<Vec<_>>(), [&Ok(b"new epoch".to_vec())]);
    assert_eq!((world.lock(BELA), refusal(&world, BELA, AMARA)), (SecurityState::Secure, None));
}

#[test]
fn a_frame_whose_epoch_does_not_come_is_dropped_and_told_when_it_stays_so() {
    let (mut world, frame) = one_is_behind();
    let amara = world.identity(AMARA);
    assert_eq!(world.open_frame(BELA, amara, Source::Microphone, &frame), Err(OpenError::EpochUnknown));
    world.pass(Duration::from_millis(1499));
    assert!(world.people[BELA].received.is_empty(), "it waits");
    world.pass(Duration::from_millis(1));
    assert_eq!(world.people[BELA].received.values().collect::<Vec<_>>(), [&Err(OpenError::EpochUnknown)]);
    assert_eq!((world.lock(BELA), refusal(&world, BELA, AMARA)), (SecurityState::Secure, None), "a slow line does this");
    world.pass(Duration::from_secs(5));
    assert_eq!(world.open_frame(BELA, amara, Source::Microphone, &frame), Err(OpenError::EpochUnknown));
    assert_eq!(refusal(&world, BELA, AMARA).map(|r| r.reason), Some(RefusalReason::NoKey));
}

#[test]
fn a_frame_that_waits_when_the_meeting_ends_is_dropped() {
    let (mut world, frame) = one_is_behind();
    let amara = world.identity(AMARA);
    assert_eq!(world.open_frame(BELA, amara, Source::Microphone, &frame), Err(OpenError::EpochUnknown));
    world.command(BELA, Command::Leave).expect("may leave");
    assert_eq!(world.people[BELA].received.values().collect::<Vec<_>>(), [&Err(OpenError::EpochUnknown)]);
    assert_eq!(world.open_frame(BELA, amara, Source::Microphone, &frame), Err(OpenError::WrongSender), "one that comes later is nobody's");
}

#[test]
fn only_the_other_members_are_subscribed() {
    let mut world = World::of(3);
    let everybody = [AMARA, BELA, CHIDI].map(|who| world.identity(who));
    for me in [AMARA, BELA, CHIDI] {
        let others = everybody.into_iter().filter(|who| *who != everybody[me]).collect();
        assert_eq!(world.people[me].subscribed, others);
    }
    let peers = vec![everybody[BELA].to_text(), "ghost".to_owned()];
    world.command(AMARA, Command::MediaPeers { identities: peers }).expect("inside");
    world.command(AMARA, Command::Remove { identity: everybody[CHIDI].to_text(), open: true }).expect("a host may");
    world.pass(Duration::from_millis(300));
    assert_eq!(world.people[AMARA].subscribed, [everybody[BELA]].into());
}
