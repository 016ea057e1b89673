use conclave_base::Codec;
use str0m::RtcConfig;
use str0m::format::{Codec as Format, FormatParams};
use str0m::media::Frequency;
use str0m::rtp::{Extension, ExtensionMap};

/// Adds what we negotiate: Opus, VP8 and VP9 profile 0, the latter two with retransmission. Redundant audio (RED) stays off: its
/// packets hold several sealed frames, which the receiver's transform could not tell apart.
pub(crate) fn negotiate(config: RtcConfig) -> RtcConfig {
    let mut config = config.clear_codecs().enable_opus(true, false);
    // Nothing is probed for on sound.
    for opus in config.codec_config().iter_mut() {
        opus.set_fb_transport_cc(false);
    }
    let mut config = config.enable_vp8(true);
    let profile_0 = FormatParams { profile_id: Some(0), ..FormatParams::default() };
    config.codec_config().add_config(98.into(), Some(99.into()), Format::Vp9, Frequency::NINETY_KHZ, None, profile_0);
    config.set_extension_map(extensions())
}

/// The header extensions we negotiate. Absent on purpose: the audio level, which would tell the server who speaks; and the video
/// orientation, without which a sender turns the picture itself.
fn extensions() -> ExtensionMap {
    let mut map = ExtensionMap::empty();
    map.set(3, Extension::TransportSequenceNumber);
    map.set(4, Extension::RtpMid);
    map.set(10, Extension::RtpStreamId);
    map.set(11, Extension::RepairedRtpStreamId);
    map
}

/// The codec by our name, if it is one that we negotiate.
pub(crate) fn codec_of(format: Format) -> Option<Codec> {
    if format == Format::Opus {
        Some(Codec::Opus)
    } else if format == Format::Vp8 {
        Some(Codec::Vp8)
    } else if format == Format::Vp9 {
        Some(Codec::Vp9)
    } else {
        None
    }
}
