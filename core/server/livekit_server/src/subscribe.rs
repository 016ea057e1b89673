//! Tracks that a client receives.

use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{
    MediaSectionsRequirement, SubscriptionError, SubscriptionResponse, SyncState, TrackSubscribed, UpdateSubscription, UpdateTrackSettings,
    VideoQuality,
};
use conclave_sfu::{Command, ParticipantId, TrackId};

use crate::participant::{Participant, SubscriptionIntent};
use crate::sdp::Kind;
use crate::{Signalling, limits};

impl Signalling {
    /// A newcomer wants all that is sent in the room, if it said so.
    pub(crate) fn subscribe_to_all(&mut self, participant_id: ParticipantId) {
        let tracks: Vec<_> = self.others(participant_id).iter().filter_map(|o| self.participants.get(o)).flat_map(sent_tracks).collect();
        let Some(participant) = self.participants.get_mut(&participant_id) else { return };
        if participant.auto_subscribe && participant.access.grants.may_subscribe() {
            participant.intents.extend(tracks.into_iter().map(|(id, kind)| (id, SubscriptionIntent { kind, desired: true })));
        }
    }

    /// A track is sent now: participants that subscribe automatically want it.
    pub(crate) fn offer_to_others(&mut self, participant_id: ParticipantId, track: TrackId, kind: Kind) {
        for member in self.others(participant_id) {
            let Some(participant) = self.participants.get_mut(&member) else { continue };
            if participant.auto_subscribe && participant.access.grants.may_subscribe() {
                participant.intents.insert(track, SubscriptionIntent { kind, desired: true });
                self.ask_for_sections(member);
            }
        }
    }

    /// A track has a subscriber: its publisher is told so once, since it may wait for that.
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
    pub(crate) fn forget_intent(&mut self, participant_id: ParticipantId, track: TrackId) {
        if let Some(participant) = self.participants.get_mut(&participant_id) {
            participant.intents.remove(&track);
        }
    }

    pub(crate) fn update_subscription(&mut self, participant_id: ParticipantId, update: &UpdateSubscription) {
        let nested = update.participant_tracks.iter().flat_map(|p| &p.track_sids);
        for sid in update.track_sids.iter().chain(nested).take(limits::LISTED) {
            self.set_desired(participant_id, sid, update.subscribe);
        }
        self.ask_for_sections(participant_id);
    }

    fn set_desired(&mut self, participant_id: ParticipantId, sid: &str, desired: bool) {
        let found = self.sent_track(participant_id, sid);
        let Some(participant) = self.participants.get_mut(&participant_id) else { return };
        match found {
            Some((track, kind)) if participant.access.grants.may_subscribe() => {
                participant.intents.insert(track, SubscriptionIntent { kind, desired });
                // At once, not only when the section is free.
                let quality = VideoQuality::High.into();
                self.setting(participant_id, track, &UpdateTrackSettings { disabled: !desired, quality, ..Default::default() });
            }
            _ if desired => {
                let err = SubscriptionError::SeTrackNotfound.into();
                self.tell(participant_id, Message::SubscriptionResponse(SubscriptionResponse { track_sid: sid.to_owned(), err }));
            }
            _ => {}
        }
    }

    pub(crate) fn track_settings(&mut self, participant_id: ParticipantId, settings: &UpdateTrackSettings) {
        for sid in settings.track_sids.iter().take(limits::LISTED) {
            if let Some((track, _)) = self.sent_track(participant_id, sid) {
                self.setting(participant_id, track, settings);
            }
        }
    }

    fn setting(&mut self, participant_id: ParticipantId, track: TrackId, settings: &UpdateTrackSettings) {
        let (mut width, mut height) = (settings.width, settings.height);
        if width == 0 || height == 0 {
            let owner = self.owners.get(&track).and_then(|o| self.participants.get(o));
            let size = owner.and_then(|o| o.tracks.get(&track)).and_then(|t| t.size_of(settings.quality()));
            // No such layer: the best there is.
            (width, height) = size.unwrap_or_default();
        }
        let settings = conclave_sfu::TrackSettings { enabled: !settings.disabled, width, height };
        if let Some(participant) = self.participants.get(&participant_id).map(Participant::receives_on) {
            self.command(Command::TrackSettings { participant, track, settings });
        }
    }

    /// A client that came back says what it wants; the rest is as it was.
    pub(crate) fn sync_state(&mut self, participant_id: ParticipantId, state: &SyncState) {
        if let Some(update) = &state.subscription {
            self.update_subscription(participant_id, update);
        }
        for sid in state.track_sids_disabled.iter().take(limits::LISTED) {
            if let Some((track, _)) = self.sent_track(participant_id, sid) {
                self.setting(participant_id, track, &UpdateTrackSettings { disabled: true, ..Default::default() });
            }
        }
    }

    /// The track `sid` of another participant in the room, if it is sent.
    fn sent_track(&self, participant_id: ParticipantId, sid: &str) -> Option<(TrackId, Kind)> {
        let room = self.rooms.get(&self.participants.get(&participant_id)?.room)?;
        let id = *room.tracks.get(sid)?;
        let owner = self.participants.get(self.owners.get(&id)?)?;
        let track = owner.tracks.get(&id)?;
        (owner.id != participant_id && track.mid.is_some()).then_some((id, track.kind()))
    }

    /// Asks for an offer if there are wanted tracks without a section, or sections with unwanted tracks; or offers, where the server does.
    pub(crate) fn ask_for_sections(&mut self, participant_id: ParticipantId) {
        let Some(participant) = self.participants.get(&participant_id) else { return };
        if participant.subscriber.is_some() {
            self.offer_sections(participant_id);
            return;
        }
        if !participant.negotiation.is_settled() {
            // An offer is on its way, and what it leaves open is asked for then.
            return;
        }
        let unserved = participant.unserved();
        let stale = participant.negotiation.subscribed().any(|(_, track)| !participant.is_wanted(track));
        if unserved.is_empty() && !stale {
            return;
        }
        let missing = |kind| {
            let wanted = unserved.iter().filter(|(_, k)| *k == kind).count();
            let free = participant.negotiation.free_sections(kind);
            u32::try_from(wanted.saturating_sub(free)).unwrap_or(u32::MAX)
        };
        self.ask_for_offer(participant_id, missing(Kind::Audio), missing(Kind::Video));
    }

    /// Asks for an offer with that many more sections to receive on.
    pub(crate) fn ask_for_offer(&mut self, participant_id: ParticipantId, num_audios: u32, num_videos: u32) {
        let Some(participant) = self.participants.get_mut(&participant_id) else { return };
        if participant.signal.conn().is_some() {
            participant.negotiation.on_offer_requested();
            let requirement = MediaSectionsRequirement { num_audios, num_videos };
            self.tell(participant_id, Message::MediaSectionsRequirement(requirement));
        }
    }
}

/// The tracks that a participant sends.
fn sent_tracks(participant: &Participant) -> impl Iterator<Item = (TrackId, Kind)> {
    participant.tracks.iter().filter(|(_, t)| t.mid.is_some()).map(|(id, t)| (*id, t.kind()))
}
