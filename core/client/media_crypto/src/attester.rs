//! The sender's part: which frames the next one attests.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use conclave_base::{Source, Time};

use crate::Layer;
use crate::attestation::Digest;

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
}

#[derive(Debug)]
struct History {
    /// Oldest first; those at the end, `new` of them, are not attested yet.
    sealed: VecDeque<(Digest, Time)>,
    new: usize,
    attested: Time,
    /// When the last one of pictures was sealed: receivers come over from other layers at it.
    key_frame: Option<Time>,
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
        let names_others = comes_over || history.key_frame.is_some_and(|at| now < at + COMING_OVER);
        // Who is told of one layer only may have received others before its key frame: so the list begins there.
        let since = history.key_frame.filter(|_| !names_others).unwrap_or(Time::ZERO);
        let mut named = history.named(usual, since, now);
        if names_others {
            let others =
                || self.layers.iter().filter(|(other, _)| other.source == layer.source && **other != layer).map(|(_, other)| other);
            // All of them equally far back, so that nothing that was received meanwhile is left out.
            let own = named.first().filter(|_| named.len() >= usual);
            let full = others().filter(|other| other.sealed.len() >= REMEMBERED).filter_map(|other| other.sealed.front());
            let since = own.into_iter().chain(full).map(|(_, at)| *at).max().unwrap_or(Time::ZERO);
            named.retain(|(_, at)| *at >= since);
            named.extend(others().flat_map(|other| &other.sealed).filter(|(_, at)| *at >= since && now < *at + MEMORY));
        }
        named.into_iter().map(|(digest, _)| digest).collect()
    }

    /// A frame of this layer was sealed. `attests`: with what [`Self::due`] gave.
    pub(crate) fn on_sealed(&mut self, layer: Layer, digest: Digest, key_frame: bool, attests: bool, now: Time) {
        if !self.layers.contains_key(&layer) {
            self.make_room(layer.source);
        }
        let history =
            self.layers.entry(layer).or_insert_with(|| History { sealed: VecDeque::new(), new: 0, attested: now, key_frame: None });
        if attests {
            (history.attested, history.new) = (now, 0);
        }
        if key_frame && !layer.source.is_audio() {
            history.key_frame = Some(now);
        }
        if history.sealed.len() >= REMEMBERED {
            history.sealed.pop_front();
        }
        history.sealed.push_back((digest, now));
        history.new = (history.new + 1).min(REMEMBERED);
    }

    /// Forgets the layer of this source that was silent for longest, if there are too many.
    fn make_room(&mut self, source: Source) {
        let of_source = self.layers.iter().filter(|(layer, _)| layer.source == source);
        let oldest = of_source.min_by_key(|(_, history)| history.sealed.back().map(|(_, at)| *at)).map(|(layer, _)| *layer);
        if self.layers.keys().filter(|layer| layer.source == source).count() >= MAX_LAYERS
            && let Some(oldest) = oldest
        {
            self.layers.remove(&oldest);
        }
    }
}

impl History {
    /// The newest frames, at most so many: all that were not named yet, and of the others those since then and of [`MEMORY`].
    fn named(&self, most: usize, since: Time, now: Time) -> Vec<(Digest, Time)> {
        let old = self.sealed.len() - self.new;
        let is_wanted = |(n, (_, at)): &(usize, &(Digest, Time))| *n >= old || *at >= since && now < *at + MEMORY;
        let wanted: Vec<_> = self.sealed.iter().enumerate().filter(is_wanted).map(|(_, frame)| *frame).collect();
        wanted[wanted.len().saturating_sub(most)..].to_vec()
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
        let both = |until: u64| [names(LOW, (0..until).step_by(100).map(|ms| ms + 1)), names(HIGH, (0..=until).step_by(100))].concat();
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
