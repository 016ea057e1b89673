use conclave_base::{Codec, Epoch, LeafIndex, MemberId, Secret, SessionId, Source, Time};
use ed25519_dalek::SigningKey;
use proptest::prelude::*;

use crate::{AddEpochError, EPOCH_RETENTION, EpochKeys, OpenError, SFrameContext, SealError, Track};

pub(crate) const ZERO: Time = Time::ZERO;

pub(crate) fn signer(leaf: u32) -> SigningKey {
    let mut seed = [5; 32];
    seed[..4].copy_from_slice(&leaf.to_be_bytes());
    SigningKey::from_bytes(&seed)
}

pub(crate) fn who(leaf: u32) -> MemberId {
    MemberId::of_key(&signer(leaf).verifying_key().to_bytes())
}

pub(crate) fn keys(epoch: u64, leaves: &[u32], me: u32) -> EpochKeys {
    EpochKeys {
        epoch: Epoch(epoch),
        base_key: Secret::new([epoch as u8; 32]),
        session: SessionId::from_bytes([3; 16]),
        members: leaves.iter().map(|leaf| (LeafIndex(*leaf), signer(*leaf).verifying_key().to_bytes())).collect(),
        silenced: [].into(),
        me: LeafIndex(me),
        signer: Secret::new(signer(me).to_bytes()),
    }
}

pub(crate) fn member(epoch: u64, leaves: &[u32], me: u32) -> SFrameContext {
    let mut frames = SFrameContext::new();
    frames.add_epoch(keys(epoch, leaves, me), ZERO).expect("a first epoch");
    frames.seal_with(Epoch(epoch)).expect("installed");
    frames
}

pub(crate) fn track(leaf: u32, source: Source) -> Track {
    Track { owner: who(leaf), source }
}

pub(crate) fn camera(leaf: u32) -> Track {
    track(leaf, Source::Camera)
}

pub(crate) const DELTA: &[u8] = &[0x11, 2, 3, 4, 5];
pub(crate) const KEY: &[u8] = &[0x10, 1, 2, 0x9d, 0x01, 0x2a, 0x80, 2, 0x68, 1, 99, 98, 97];

pub(crate) fn seal(frames: &mut SFrameContext, frame: &[u8]) -> Vec<u8> {
    frames.seal(Source::Camera, Codec::Vp8, frame, ZERO).expect("it can seal")
}

#[test]
fn every_codec_comes_back_byte_for_byte() {
    let (mut a, mut b) = (member(1, &[0, 1], 0), member(1, &[0, 1], 1));
    for codec in [Codec::Opus, Codec::Vp8, Codec::Vp9] {
        for frame in [DELTA, KEY] {
            let sealed = a.seal(Source::Screen, codec, frame, ZERO).expect("it can seal");
            assert_eq!(b.open(track(0, Source::Screen), codec, &sealed, ZERO), Ok(frame.to_vec()));
        }
    }
}

#[test]
fn a_frame_opens_once_and_only_as_its_owner_s_and_for_its_track() {
    let (mut a, mut b) = (member(1, &[0, 1, 2], 0), member(1, &[0, 1, 2], 1));
    let sealed = seal(&mut a, DELTA);
    assert_eq!(b.open(camera(2), Codec::Vp8, &sealed, ZERO), Err(OpenError::WrongSender), "another member's track");
    assert_eq!(b.open(track(0, Source::Screen), Codec::Vp8, &sealed, ZERO), Err(OpenError::WrongSender), "another track");
    assert_eq!(b.open(camera(0), Codec::Vp8, &sealed, ZERO), Ok(DELTA.to_vec()), "refusals moved no window");
    assert_eq!(b.open(camera(0), Codec::Vp8, &sealed, ZERO), Err(OpenError::Replayed));
}

#[test]
fn one_altered_bit_anywhere_is_refused_and_does_not_move_the_window() {
    let (mut a, mut b) = (member(1, &[0, 1], 0), member(1, &[0, 1], 1));
    let sealed = seal(&mut a, KEY);
    for bit in 0..sealed.len() * 8 {
        let mut altered = sealed.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(b.open(camera(0), Codec::Vp8, &altered, ZERO).is_err(), "bit {bit}");
    }
    assert_eq!(b.open(camera(0), Codec::Vp8, &sealed, ZERO), Ok(KEY.to_vec()));
}

#[test]
fn what_was_not_sealed_is_called_so() {
    let mut b = member(1, &[0, 1], 1);
    // Opus silence, and a VP8 frame of the fake camera.
    assert_eq!(b.open(track(0, Source::Microphone), Codec::Opus, &[0xf8, 0xff, 0xfe], ZERO), Err(OpenError::NotSFrame));
    assert_eq!(b.open(camera(0), Codec::Vp8, &[], ZERO), Err(OpenError::NotSFrame));
    assert_eq!(b.open(camera(0), Codec::Vp8, &[0x10, 1], ZERO), Err(OpenError::NotSFrame));
}

