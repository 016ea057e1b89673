//! What carries media: our own media server, or a LiveKit server that the site runs.

use axum::Router;

use crate::clients::Clients;
use crate::livekit::{self, LiveKit, Relay};
use crate::livekit_ws::{self, Rtc};
use crate::media_thread::{self, Media};

/// How it is at this moment.
pub(crate) struct MediaFigures {
    /// Open ones, of LiveKit's signalling.
    pub(crate) websockets: usize,
    /// A LiveKit server has figures of its own.
    pub(crate) embedded: Option<media_thread::Figures>,
}

/// A handle to it; cheap to clone.
#[derive(Clone)]
pub(crate) enum Engine {
    Embedded(Media),
    LiveKit(LiveKit),
}

impl Engine {
    /// From now on the tokens of a participant count.
    pub(crate) async fn permit(&self, room: String, identity: String) {
        match self {
            Self::Embedded(media) => media.permit(room, identity).await,
            Self::LiveKit(livekit) => livekit.permit(room, identity),
        }
    }

    /// LiveKit's endpoints.
    pub(crate) fn routes(&self, clients: &Clients) -> Router {
        let clients = clients.clone();
        match self.clone() {
            Self::Embedded(media) => livekit_ws::routes().with_state(Rtc { media, clients }),
            Self::LiveKit(livekit) => livekit::routes().with_state(Relay { livekit, clients }),
        }
    }

    /// Returns when it has ended in this process: while a handle is left, that is a panic.
    pub(crate) async fn ended(&self) {
        match self {
            Self::Embedded(media) => media.ended().await,
            Self::LiveKit(_) => std::future::pending().await,
        }
    }

    /// How it is. `None` once it has ended.
    pub(crate) async fn figures(&self) -> Option<MediaFigures> {
        match self {
            Self::Embedded(media) => {
                media.figures().await.map(|figures| MediaFigures { websockets: figures.websockets, embedded: Some(figures) })
            }
            Self::LiveKit(livekit) => Some(MediaFigures { websockets: livekit.websockets(), embedded: None }),
        }
    }

    /// The tokens of a participant count on another node, and here no more. Our own media server is one for each node: there it is removed.
    pub(crate) async fn release(&self, room: String, identity: String) {
        match self {
            Self::Embedded(media) => media.expel(room, identity).await,
            Self::LiveKit(livekit) => livekit.release(room, identity),
        }
    }

    /// Removes a participant; its tokens count no more.
    pub(crate) async fn expel(&self, room: String, identity: String) {
        match self {
            Self::Embedded(media) => media.expel(room, identity).await,
            Self::LiveKit(livekit) => livekit.expel(room, identity),
        }
    }
}
