use std::time::Duration;

use super::*;
use crate::Proof;
use crate::tests::{DELTA, KEY, camera, keys, track};

const ALL_ON: CryptorInput = CryptorInput::SourcesOn { mic: true, camera: true, screen: true, silence: false, until: Time::MAX };

/// Amara (leaf 0) sends and Bela (leaf 1) receives.
struct World {
    amara: FrameCryptor,
    bela: FrameCryptor,
    now: Time,
}

impl World {
    fn new() -> Self {
        let (amara, bela) = (FrameCryptor::new(), FrameCryptor::new());
        let mut world = Self { amara, bela, now: Time::from_millis(10_000) };
        let Ok(()) = world.amara.handle(ALL_ON, world.now);
        world.begin(1);
        world
    }

    fn begin(&mut self, epoch: u64) {
        for (me, cryptor) in [(0, &mut self.amara), (1, &mut self.bela)] {
            let epoch_began = CryptorInput::Epoch { keys: keys(epoch, &[0, 1], me), joined: false, removed: false };
            for input in [epoch_began, CryptorInput::RosterShown(Epoch(epoch))] {
                let Ok(()) = cryptor.handle(input, self.now);
            }
        }
    }

    fn seal(&mut self, frame: &[u8]) -> Vec<u8> {
        self.amara.seal(Source::Camera, Codec::Vp8, frame, self.now).expect("it has keys")
    }

    /// Hands Bela a frame of Amara's camera.
    fn receive(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.bela.receive(camera(0), SealedFrame { id: 7, codec: Codec::Vp8, contiguous: true, bytes }, self.now)
    }

    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        let Ok(()) = self.bela.handle(CryptorInput::Timeout, self.now);
    }

    /// What Bela's session is told: why, and how many frames.
    fn reports(&mut self) -> Vec<(OpenError, u32)> {
        let mut reports = Vec::new();
        while let Polled::Output(output) = self.bela.poll() {
            if let CryptorOutput::Report(FrameReport::Refused { track, reason, count }) = output {
                assert_eq!(track, camera(0));
                reports.push((reason, count));
            }
        }
        reports
    }
}

#[test]
fn a_flood_of_bad_frames_is_reported_at_once_and_then_counted() {
    let mut world = World::new();
    let mut altered = world.seal(KEY);
    *altered.last_mut().expect("not empty") ^= 1;
    for _ in 0..50 {
        assert_eq!(world.receive(&altered), None);
    }
    assert_eq!(world.reports(), [(OpenError::AuthenticationFailed, 1)]);
    world.pass(99);
    assert_eq!(world.reports(), []);
    world.pass(1);
    assert_eq!(world.reports(), [(OpenError::AuthenticationFailed, 49)]);
    world.pass(100);
    assert_eq!(world.reports(), [], "told");
}

#[test]
fn good_frames_between_bad_ones_make_no_more_reports() {
    let mut world = World::new();
    let frames: Vec<_> = [KEY, DELTA, DELTA, DELTA].into_iter().map(|frame| world.seal(frame)).collect();
    for frame in &frames {
        assert!(world.receive(frame).is_some());
        assert_eq!(world.receive(frame), None);
    }
    assert_eq!(world.reports(), [(OpenError::Replayed, 1)]);
    world.pass(100);
    assert_eq!(world.reports(), [(OpenError::Replayed, 3)]);
}

#[test]
fn what_nothing_proves_is_played_and_told() {
    let mut world = World::new();
    let outputs = (0..100).find_map(|n| {
        world.pass(40);
        let sealed = world.seal(if n == 0 { KEY } else { DELTA });
        // What carries signatures is kept back.
        if sealed.len() > 100 || world.receive(&sealed).is_some() {
            return None;
        }
        let poll = || if let Polled::Output(output) = world.bela.poll() { Some(output) } else { None };
        Some(std::iter::from_fn(poll).collect::<Vec<_>>())
    });
    let opened = CryptorOutput::FrameOpened { id: 7, frame: DELTA.to_vec() };
    let told = FrameReport::Proof { track: camera(0), proof: Proof::Unproved };
    assert_eq!(outputs, Some(vec![opened, CryptorOutput::Report(told)]));
}

