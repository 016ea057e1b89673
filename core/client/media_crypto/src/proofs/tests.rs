use std::collections::BTreeSet;

use conclave_base::{Codec, Epoch, Secret, Source};
use proptest::prelude::*;

use super::*;
use crate::hostile::Impersonator;
use crate::tests::{DELTA, KEY, keys, member, signer, track, who};
use crate::{EpochKeys, Layer, OpenError, SFrameContext};

mod starved;

const SOUND: u64 = 20;
const PICTURE: u64 = 40;

fn at(ms: u64) -> Time {
    Time::from_millis(10_000 + ms)
}

/// Amara (leaf 0) sends, Bela (leaf 1) receives, and Mallory (leaf 2) has all keys that seal, and her own signature key.
struct World {
    amara: SFrameContext,
    bela: SFrameContext,
    mallory: Impersonator,
    /// Counters that she used: what Amara sealed under them would be refused, so the server keeps it back.
    taken: BTreeSet<u64>,
    told: Vec<(u64, Proof)>,
}

const ALL: [u32; 3] = [0, 1, 2];

impl World {
    fn new() -> Self {
        let hers = EpochKeys { signer: Secret::new(signer(2).to_bytes()), ..keys(1, &ALL, 0) };
        let mallory = Impersonator::new(hers).expect("she has the keys");
        Self { amara: member(1, &ALL, 0), bela: member(1, &ALL, 1), mallory, taken: BTreeSet::new(), told: vec![] }
    }

    fn sound(&mut self, ms: u64) -> Vec<u8> {
        self.amara.seal(Source::Microphone, Codec::Opus, b"a sound of hers", at(ms)).expect("it can seal")
    }

    fn picture(&mut self, layer: u32, frame: &[u8], ms: u64) -> Vec<u8> {
        self.amara.seal(Layer { source: Source::Camera, number: layer }, Codec::Vp8, frame, at(ms)).expect("it can seal")
    }

    /// Hands Bela a frame of Amara's.
    fn play(&mut self, source: Source, sealed: &[u8], ms: u64) {
        let codec = if source.is_audio() { Codec::Opus } else { Codec::Vp8 };
        self.bela.open(track(0, source), codec, sealed, at(ms)).expect("it opens");
        while let Some(report) = self.bela.poll_proof() {
            let FrameReport::Proof { track: of, proof } = report else { panic!("a proof is told") };
            assert_eq!(of, track(0, source));
            self.told.push((ms, proof));
        }
    }

    fn hear(&mut self, sealed: &[u8], ms: u64) {
        self.play(Source::Microphone, sealed, ms);
    }

    fn talk(&mut self, span: std::ops::Range<u64>) {
        for ms in span.step_by(SOUND as usize) {
            let sealed = self.sound(ms);
            if !self.taken.contains(&counter(&sealed)) {
                self.hear(&sealed, ms + 5);
            }
        }
    }

    /// A sound under Amara's key that says nothing of others: what Mallory can seal at best.
    fn forge(&mut self, counter: u64) -> Vec<u8> {
        self.taken.insert(counter);
        self.mallory.seal(Source::Microphone, Codec::Opus, b"not a sound of hers", counter).expect("it can seal")
    }
}

fn counter(sealed: &[u8]) -> u64 {
    crate::kid::parse(sealed).expect("it is sealed").1
}

fn is_attesting(sealed: &[u8]) -> bool {
    sealed.len() > 100
}

#[test]
fn what_is_honest_is_never_doubted() {
    let mut world = World::new();
    world.talk(0..20_000);
    assert_eq!(world.told, []);
}

#[test]
fn a_pause_is_no_doubt_and_neither_is_a_cut() {
    let mut world = World::new();
    world.talk(0..1_230);
    world.talk(70_000..75_000);
    // Nothing comes, and Amara goes on: what she signs for is not among the frames that Bela heard last.
    for ms in (75_000..80_000).step_by(SOUND as usize) {
        world.sound(ms);
    }
    world.talk(80_000..90_000);
    assert_eq!(world.told, []);
}