#[test]
fn counters_rise_and_never_start_again() {
    let mut a = member(1, &[0, 1], 0);
    assert_ne!(seal(&mut a, DELTA), seal(&mut a, DELTA));
    assert_eq!(a.add_epoch(keys(1, &[0, 1], 0), ZERO), Err(AddEpochError::NotNewer));
    a.add_epoch(keys(2, &[0, 1], 0), ZERO).expect("newer");
    assert_eq!(a.add_epoch(keys(1, &[0, 1], 0), ZERO), Err(AddEpochError::NotNewer));
    a.seal_with(Epoch(2)).expect("installed");
    assert_eq!(a.seal_with(Epoch(1)), Err(SealError::NoKey), "it only moves forward");
}

#[test]
fn tracks_count_for_themselves() {
    let (mut a, mut b) = (member(1, &[0, 1], 0), member(1, &[0, 1], 1));
    for source in Source::ALL {
        let sealed = a.seal(source, Codec::Opus, b"same", ZERO).expect("it can seal");
        // One byte of configuration, two or three of key id, and counter 0 in the first.
        assert_eq!(sealed[0] & 0x0f, 0, "every track starts at counter 0");
        assert!(b.open(track(0, source), Codec::Opus, &sealed, ZERO).is_ok());
    }
}

#[test]
fn an_old_epoch_opens_for_ten_seconds_and_is_then_erased() {
    let (mut a, mut b) = (member(1, &[0, 1], 0), member(1, &[0, 1], 1));
    let frames: Vec<_> = (0..3).map(|_| seal(&mut a, DELTA)).collect();
    b.add_epoch(keys(2, &[0, 1], 1), ZERO).expect("newer");
    assert_eq!(b.expire(ZERO), Some(ZERO + EPOCH_RETENTION));
    let late = Time::from_micros(9_999_999);
    assert!(b.open(camera(0), Codec::Vp8, &frames[0], late).is_ok());
    assert_eq!(b.open(camera(0), Codec::Vp8, &frames[1], ZERO + EPOCH_RETENTION), Err(OpenError::Expired));
    assert_eq!(b.open(camera(0), Codec::Vp8, &frames[2], ZERO), Err(OpenError::Expired), "erased is erased");
}

#[test]
fn an_epoch_to_come_is_unknown_until_it_is_installed() {
    let (mut a, mut b) = (member(2, &[0, 1], 0), member(1, &[0, 1], 1));
    let early = seal(&mut a, DELTA);
    assert_eq!(b.open(camera(0), Codec::Vp8, &early, ZERO), Err(OpenError::EpochUnknown));
    b.add_epoch(keys(2, &[0, 1], 1), ZERO).expect("newer");
    assert_eq!(b.open(camera(0), Codec::Vp8, &early, ZERO), Ok(DELTA.to_vec()));
    assert_eq!(SFrameContext::new().open(camera(0), Codec::Vp8, &early, ZERO), Err(OpenError::EpochUnknown));
}

#[test]
fn who_left_loses_all_keys_at_once_and_who_stays_loses_none() {
    let all = [0, 1, 2];
    let (mut a, mut b, mut c) = (member(1, &all, 0), member(1, &all, 1), member(1, &all, 2));
    let (from_b, from_c) = (seal(&mut b, DELTA), seal(&mut c, DELTA));
    a.add_epoch(keys(2, &[0, 1], 0), ZERO).expect("newer");
    assert_eq!(a.open(camera(2), Codec::Vp8, &from_c, ZERO), Err(OpenError::Expired));
    assert_eq!(a.open(camera(0), Codec::Vp8, &from_c, ZERO), Err(OpenError::WrongSender), "nor does it pass as another's");
    assert_eq!(a.open(camera(1), Codec::Vp8, &from_b, ZERO), Ok(DELTA.to_vec()), "a late packet of who stays");
}

#[test]
fn a_leaf_that_changes_hands_does_not_inherit() {
    let (mut a, mut b) = (member(1, &[0, 1], 0), member(1, &[0, 1], 1));
    let old = seal(&mut b, DELTA);
    let mut next = keys(2, &[0, 1], 0);
    next.members[1].1 = *b"the signature key of a newcomer.";
    let track = Track { owner: MemberId::of_key(&next.members[1].1), source: Source::Camera };
    a.add_epoch(next, ZERO).expect("newer");
    assert_eq!(a.open(track, Codec::Vp8, &old, ZERO), Err(OpenError::WrongSender));
}

#[test]
fn epochs_with_one_low_byte_never_stand_side_by_side() {
    let (mut a, mut b) = (member(257, &[0, 1], 0), member(1, &[0, 1], 1));
    b.add_epoch(keys(257, &[0, 1], 1), ZERO).expect("newer");
    let sealed = seal(&mut a, DELTA);
    assert_eq!(b.open(camera(0), Codec::Vp8, &sealed, ZERO), Ok(DELTA.to_vec()));
}