#[test]
fn frames_that_come_after_their_keys_are_erased_are_late_for_a_while() {
    let mut world = World::new();
    let late = world.seal(KEY);
    world.begin(2);
    world.pass(10_001);
    assert_eq!(world.receive(&late), None);
    assert_eq!(world.reports(), []);
    world.pass(4_999);
    assert_eq!(world.receive(&late), None);
    assert_eq!(world.reports(), []);
    world.pass(1);
    assert_eq!(world.receive(&late), None);
    assert_eq!(world.reports(), [(OpenError::Expired, 1)], "and they still come");
    let fresh = world.seal(KEY);
    assert!(world.receive(&fresh).is_some());
    assert_eq!(world.receive(&late), None);
    world.pass(100);
    assert_eq!(world.reports(), [], "what opens ends it");
}

#[test]
fn frames_that_a_line_held_up_for_too_long_are_dropped_and_accuse_nobody() {
    let mut world = World::new();
    let frames: Vec<_> = (0..200).map(|n| world.seal(if n == 0 { KEY } else { DELTA })).collect();
    assert!(world.receive(&frames[0]).is_some() && world.receive(&frames[199]).is_some());
    for late in &frames[1..70] {
        assert_eq!((world.receive(late), world.reports()), (None, vec![]));
    }
    world.pass(4_999);
    assert_eq!((world.receive(&frames[1]), world.reports()), (None, vec![]));
    // Somebody who only ever sends what is long over.
    world.pass(1);
    assert_eq!((world.receive(&frames[1]), world.reports()), (None, vec![(OpenError::TooLate, 1)]));
}

#[test]
fn late_frames_of_who_was_taken_out_and_came_back_accuse_nobody() {
    let mut world = World::new();
    // Amara's line is cut: she is taken out, and comes in again while her pictures of before are still on their way.
    let late = world.seal(KEY);
    for (epoch, members) in [(2, vec![1]), (3, vec![0, 1])] {
        let Ok(()) = world.bela.handle(CryptorInput::Epoch { keys: keys(epoch, &members, 1), joined: true, removed: false }, world.now);
    }
    assert_eq!(world.receive(&late), None);
    assert_eq!(world.reports(), []);
}

#[test]
fn frames_ahead_of_the_log_are_early_for_a_while() {
    let mut world = World::new();
    let epoch = CryptorInput::Epoch { keys: keys(2, &[0, 1], 0), joined: false, removed: false };
    for input in [epoch, CryptorInput::RosterShown(Epoch(2))] {
        let Ok(()) = world.amara.handle(input, world.now);
    }
    world.pass(300);
    let mut told = vec![];
    for at in (0..8_000).step_by(500) {
        let early = world.seal(DELTA);
        assert_eq!(world.receive(&early), None);
        world.pass(500);
        told.extend(world.reports().into_iter().map(|(reason, _)| (reason, at + 500)));
    }
    assert_eq!(told.first(), Some(&(OpenError::EpochUnknown, 6_500)), "1.5 s waiting and 5 s more");
    world.pass(10_000);
    let early = world.seal(DELTA);
    assert_eq!(world.receive(&early), None);
    assert_eq!(world.reports(), [], "long after the others, it counts anew");
}

#[test]
fn frames_of_nobody_are_not_reported() {
    let mut world = World::new();
    let frame = world.seal(KEY);
    let stranger = camera(9);
    assert_eq!(world.bela.receive(stranger, SealedFrame { id: 1, codec: Codec::Vp8, contiguous: true, bytes: &frame }, world.now), None);
    assert_eq!(world.bela.poll(), Polled::Output(CryptorOutput::FrameDropped { id: 1, reason: OpenError::WrongSender }));
    assert!(matches!(world.bela.poll(), Polled::Idle(_)));
}

