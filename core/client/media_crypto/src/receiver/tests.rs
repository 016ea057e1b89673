use std::time::Duration;

use conclave_base::{Codec, Source, Time};

use super::*;
use crate::tests::{DELTA, KEY, camera, keys, member, seal, track};

/// Bela's receiver and keys; Amara (leaf 0) and Chidi (leaf 2) send.
struct World {
    keys: SFrameContext,
    receiver: Receiver,
    next: u32,
    now: Time,
}

/// What came out, in order: the numbers of frames, and of tracks the leaf.
#[derive(Debug, PartialEq, Eq)]
enum Out {
    Opened(u32),
    Dropped(u32, OpenError),
    Request,
}

const ALL: [u32; 3] = [0, 1, 2];

impl World {
    fn new() -> Self {
        Self { keys: member(1, &ALL, 1), receiver: Receiver::default(), next: 0, now: Time::from_millis(10_000) }
    }

    /// A frame of Amara's camera; gives its number, and the outputs with it if it opened at once.
    fn frame(&mut self, sealed: &[u8]) -> (u32, Vec<Out>) {
        self.frame_on(camera(0), Codec::Vp8, sealed, true)
    }

    fn frame_on(&mut self, track: Track, codec: Codec, sealed: &[u8], contiguous: bool) -> (u32, Vec<Out>) {
        self.next += 1;
        let id = self.next;
        let frame = SealedFrame { id, codec, contiguous, bytes: sealed };
        let at_once = self.receiver.receive(&mut self.keys, track, frame, self.now);
        let out = match at_once {
            Some(_) => {
                assert_eq!(self.receiver.poll(), None, "given back means that nothing else is to be done");
                vec![Out::Opened(id)]
            }
            None => self.drain(),
        };
        (id, out)
    }

    fn drain(&mut self) -> Vec<Out> {
        let each = std::iter::from_fn(|| self.receiver.poll());
        each.map(|out| match out {
            Received::Opened { id, .. } => Out::Opened(id),
            Received::Dropped { id, reason, .. } => Out::Dropped(id, reason),
            Received::RequestKeyFrame(track) => {
                assert_eq!(track, camera(0));
                Out::Request
            }
        })
        .collect()
    }

    fn pass(&mut self, ms: u64) -> Vec<Out> {
        self.now += Duration::from_millis(ms);
        self.receiver.run(&mut self.keys, self.now);
        self.drain()
    }

    fn epoch(&mut self, epoch: u64, leaves: &[u32]) -> Vec<Out> {
        self.keys.add_epoch(keys(epoch, leaves, 1), self.now).expect("newer");
        self.pass(0)
    }
}

const UNKNOWN: OpenError = OpenError::EpochUnknown;

#[test]
fn a_frame_of_a_known_epoch_comes_back_at_once() {
    let (mut world, mut amara) = (World::new(), member(1, &ALL, 0));
    for frame in [KEY, DELTA, DELTA] {
        let (n, out) = world.frame(&seal(&mut amara, frame));
        assert_eq!(out, [Out::Opened(n)]);
    }
    assert_eq!(world.receiver.deadline(), Time::MAX);
}

#[test]
fn a_frame_waits_for_its_epoch_and_nothing_overtakes_it() {
    let (mut world, mut old, mut new) = (World::new(), member(1, &ALL, 0), member(2, &ALL, 0));
    let waits = world.frame(&seal(&mut new, KEY));
    assert_eq!(waits, (1, vec![]));
    assert_eq!(world.receiver.deadline(), world.now + EPOCH_WAIT);
    assert_eq!(world.frame(&seal(&mut old, DELTA)), (2, vec![]), "its epoch is known, but it came later");
    assert_eq!(world.pass(1400), []);
    assert_eq!(world.frame(&seal(&mut new, DELTA)), (3, vec![]));
    assert_eq!(world.epoch(2, &ALL), [Out::Opened(1), Out::Opened(2), Out::Opened(3)], "a key frame opened: none is asked for");
    assert_eq!(world.receiver.deadline(), Time::MAX);
}

#[test]
fn tracks_do_not_wait_for_each_other() {
    let (mut world, mut amara, mut chidi) = (World::new(), member(2, &ALL, 0), member(1, &ALL, 2));
    world.frame(&seal(&mut amara, KEY));
    let (n, out) = world.frame_on(camera(2), Codec::Vp8, &seal(&mut chidi, KEY), true);
    assert_eq!(out, [Out::Opened(n)]);
}

