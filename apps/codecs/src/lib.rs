//! VP8 pictures in and out, and VP9 pictures out, by libvpx: the safe side of a C library.
//!
//! ```
//! let mut encoder = conclave_codecs::Encoder::new(conclave_codecs::Settings { width: 64, height: 64, bitrate: 100_000, fps: 15 })?;
//! let mut decoder = conclave_codecs::Decoder::new(conclave_codecs::Codec::Vp8)?;
//! let packet = encoder.encode(&conclave_codecs::Picture::flat(64, 64, [120, 90, 200]), 0, true)?;
//! let picture = decoder.decode(&packet)?.expect("one frame in, one picture out");
//! assert_eq!((picture.width, picture.height), (64, 64));
//! # Ok::<(), conclave_codecs::Error>(())
//! ```
//!
//! Architecture invariant: the only crate with `unsafe`. Every block says why it is sound; `valgrind` over the tests of this
//! crate must report nothing (Miri cannot follow C).

mod decoder;
mod encoder;
mod picture;

pub use decoder::{Codec, Decoder};
pub use encoder::{Encoder, Settings};
pub use picture::Picture;

/// libvpx refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Sides must be even, and between 2 and [`MAX_SIDE`].
    #[error("unusable picture size")]
    Size,
    /// Bytes that are not a frame, or not one that follows on what came before: a key frame is needed.
    #[error("not decodable")]
    NotDecodable,
    /// libvpx's own error code.
    #[error("libvpx failed with {0}")]
    Library(u32),
}

/// Longest side of a picture, pixels: what a hostile sender can make us allocate.
pub const MAX_SIDE: u32 = 4096;
