//! What is sent instead of a camera and a microphone, each frame in its time.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use conclave_base::{Codec, Source, Time};
use conclave_livekit_client::{Layer, Publication};
use conclave_session::snapshot::Command;

use crate::args::Join;
use crate::picture::Pattern;
use crate::sound::{FRAME_SAMPLES, Tone};

const AUDIO_STEP: Duration = Duration::from_millis(20);
/// Sound that is late by more than this is not said any more.
const MAX_LATE: u32 = 5;

/// A test picture and a tone.
#[derive(Debug)]
pub(crate) struct TestMedia {
    camera: Option<TestCamera>,
    tone: Option<Tone>,
    /// Own tracks that may be sent.
    published: BTreeSet<Source>,
    muted: bool,
    /// Nothing is said, with the microphone on.
    paused: bool,
    constant_bitrate: bool,
    key_frame: bool,
    next_video: Time,
    next_audio: Time,
    /// RTP time of the sound.
    audio_time: u64,
}

/// An encoded frame that is not sealed yet.
#[derive(Debug)]
pub(crate) struct EncodedFrame {
    pub(crate) source: Source,
    pub(crate) codec: Codec,
    /// Ticks of the codec's clock.
    pub(crate) rtp_time: u64,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug)]
struct TestCamera {
    pattern: Pattern,
    encoder: conclave_codecs::Encoder,
    step: Duration,
    layer: Layer,
}

impl TestMedia {
    /// As the arguments want it.
    pub(crate) fn new(args: &Join) -> anyhow::Result<Self> {
        Ok(Self {
            camera: if args.no_video { None } else { Some(TestCamera::new(args)?) },
            tone: if args.no_audio { None } else { Some(Tone::new(args.tone)?) },
            published: BTreeSet::new(),
            muted: false,
            paused: false,
            constant_bitrate: false,
            key_frame: true,
            next_video: Time::ZERO,
            next_audio: Time::ZERO,
            audio_time: 0,
        })
    }

    /// What to publish on a new connection; until that is done nothing is sent.
    pub(crate) fn publications(&self) -> Vec<Publication> {
        let sound = self.tone.as_ref().map(|_| Publication {
            source: Source::Microphone,
            codec: Codec::Opus,
            layers: vec![Layer { width: 0, height: 0, bitrate: 32_000 }],
            sealed: true,
        });
        let picture = self.camera.as_ref().map(|camera| Publication {
            source: Source::Camera,
            codec: Codec::Vp8,
            layers: vec![camera.layer],
            sealed: true,
        });
        sound.into_iter().chain(picture).collect()
    }

    /// There is no connection: nothing is published.
    pub(crate) fn on_disconnected(&mut self) {
        self.published.clear();
    }

    /// Frames of this track may be sent.
    pub(crate) fn on_published(&mut self, source: Source) {
        self.published.insert(source);
        self.key_frame = true;
    }

    /// The next picture is a key frame.
    pub(crate) fn generate_key_frame(&mut self) {
        self.key_frame = true;
    }

    pub(crate) fn set_muted(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// Whether there is a tone in what the microphone hears.
    pub(crate) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// From now on all frames of sound have one size, or each as many bytes as it needs.
    pub(crate) fn set_constant_bitrate(&mut self, constant: bool) {
        if std::mem::replace(&mut self.constant_bitrate, constant) != constant
            && let Some(tone) = &mut self.tone
            && let Err(error) = tone.set_constant_bitrate(constant)
        {
            tracing::warn!(%error, "bitrate of sound");
        }
    }

    /// What the others are told is on.
    pub(crate) fn state(&self) -> Command {
        Command::Media { mic: self.tone.is_some() && !self.muted, camera: self.camera.is_some(), screen: false }
    }

    /// When the next frame is due.
    pub(crate) fn deadline(&self) -> Time {
        let due = |source, at| if self.published.contains(&source) { at } else { Time::MAX };
        due(Source::Camera, self.next_video).min(due(Source::Microphone, self.next_audio))
    }

    /// The next frame whose time has come.
    pub(crate) fn next_frame(&mut self, now: Time) -> Option<EncodedFrame> {
        while self.published.contains(&Source::Microphone) && now >= self.next_audio {
            if let Some(frame) = self.next_sound(now) {
                return Some(frame);
            }
        }
        if self.published.contains(&Source::Camera) && now >= self.next_video { self.next_picture(now) } else { None }
    }

    /// A frame did not go out.
    pub(crate) fn on_lost(&mut self, source: Source) {
        // The next picture refers to what nobody got.
        self.key_frame |= !source.is_audio();
    }

    fn next_sound(&mut self, now: Time) -> Option<EncodedFrame> {
        // What was not said in time is not said.
        if now.since(self.next_audio) > AUDIO_STEP * MAX_LATE {
            let skipped = now.since(self.next_audio).as_millis() / AUDIO_STEP.as_millis();
            self.audio_time += u64::try_from(skipped).unwrap_or(0) * FRAME_SAMPLES as u64;
            self.next_audio = now;
        }
        self.next_audio += AUDIO_STEP;
        self.audio_time += FRAME_SAMPLES as u64;
        // Where nobody is to see whose microphone is off, something has to come from it; elsewhere the frame cryptor seals none of it.
        let bytes = self.tone.as_mut()?.next(!self.muted && !self.paused).ok()?;
        Some(EncodedFrame { source: Source::Microphone, codec: Codec::Opus, rtp_time: self.audio_time, bytes })
    }

    fn next_picture(&mut self, now: Time) -> Option<EncodedFrame> {
        let camera = self.camera.as_mut()?;
        self.next_video = (self.next_video + camera.step).max(now);
        // Ticks of 1/90,000 s.
        let rtp_time = now.as_micros() * 9 / 100;
        let key_frame = std::mem::take(&mut self.key_frame);
        match camera.encoder.encode(&camera.pattern.at(now.as_millis()), rtp_time, key_frame) {
            Ok(packet) if packet.is_empty() => {
                self.key_frame |= key_frame;
                None
            }
            Ok(bytes) => Some(EncodedFrame { source: Source::Camera, codec: Codec::Vp8, rtp_time, bytes }),
            Err(error) => {
                tracing::warn!(%error, "no picture");
                None
            }
        }
    }
}

impl TestCamera {
    fn new(args: &Join) -> anyhow::Result<Self> {
        let Join { width, height, fps, bitrate, .. } = *args;
        let settings = conclave_codecs::Settings { width, height, bitrate, fps };
        let encoder = conclave_codecs::Encoder::new(settings).context("this size of picture is not possible: sides are even, 2 to 4096")?;
        let layer = Layer { width, height, bitrate };
        Ok(Self { pattern: Pattern::new(width, height, args.picture_hue), encoder, step: Duration::from_secs(1) / fps, layer })
    }
}
