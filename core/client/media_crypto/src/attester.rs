//! The sender's part: which frames the next one attests.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use conclave_base::{Source, Time};

use crate::Layer;
use crate::attestation::{Digest, MAX_DIGESTS};

/// From one attestation of a layer to the next.
const INTERVAL: Duration = Duration::from_millis(500);
/// Frames are named again for this long, where there is room: the frame that named them may be lost.
const MEMORY: Duration = Duration::from_secs(2);
/// With a key frame of a layer receivers may come to it from another one: it names the frames of the others too, and so does what follows for this long.
const COMING_OVER: Duration = Duration::from_millis(600);
/// Frames of one layer that are remembered: those of [`MEMORY`], at 30 a second.
const REMEMBERED: usize = 64;
/// Layers of one source; an encoder has three, and may change them.
const MAX_LAYERS: usize = 8;

/// How many frames an attestation names: those of one second of sound, since a packet has no room for more, and one, so that it joins the last but one when the
/// last is lost; of half a second and more of pictures, which the network repeats when they are lost.
const fn usual(source: Source) -> usize {
    if source.is_audio() { 51 } else { 18 }
}

/// What was sealed lately, by layer.
#[derive(Debug, Default)]
pub(crate) struct Attester {
    layers: BTreeMap<Layer, History>,
    /// Frames that were sealed: the next one's [`Sealed::nth`].
    sealed: u64,
    /// The first that no layer that was forgotten has sealed, nor one after it.
    remembered: u64,
}

#[derive(Debug)]
struct History {
    /// Oldest first; those at the end, `new` of them, are not attested yet.
    sealed: VecDeque<Sealed>,
    new: usize,
    attested: Time,
    /// The last one of pictures, and when it was sealed: receivers come over from other layers at it.
    key_frame: Option<(u64, Time)>,
    /// The first of the frames that are remembered.
    remembered: u64,
}

#[derive(Debug, Clone, Copy)]
struct Sealed {
    digest: Digest,
    /// Its place among all frames of all layers: a sender that was held up seals many at one moment.
    nth: u64,
    at: Time,
}

impl Attester {
    /// The frames that the next one of this layer is to attest; none if it is not time.
    pub(crate) fn due(&self, layer: Layer, key_frame: bool, now: Time) -> Vec<Digest> {
        let Some(history) = self.layers.get(&layer) else { return Vec::new() };
        let usual = usual(layer.source);
        let comes_over = key_frame && !layer.source.is_audio();
        if history.new == 0 || !comes_over && now < history.attested + INTERVAL && history.new < usual {
            return Vec::new();
        }
        let named = if comes_over || history.key_frame.is_some_and(|(_, at)| now < at + COMING_OVER) {
            let first = history.named(usual, 0, now).first().map_or(self.sealed, |frame| frame.nth);
            self.named_of_all(layer, first, now)
        } else {
            // Who is told of one layer only may have received others before its key frame: so the list begins there.
            history.named(usual, history.key_frame.map_or(0, |(nth, _)| nth), now)
        };
        named.into_iter().map(|frame| frame.digest).collect()
    }

    /// With the frames of its own layer that are to be named, which begin with this one, those of the others; of all of them equally far back, so that
    /// nothing that was received meanwhile is left out.
    fn named_of_all(&self, layer: Layer, first: u64, now: Time) -> Vec<Sealed> {
        let of_source = || self.layers.iter().filter(|(other, _)| other.source == layer.source);
        let frames = of_source().flat_map(|(other, history)| history.sealed.iter().map(move |frame| (*other, *frame)));
        let is_named = |(other, frame): &(Layer, Sealed)| frame.nth >= first || *other != layer && now < frame.at + MEMORY;
        let (named, unnamed): (Vec<_>, Vec<_>) = frames.partition(is_named);
        let unnamed = unnamed.into_iter().map(|(_, frame)| frame.nth + 1);
        let since = unnamed.chain(of_source().map(|(_, history)| history.remembered)).fold(self.remembered, u64::max);
        let mut named: Vec<_> = named.into_iter().map(|(_, frame)| frame).filter(|frame| frame.nth >= since).collect();
        named.sort_unstable_by_key(|frame| frame.nth);
        named.split_off(named.len().saturating_sub(MAX_DIGESTS))
    }