#[test]
fn who_is_no_member_any_more_seals_and_opens_nothing() {
    let mut world = World::new();
    let frame = world.seal(KEY);
    let mut ahead = FrameCryptor::new();
    let epoch = CryptorInput::Epoch { keys: keys(2, &[0, 1], 0), joined: false, removed: false };
    for input in [ALL_ON, epoch, CryptorInput::RosterShown(Epoch(2))] {
        let Ok(()) = ahead.handle(input, world.now);
    }
    let waits = ahead.seal(Source::Camera, Codec::Vp8, KEY, world.now).expect("it has keys");
    assert_eq!(world.receive(&waits), None);
    assert!(matches!(world.bela.poll(), Polled::Idle(_)), "it waits for its epoch");
    let Ok(()) = world.bela.handle(CryptorInput::Clear, world.now);
    assert_eq!(world.bela.poll(), Polled::Output(CryptorOutput::FrameDropped { id: 7, reason: OpenError::EpochUnknown }));
    assert_eq!(world.receive(&frame), None);
    let Ok(()) = world.bela.handle(ALL_ON, world.now);
    assert_eq!(world.bela.seal(Source::Camera, Codec::Vp8, KEY, world.now), Err(SealError::NoKey));
}

#[test]
fn what_the_user_has_off_is_not_sealed_whoever_has_it_sent() {
    let mut world = World::new();
    let mut seal = |on: CryptorInput| {
        let Ok(()) = world.amara.handle(on, world.now);
        Source::ALL
            .into_iter()
            .filter(|source| world.amara.seal(*source, Codec::Vp8, KEY, world.now) != Err(SealError::SourceOff))
            .collect::<Vec<_>>()
    };
    let on = |mic, camera, screen| CryptorInput::SourcesOn { mic, camera, screen, silence: false, until: Time::MAX };
    assert_eq!(seal(on(false, false, false)), []);
    assert_eq!(seal(on(true, false, false)), [Source::Microphone]);
    assert_eq!(seal(on(false, false, true)), [Source::Screen, Source::ScreenAudio]);
    // Entering anew is no reason to go on with what was off.
    assert_eq!(seal(CryptorInput::Clear), [Source::Screen, Source::ScreenAudio]);
    assert_eq!(FrameCryptor::new().seal(Source::Microphone, Codec::Opus, b"sound", world.now), Err(SealError::SourceOff));
}

#[test]
fn who_slept_seals_nothing_before_the_session_has_looked() {
    let mut world = World::new();
    let until = world.now + Duration::from_secs(10);
    let on = |until| CryptorInput::SourcesOn { mic: true, camera: true, screen: false, silence: false, until };
    let Ok(()) = world.amara.handle(on(until), world.now);
    let may_seal = |world: &mut World, now| world.amara.seal(Source::Microphone, Codec::Opus, b"sound", now) != Err(SealError::SourceOff);
    let now = world.now;
    assert!(may_seal(&mut world, now));
    assert!(!may_seal(&mut world, until));
    while let Polled::Output(_) = world.amara.poll() {}
    let Ok(()) = world.amara.handle(on(until + Duration::from_secs(5)), until);
    assert!(may_seal(&mut world, until));
    assert_eq!(world.amara.poll(), Polled::Output(CryptorOutput::GenerateKeyFrame), "pictures of meanwhile are lost");
}

#[test]
fn an_epoch_without_keys_stops_the_media() {
    let mut world = World::new();
    let Ok(()) = world.amara.handle(CryptorInput::EpochWithoutKeys, world.now);
    assert_eq!(world.amara.seal(Source::Camera, Codec::Vp8, KEY, world.now), Err(SealError::NoKey));
}

