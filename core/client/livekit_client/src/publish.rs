use conclave_base::{Codec, Source};
use conclave_livekit_proto::proto::encryption::Type as Encryption;
use conclave_livekit_proto::proto::{AddTrackRequest, SimulcastCodec, TrackPublishedResponse, TrackType, VideoLayer, VideoQuality};
use conclave_rtc_client::{Kind, Mid, SendTrack};

use crate::types::{Publication, to_proto};

/// Stream ids of layers, smallest first.
const RIDS: [&str; 3] = ["q", "h", "f"];

/// One own track on its way to the others.
#[derive(Debug)]
pub(crate) struct LocalTrack {
    pub(crate) cid: String,
    pub(crate) publication: Publication,
    /// What the server calls it, once it has answered.
    pub(crate) published: Option<TrackPublishedResponse>,
    /// Its section, once it was offered.
    pub(crate) mid: Option<Mid>,
    /// The section's offer was answered.
    pub(crate) agreed: bool,
}

impl LocalTrack {
    pub(crate) fn new(publication: Publication, number: u32) -> Self {
        Self { cid: format!("own-{number}"), publication, published: None, mid: None, agreed: false }
    }

    pub(crate) const fn source(&self) -> Source {
        self.publication.source
    }

    /// Stream ids by layer, smallest first; empty without simulcast.
    pub(crate) fn rids(&self) -> &'static [&'static str] {
        match self.publication.layers.len() {
            0 | 1 => &[],
            n => &RIDS[..n.min(RIDS.len())],
        }
    }

    pub(crate) fn section(&self) -> SendTrack {
        let kind = if self.source().is_audio() { Kind::Audio } else { Kind::Video };
        SendTrack { kind, track: self.cid.clone(), rids: self.rids().to_vec() }
    }

    pub(crate) fn request(&self) -> AddTrackRequest {
        let layers: Vec<VideoLayer> = if self.source().is_audio() { vec![] } else { self.layers() };
        let largest = self.publication.layers.last();
        let codec = match self.publication.codec {
            Codec::Opus => "audio/opus",
            Codec::Vp8 => "vp8",
            Codec::Vp9 => "vp9",
        };
        let codecs = SimulcastCodec { codec: codec.into(), cid: self.cid.clone(), layers: layers.clone(), ..Default::default() };
        AddTrackRequest {
            cid: self.cid.clone(),
            r#type: if self.source().is_audio() { TrackType::Audio } else { TrackType::Video }.into(),
            source: to_proto(self.source()).into(),
            width: largest.map_or(0, |l| l.width),
            height: largest.map_or(0, |l| l.height),
            simulcast_codecs: if layers.is_empty() { vec![] } else { vec![codecs] },
            layers,
            disable_red: true,
            encryption: if self.publication.sealed { Encryption::Custom } else { Encryption::None }.into(),
            ..Default::default()
        }
    }

    fn layers(&self) -> Vec<VideoLayer> {
        let qualities: &[VideoQuality] = match self.publication.layers.len() {
            0 | 1 => &[VideoQuality::High],
            2 => &[VideoQuality::Low, VideoQuality::Medium],
            _ => &[VideoQuality::Low, VideoQuality::Medium, VideoQuality::High],
        };
        let layers = self.publication.layers.iter().zip(qualities).enumerate();
        layers
            .map(|(n, (layer, quality))| VideoLayer {
                quality: (*quality).into(),
                width: layer.width,
                height: layer.height,
                bitrate: layer.bitrate,
                rid: self.rids().get(n).copied().unwrap_or_default().into(),
                ..Default::default()
            })
            .collect()
    }
}