    /// A frame of this layer was sealed. `attests`: with what [`Self::due`] gave.
    pub(crate) fn on_sealed(&mut self, layer: Layer, digest: Digest, key_frame: bool, attests: bool, now: Time) {
        if !self.layers.contains_key(&layer) {
            self.make_room(layer.source);
        }
        let nth = self.sealed;
        self.sealed += 1;
        let history = self.layers.entry(layer).or_insert_with(|| History {
            sealed: VecDeque::new(),
            new: 0,
            attested: now,
            key_frame: None,
            remembered: 0,
        });
        if attests {
            (history.attested, history.new) = (now, 0);
        }
        if key_frame && !layer.source.is_audio() {
            history.key_frame = Some((nth, now));
        }
        if history.sealed.len() >= REMEMBERED
            && let Some(forgotten) = history.sealed.pop_front()
        {
            history.remembered = forgotten.nth + 1;
        }
        history.sealed.push_back(Sealed { digest, nth, at: now });
        history.new = (history.new + 1).min(REMEMBERED);
    }

    /// Forgets the layer of this source that was silent for longest, if there are too many.
    fn make_room(&mut self, source: Source) {
        let of_source = self.layers.iter().filter(|(layer, _)| layer.source == source);
        let oldest = of_source.min_by_key(|(_, history)| history.last()).map(|(layer, _)| *layer);
        if self.layers.keys().filter(|layer| layer.source == source).count() >= MAX_LAYERS
            && let Some(forgotten) = oldest.and_then(|oldest| self.layers.remove(&oldest))
        {
            self.remembered = self.remembered.max(forgotten.last().map_or(0, |nth| nth + 1));
        }
    }
}

impl History {
    /// The newest frames, at most so many: all that were not named yet, and of the others those since this one and of [`MEMORY`].
    fn named(&self, most: usize, since: u64, now: Time) -> Vec<Sealed> {
        let old = self.sealed.len() - self.new;
        let is_wanted = |(n, frame): &(usize, &Sealed)| *n >= old || frame.nth >= since && now < frame.at + MEMORY;
        let wanted: Vec<_> = self.sealed.iter().enumerate().filter(is_wanted).map(|(_, frame)| *frame).collect();
        wanted[wanted.len().saturating_sub(most)..].to_vec()
    }