#[test]
fn a_new_epoch_is_no_doubt() {
    let mut world = World::new();
    world.talk(0..1_230);
    for (me, context) in [(0, &mut world.amara), (1, &mut world.bela)] {
        context.add_epoch(keys(2, &ALL, me), at(1_230)).expect("newer");
        context.seal_with(Epoch(2)).expect("installed");
    }
    world.talk(1_230..9_000);
    assert_eq!(world.told, []);
}

#[test]
fn a_frame_between_hers_is_found_out_within_a_second_or_so_and_told_until_her_word_is_whole_again() {
    let mut world = World::new();
    world.talk(0..3_000);
    let forged = world.forge(170);
    world.hear(&forged, 3_001);
    world.talk(3_000..8_000);
    let [(found, Proof::Forged), (over, Proof::Proved)] = world.told[..] else { panic!("{:?}", world.told) };
    assert!((3_600..4_200).contains(&found), "{found}");
    assert!(over >= found + 2_000);
}

#[test]
fn a_frame_in_the_place_of_hers_is_found_out() {
    let mut world = World::new();
    world.talk(0..3_000);
    let suppressed = world.sound(3_000);
    let forged = world.forge(counter(&suppressed));
    world.hear(&forged, 3_005);
    world.talk(3_020..5_000);
    assert!(matches!(world.told[..], [(_, Proof::Forged)]), "{:?}", world.told);
}

#[test]
fn a_frame_in_a_place_that_she_comes_to_later_is_found_out_then() {
    let mut world = World::new();
    // Five pictures a second, as of a shared screen.
    for (n, ms) in (0..20_000).step_by(200).enumerate() {
        let sealed = world.picture(70, if n == 0 { KEY } else { DELTA }, ms);
        // The server keeps back what she sealed in the forger's place.
        if n != 60 {
            world.play(Source::Camera, &sealed, ms);
        }
        if n == 20 {
            let forged = world.mallory.seal(Source::Camera, Codec::Vp8, DELTA, 60).expect("it can seal");
            world.play(Source::Camera, &forged, ms + 1);
        }
    }
    // Picture 60 is hers after 12 s; but after five she cannot have been so far.
    assert!(matches!(world.told[..], [(9_000..10_500, Proof::Forged), ..]), "{:?}", world.told);
}

#[test]
fn a_voice_without_proof_is_told_after_two_seconds_whatever_else_the_server_keeps_back() {
    let mut world = World::new();
    world.talk(0..3_000);
    for n in 0..250 {
        let forged = world.forge(150 + n);
        world.hear(&forged, 3_000 + n * SOUND);
    }
    let [(told, Proof::Unproved)] = world.told[..] else { panic!("{:?}", world.told) };
    assert!((4_600..5_300).contains(&told), "{told}");
}

#[test]
fn honest_frames_whose_proofs_are_kept_back_are_told_and_recover() {
    let mut world = World::new();
    world.talk(0..3_000);
    for ms in (3_000..7_000).step_by(SOUND as usize) {
        let sealed = world.sound(ms);
        if !is_attesting(&sealed) {
            world.hear(&sealed, ms);
        }
    }
    assert!(matches!(world.told[..], [(_, Proof::Unproved)]), "{:?}", world.told);
    world.talk(7_000..20_000);
    assert!(matches!(world.told[1..], [(_, Proof::Proved)]), "{:?}", world.told);
}

#[test]
fn a_burst_while_she_is_silent_is_told_when_she_speaks_next() {
    let mut world = World::new();
    world.talk(0..2_600);
    let suppressed: Vec<_> = (0..20).map(|n| world.sound(2_600 + n * SOUND)).collect();
    for (n, suppressed) in (0..).zip(suppressed) {
        let forged = world.forge(counter(&suppressed));
        world.hear(&forged, 60_000 + n * SOUND);
    }
    assert_eq!(world.told, [], "less than two seconds");
    world.talk(90_000..92_000);
    assert!(matches!(world.told[..], [(_, Proof::Forged)]), "{:?}", world.told);
}

