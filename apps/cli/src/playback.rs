use std::collections::BTreeMap;

use conclave_base::{Codec, MemberId, Source, Time};
use conclave_codecs::Picture;
use conclave_media_crypto::OpenError;

use crate::record::Recorder;
use crate::report::MediaReport;
use crate::sound;

/// A received frame without its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReceivedFrame {
    pub(crate) owner: MemberId,
    pub(crate) source: Source,
    pub(crate) codec: Codec,
    pub(crate) rtp_time: u64,
    pub(crate) contiguous: bool,
}

/// Everything received: decoded, recorded, counted.
#[derive(Debug)]
pub(crate) struct Playback {
    tracks: BTreeMap<(MemberId, Source), Track>,
    /// Tracks of which the first frame was decoded, not told yet.
    started: Vec<(MemberId, Source)>,
    /// Frames that the session keeps, by the number that it knows them by; it bounds them.
    waiting: BTreeMap<u32, ReceivedFrame>,
    next_id: u32,
    pub(crate) recorder: Option<Recorder>,
}

#[derive(Debug, Default)]
struct Track {
    decoder: Option<Decoder>,
    /// What comes next refers to what this decoder does not have.
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

impl Playback {
    pub(crate) fn new(recorder: Option<Recorder>) -> Self {
        Self { tracks: BTreeMap::new(), started: Vec::new(), waiting: BTreeMap::new(), next_id: 0, recorder }
    }

    /// Counts a frame that arrived; gives a number for it.
    pub(crate) fn on_arrived(&mut self, frame: &ReceivedFrame) -> u32 {
        self.track(frame).arrived += 1;
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }

    /// The session keeps this frame.
    pub(crate) fn wait(&mut self, id: u32, frame: ReceivedFrame) {
        self.waiting.insert(id, frame);
    }

    /// The session is done with a frame that it kept.
    pub(crate) fn take_waiting(&mut self, id: u32) -> Option<ReceivedFrame> {
        self.waiting.remove(&id)
    }

    /// A frame was not opened.
    pub(crate) fn on_dropped(&mut self, frame: &ReceivedFrame, reason: &OpenError) {
        let track = self.track(frame);
        *track.refused.entry(reason_name(reason)).or_default() += 1;
        // What was played already, or would be played too late, is not missing now.
        track.needs_key_frame |= !matches!(reason, OpenError::Replayed | OpenError::TooLate) && !frame.source.is_audio();
    }

    /// Decodes an opened frame; says whether its decoder can go on, or needs a key frame.
    pub(crate) fn play(&mut self, frame: &ReceivedFrame, opened: &[u8]) -> bool {
        let track = self.track(frame);
        let is_first = track.decoded_total == 0;
        if track.decode(frame, opened) {
            track.decoded += 1;
            track.decoded_total += 1;
            let size = track.last.as_ref().map_or((0, 0), |p| (p.width, p.height));
            if is_first {
                self.started.push((frame.owner, frame.source));
            }
            if let Some(recorder) = &mut self.recorder
                && let Err(error) = recorder.write(&frame.owner.to_text(), frame.source, frame.codec, size, frame.rtp_time, opened)
            {
                tracing::warn!(%error, "recording failed");
            }
        }
        !self.track(frame).needs_key_frame
    }

    fn track(&mut self, frame: &ReceivedFrame) -> &mut Track {
        self.tracks.entry((frame.owner, frame.source)).or_default()
    }

    /// Tells of each track of which the first frame was decoded since the last call: whose, which, codec, size of the picture.
    pub(crate) fn tell_started(&mut self, mut say: impl FnMut(&str, Source, &'static str, (u32, u32))) {
        for key in std::mem::take(&mut self.started) {
            let Some(track) = self.tracks.get(&key) else { continue };
            let size = track.last.as_ref().map_or((0, 0), |p| (p.width, p.height));
            say(&key.0.to_text(), key.1, track.decoder.as_ref().map_or("", Decoder::codec), size);
        }
    }

    /// What happened since the last call, for each track.
    pub(crate) fn reports(&mut self, now: Time, mut name: impl FnMut(&str) -> String, mut say: impl FnMut(MediaReport<'_>)) {
        for ((owner, source), track) in &mut self.tracks {
            let identity = &owner.to_text();
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
                frequency: sound.then(|| sound::dominant_frequency(tail)).flatten(),
                refused: track.refused.clone(),
            });
            track.changes.clear();
            track.pcm.clear();
        }
    }

    /// Forgets the tracks of who is no member any more.
    pub(crate) fn keep(&mut self, members: &std::collections::BTreeSet<MemberId>) {
        self.tracks.retain(|(owner, _), _| members.contains(owner));
    }
}

impl Track {
    /// Decodes an opened frame; says whether that worked.
    fn decode(&mut self, frame: &ReceivedFrame, opened: &[u8]) -> bool {
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
                if self.pcm.len() < 2 * sound::SAMPLE_RATE as usize {
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
        Codec::Opus => opus::Decoder::new(sound::SAMPLE_RATE, opus::Channels::Mono).ok().map(Decoder::Sound),
        Codec::Vp8 => conclave_codecs::Decoder::new(conclave_codecs::Codec::Vp8).ok().map(|d| Decoder::Picture(codec, d)),
        Codec::Vp9 => conclave_codecs::Decoder::new(conclave_codecs::Codec::Vp9).ok().map(|d| Decoder::Picture(codec, d)),
    }
}

fn reason_name(reason: &OpenError) -> &'static str {
    match reason {
        OpenError::NotSFrame => "notSFrame",
        OpenError::WrongSender => "wrongSender",
        OpenError::Replayed | OpenError::TooLate => "replayed",
        OpenError::AuthenticationFailed => "authenticationFailed",
        OpenError::EpochUnknown | OpenError::Expired => "noKey",
        OpenError::Silenced => "silenced",
    }
}
