//! Media that nobody sealed, and proof that a client without seals would play it.

use std::f32::consts::TAU;

use anyhow::ensure;
use conclave_base::Source;
use conclave_codecs::{Codec, Decoder, Encoder, Picture, Settings};
use conclave_livekit_client::Event;

use crate::Cue;

const SIZE: (u32, u32) = (320, 180);
/// Side of a square of one brightness, pixels.
const SQUARE: u32 = 20;
/// Pictures a second.
pub const FPS: u32 = 15;
/// Ticks of VP8's RTP clock from picture to picture.
pub const TICKS: u64 = 90_000 / FPS as u64;
/// Blue and red difference of every picture: nobody else's.
pub const CHROMA: [u8; 2] = [90, 200];
/// The tone of every sound: nobody else's.
pub const HERTZ: u16 = 1500;
/// Samples of a piece of sound, 20 ms, which are also its ticks of RTP time.
const SAMPLES: usize = 960;
const RATE: u32 = 48_000;

/// A camera and a microphone that seal nothing.
#[derive(Debug)]
pub struct Unsealed {
    camera: Camera,
    microphone: Microphone,
    key_frame: bool,
}

impl Unsealed {
    /// Both, from their first frame on.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self { camera: Camera::new()?, microphone: Microphone::new()?, key_frame: true })
    }

    /// Gives to `send` what is to be sent now: track, RTP time, frame.
    pub fn on_cue(&mut self, cue: &Cue, mut send: impl FnMut(Source, u64, &[u8])) -> anyhow::Result<()> {
        match cue {
            Cue::Event(Event::KeyFrameRequested { .. }) => self.key_frame = true,
            Cue::Event(_) => {}
            Cue::Beat => {
                let (time, frame) = self.camera.next(std::mem::take(&mut self.key_frame))?;
                send(Source::Camera, time, &frame);
                for (time, sound) in self.microphone.until_beat()? {
                    send(Source::Microphone, time, &sound);
                }
            }
        }
        Ok(())
    }
}

/// A camera that seals nothing: real VP8.
#[derive(Debug)]
struct Camera {
    encoder: Encoder,
    /// What any client that trusts the server's label would do with the frames.
    naive: Decoder,
    count: u64,
}

impl Camera {
    /// A camera.
    fn new() -> Result<Self, conclave_codecs::Error> {
        let (width, height) = SIZE;
        let encoder = Encoder::new(Settings { width, height, bitrate: 200_000, fps: FPS })?;
        Ok(Self { encoder, naive: Decoder::new(Codec::Vp8)?, count: 0 })
    }

    /// The next frame and its RTP time. A naive decoder has shown a picture of it.
    fn next(&mut self, key_frame: bool) -> Result<(u64, Vec<u8>), conclave_codecs::Error> {
        self.count += 1;
        let mut picture = Picture::flat(SIZE.0, SIZE.1, [0, CHROMA[0], CHROMA[1]]);
        // Squares of another brightness in every picture: a frame of one brightness would be too short to be known again.
        for (at, luma) in picture.y.iter_mut().enumerate() {
            let (x, y) = (at as u32 % SIZE.0 / SQUARE, at as u32 / SIZE.0 / SQUARE);
            *luma = brightness(x, y, self.count as u32);
        }
        let time = self.count * TICKS;
        let frame = self.encoder.encode(&picture, time, key_frame || self.count == 1)?;
        self.naive.decode(&frame)?.ok_or(conclave_codecs::Error::NotDecodable)?;
        Ok((time, frame))
    }
}

/// A microphone that seals nothing: real Opus.
#[derive(Debug)]
struct Microphone {
    encoder: opus::Encoder,
    naive: opus::Decoder,
    samples: usize,
    beats: usize,
}

impl Microphone {
    /// A microphone.
    fn new() -> Result<Self, opus::Error> {
        let mono = opus::Channels::Mono;
        let encoder = opus::Encoder::new(RATE, mono, opus::Application::Audio)?;
        Ok(Self { encoder, naive: opus::Decoder::new(RATE, mono)?, samples: 0, beats: 0 })
    }

    /// All that is to be sent before the next picture, with RTP times.
    fn until_beat(&mut self) -> anyhow::Result<Vec<(u64, Vec<u8>)>> {
        self.beats += 1;
        let end = self.beats * (RATE / FPS) as usize;
        std::iter::from_fn(|| (self.samples < end).then(|| self.next())).collect()
    }

    /// The next 20 ms and their RTP time. A naive decoder has sounded them.
    fn next(&mut self) -> anyhow::Result<(u64, Vec<u8>)> {
        let mut sound = [0.0; SAMPLES];
        for (at, sample) in sound.iter_mut().enumerate() {
            // Whole seconds hold whole waves.
            let second = (self.samples + at) % RATE as usize;
            *sample = (f32::from(HERTZ) * TAU * second as f32 / RATE as f32).sin() / 3.0;
        }
        let time = self.samples as u64;
        self.samples += SAMPLES;
        let frame = self.encoder.encode_vec_float(&sound, 1500)?;
        let mut heard = [0.0; SAMPLES];
        ensure!(self.naive.decode_float(&frame, &mut heard, false)? == SAMPLES, "a naive client would not play this");
        Ok((time, frame))
    }
}

/// Of one square in one picture: spread evenly, in no order.
const fn brightness(x: u32, y: u32, picture: u32) -> u8 {
    let mixed = (x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca6b) ^ picture.wrapping_mul(0xc2b2_ae35)).wrapping_mul(0x27d4_eb2f);
    32 + (mixed >> 25) as u8
}