#[test]
fn copied_attestations_are_no_proofs_and_others_signatures_refuse_the_frame() {
    let mut world = World::new();
    let attesting = std::iter::successors(Some(0), |ms| Some(ms + SOUND)).find_map(|ms| Some(world.sound(ms)).filter(|s| is_attesting(s)));
    let attesting = attesting.expect("after half a second");
    let track = track(0, Source::Microphone);
    // The same words under another counter.
    let copied = world.mallory.copy(Source::Microphone, Codec::Opus, &attesting, 60).expect("it can seal");
    assert_eq!(world.bela.open(track, Codec::Opus, &copied, at(600)), Err(OpenError::WrongSender));
    let signed = world.mallory.sign(Source::Microphone, Codec::Opus, b"hers", 61).expect("it can seal");
    assert_eq!(world.bela.open(track, Codec::Opus, &signed, at(600)), Err(OpenError::WrongSender));
    assert!(world.bela.open(track, Codec::Opus, &attesting, at(600)).is_ok(), "what was refused moved no window");
}

#[test]
fn who_gets_one_layer_after_the_other_has_no_doubt() {
    for (start, change) in [(0, 3_000), (1, 3_120), (2, 3_480), (3, 2_960)] {
        let mut world = World::new();
        let mut high = start % 2 == 1;
        let (mut switched, mut wanted) = (0, false);
        for ms in (0..20_000).step_by(PICTURE as usize) {
            if ms >= switched + change {
                (switched, wanted) = (ms, true);
            }
            let frame = if wanted || ms == 0 { KEY } else { DELTA };
            let layers = [world.picture(70, frame, ms), world.picture(71, frame, ms)];
            // The media server changes over at the key frame.
            high ^= std::mem::take(&mut wanted);
            world.play(Source::Camera, &layers[usize::from(high)], ms + 30);
        }
        assert_eq!(world.told, [], "every {change} ms");
    }
}

#[test]
fn who_left_is_forgotten() {
    let mut world = World::new();
    world.talk(0..100);
    assert_eq!(world.bela.proofs.tracks.len(), 1);
    world.bela.add_epoch(keys(2, &[1, 2], 1), at(200)).expect("newer");
    assert_eq!(world.bela.proofs.tracks.len(), 0);
    assert_ne!(who(0), who(1));
}

/// Numbers below the given ones.
fn dice(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    }
}

/// Three layers with so many milliseconds from frame to frame, of which the receiver gets now this one and now that, and so many frames of a hundred are lost.
fn change_layers(seed: u64, steps: [u64; 3], lost: u64, every: u64) -> Vec<(u64, Proof)> {
    let mut world = World::new();
    let mut dice = dice(seed);
    let (mut current, mut wanted, mut change) = (0, 0, every);
    for ms in 1..20_000 {
        if ms >= change {
            (wanted, change) = (dice(3), ms + 1 + dice(2 * every));
        }
        for (layer, step) in (0..).zip(steps) {
            if ms % step != 0 && ms != 1 {
                continue;
            }
            let comes_over = wanted != current && wanted == layer;
            let frame = if comes_over || ms == 1 { KEY } else { DELTA };
            let sealed = world.picture(70 + layer as u32, frame, ms);
            if comes_over {
                current = layer;
            }
            if layer == current && dice(100) >= lost {
                world.play(Source::Camera, &sealed, ms);
            }
        }
    }
    world.told
}

/// Found by the property below: lists that began earlier in one layer than in another.
#[test]
fn lists_reach_back_equally_far_in_all_layers() {
    for (seed, steps, lost, every) in
        [(14_253_650_593_622_546_558, [25, 60, 118], 2, 158), (15_414_486_248_353_531_464, [87, 22, 108], 15, 1_457)]
    {
        let told = change_layers(seed, steps, lost, every);
        assert!(told.iter().all(|(_, proof)| *proof != Proof::Forged), "{told:?}");
    }
}

