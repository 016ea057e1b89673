//! Tracks that a client receives.

use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{
    MediaSectionsRequirement, SubscriptionError, SubscriptionResponse, SyncState, TrackSubscribed, UpdateSubscription, UpdateTrackSettings,
    VideoQuality,
};
use conclave_sfu::{Command, SessionId, TrackId};

use crate::participant::{Use, Want};
use crate::sdp::Kind;
use crate::{LiveKit, limits};

impl<T: conclave_sfu::Transport> LiveKit<T> {
    /// A newcomer wants all that is sent in the room, if it said so.
    pub(crate) fn want_all(&mut self, session: SessionId) {
        let tracks: Vec<_> = self.others(session).iter().filter_map(|o| self.participants.get(o)).flat_map(sent).collect();
        let Some(participant) = self.participants.get_mut(&session) else { return };
        if participant.auto_subscribe && participant.access.grants.may_subscribe() {
            participant.wants.extend(tracks.into_iter().map(|(id, kind)| (id, Want { kind, desired: true })));
        }
    }

    /// A track is sent now: all who want everything want it.
    pub(crate) fn offer_to_others(&mut self, session: SessionId, track: TrackId, kind: Kind) {
        for member in self.others(session) {
            let Some(participant) = self.participants.get_mut(&member) else { continue };
            if participant.auto_subscribe && participant.access.grants.may_subscribe() {
                participant.wants.insert(track, Want { kind, desired: true });
                self.ask_for_sections(member);
            }
        }
    }

    /// Somebody receives a track: whoever sends it may wait to hear that, once.
    pub(crate) fn tell_of_first_subscriber(&mut self, track: TrackId) {
        let Some(owner) = self.owners.get(&track).copied() else { return };
        let sent = self.participants.get_mut(&owner).and_then(|o| o.tracks.get_mut(&track));
        if let Some(sent) = sent.filter(|t| !t.subscribed) {
            sent.subscribed = true;
            let track_sid = sent.info.sid.clone();
            self.tell(owner, Message::TrackSubscribed(TrackSubscribed { track_sid }));
        }
    }

    /// A track is not sent any more.
    pub(crate) fn unwant(&mut self, session: SessionId, track: TrackId) {
        if let Some(participant) = self.participants.get_mut(&session) {
            participant.wants.remove(&track);
        }
    }

    pub(crate) fn update_subscription(&mut self, session: SessionId, update: &UpdateSubscription) {
        let nested = update.participant_tracks.iter().flat_map(|p| &p.track_sids);
        for sid in update.track_sids.iter().chain(nested).take(limits::LISTED) {
            self.set_desired(session, sid, update.subscribe);
        }
        self.ask_for_sections(session);
    }

    fn set_desired(&mut self, session: SessionId, sid: &str, desired: bool) {
        let found = self.sent_track(session, sid);
        let Some(participant) = self.participants.get_mut(&session) else { return };
        match found {
            Some((track, kind)) if participant.access.grants.may_subscribe() => {
                participant.wants.insert(track, Want { kind, desired });
                // At once, not only when the section is free.
                let quality = VideoQuality::High.into();
                self.setting(session, track, &UpdateTrackSettings { disabled: !desired, quality, ..Default::default() });
            }
            _ if desired => {
                let err = SubscriptionError::SeTrackNotfound.into();
                self.tell(session, Message::SubscriptionResponse(SubscriptionResponse { track_sid: sid.to_owned(), err }));
            }
            _ => {}
        }
    }

    pub(crate) fn track_settings(&mut self, session: SessionId, settings: &UpdateTrackSettings) {
        for sid in settings.track_sids.iter().take(limits::LISTED) {
            if let Some((track, _)) = self.sent_track(session, sid) {
                self.setting(session, track, settings);
            }
        }
    }

    fn setting(&mut self, session: SessionId, track: TrackId, settings: &UpdateTrackSettings) {
        let (mut width, mut height) = (settings.width, settings.height);
        if width == 0 || height == 0 {
            let owner = self.owners.get(&track).and_then(|o| self.participants.get(o));
            let size = owner.and_then(|o| o.tracks.get(&track)).and_then(|t| t.size_of(settings.quality()));
            // No such layer: the best there is.
            (width, height) = size.unwrap_or_default();
        }
        let setting = conclave_sfu::Setting { enabled: !settings.disabled, width, height };
        self.command(Command::Setting { session, track, setting });
    }

    /// A client that came back says what it wants; the rest is as it was.
    pub(crate) fn sync_state(&mut self, session: SessionId, state: &SyncState) {
        if let Some(update) = &state.subscription {
            self.update_subscription(session, update);
        }
        for sid in state.track_sids_disabled.iter().take(limits::LISTED) {
            if let Some((track, _)) = self.sent_track(session, sid) {
                self.setting(session, track, &UpdateTrackSettings { disabled: true, ..Default::default() });
            }
        }
    }

    /// The track `sid` of somebody else in the room, if it is sent.
    fn sent_track(&self, session: SessionId, sid: &str) -> Option<(TrackId, Kind)> {
        let room = self.rooms.get(&self.participants.get(&session)?.room)?;
        let id = *room.tracks.get(sid)?;
        let owner = self.participants.get(self.owners.get(&id)?)?;
        let track = owner.tracks.get(&id)?;
        (owner.session != session && track.mid.is_some()).then_some((id, track.kind()))
    }

    /// Asks for an offer if there are wanted tracks without a section, or sections with unwanted tracks.
    pub(crate) fn ask_for_sections(&mut self, session: SessionId) {
        let Some(participant) = self.participants.get(&session) else { return };
        if participant.offer_asked || !participant.offers.is_empty() || participant.sections.is_empty() {
            // An offer is on its way, and what it leaves open is asked for then.
            return;
        }
        let unserved = participant.unserved();
        let stale = participant.sections.values().any(|u| matches!(u, Use::Subscribe(id) if !participant.is_wanted(*id)));
        if unserved.is_empty() && !stale {
            return;
        }
        let missing = |kind| {
            let wanted = unserved.iter().filter(|(_, k)| *k == kind).count();
            let free = participant.sections.values().filter(|u| **u == Use::Free(kind)).count();
            u32::try_from(wanted.saturating_sub(free)).unwrap_or(u32::MAX)
        };
        self.ask_for_offer(session, missing(Kind::Audio), missing(Kind::Video));
    }

    /// Asks for an offer with that many more sections to receive on.
    pub(crate) fn ask_for_offer(&mut self, session: SessionId, num_audios: u32, num_videos: u32) {
        let Some(participant) = self.participants.get_mut(&session) else { return };
        if participant.conn.is_some() {
            participant.offer_asked = true;
            let requirement = MediaSectionsRequirement { num_audios, num_videos };
            self.tell(session, Message::MediaSectionsRequirement(requirement));
        }
    }
}

/// The tracks that a participant sends.
fn sent(participant: &crate::Participant) -> impl Iterator<Item = (TrackId, Kind)> {
    participant.tracks.iter().filter(|(_, t)| t.mid.is_some()).map(|(id, t)| (*id, t.kind()))
}
