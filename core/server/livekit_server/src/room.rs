use std::collections::{BTreeMap, BTreeSet};

use conclave_base::{Redacted, Time};
use conclave_livekit_proto::proto;
use conclave_sfu::{ParticipantId, TrackId};

/// A room: it exists while it has members.
pub(crate) struct Room {
    pub(crate) name: Redacted<String>,
    sid: String,
    created: Time,
    pub(crate) members: BTreeSet<ParticipantId>,
    /// Members by LiveKit identity: one each.
    pub(crate) identities: BTreeMap<Redacted<String>, ParticipantId>,
    /// Tracks by `TR_…`.
    pub(crate) tracks: BTreeMap<String, TrackId>,
}

impl Room {
    pub(crate) fn new(name: String, sid: String, now: Time) -> Self {
        Self {
            name: Redacted::new(name),
            sid,
            created: now,
            members: BTreeSet::new(),
            identities: BTreeMap::new(),
            tracks: BTreeMap::new(),
        }
    }

    pub(crate) fn info(&self, max_participants: usize) -> proto::Room {
        let members = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        proto::Room {
            sid: self.sid.clone(),
            name: self.name.expose().clone(),
            max_participants: u32::try_from(max_participants).unwrap_or(u32::MAX),
            creation_time: i64::try_from(self.created.as_millis() / 1000).unwrap_or(i64::MAX),
            creation_time_ms: i64::try_from(self.created.as_millis()).unwrap_or(i64::MAX),
            enabled_codecs: codecs(),
            num_participants: members,
            ..proto::Room::default()
        }
    }
}

/// What clients may publish: what the transport forwards.
pub(crate) fn codecs() -> Vec<proto::Codec> {
    ["audio/opus", "video/VP8", "video/VP9"].map(|mime| proto::Codec { mime: mime.to_owned(), ..Default::default() }).into()
}
