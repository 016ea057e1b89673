use std::mem::MaybeUninit;
use std::ptr;

use vpx_sys as ffi;

use crate::{Error, MAX_SIDE, Picture, encoder::check};

/// What is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// RFC 6386.
    Vp8,
    /// The VP9 bitstream, profile 0.
    Vp9,
}

/// A decoder; after an error it wants a key frame.
pub struct Decoder {
    /// Boxed, so that its address stays.
    context: Box<ffi::vpx_codec_ctx_t>,
}

// SAFETY: a context is used by one thread at a time (`&mut self`), and libvpx ties none to the thread that made it.
unsafe impl Send for Decoder {}

impl Decoder {
    /// A decoder of this codec.
    pub fn new(codec: Codec) -> Result<Self, Error> {
        // SAFETY: both return pointers to static interface tables.
        let interface = unsafe {
            match codec {
                Codec::Vp8 => ffi::vpx_codec_vp8_dx(),
                Codec::Vp9 => ffi::vpx_codec_vp9_dx(),
            }
        };
        let config = ffi::vpx_codec_dec_cfg_t { threads: 1, w: 0, h: 0 };
        let mut context = Box::new(
            // SAFETY: a context is plain data for which all zeroes is the documented state before init.
            unsafe { MaybeUninit::<ffi::vpx_codec_ctx_t>::zeroed().assume_init() },
        );
        // SAFETY: all pointers are valid for the call, and libvpx copies the configuration.
        check(unsafe { ffi::vpx_codec_dec_init_ver(&mut *context, interface, &config, 0, ffi::VPX_DECODER_ABI_VERSION as i32) })?;
        Ok(Self { context })
    }

    /// Decodes one frame; `None` if it shows nothing (an invisible reference frame).
    pub fn decode(&mut self, frame: &[u8]) -> Result<Option<Picture>, Error> {
        // An empty frame means "flush" to libvpx.
        let size = u32::try_from(frame.len()).ok().filter(|n| *n > 0).ok_or(Error::NotDecodable)?;
        // SAFETY: the context is initialised, the bytes are readable for `size`, and libvpx bounds-checks what it parses.
        let code = unsafe { ffi::vpx_codec_decode(&mut *self.context, frame.as_ptr(), size, ptr::null_mut(), 0) };
        if code != ffi::vpx_codec_err_t::VPX_CODEC_OK {
            return Err(Error::NotDecodable);
        }
        let mut picture = None;
        let mut iterator = ptr::null();
        loop {
            // SAFETY: the context is initialised, the iterator starts as null and is only moved by this call.
            let image = unsafe { ffi::vpx_codec_get_frame(&mut *self.context, &mut iterator) };
            // SAFETY: a non-null result points to an image that lives until the next decode.
            let Some(image) = (unsafe { image.as_ref() }) else { break };
            picture = Some(copy(image)?);
        }
        Ok(picture)
    }
}

fn copy(image: &ffi::vpx_image_t) -> Result<Picture, Error> {
    let (width, height) = (image.d_w, image.d_h);
    if image.fmt != ffi::vpx_img_fmt::VPX_IMG_FMT_I420 || width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
        return Err(Error::Size);
    }
    let plane = |n: usize, width: u32, height: u32| {
        let mut bytes = Vec::with_capacity((width * height) as usize);
        for row in 0..height as isize {
            // SAFETY: I420 without high bit depth: each plane has `height` rows of at least `width` bytes, `stride` apart.
            let row = unsafe { std::slice::from_raw_parts(image.planes[n].offset(row * image.stride[n] as isize), width as usize) };
            bytes.extend_from_slice(row);
        }
        bytes
    };
    let (w, h) = (width.div_ceil(2), height.div_ceil(2));
    Ok(Picture { width, height, y: plane(0, width, height), u: plane(1, w, h), v: plane(2, w, h) })
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: initialised by `new`, destroyed once.
        unsafe { ffi::vpx_codec_destroy(&mut *self.context) };
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoder, Settings};

    const SETTINGS: Settings = Settings { width: 160, height: 90, bitrate: 200_000, fps: 15 };

    #[test]
    fn what_goes_in_comes_out() {
        let mut encoder = Encoder::new(SETTINGS).expect("encoder");
        let mut decoder = Decoder::new(Codec::Vp8).expect("decoder");
        for n in 0..30_u8 {
            let sent = Picture::flat(160, 90, [40 + n * 4, 90, 200]);
            let packet = encoder.encode(&sent, u64::from(n) * 6000, n == 0 || n == 20).expect("encoded");
            assert_eq!(packet[0] & 1 == 0, n == 0 || n == 20, "key frames where asked for");
            let seen = decoder.decode(&packet).expect("decodable").expect("a picture");
            assert!(sent.difference(&seen).expect("same size") < 8.0);
            assert!((seen.mean()[2] - 200.0).abs() < 8.0);
        }
    }

    #[test]
    fn garbage_is_refused_and_does_not_break_the_decoder() {
        let mut decoder = Decoder::new(Codec::Vp8).expect("decoder");
        assert_eq!(decoder.decode(&[]), Err(Error::NotDecodable));
        assert_eq!(decoder.decode(&[0xff; 400]), Err(Error::NotDecodable));
        let mut encoder = Encoder::new(SETTINGS).expect("encoder");
        let packet = encoder.encode(&Picture::flat(160, 90, [1, 2, 3]), 0, true).expect("encoded");
        assert!(decoder.decode(&packet).expect("decodable").is_some());
        assert_eq!(Decoder::new(Codec::Vp9).expect("decoder").decode(&[0x31; 40]), Err(Error::NotDecodable));
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        assert!(matches!(Encoder::new(Settings { width: 3, ..SETTINGS }), Err(Error::Size)));
        assert!(matches!(Encoder::new(Settings { width: 100_000, ..SETTINGS }), Err(Error::Size)));
        let mut encoder = Encoder::new(SETTINGS).expect("encoder");
        let mut cut = Picture::flat(160, 90, [1, 2, 3]);
        cut.y.truncate(10);
        assert_eq!(encoder.encode(&cut, 0, true), Err(Error::Size));
    }
}
