use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use conclave_base::{Codec, MemberId, Source, Time};
use conclave_codecs::Picture;
use conclave_session::{OpenError, Session};

use crate::record::Recorder;
use crate::report::MediaReport;
use crate::sound;

/// How long a frame waits for the keys of its epoch.
const WAIT: Duration = Duration::from_millis(1500);
/// Frames of one track that may wait so.
const WAITING: usize = 128;
/// Pause between two requests for a key frame.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// Tracks that are followed at once.
const TRACKS: usize = 512;

/// One received frame, still sealed.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(crate) codec: Codec,
    pub(crate) rtp_time: u64,
    pub(crate) contiguous: bool,
    pub(crate) bytes: Arc<[u8]>,
}

/// Everything received: opened, decoded, counted.
#[derive(Debug)]
pub(crate) struct Watch {
    tracks: BTreeMap<(String, Source), Track>,
    /// Tracks of which the first frame was decoded, not told yet.
    begun: Vec<(String, Source)>,
    pub(crate) recorder: Option<Recorder>,
}

#[derive(Debug, Default)]
struct Track {
    decoder: Option<Decoder>,
    waiting: VecDeque<(Time, Sealed)>,
    asked: Option<Time>,
    needs_key_frame: bool,
    last: Option<Picture>,
    pcm: Vec<f32>,
    arrived: u32,
    decoded: u32,
    undecodable: u32,
    changes: Vec<f64>,
    decoded_total: u64,
    refused: BTreeMap<&'static str, u64>,
}

#[derive(Debug)]
enum Decoder {
    Picture(Codec, conclave_codecs::Decoder),
    Sound(opus::Decoder),
}

impl Decoder {
    const fn codec(&self) -> &'static str {
        match self {
            Self::Picture(Codec::Vp9, _) => "vp9",
            Self::Picture(..) => "vp8",
            Self::Sound(_) => "opus",
        }
    }
}

impl Watch {
    pub(crate) fn new(recorder: Option<Recorder>) -> Self {
        Self { tracks: BTreeMap::new(), begun: Vec::new(), recorder }
    }

    /// Takes a frame; says whether its sender should make a key frame.
    pub(crate) fn frame(&mut self, meeting: &mut Session, identity: &str, source: Source, frame: Sealed, now: Time) -> bool {
        let Ok(owner) = identity.parse::<MemberId>() else { return false };
        let key = (identity.to_owned(), source);
        if !self.tracks.contains_key(&key) && self.tracks.len() >= TRACKS {
            return false;
        }
        let track = self.tracks.entry(key.clone()).or_default();
        track.arrived += 1;
        // Order is kept: nothing overtakes a frame that waits.
        if !track.waiting.is_empty() {
            track.wait(frame, now);
            return false;
        }
        let before = track.decoded_total;
        let wanted = track.open(meeting, &owner, source, frame, now, &mut self.recorder);
        if before == 0 && track.decoded_total > 0 {
            self.begun.push(key);
        }
        wanted
    }

    /// Tries again what waits for keys; the tracks whose senders should make a key frame.
    pub(crate) fn retry(&mut self, meeting: &mut Session, now: Time) -> Vec<(String, Source)> {
        let mut wanted = vec![];
        for ((identity, source), track) in &mut self.tracks {
            let Ok(owner) = identity.parse::<MemberId>() else { continue };
            let decoded = track.decoded_total;
            for _ in 0..track.waiting.len() {
                let Some((since, frame)) = track.waiting.pop_front() else { break };
                let before = track.waiting.len();
                if now.since(since) > WAIT {
                    track.refuse("noKey");
                    track.needs_key_frame = true;
                } else if track.open(meeting, &owner, *source, frame, now, &mut self.recorder) {
                    wanted.push((identity.clone(), *source));
                }
                if track.waiting.len() > before {
                    // Still no key: back to the front, with its old age.
                    if let Some((_, frame)) = track.waiting.pop_back() {
                        track.waiting.push_front((since, frame));
                    }
                    break;
                }
            }
            if decoded == 0 && track.decoded_total > 0 {
                self.begun.push((identity.clone(), *source));
            }
        }
        wanted
    }

