use conclave_livekit_proto::proto::{
    AddTrackRequest, SimulcastCodecInfo, TimedVersion, TrackInfo, TrackSource, TrackType, VideoLayer, VideoQuality, video_layer::Mode,
};

use crate::limits;
use crate::negotiation::quality_of_rid;
use crate::sdp::Kind;

/// A track that a participant announced, and perhaps sends already.
#[derive(Clone)]
pub(crate) struct Track {
    /// What subscribers are told.
    pub(crate) info: TrackInfo,
    /// The client's ids of it: the one of the request, and those of its codecs.
    cids: Vec<String>,
    /// The media section that carries it, once an offer had one.
    pub(crate) mid: Option<String>,
    /// It has or had a subscriber, and its publisher was told.
    pub(crate) subscribed: bool,
}

/// Why a request to publish is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TrackError {
    #[error("track request too large")]
    TooLarge,
    #[error("unknown kind of track")]
    Kind,
}

impl Track {
    /// The track that `request` announces, as `sid`.
    pub(crate) fn new(sid: String, request: &AddTrackRequest, micros: u64) -> Result<Self, TrackError> {
        let labels = [&request.cid, &request.name, &request.stream];
        let codecs = &request.simulcast_codecs;
        let long = |text: &String| text.len() > limits::LABEL;
        if labels.into_iter().any(long)
            || request.layers.len() > limits::LAYERS
            || codecs.len() > limits::LAYERS
            || codecs.iter().any(|c| long(&c.cid) || long(&c.codec) || c.layers.len() > limits::LAYERS)
            || request.audio_features.len() > limits::LAYERS
        {
            return Err(TrackError::TooLarge);
        }
        let mime_type = match request.r#type() {
            TrackType::Audio => "audio/opus".to_owned(),
            TrackType::Video => video_mime(codecs.first().map(|c| &*c.codec)),
            TrackType::Data => return Err(TrackError::Kind),
        };
        let mut cids = vec![request.cid.clone()];
        cids.extend(codecs.iter().map(|c| c.cid.clone()).filter(|cid| !cid.is_empty()));
        let layers = layers(request);
        let stream = if request.stream.is_empty() { stream_of(request.source()) } else { &request.stream };
        #[expect(deprecated, reason = "older clients read the deprecated fields only")]
        let info = TrackInfo {
            sid,
            r#type: request.r#type,
            name: request.name.clone(),
            muted: request.muted,
            width: request.width,
            height: request.height,
            simulcast: layers.len() > 1,
            disable_dtx: request.disable_dtx,
            source: request.source,
            layers: layers.clone(),
            mime_type: mime_type.clone(),
            stereo: request.stereo,
            disable_red: true,
            encryption: request.encryption,
            stream: stream.to_owned(),
            version: Some(version(micros)),
            audio_features: request.audio_features.clone(),
            codecs: vec![SimulcastCodecInfo {
                mime_type,
                cid: request.cid.clone(),
                layers,
                video_layer_mode: Mode::OneSpatialLayerPerStream.into(),
                ..SimulcastCodecInfo::default()
            }],
            ..TrackInfo::default()
        };
        Ok(Self { info, cids, mid: None, subscribed: false })
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.info.r#type() {
            TrackType::Audio => Kind::Audio,
            TrackType::Video => Kind::Video,
            TrackType::Data => Kind::Other,
        }
    }

    /// The codec that it was announced with, such as `VP9`.
    pub(crate) fn codec(&self) -> &str {
        subtype(&self.info.mime_type)
    }

    /// Whether the client calls it `cid`.
    pub(crate) fn is_called(&self, cid: &str) -> bool {
        self.cids.iter().any(|c| c == cid)
    }

    /// Notes where it is sent.
    pub(crate) fn bind(&mut self, mid: &str) {
        self.mid = Some(mid.to_owned());
        mid.clone_into(&mut self.info.mid);
        if let Some(codec) = self.info.codecs.first_mut() {
            mid.clone_into(&mut codec.mid);
        }
    }

    /// Notes a change that subscribers shall see.
    pub(crate) fn bump_version(&mut self, micros: u64) {
        self.info.version = Some(version(micros));
    }

    /// Width and height in pixels of the layer that `quality` names; `None` for the best there is.
    pub(crate) fn size_of(&self, quality: VideoQuality) -> Option<(u32, u32)> {
        let layers = &self.info.codecs.first()?.layers;
        let layer = layers.iter().find(|l| l.quality() == quality)?;
        (layer.width > 0).then_some((layer.width, layer.height))
    }

    /// As [`Self::size_of`], for the layer that the offer calls `rid` and lists at place `at`.
    pub(crate) fn size_of_rid(&self, rid: &str, at: usize) -> Option<(u32, u32)> {
        let layers = &self.info.codecs.first()?.layers;
        let named = layers.iter().find(|l| !l.rid.is_empty() && l.rid == rid);
        let by_quality = || layers.iter().find(|l| l.quality() == quality_of_rid(rid));
        let layer = named.or_else(by_quality).or_else(|| layers.get(at))?;
        (layer.width > 0).then_some((layer.width, layer.height))
    }
}

