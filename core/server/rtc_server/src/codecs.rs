use conclave_base::Codec;
use str0m::RtcConfig;
use str0m::format::{Codec as Format, CodecConfig, FormatParams};
use str0m::media::{Frequency, Pt};
use str0m::rtp::{Extension, ExtensionMap};

/// Adds what we negotiate: Opus, VP8 and VP9 profile 0, the latter two with retransmission. Redundant audio (RED) stays off: its
/// packets hold several sealed frames, which the receiver's transform could not tell apart.
pub(crate) fn negotiate(config: RtcConfig) -> RtcConfig {
    let mut config = config.clear_codecs().enable_opus(true, false);
    // str0m probes with empty packets on a section whose codec has this feedback. On one for sound, a browser takes them for another
    // stream and plays that one.
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

/// Payload types to codecs and back, as negotiated. They are the same in all sections of a connection (BUNDLE).
#[derive(Debug, Default)]
pub(crate) struct PayloadTypes(Vec<(Pt, Codec)>);

impl PayloadTypes {
    pub(crate) fn of(config: &CodecConfig) -> Self {
        Self(config.params().iter().filter_map(|p| Some((p.pt(), ours(p.spec().codec)?))).collect())
    }

    pub(crate) fn codec(&self, pt: Pt) -> Option<Codec> {
        self.0.iter().find(|(p, _)| *p == pt).map(|(_, codec)| *codec)
    }

    /// The payload type of `codec` among those that a section has.
    pub(crate) fn for_section(&self, section: &[Pt], codec: Codec) -> Option<Pt> {
        self.0.iter().find(|(pt, c)| *c == codec && section.contains(pt)).map(|(pt, _)| *pt)
    }
}

fn ours(format: Format) -> Option<Codec> {
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