#[test]
fn a_frame_whose_epoch_never_comes_is_given_up_and_until_one_opens_none_waits() {
    let (mut world, mut old, mut new) = (World::new(), member(1, &ALL, 0), member(2, &ALL, 0));
    world.frame(&seal(&mut new, KEY));
    assert_eq!(world.pass(1000), []);
    world.frame(&seal(&mut new, DELTA));
    world.frame(&seal(&mut old, DELTA));
    assert_eq!(world.pass(499), []);
    assert_eq!(
        world.pass(1),
        [Out::Dropped(1, UNKNOWN), Out::Request, Out::Dropped(2, UNKNOWN), Out::Opened(3)],
        "what stood behind it opens, or is given up with it"
    );
    // One has opened: the next waits again.
    assert_eq!(world.frame(&seal(&mut new, DELTA)), (4, vec![]));
    assert_eq!(world.pass(1500), [Out::Dropped(4, UNKNOWN), Out::Request]);
    assert_eq!(world.frame(&seal(&mut new, DELTA)), (5, vec![Out::Dropped(5, UNKNOWN)]), "given up: it does not wait");
    assert_eq!(world.epoch(2, &ALL), []);
    assert_eq!(world.frame(&seal(&mut new, KEY)), (6, vec![Out::Opened(6)]));
    assert_eq!(world.frame(&seal(&mut new, DELTA)), (7, vec![Out::Opened(7)]));
}

#[test]
fn an_epoch_that_begins_gives_waiting_another_chance() {
    let (mut world, mut next) = (World::new(), member(3, &ALL, 0));
    world.frame(&seal(&mut next, KEY));
    assert_eq!(world.pass(1500), [Out::Dropped(1, UNKNOWN), Out::Request]);
    assert_eq!(world.epoch(2, &ALL), []);
    assert_eq!(world.frame(&seal(&mut next, KEY)), (2, vec![]));
    assert_eq!(world.epoch(3, &ALL), [Out::Opened(2)]);
}

#[test]
fn a_key_frame_is_asked_for_once_in_half_a_second_until_one_opens() {
    let (mut world, mut amara) = (World::new(), member(1, &ALL, 0));
    let mut requests = vec![];
    for n in 0..20 {
        let (_, out) = world.frame(&seal(&mut amara, DELTA));
        if out.contains(&Out::Request) {
            requests.push(n * 100);
        }
        world.pass(100);
    }
    assert_eq!(requests, [0, 500, 1000, 1500], "a decoder has no beginning yet");
    assert_eq!(world.frame(&seal(&mut amara, KEY)).1, [Out::Opened(21)]);
    world.pass(600);
    assert_eq!(world.frame(&seal(&mut amara, DELTA)).1, [Out::Opened(22)]);

    let mut altered = seal(&mut amara, DELTA);
    *altered.last_mut().expect("a tag") ^= 1;
    assert_eq!(world.frame(&altered).1, [Out::Dropped(23, OpenError::AuthenticationFailed), Out::Request]);
    world.pass(499);
    assert_eq!(world.frame(&seal(&mut amara, DELTA)).1, [Out::Opened(24)]);
    world.pass(1);
    assert_eq!(world.frame(&seal(&mut amara, DELTA)).1, [Out::Opened(25), Out::Request], "none opened yet");
    assert_eq!(world.frame(&seal(&mut amara, KEY)).1, [Out::Opened(26)]);

    world.pass(500);
    let gap = world.frame_on(camera(0), Codec::Vp8, &seal(&mut amara, DELTA), false);
    assert_eq!(gap.1, [Out::Opened(27), Out::Request], "the transport lost something before it");
    assert_eq!(world.frame_on(camera(0), Codec::Vp8, &seal(&mut amara, KEY), false).1, [Out::Opened(28)]);

    world.receiver.request_key_frame(&world.keys, camera(0), world.now);
    assert_eq!(world.drain(), [], "a decoder that fails is held to the same pause");
    world.pass(500);
    world.receiver.request_key_frame(&world.keys, camera(0), world.now);
    assert_eq!(world.drain(), [Out::Request]);
}

#[test]
fn a_decoder_can_ask_before_the_first_frame() {
    let (mut world, mut amara) = (World::new(), member(1, &ALL, 0));
    world.receiver.request_key_frame(&world.keys, camera(9), world.now);
    assert_eq!(world.drain(), [], "of no member");
    world.receiver.request_key_frame(&world.keys, camera(0), world.now);
    assert_eq!(world.drain(), [Out::Request]);
    assert_eq!(world.frame(&seal(&mut amara, DELTA)).1, [Out::Opened(1)], "asked for already");
}