/// As granted by a token's `canPublishSources`.
pub(crate) fn source_name(source: TrackSource) -> &'static str {
    match source {
        TrackSource::Camera => "camera",
        TrackSource::Microphone => "microphone",
        TrackSource::ScreenShare => "screen_share",
        TrackSource::ScreenShareAudio => "screen_share_audio",
        TrackSource::Unknown => "unknown",
    }
}

/// Tracks of one stream are played in sync.
fn stream_of(source: TrackSource) -> &'static str {
    match source {
        TrackSource::Camera | TrackSource::Microphone => "camera",
        TrackSource::ScreenShare | TrackSource::ScreenShareAudio => "screen",
        TrackSource::Unknown => "other",
    }
}

/// The subtype of a media type.
fn subtype(mime: &str) -> &str {
    mime.rsplit('/').next().unwrap_or_default()
}

fn video_mime(codec: Option<&str>) -> String {
    let codec = codec.unwrap_or_default();
    let name = subtype(codec);
    if name.is_empty() { "video/VP8".to_owned() } else { format!("video/{}", name.to_ascii_uppercase()) }
}

fn layers(request: &AddTrackRequest) -> Vec<VideoLayer> {
    if request.r#type() == TrackType::Audio {
        return Vec::new();
    }
    let of_codec = request.simulcast_codecs.first().map(|c| &c.layers).filter(|l| !l.is_empty());
    let said = of_codec.unwrap_or(&request.layers);
    if !said.is_empty() {
        return said.clone();
    }
    let (width, height) = (request.width, request.height);
    vec![VideoLayer { quality: VideoQuality::High.into(), width, height, ..VideoLayer::default() }]
}

fn version(micros: u64) -> TimedVersion {
    TimedVersion { unix_micro: i64::try_from(micros).unwrap_or(i64::MAX), ticks: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera() -> AddTrackRequest {
        AddTrackRequest {
            cid: "c".into(),
            r#type: TrackType::Video.into(),
            source: TrackSource::Camera.into(),
            width: 1280,
            height: 720,
            ..AddTrackRequest::default()
        }
    }

    #[test]
    fn a_camera_says_what_subscribers_need() {
        let track = Track::new("TR_1".into(), &camera(), 7).expect("a good request");
        assert_eq!((&*track.info.mime_type, &*track.info.stream), ("video/VP8", "camera"));
        assert_eq!(track.size_of(VideoQuality::High), Some((1280, 720)));
        assert_eq!(track.size_of(VideoQuality::Low), None);
        assert!(track.is_called("c") && !track.is_called("d"));
    }

    #[test]
    fn oversized_and_data_are_refused() {
        let long = AddTrackRequest { name: "x".repeat(limits::LABEL + 1), ..camera() };
        assert_eq!(Track::new(String::new(), &long, 0).err(), Some(TrackError::TooLarge));
        let data = AddTrackRequest { r#type: TrackType::Data.into(), ..camera() };
        assert_eq!(Track::new(String::new(), &data, 0).err(), Some(TrackError::Kind));
    }
}