    /// Tells of each track of which the first frame was decoded since the last call: whose, which, codec, size of the picture.
    pub(crate) fn begun(&mut self, mut say: impl FnMut(&str, Source, &'static str, (u32, u32))) {
        for key in std::mem::take(&mut self.begun) {
            let Some(track) = self.tracks.get(&key) else { continue };
            let size = track.last.as_ref().map_or((0, 0), |p| (p.width, p.height));
            say(&key.0, key.1, track.decoder.as_ref().map_or("", Decoder::codec), size);
        }
    }

    /// Whether something waits for keys.
    pub(crate) fn is_waiting(&self) -> bool {
        self.tracks.values().any(|t| !t.waiting.is_empty())
    }

    /// What happened since the last call, for each track.
    pub(crate) fn reports(&mut self, now: Time, mut name: impl FnMut(&str) -> String, mut say: impl FnMut(MediaReport<'_>)) {
        for ((identity, source), track) in &mut self.tracks {
            let sound = source.is_audio();
            let tail = &track.pcm[track.pcm.len().saturating_sub(12_000)..];
            say(MediaReport {
                identity,
                name: &name(identity),
                source: crate::report::source_name(*source),
                at: now.as_millis(),
                arrived: std::mem::take(&mut track.arrived),
                decoded: std::mem::take(&mut track.decoded),
                decoded_total: track.decoded_total,
                undecodable: std::mem::take(&mut track.undecodable),
                width: track.last.as_ref().map_or(0, |p| p.width),
                height: track.last.as_ref().map_or(0, |p| p.height),
                change: track.changes.iter().fold(0.0, |sum, change| sum + change) / track.changes.len().max(1) as f64,
                colour: track.last.as_ref().map(Picture::mean),
                loudness: sound.then(|| sound::loudness(tail)),
                frequency: sound.then(|| sound::dominant(tail)).flatten(),
                refused: track.refused.clone(),
            });
            track.changes.clear();
            track.pcm.clear();
        }
    }

    /// Forgets the tracks of who is no member any more.
    pub(crate) fn keep(&mut self, mut is_member: impl FnMut(&str) -> bool) {
        self.tracks.retain(|(identity, _), _| is_member(identity));
    }
}

impl Track {
    fn wait(&mut self, frame: Sealed, now: Time) {
        if self.waiting.len() >= WAITING {
            self.refuse("noKey");
        } else {
            self.waiting.push_back((now, frame));
        }
    }

    fn refuse(&mut self, why: &'static str) {
        *self.refused.entry(why).or_default() += 1;
    }

    fn open(
        &mut self,
        meeting: &mut Session,
        owner: &MemberId,
        source: Source,
        frame: Sealed,
        now: Time,
        recorder: &mut Option<Recorder>,
    ) -> bool {
        match meeting.open(owner, source, frame.codec, &frame.bytes, now) {
            Ok(opened) => {
                if self.decode(&frame, &opened) {
                    self.decoded += 1;
                    self.decoded_total += 1;
                    if let Some(recorder) = recorder {
                        let size = self.last.as_ref().map_or((0, 0), |p| (p.width, p.height));
                        if let Err(error) = recorder.write(&owner.to_text(), source, frame.codec, size, frame.rtp_time, &opened) {
                            tracing::warn!(%error, "recording failed");
                        }
                    }
                }
            }
            Err(OpenError::EpochUnknown) => self.wait(frame, now),
            Err(error) => {
                self.refuse(reason(&error));
                // A replayed frame was played already: nothing is missing.
                self.needs_key_frame |= !matches!(error, OpenError::Replayed) && !source.is_audio();
            }
        }
        if self.needs_key_frame && self.asked.is_none_or(|at| now.since(at) >= ASK_EVERY) {
            self.asked = Some(now);
            return true;
        }
        false
    }

    /// Decodes an opened frame; says whether that worked.
    fn decode(&mut self, frame: &Sealed, opened: &[u8]) -> bool {
        let fits = match &self.decoder {
            Some(Decoder::Picture(codec, _)) => *codec == frame.codec,
            Some(Decoder::Sound(_)) => frame.codec == Codec::Opus,
            None => false,
        };
        if !fits {
            self.decoder = decoder(frame.codec);
            self.needs_key_frame = frame.codec != Codec::Opus;
        }
        match &mut self.decoder {
            None => false,
            Some(Decoder::Sound(decoder)) => {
                let mut pcm = [0.0; 5760];
                let Ok(samples) = decoder.decode_float(opened, &mut pcm, false) else {
                    self.undecodable += 1;
                    return false;
                };
                if self.pcm.len() < 2 * sound::RATE as usize {
                    self.pcm.extend_from_slice(&pcm[..samples]);
                }
                true
            }
            Some(Decoder::Picture(codec, decoder)) => {
                let key = codec.is_key_frame(opened) == Some(true);
                self.needs_key_frame |= !frame.contiguous;
                if self.needs_key_frame && !key {
                    self.undecodable += 1;
                    return false;
                }
                match decoder.decode(opened) {
                    Ok(picture) => {
                        self.needs_key_frame = false;
                        if let Some(picture) = picture {
                            self.changes.extend(self.last.as_ref().and_then(|last| last.difference(&picture)));
                            self.last = Some(picture);
                        }
                        true
                    }
                    Err(_) => {
                        self.undecodable += 1;
                        self.needs_key_frame = true;
                        false
                    }
                }
            }
        }
    }
}

fn decoder(codec: Codec) -> Option<Decoder> {
    match codec {
        Codec::Opus => opus::Decoder::new(sound::RATE, opus::Channels::Mono).ok().map(Decoder::Sound),
        Codec::Vp8 => conclave_codecs::Decoder::new(conclave_codecs::Codec::Vp8).ok().map(|d| Decoder::Picture(codec, d)),
        Codec::Vp9 => conclave_codecs::Decoder::new(conclave_codecs::Codec::Vp9).ok().map(|d| Decoder::Picture(codec, d)),
    }
}

fn reason(error: &OpenError) -> &'static str {
    match error {
        OpenError::NotSFrame => "notSFrame",
        OpenError::WrongSender => "wrongSender",
        OpenError::Replayed => "replayed",
        OpenError::AuthenticationFailed => "authenticationFailed",
        OpenError::EpochUnknown | OpenError::Expired => "noKey",
    }
}