#[test]
fn sound_needs_no_key_frame() {
    let (mut world, mut amara) = (World::new(), member(1, &ALL, 0));
    let microphone = track(0, Source::Microphone);
    let sound = amara.seal(Source::Microphone, Codec::Opus, b"sound", Time::ZERO).expect("it can seal");
    assert_eq!(world.frame_on(microphone, Codec::Opus, b"\xf8\xff\xfe", true).1, [Out::Dropped(1, OpenError::NotSFrame)]);
    assert_eq!(world.frame_on(microphone, Codec::Opus, &sound, false).1, [Out::Opened(2)]);
    world.receiver.request_key_frame(&world.keys, microphone, world.now);
    assert_eq!(world.drain(), []);
}

#[test]
fn a_replayed_frame_is_no_loss() {
    let (mut world, mut amara) = (World::new(), member(1, &ALL, 0));
    let sealed = seal(&mut amara, KEY);
    assert_eq!(world.frame(&sealed).1, [Out::Opened(1)]);
    assert_eq!(world.frame(&sealed).1, [Out::Dropped(2, OpenError::Replayed)]);
    assert_eq!(world.frame(&seal(&mut amara, DELTA)).1, [Out::Opened(3)]);
}

#[test]
fn frames_of_who_was_removed_are_dropped() {
    let (mut world, mut next) = (World::new(), member(2, &ALL, 0));
    world.frame(&seal(&mut next, KEY));
    assert_eq!(world.epoch(2, &[1, 2]), [Out::Dropped(1, UNKNOWN)]);
    assert_eq!(world.receiver.deadline(), Time::MAX);
    assert_eq!(world.frame(&seal(&mut next, KEY)).1, [Out::Dropped(2, OpenError::WrongSender)]);
    assert!(world.receiver.tracks.is_empty(), "nothing is kept for who is no member");
}

#[test]
fn when_the_keys_are_gone_nothing_waits() {
    let (mut world, mut next) = (World::new(), member(2, &ALL, 0));
    world.frame(&seal(&mut next, KEY));
    world.frame(&seal(&mut next, DELTA));
    world.receiver.clear();
    assert_eq!(world.drain(), [Out::Dropped(1, UNKNOWN), Out::Dropped(2, UNKNOWN)]);
    assert_eq!((world.receiver.deadline(), world.receiver.waiting_bytes), (Time::MAX, 0));
}

#[test]
fn what_waits_is_bounded_in_frames_and_bytes() {
    let (mut world, mut next) = (World::new(), member(2, &ALL, 0));
    for _ in 0..MAX_WAITING {
        assert_eq!(world.frame(&seal(&mut next, DELTA)).1, []);
    }
    let (n, out) = world.frame(&seal(&mut next, DELTA));
    assert_eq!(out, [Out::Dropped(n, UNKNOWN), Out::Request]);

    let mut large = DELTA.to_vec();
    large.resize(MAX_WAITING_BYTES - 64, 7);
    let mut world = World::new();
    assert_eq!(world.frame(&seal(&mut next, &large)).1, []);
    let (n, out) = world.frame(&seal(&mut next, &large));
    assert_eq!(out, [Out::Dropped(n, UNKNOWN), Out::Request]);

    // As many tracks as it takes, with one frame each.
    let leaves: Vec<u32> = (0..40).collect();
    let mut world = World::new();
    world.epoch(2, &leaves);
    let (mut kept, mut dropped) = (0, 0);
    for leaf in 2..40 {
        let mut sender = member(3, &leaves, leaf);
        match world.frame_on(track(leaf, Source::ScreenAudio), Codec::Opus, &sealed_for(&mut sender, &large), true).1[..] {
            [] => kept += 1,
            [Out::Dropped(_, UNKNOWN), ..] => dropped += 1,
            ref other => panic!("{other:?}"),
        }
    }
    assert!(kept == MAX_ALL_WAITING_BYTES / MAX_WAITING_BYTES && dropped > 0, "{kept} wait, {dropped} do not");
    assert!(world.receiver.waiting_bytes <= MAX_ALL_WAITING_BYTES);
}

fn sealed_for(sender: &mut SFrameContext, frame: &[u8]) -> Vec<u8> {
    sender.seal(Source::ScreenAudio, Codec::Opus, frame, Time::ZERO).expect("it can seal")
}
