//! A LiveKit server that the site runs, in place of our own media server. Signalling passes through here: so the page needs no other
//! address than its own, and a token counts for as long as its member is admitted, which LiveKit itself does not offer.

mod relay;
mod room_service;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use conclave_livekit_proto::join::Query;
use conclave_livekit_proto::{Access, ApiKey};
use conclave_livekit_server::Refusal;
use tokio::sync::{mpsc, watch};

use self::room_service::RoomService;
use crate::bus::Presence;
use crate::clock::now;
use crate::metrics::Metrics;

pub(crate) use self::relay::{Relay, routes};

/// For an answer of LiveKit's.
const PATIENCE: Duration = Duration::from_secs(5);
/// Participants that may wait to be removed.
const REMOVALS: usize = 4096;
/// Between two looks whether a participant is still admitted on another node.
const LOOK: Duration = Duration::from_secs(2);

/// A handle to it; cheap to clone.
#[derive(Clone)]
pub(crate) struct LiveKit(Arc<Shared>);

struct Shared {
    key: ApiKey,
    /// `ws://HOST` or `wss://HOST`, without a slash at the end.
    url: String,
    rooms: RoomService,
    /// By room and identity: whose tokens count. What is dropped ends that participant's signalling.
    permitted: Mutex<BTreeMap<(String, String), watch::Sender<()>>>,
    removals: mpsc::Sender<(String, String)>,
    /// Who is admitted on other nodes, if there are others.
    presence: Option<Presence>,
}

/// A client whose token counts, for as long as nothing is told by `expelled`.
struct Permitted {
    room: String,
    expelled: watch::Receiver<()>,
}

impl LiveKit {
    /// Begins to use the server at `url`, whose API key is `key`; a room has this many participants at most.
    pub(crate) fn start(url: &str, key: ApiKey, most: u32, metrics: Metrics, presence: Option<Presence>) -> anyhow::Result<Self> {
        let url = url.trim_end_matches('/').to_owned();
        let (_, host) = url.split_once("://").filter(|(scheme, _)| ["ws", "wss"].contains(scheme)).with_context(|| form(&url))?;
        ensure!(!host.is_empty() && !host.contains(['/', '?', '#', '@']), form(&url));
        let rooms = RoomService::new(format!("http{}", url.trim_start_matches("ws")), key.clone(), most, metrics);
        let (removals, mut queue) = mpsc::channel(REMOVALS);
        let livekit = Self(Arc::new(Shared { key, url, rooms: rooms.clone(), permitted: Mutex::default(), removals, presence }));
        tokio::spawn(async move {
            rooms.check().await;
            while let Some((room, identity)) = queue.recv().await {
                rooms.remove_participant(room, identity).await;
            }
        });
        Ok(livekit)
    }

    /// From now on the tokens of a participant count.
    pub(crate) fn permit(&self, room: String, identity: String) {
        self.permitted().entry((room, identity)).or_insert_with(|| watch::channel(()).0);
    }

    /// Removes a participant; its tokens count no more.
    pub(crate) fn expel(&self, room: String, identity: String) {
        let participant = (room, identity);
        if self.permitted().remove(&participant).is_some() && self.0.removals.try_send(participant).is_err() {
            tracing::warn!("LiveKit is slow: a participant is not removed there, and has lost its signalling only");
        }
    }

    /// The tokens of a participant count on another node, and here no more.
    pub(crate) fn release(&self, room: String, identity: String) {
        self.permitted().remove(&(room, identity));
    }

    /// How many clients are connected.
    pub(crate) fn websockets(&self) -> usize {
        self.permitted().values().map(watch::Sender::receiver_count).sum()
    }

    /// Whether a client may join: by its token, and as a member who is admitted, on whichever node.
    async fn authorize(&self, query: &str, authorization: Option<&str>) -> Result<Permitted, Refusal> {
        let query = Query::parse(query).map_err(|_| (400, "malformed query"))?;
        let token = query.token(authorization).ok_or((401, "no token"))?;
        let Access { identity, grants, .. } = self.0.key.verify(token, now()).map_err(|_| (401, "invalid token"))?;
        let participant = (grants.room.expose().clone(), identity.expose().clone());
        let here = self.permitted().get(&participant).map(watch::Sender::subscribe);
        let expelled = match (here, &self.0.presence) {
            (Some(expelled), _) => Some(expelled),
            (None, Some(presence)) => elsewhere(presence, &participant).await,
            (None, None) => None,
        };
        let expelled = expelled.ok_or((403, "this token counts no more"))?;
        Ok(Permitted { room: participant.0, expelled })
    }

    fn permitted(&self) -> MutexGuard<'_, BTreeMap<(String, String), watch::Sender<()>>> {
        // A panic leaves nothing half done: each change is one call.
        self.0.permitted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For a participant who is admitted on another node: it ends once it is on none.
async fn elsewhere(presence: &Presence, (room, identity): &(String, String)) -> Option<watch::Receiver<()>> {
    if presence.is_in(room, identity).await != Some(true) {
        return None;
    }
    let (permitted, expelled) = watch::channel(());
    let (presence, room, identity) = (presence.clone(), room.clone(), identity.clone());
    tokio::spawn(async move {
        // While Redis does not answer, whoever is in stays in.
        while permitted.receiver_count() > 0 && presence.is_in(&room, &identity).await != Some(false) {
            tokio::time::sleep(LOOK).await;
        }
    });
    Some(expelled)
}

fn form(url: &str) -> String {
    format!("--livekit needs ws://HOST:PORT or wss://HOST, and not {url:?}")
}
