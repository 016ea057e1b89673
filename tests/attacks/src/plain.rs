//! Media that nobody sealed, and proof that a client without seals would play it.

use codecs::{Codec, Decoder, Encoder, Picture, Settings};

const SIZE: (u32, u32) = (320, 180);
/// Pictures a second.
pub const FPS: u32 = 15;
/// Ticks of VP8's RTP clock from picture to picture.
pub const TICKS: u64 = 90_000 / FPS as u64;

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
    pub fn new() -> Result<Self, codecs::Error> {
        let (width, height) = SIZE;
        let encoder = Encoder::new(Settings { width, height, bitrate: 200_000, fps: FPS })?;
        Ok(Self { encoder, naive: Decoder::new(Codec::Vp8)?, count: 0 })
    }

    /// The next frame and its RTP time. A naive decoder has shown a picture of it.
    pub fn next(&mut self, key_frame: bool) -> Result<(u64, Vec<u8>), codecs::Error> {
        self.count += 1;
        let luma = (self.count * 8 % 200) as u8;
        let picture = Picture::flat(SIZE.0, SIZE.1, [luma, 90, 200]);
        let time = self.count * TICKS;
        let frame = self.encoder.encode(&picture, time, key_frame || self.count == 1)?;
        self.naive.decode(&frame)?.ok_or(codecs::Error::NotDecodable)?;
        Ok((time, frame))
    }
}
