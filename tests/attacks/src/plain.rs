//! Media that nobody sealed, and proof that a client without seals would play it.

use std::f32::consts::TAU;

use anyhow::ensure;
use conclave_codecs::{Codec, Decoder, Encoder, Picture, Settings};

const SIZE: (u32, u32) = (320, 180);
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

/// A camera that seals nothing: real VP8.
#[derive(Debug)]
pub struct Camera {
    encoder: Encoder,
    /// What any client that trusts the server's label would do with the frames.
    naive: Decoder,
    count: u64,
}

impl Camera {
    /// A camera.
    pub fn new() -> Result<Self, conclave_codecs::Error> {
        let (width, height) = SIZE;
        let encoder = Encoder::new(Settings { width, height, bitrate: 200_000, fps: FPS })?;
        Ok(Self { encoder, naive: Decoder::new(Codec::Vp8)?, count: 0 })
    }

    /// The next frame and its RTP time. A naive decoder has shown a picture of it.
    pub fn next(&mut self, key_frame: bool) -> Result<(u64, Vec<u8>), conclave_codecs::Error> {
        self.count += 1;
        let luma = (self.count * 8 % 200) as u8;
        let picture = Picture::flat(SIZE.0, SIZE.1, [luma, CHROMA[0], CHROMA[1]]);
        let time = self.count * TICKS;
        let frame = self.encoder.encode(&picture, time, key_frame || self.count == 1)?;
        self.naive.decode(&frame)?.ok_or(conclave_codecs::Error::NotDecodable)?;
        Ok((time, frame))
    }
}

/// A microphone that seals nothing: real Opus.
#[derive(Debug)]
pub struct Microphone {
    encoder: opus::Encoder,
    naive: opus::Decoder,
    samples: usize,
    beats: usize,
}

impl Microphone {
    /// A microphone.
    pub fn new() -> Result<Self, opus::Error> {
        let mono = opus::Channels::Mono;
        let encoder = opus::Encoder::new(RATE, mono, opus::Application::Audio)?;
        Ok(Self { encoder, naive: opus::Decoder::new(RATE, mono)?, samples: 0, beats: 0 })
    }

    /// All that is to be sent before the next picture, with RTP times.
    pub fn until_beat(&mut self) -> anyhow::Result<Vec<(u64, Vec<u8>)>> {
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
