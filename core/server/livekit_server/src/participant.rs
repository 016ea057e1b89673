use std::collections::{BTreeMap, BTreeSet};

use conclave_base::Time;
use conclave_livekit_proto::Access;
use conclave_livekit_proto::join::Form;
use conclave_livekit_proto::proto::{
    ClientInfo, DisconnectReason, JoinRequest, ParticipantInfo, ParticipantPermission, TrackSource, participant_info::State,
};
use conclave_sfu::{ParticipantId, RoomId, TrackId};

use crate::Conn;
use crate::limits::{self, Limits};
use crate::negotiation::Negotiation;
use crate::sdp::Kind;
use crate::signal_connection::SignalConnection;
use crate::subscriber::Subscriber;
use crate::track::{self, Track};

/// One client in one room: what it may do, sends, and receives.
pub(crate) struct Participant {
    /// Also the connection on which it offers.
    pub(crate) id: ParticipantId,
    pub(crate) room: RoomId,
    pub(crate) sid: String,
    pub(crate) access: Access,
    pub(crate) client: ClientInfo,
    pub(crate) auto_subscribe: bool,
    pub(crate) state: State,
    joined: Time,
    /// Rises with each change that others are told.
    version: u32,

    pub(crate) signal: SignalConnection,
    pub(crate) form: Form,
    pub(crate) negotiation: Negotiation,
    /// In the older form, if it may receive.
    pub(crate) subscriber: Option<Subscriber>,

    /// What it announced, and perhaps sends.
    pub(crate) tracks: BTreeMap<TrackId, Track>,
    /// What it wants to receive, and how.
    pub(crate) intents: BTreeMap<TrackId, SubscriptionIntent>,
    /// Sequence number of the last reliable message it sent.
    pub(crate) last_reliable: u32,
}

/// A wish to receive one track.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SubscriptionIntent {
    pub(crate) kind: Kind,
    pub(crate) desired: bool,
}

impl Participant {
    pub(crate) fn new(
        (id, room, conn): (ParticipantId, RoomId, Conn),
        sid: String,
        access: Access,
        (form, request): (Form, &JoinRequest),
        bounds: &Limits,
        now: Time,
    ) -> Self {
        let settings = request.connection_settings.unwrap_or_default();
        let mut client = request.client_info.clone().unwrap_or_default();
        // All others are told of them at each change.
        client.capabilities.truncate(limits::CAPABILITIES);
        Self {
            id,
            room,
            sid,
            access,
            client,
            auto_subscribe: settings.auto_subscribe,
            state: State::Joining,
            joined: now,
            version: 0,
            signal: SignalConnection::new(conn, bounds, now),
            form,
            negotiation: Negotiation::default(),
            subscriber: None,
            tracks: BTreeMap::new(),
            intents: BTreeMap::new(),
            last_reliable: 0,
        }
    }

    /// Why it is given up, if it is.
    pub(crate) fn expiry_reason(&self, now: Time) -> Option<DisconnectReason> {
        let unconnected = self.state != State::Active && now.since(self.joined) > limits::CONNECT_WINDOW;
        self.signal.expiry_reason(now).or(unconnected.then_some(DisconnectReason::JoinFailure))
    }

    /// Counts a change that others shall see.
    pub(crate) fn bump_version(&mut self) {
        self.version = self.version.saturating_add(1);
    }

    /// What others are told: tracks only once they are sent.
    pub(crate) fn info(&self) -> ParticipantInfo {
        let grants = &self.access.grants;
        let tracks = self.tracks.values().filter(|t| t.mid.is_some()).map(|t| t.info.clone());
        ParticipantInfo {
            sid: self.sid.clone(),
            identity: self.access.identity.expose().clone(),
            state: self.state.into(),
            tracks: tracks.collect(),
            metadata: self.access.metadata.expose().clone(),
            joined_at: i64::try_from(self.joined.as_millis() / 1000).unwrap_or(i64::MAX),
            joined_at_ms: i64::try_from(self.joined.as_millis()).unwrap_or(i64::MAX),
            name: self.access.name.expose().clone(),
            version: self.version,
            permission: Some(ParticipantPermission {
                can_subscribe: grants.may_subscribe(),
                can_publish: grants.can_publish != Some(false),
                can_publish_data: grants.may_publish_data(),
                can_publish_sources: self.sources(),
                hidden: grants.hidden,
                can_update_metadata: grants.can_update_own_metadata == Some(true),
                ..ParticipantPermission::default()
            }),
            is_publisher: !self.tracks.is_empty(),
            attributes: self.access.attributes.expose().clone().into_iter().collect(),
            client_protocol: self.client.client_protocol,
            capabilities: self.client.capabilities.clone(),
            ..ParticipantInfo::default()
        }
    }

    /// Sources that it may publish; empty is all.
    fn sources(&self) -> Vec<i32> {
        let granted = &self.access.grants.can_publish_sources;
        let all = [TrackSource::Camera, TrackSource::Microphone, TrackSource::ScreenShare, TrackSource::ScreenShareAudio];
        all.into_iter().filter(|s| granted.iter().any(|g| g == track::source_name(*s))).map(Into::into).collect()
    }

    /// Its own track that it calls `cid` and that no media section carries yet.
    pub(crate) fn announced(&self, cid: &str, kind: Kind) -> Option<TrackId> {
        self.tracks.iter().find(|(_, t)| t.mid.is_none() && t.kind() == kind && t.is_called(cid)).map(|(id, _)| *id)
    }

    /// The only track of this kind that no media section carries yet: some clients send under another id than they announced.
    pub(crate) fn only_announced(&self, kind: Kind) -> Option<TrackId> {
        let mut open = self.tracks.iter().filter(|(_, t)| t.mid.is_none() && t.kind() == kind);
        match (open.next(), open.next()) {
            (Some((id, _)), None) => Some(*id),
            _ => None,
        }
    }

    /// The own track with this sid.
    pub(crate) fn track_by_sid(&self, sid: &str) -> Option<TrackId> {
        self.tracks.iter().find(|(_, t)| t.info.sid == sid).map(|(id, _)| *id)
    }

    /// The connection on which it receives.
    pub(crate) fn receives_on(&self) -> ParticipantId {
        self.subscriber.as_ref().map_or(self.id, |subscriber| subscriber.connection)
    }

    /// Wanted tracks that no media section carries, in order of publication.
    pub(crate) fn unserved(&self) -> Vec<(TrackId, Kind)> {
        let carried: BTreeSet<TrackId> = match &self.subscriber {
            Some(subscriber) => subscriber.tracks().collect(),
            None => self.negotiation.subscribed().map(|(_, track)| track).collect(),
        };
        self.intents.iter().filter(|(id, w)| w.desired && !carried.contains(id)).map(|(id, w)| (*id, w.kind)).collect()
    }

    /// Whether it wants to receive the track, which is still sent.
    pub(crate) fn is_wanted(&self, track: TrackId) -> bool {
        self.intents.get(&track).is_some_and(|w| w.desired)
    }

    /// Firefox derives a track's id from its stream's, so its streams are named after tracks; and where the server offers, other browsers go on calling
    /// the track by the id of the first one that its section carried.
    pub(crate) fn names_streams_after_tracks(&self) -> bool {
        self.form == Form::TwoConnections || self.client.browser.eq_ignore_ascii_case("firefox")
    }
}
