//! What we ask of LiveKit's `RoomService`, by Twirp with JSON (<https://docs.livekit.io/reference/other/roomservice-api>).

use std::time::Duration;

use conclave_base::Redacted;
use conclave_livekit_proto::{Access, ApiKey, Grants};
use serde_json::{Value, json};
use ureq::Agent;

use super::PATIENCE;
use crate::clock::now;
use crate::metrics::Metrics;

/// Of a token that is used at once.
const TOKEN_TTL: Duration = Duration::from_secs(60);
/// A room in which nobody is goes after so many seconds: a session ends after as many.
const EMPTY: u32 = 60;

#[derive(Clone)]
pub(super) struct RoomService {
    agent: Agent,
    /// `http://HOST` or `https://HOST`.
    url: String,
    key: ApiKey,
    /// Participants of a room.
    most: u32,
    metrics: Metrics,
}

/// A call did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    /// LiveKit's HTTP status.
    Refused(u16),
    Unreachable,
}

impl RoomService {
    pub(super) fn new(url: String, key: ApiKey, most: u32, metrics: Metrics) -> Self {
        let config = Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
        Self { agent: config.build().into(), url, key, most, metrics }
    }

    /// Says in the log what is wrong with address or key, before somebody wants to meet.
    pub(super) async fn check(&self) {
        let grants = Grants { room_list: true, ..Grants::default() };
        match self.call("ListRooms", grants, json!({ "names": ["none"] })).await {
            Ok(()) => tracing::info!("LiveKit answers"),
            Err(Failed::Refused(401 | 403)) => {
                tracing::error!("LiveKit does not know our key: check CONCLAVE_LIVEKIT_KEY and CONCLAVE_LIVEKIT_SECRET")
            }
            Err(failed) => tracing::error!(?failed, "LiveKit does not answer: check --livekit, and that it runs"),
        }
    }

    /// Makes a room if there is none: a LiveKit server may be set to make none by itself.
    pub(super) async fn create_room(&self, room: &str) -> Result<(), Failed> {
        let grants = Grants { room_create: true, ..Grants::default() };
        self.call("CreateRoom", grants, json!({ "name": room, "emptyTimeout": EMPTY, "maxParticipants": self.most })).await
    }

    /// Removes somebody who may have gone already.
    pub(super) async fn remove_participant(&self, room: String, identity: String) {
        let grants = Grants { room_admin: true, room: Redacted::new(room.clone()), ..Grants::default() };
        let done = self.call("RemoveParticipant", grants, json!({ "room": room, "identity": identity })).await;
        if let Err(failed) = done
            && failed != Failed::Refused(404)
        {
            tracing::warn!(?failed, "LiveKit did not remove a participant, who has lost its signalling only");
        }
    }

    async fn call(&self, method: &'static str, grants: Grants, body: Value) -> Result<(), Failed> {
        let done = self.ask(method, grants, body).await;
        let result = match done {
            Ok(()) => "done",
            Err(Failed::Refused(404)) => "not_found",
            Err(Failed::Refused(_)) => "refused",
            Err(Failed::Unreachable) => "unreachable",
        };
        self.metrics.on_livekit(method, result);
        done
    }

    async fn ask(&self, method: &'static str, grants: Grants, body: Value) -> Result<(), Failed> {
        let access = Access { grants, ..Access::default() };
        let token = self.key.mint(&access, now(), TOKEN_TTL).map_err(|_| Failed::Unreachable)?;
        let request = self.agent.post(format!("{}/twirp/livekit.RoomService/{method}", self.url));
        let request = request.header("Authorization", format!("Bearer {token}"));
        let answer = tokio::task::spawn_blocking(move || request.send_json(body)).await;
        match answer {
            Ok(Ok(response)) if response.status().is_success() => Ok(()),
            Ok(Ok(response)) => Err(Failed::Refused(response.status().as_u16())),
            Ok(Err(_)) | Err(_) => Err(Failed::Unreachable),
        }
    }
}
