use std::mem::MaybeUninit;
use std::ptr;

use vpx_sys as ffi;

use crate::{Error, Picture, picture};

/// How to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Pixels, even.
    pub width: u32,
    /// Pixels, even.
    pub height: u32,
    /// Bits per second.
    pub bitrate: u32,
    /// Pictures per second.
    pub fps: u32,
}

/// A VP8 encoder for live pictures: one packet out for each picture in, no look-ahead.
pub struct Encoder {
    /// Boxed, because libvpx keeps pointers into what surrounds it only through this struct, which must not move.
    context: Box<ffi::vpx_codec_ctx_t>,
    settings: Settings,
}

// SAFETY: a context is used by one thread at a time (`&mut self`), and libvpx ties none to the thread that made it.
unsafe impl Send for Encoder {}

impl Encoder {
    /// An encoder of these settings.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        picture::check_size(settings.width, settings.height)?;
        // SAFETY: returns a pointer to a static interface table, never null when libvpx was built with VP8.
        let interface = unsafe { ffi::vpx_codec_vp8_cx() };
        let mut config = MaybeUninit::<ffi::vpx_codec_enc_cfg_t>::zeroed();
        // SAFETY: `interface` is valid, `config` is memory for one struct, which the call fills.
        check(unsafe { ffi::vpx_codec_enc_config_default(interface, config.as_mut_ptr(), 0) })?;
        // SAFETY: the call above succeeded, so the struct is filled; it is plain data.
        let mut config = unsafe { config.assume_init() };
        config.g_w = settings.width;
        config.g_h = settings.height;
        config.g_timebase.num = 1;
        config.g_timebase.den = 90_000;
        config.rc_target_bitrate = (settings.bitrate / 1000).max(1);
        config.rc_end_usage = ffi::vpx_rc_mode::VPX_CBR;
        config.rc_min_quantizer = 4;
        config.rc_max_quantizer = 56;
        config.rc_buf_sz = 1000;
        config.rc_buf_initial_sz = 500;
        config.rc_buf_optimal_sz = 600;
        config.g_threads = 1;
        config.g_lag_in_frames = 0;
        config.g_error_resilient = 1;
        config.kf_mode = ffi::vpx_kf_mode::VPX_KF_AUTO;
        config.kf_max_dist = settings.fps.max(1) * 10;
        let mut context = Box::new(
            // SAFETY: a context is plain data for which all zeroes is the documented state before init.
            unsafe { MaybeUninit::<ffi::vpx_codec_ctx_t>::zeroed().assume_init() },
        );
        // SAFETY: all pointers are valid for the call; the context keeps none to `config` that outlives it, except `config.enc`,
        // which libvpx replaces by its own copy during init.
        check(unsafe { ffi::vpx_codec_enc_init_ver(&mut *context, interface, &config, 0, ffi::VPX_ENCODER_ABI_VERSION as i32) })?;
        let encoder = Self { context, settings };
        let mut encoder = encoder;
        encoder.control(ffi::vp8e_enc_control_id::VP8E_SET_CPUUSED as i32, -8)?;
        Ok(encoder)
    }

    fn control(&mut self, id: i32, value: i32) -> Result<(), Error> {
        // SAFETY: the context is initialised; the ids used here take one int.
        check(unsafe { ffi::vpx_codec_control_(&mut *self.context, id, value) })
    }

    /// Encodes one picture; `time` in ticks of 1/90,000 s must rise.
    pub fn encode(&mut self, picture: &Picture, time: u64, key_frame: bool) -> Result<Vec<u8>, Error> {
        picture.check()?;
        let Settings { width, height, fps, .. } = self.settings;
        if (picture.width, picture.height) != (width, height) {
            return Err(Error::Size);
        }
        let mut image = MaybeUninit::<ffi::vpx_image_t>::zeroed();
        // SAFETY: with a non-null data pointer the call only fills `image`. The planes are set right below, so the pointer given
        // here is never read; encoding does not write to an image.
        let wrapped = unsafe {
            ffi::vpx_img_wrap(image.as_mut_ptr(), ffi::vpx_img_fmt::VPX_IMG_FMT_I420, width, height, 1, picture.y.as_ptr().cast_mut())
        };
        if wrapped.is_null() {
            return Err(Error::Size);
        }
        // SAFETY: vpx_img_wrap returned non-null, so the struct is filled.
        let mut image = unsafe { image.assume_init() };
        for (plane, bytes, stride) in [(0, &picture.y, width), (1, &picture.u, width / 2), (2, &picture.v, width / 2)] {
            image.planes[plane] = bytes.as_ptr().cast_mut();
            image.stride[plane] = stride as i32;
        }
        let flags = if key_frame { i64::from(ffi::VPX_EFLAG_FORCE_KF) } else { 0 };
        let duration = 90_000 / u64::from(fps.max(1));
        // SAFETY: the context is initialised; `check` has made sure that the planes are as large as the image says, and they
        // outlive the call (without look-ahead libvpx copies the picture before it returns).
        check(unsafe { ffi::vpx_codec_encode(&mut *self.context, &image, time as i64, duration, flags, u64::from(ffi::VPX_DL_REALTIME)) })?;
        let mut packet = Vec::new();
        let mut iterator = ptr::null();
        loop {
            // SAFETY: the context is initialised, the iterator starts as null and is only moved by this call.
            let found = unsafe { ffi::vpx_codec_get_cx_data(&mut *self.context, &mut iterator) };
            // SAFETY: a non-null result points to a packet that lives until the next encode.
            let Some(found) = (unsafe { found.as_ref() }) else { break };
            if found.kind == ffi::vpx_codec_cx_pkt_kind::VPX_CODEC_CX_FRAME_PKT {
                // SAFETY: for this kind the union holds `frame`, whose `buf` has `sz` readable bytes.
                let bytes = unsafe { std::slice::from_raw_parts(found.data.frame.buf.cast::<u8>(), found.data.frame.sz) };
                packet.extend_from_slice(bytes);
            }
        }
        Ok(packet)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: initialised by `new`, destroyed once.
        unsafe { ffi::vpx_codec_destroy(&mut *self.context) };
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

pub(crate) fn check(code: ffi::vpx_codec_err_t) -> Result<(), Error> {
    if code == ffi::vpx_codec_err_t::VPX_CODEC_OK { Ok(()) } else { Err(Error::Library(code as u32)) }
}