    /// The newest frame.
    fn last(&self) -> Option<u64> {
        self.sealed.back().map(|frame| frame.nth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: Layer = Layer { source: Source::Microphone, number: 0 };
    const LOW: Layer = Layer { source: Source::Camera, number: 1 };
    const HIGH: Layer = Layer { source: Source::Camera, number: 2 };

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    fn digest(layer: Layer, n: u64) -> Digest {
        Digest::of(&[u64::from(layer.number).to_be_bytes(), n.to_be_bytes()].concat())
    }

    /// Seals a frame named by its time; gives what it attests.
    fn seal(attester: &mut Attester, layer: Layer, key_frame: bool, ms: u64) -> Vec<Digest> {
        let due = attester.due(layer, key_frame, at(ms));
        attester.on_sealed(layer, digest(layer, ms), key_frame, !due.is_empty(), at(ms));
        due
    }

    fn names(layer: Layer, times: impl IntoIterator<Item = u64>) -> Vec<Digest> {
        times.into_iter().map(|ms| digest(layer, ms)).collect()
    }

    #[test]
    fn twice_a_second_a_frame_names_those_before_it_and_most_of_them_twice() {
        let mut attester = Attester::default();
        for ms in (0..3000).step_by(20) {
            let named = seal(&mut attester, SOUND, true, ms);
            if ms % 500 == 0 && ms > 0 {
                assert_eq!(named, names(SOUND, (ms.saturating_sub(1020)..ms).step_by(20)), "{ms}");
            } else {
                assert_eq!(named, []);
            }
        }
    }

    #[test]
    fn what_was_sealed_before_a_pause_is_named_at_its_end() {
        let mut attester = Attester::default();
        for ms in [0, 20, 40] {
            assert_eq!(seal(&mut attester, SOUND, true, ms), []);
        }
        assert_eq!(seal(&mut attester, SOUND, true, 90_000), names(SOUND, [0, 20, 40]));
        assert_eq!(seal(&mut attester, SOUND, true, 90_020), []);
        assert_eq!(seal(&mut attester, SOUND, true, 90_500), names(SOUND, [90_000, 90_020]), "what is old is not named again");
    }

    #[test]
    fn layers_are_attested_each_by_itself_and_after_a_key_frame_together() {
        let mut attester = Attester::default();
        seal(&mut attester, HIGH, true, 0);
        for ms in (0..5000).step_by(100) {
            seal(&mut attester, LOW, ms == 0 || ms == 4000, ms);
            let named = seal(&mut attester, HIGH, false, ms + 1);
            if ms >= 2000 && !named.is_empty() {
                assert_eq!(named, names(HIGH, (ms - 1800..ms).step_by(100).map(|ms| ms + 1)), "{ms}");
            }
        }
        let named = attester.due(LOW, false, at(5100));
        assert_eq!(named, names(LOW, (4000..5000).step_by(100)), "the key frame is some time ago: nobody needs to know what was before");
        let mut attester = Attester::default();
        let both = |until: u64| {
            let pairs = (0..until).step_by(100).map(|ms| [names(HIGH, [ms]), names(LOW, [ms + 1])].concat());
            pairs.chain([names(HIGH, [until])]).flatten().collect::<Vec<_>>()
        };
        for ms in (0..=800).step_by(100) {
            seal(&mut attester, HIGH, false, ms);
            let named = seal(&mut attester, LOW, ms == 800, ms + 1);
            assert_eq!(
                named,
                if ms == 800 { both(800) } else { names(LOW, (0..ms * u64::from(ms == 500)).step_by(100).map(|ms| ms + 1)) },
                "{ms}"
            );
        }
        assert_eq!(attester.due(LOW, false, at(1301)).len(), 18, "who comes over meanwhile");
        assert_eq!(attester.due(LOW, false, at(1401)), names(LOW, [801]));
    }

    #[test]
    fn what_was_owed_from_before_a_pause_is_named_with_all_that_others_sealed_since() {
        let mut attester = Attester::default();
        seal(&mut attester, LOW, true, 0);
        seal(&mut attester, HIGH, true, 1);
        seal(&mut attester, HIGH, false, 2);
        // One layer pauses, and the other goes on.
        for ms in (100..5000).step_by(100) {
            seal(&mut attester, LOW, false, ms);
        }
        let since = names(LOW, (100..5000).step_by(100));
        assert_eq!(seal(&mut attester, HIGH, true, 5000), [names(HIGH, [1, 2]), since].concat());
    }

    #[test]
    fn what_was_sealed_in_one_moment_is_told_apart_by_its_order() {
        let mut attester = Attester::default();
        // A sender that was held up.
        for n in 0..40 {
            for layer in [LOW, HIGH] {
                attester.on_sealed(layer, digest(layer, n), n == 0 || layer == HIGH && n == 30, n % 18 == 17, at(7000));
            }
        }
        let named = attester.due(HIGH, true, at(7001));
        assert_eq!(named.len(), 36);
        assert!(!named.contains(&digest(LOW, 21)) && named.contains(&digest(LOW, 22)), "as far back as its own layer");
        assert_eq!(attester.due(HIGH, false, at(7700)), names(HIGH, 30..40), "since the key frame, and not since its moment");
    }

    #[test]
    fn many_frames_do_not_wait_and_many_layers_are_forgotten() {
        let mut attester = Attester::default();
        let attested: Vec<_> = (0..100).filter(|ms| !seal(&mut attester, LOW, false, *ms).is_empty()).collect();
        assert_eq!(attested, [18, 36, 54, 72, 90], "as soon as there are as many as one frame names");
        for number in 0..100 {
            seal(&mut attester, Layer { source: Source::Camera, number }, false, 300 + u64::from(number));
        }
        assert_eq!(attester.layers.len(), MAX_LAYERS);
        assert!(attester.layers.contains_key(&Layer { source: Source::Camera, number: 99 }));
    }
}