#[test]
fn nothing_seals_before_it_is_told_to_nor_after_it_is_stopped() {
    let mut a = SFrameContext::new();
    assert_eq!(a.seal(Source::Camera, Codec::Vp8, DELTA, ZERO), Err(SealError::NoKey));
    assert_eq!(a.seal_with(Epoch(1)), Err(SealError::NoKey));
    a.add_epoch(keys(1, &[0], 0), ZERO).expect("a first epoch");
    assert_eq!(a.seal(Source::Camera, Codec::Vp8, DELTA, ZERO), Err(SealError::NoKey));
    a.seal_with(Epoch(1)).expect("installed");
    assert!(a.seal(Source::Camera, Codec::Vp8, DELTA, ZERO).is_ok());
    a.stop_sealing();
    assert_eq!(a.seal(Source::Camera, Codec::Vp8, DELTA, ZERO), Err(SealError::NoKey));
    a.seal_with(Epoch(1)).expect("installed");
    a.add_epoch(keys(2, &[0], 0), ZERO).expect("newer");
    assert_eq!(a.seal(Source::Camera, Codec::Vp8, DELTA, ZERO + EPOCH_RETENTION), Err(SealError::NoKey), "its keys are erased");
}

#[test]
fn members_that_a_key_id_cannot_name_are_refused() {
    assert_eq!(SFrameContext::new().add_epoch(keys(1, &[0, 4096], 0), ZERO), Err(AddEpochError::Members));
    assert_eq!(SFrameContext::new().add_epoch(keys(1, &[0, 1], 2), ZERO), Err(AddEpochError::Members));
    assert!(SFrameContext::new().add_epoch(keys(1, &[0, 4095], 4095), ZERO).is_ok());
}

#[test]
fn a_sender_that_shows_another_prefix_than_it_seals_is_refused() {
    let (mut a, mut b) = (member(1, &[0, 1], 0), member(1, &[0, 1], 1));
    // Seals a VP9 frame whose clear byte reads as a VP8 delta frame, so that the seal itself is good.
    let sealed = a.epochs[0].seal(Source::Camera, &[0x11], &[0x13, 5, 5], false, &[]).expect("it can seal");
    assert_eq!(b.open(camera(0), Codec::Vp8, &sealed, ZERO), Err(OpenError::AuthenticationFailed));
}

fn codec() -> impl Strategy<Value = Codec> {
    prop_oneof![Just(Codec::Opus), Just(Codec::Vp8), Just(Codec::Vp9)]
}

proptest! {
    /// What is readable of a sealed frame is the prefix that the codec's page names, and the SFrame header. All the rest is
    /// keystream: what two frames under one counter differ in, their sealed bytes differ in, and it looks random.
    #[test]
    fn no_other_byte_is_clear(codec in codec(), frame in prop::collection::vec(any::<u8>(), 10..600), fill in any::<u8>()) {
        let clear = match codec {
            Codec::Opus => 0,
            Codec::Vp8 if frame[0] & 1 == 0 => 10,
            Codec::Vp8 | Codec::Vp9 => 1,
        };
        let mut other = frame.clone();
        other[clear..].fill(fill);
        let sealed = member(1, &[3], 3).seal(Source::Camera, codec, &frame, ZERO).expect("it can seal");
        let twin = member(1, &[3], 3).seal(Source::Camera, codec, &other, ZERO).expect("it can seal");
        // Key id 0x100301 takes three bytes, counter 0 none.
        let header = clear + 4;
        prop_assert_eq!(&sealed[..clear], &frame[..clear]);
        prop_assert_eq!(&sealed[clear..header], &[0xa0, 0x10, 0x03, 0x01]);
        prop_assert_eq!(&sealed[..header], &twin[..header]);
        prop_assert_eq!(sealed.len(), header + frame.len() + 1 + 16);
        let keystream: Vec<u8> = sealed[header..].iter().zip(&frame).map(|(s, p)| s ^ p).collect();
        let again: Vec<u8> = twin[header..].iter().zip(&other).map(|(s, p)| s ^ p).collect();
        prop_assert_eq!(&keystream, &again, "one counter, one keystream");
        prop_assert!(!keystream.windows(5).any(|run| run == [0; 5]), "a run of clear bytes");
    }

    #[test]
    fn garbage_is_refused_without_a_panic(codec in codec(), garbage in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(member(1, &[0, 1], 1).open(camera(0), codec, &garbage, ZERO).is_err());
    }

    /// In any order, with duplicates, every frame within the window opens exactly once.
    #[test]
    fn every_frame_opens_exactly_once(order in prop::collection::vec(0usize..60, 0..200)) {
        let (mut a, mut b) = (member(1, &[0, 1], 0), member(1, &[0, 1], 1));
        let frames: Vec<_> = (0..60).map(|_| seal(&mut a, DELTA)).collect();
        let mut opened = std::collections::BTreeSet::new();
        for n in order {
            prop_assert_eq!(b.open(camera(0), Codec::Vp8, &frames[n], ZERO).is_ok(), opened.insert(n));
        }
    }
}