/// Every five seconds the line is cut for so many milliseconds. What was sealed meanwhile is sent again until it comes, in whatever order, and so many frames of
/// a hundred are lost.
fn cut_lines(seed: u64, held: u64, lost: u64) -> Vec<(u64, Proof)> {
    let mut world = World::new();
    let mut dice = dice(seed);
    let mut frames = Vec::new();
    for ms in (0..20_000).step_by(PICTURE as usize) {
        let sealed = world.picture(70, if ms % 4_000 == 0 { KEY } else { DELTA }, ms);
        let arrival = ms + if ms % 5_000 < held { held + dice(2 * held) } else { dice(30) };
        frames.push((arrival, dice(100) < lost, sealed));
    }
    frames.sort_by_key(|(at, ..)| *at);
    for (ms, lost, sealed) in frames {
        if !lost {
            world.play(Source::Camera, &sealed, ms);
        }
    }
    world.told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Frames are lost, come twice, and overtake each other: nobody is called a forger.
    #[test]
    fn a_bad_line_forges_nothing(seed in any::<u64>(), lost in 0u64..40, late in 0u64..150) {
        let mut world = World::new();
        let mut dice = dice(seed);
        let mut frames: Vec<_> = (0..20_000).step_by(SOUND as usize).map(|ms| {
            let sealed = world.sound(ms);
            (ms + dice(late + 1), dice(100) < lost, sealed)
        }).collect();
        frames.sort_by_key(|(at, ..)| *at);
        for (ms, lost, sealed) in frames {
            if !lost {
                world.hear(&sealed, ms);
            }
        }
        prop_assert!(world.told.iter().all(|(_, proof)| *proof != Proof::Forged), "{:?}", world.told);
        if lost < 5 {
            prop_assert_eq!(&world.told, &[]);
        }
    }

    /// Layers of whatever rates, of which the receiver gets one after the other while frames are lost: nobody is called a forger.
    #[test]
    fn a_change_of_layers_on_a_bad_line_forges_nothing(seed in any::<u64>(), steps in prop::array::uniform3(16u64..150), lost in 0u64..30, every in 100u64..2_500) {
        let told = change_layers(seed, steps, lost, every);
        prop_assert!(told.iter().all(|(_, proof)| *proof != Proof::Forged), "{told:?}");
        if lost == 0 {
            prop_assert_eq!(told, []);
        }
    }

    /// What the network held up comes out of order, and later than what was sealed after it: nobody is called a forger.
    #[test]
    fn a_line_that_was_cut_forges_nothing(seed in any::<u64>(), held in 200u64..1_600, lost in 0u64..30) {
        let told = cut_lines(seed, held, lost);
        prop_assert!(told.iter().all(|(_, proof)| *proof != Proof::Forged), "{told:?}");
    }

    /// Whatever is mixed in, wherever: it is told.
    #[test]
    fn a_forged_frame_is_told(when in 1_000u64..4_000, count in 1u64..20, place in any::<bool>()) {
        let mut world = World::new();
        let mut left = count;
        for ms in (0..8_000).step_by(SOUND as usize) {
            let sealed = world.sound(ms);
            let forged = (ms >= when && left > 0).then(|| world.forge(counter(&sealed) + if place { 0 } else { 20 }));
            left -= u64::from(forged.is_some());
            if !world.taken.contains(&counter(&sealed)) {
                world.hear(&sealed, ms);
            }
            if let Some(forged) = forged {
                world.hear(&forged, ms + 1);
            }
        }
        prop_assert!(matches!(world.told[..], [(_, Proof::Forged), ..]), "{:?}", world.told);
        prop_assert!(world.told[0].0 < when + count * SOUND + 1_700);
    }
}