#[test]
fn a_microphone_that_is_off_seals_silence_of_the_same_size_and_only_members_can_tell() {
    let mut world = World::new();
    let sound = [0x78; 80];
    let heard = |world: &mut World, mic: bool| {
        let Ok(()) =
            world.amara.handle(CryptorInput::SourcesOn { mic, camera: false, screen: false, silence: true, until: Time::MAX }, world.now);
        world.now += Duration::from_millis(20);
        let sealed = world.amara.seal(Source::Microphone, Codec::Opus, &sound, world.now).expect("it flows on");
        let frame = SealedFrame { id: 7, codec: Codec::Opus, contiguous: true, bytes: &sealed };
        let mut opened = world.bela.receive(track(0, Source::Microphone), frame, world.now);
        let mut told = None;
        while let Polled::Output(output) = world.bela.poll() {
            if let CryptorOutput::FrameOpened { frame, .. } = output {
                opened = Some(frame);
                continue;
            }
            let CryptorOutput::Report(FrameReport::Microphone { owner, on }) = output else { panic!("{output:?}") };
            assert_eq!(owner, camera(0).owner);
            told = Some(on);
        }
        (sealed.len(), opened.expect("it is opened"), told)
    };
    let silence = [&[0xf8, 0xff, 0xfe][..], &[0; 77]].concat();
    let (size, opened, told) = heard(&mut world, true);
    assert_eq!((opened, told), (sound.to_vec(), Some(true)), "the first one tells");
    for (on, told) in [(true, None), (false, Some(false)), (false, None), (true, Some(true)), (true, None)] {
        assert_eq!(heard(&mut world, on), (size, if on { sound.to_vec() } else { silence.clone() }, told));
    }
    let Ok(()) = world
        .amara
        .handle(CryptorInput::SourcesOn { mic: false, camera: false, screen: false, silence: true, until: Time::MAX }, world.now);
    for source in [Source::Camera, Source::Screen, Source::ScreenAudio] {
        assert_eq!(world.amara.seal(source, Codec::Opus, &sound, world.now), Err(SealError::SourceOff), "{source:?}");
    }
}

#[test]
fn what_the_policy_silences_is_not_sealed_under_any_epoch_that_is_opened_with_it() {
    let mut w = World::new();
    let mic = track(0, Source::Microphone);
    let on = CryptorInput::SourcesOn { mic: true, camera: true, screen: true, silence: true, until: Time::MAX };
    let Ok(()) = w.amara.handle(on, w.now);
    let sound = |w: &mut World| {
        let sealed = w.amara.seal(Source::Microphone, Codec::Opus, b"sound", w.now).expect("it has keys");
        let sealed = SealedFrame { id: 1, codec: Codec::Opus, contiguous: true, bytes: &sealed };
        w.bela.receive(mic, sealed, w.now).or_else(|| {
            std::iter::from_fn(|| match w.bela.poll() {
                Polled::Output(output) => Some(output),
                Polled::Idle(_) => None,
            })
            .find_map(|output| if let CryptorOutput::FrameOpened { frame, .. } = output { Some(frame) } else { None })
        })
    };
    let silence = Some(b"\xf8\xff\xfe\0\0".to_vec());
    assert_eq!(sound(&mut w), Some(b"sound".to_vec()));
    let epoch = |w: &mut World, epoch: u64, silenced: bool| {
        for (me, cryptor) in [(0, &mut w.amara), (1, &mut w.bela)] {
            let silenced = if silenced { [mic].into() } else { [].into() };
            let keys = EpochKeys { silenced, ..keys(epoch, &[0, 1], me) };
            for input in [CryptorInput::Epoch { keys, joined: false, removed: false }, CryptorInput::RosterShown(Epoch(epoch))] {
                let Ok(()) = cryptor.handle(input, w.now);
            }
        }
    };
    epoch(&mut w, 2, true);
    assert_eq!(sound(&mut w), silence, "before the keys of that epoch seal");
    w.pass(300);
    assert_eq!(sound(&mut w), silence);
    assert_eq!(w.amara.seal(Source::Screen, Codec::Opus, b"sound", w.now).map(|_| ()), Ok(()), "another source is another matter");
    epoch(&mut w, 3, false);
    assert_eq!(sound(&mut w), silence, "while the keys seal by which it would not be played");
    w.pass(300);
    assert_eq!(sound(&mut w), Some(b"sound".to_vec()));
}
