//! Tracks that a client sends.

use conclave_livekit_proto::proto::request_response::{Reason, Request};
use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{
    AddTrackRequest, RequestResponse, TrackPublishedResponse, TrackType, UpdateLocalAudioTrack, UpdateLocalVideoTrack,
};
use conclave_sfu::{Command, ParticipantId, TrackId};

use crate::track::{self, Track};
use crate::{Signalling, limits};

impl Signalling {
    /// A client announces a track. Others hear of it once an offer has a section for it.
    pub(crate) fn add_track(&mut self, participant_id: ParticipantId, request: &AddTrackRequest) {
        match self.announce(participant_id, request) {
            Ok(published) => self.tell(participant_id, Message::TrackPublished(published)),
            Err(reason) => {
                let echo = AddTrackRequest { cid: request.cid.chars().take(limits::LABEL).collect(), ..Default::default() };
                let response = RequestResponse { reason: reason.into(), request: Some(Request::AddTrack(echo)), ..Default::default() };
                self.tell(participant_id, Message::RequestResponse(response));
            }
        }
        let waits = |p: &crate::Participant| p.negotiation.has_unannounced(&request.cid);
        if self.participants.get(&participant_id).is_some_and(waits) {
            // The offer overtook the announcement.
            self.ask_for_offer(participant_id, 0, 0);
        }
    }

    fn announce(&mut self, participant_id: ParticipantId, request: &AddTrackRequest) -> Result<TrackPublishedResponse, Reason> {
        let id = TrackId(self.next_id());
        let kind = if request.r#type() == TrackType::Audio { "A" } else { "V" };
        let sid = self.sids.track(kind);
        let participant = self.participants.get_mut(&participant_id).ok_or(Reason::NotFound)?;
        let grants = &participant.access.grants;
        if grants.hidden || !grants.may_publish(track::source_name(request.source())) {
            return Err(Reason::NotAllowed);
        }
        if !request.sid.is_empty() {
            // A second codec for a track that is there already.
            return Err(Reason::UnsupportedType);
        }
        let cid = request.cid.clone();
        if let Some(track) = participant.tracks.values().find(|t| t.mid.is_none() && t.is_called(&cid)) {
            return Ok(TrackPublishedResponse { cid, track: Some(track.info.clone()) });
        }
        if participant.tracks.len() >= self.config.limits.tracks {
            return Err(Reason::LimitExceeded);
        }
        let track = Track::new(sid.clone(), request, self.now.as_micros()).map_err(|_| Reason::InvalidRequest)?;
        let info = track.info.clone();
        participant.tracks.insert(id, track);
        self.owners.insert(id, participant_id);
        if let Some(room) = self.rooms.get_mut(&participant.room) {
            room.tracks.insert(sid, id);
        }
        Ok(TrackPublishedResponse { cid, track: Some(info) })
    }

    pub(crate) fn mute(&mut self, participant_id: ParticipantId, sid: &str, muted: bool) {
        let track = self.change_track(participant_id, sid, |track| track.info.muted = muted);
        if let Some(track) = track {
            self.command(Command::Mute { track, muted });
        }
    }

    pub(crate) fn update_audio(&mut self, participant_id: ParticipantId, update: UpdateLocalAudioTrack) {
        if update.features.len() <= limits::LAYERS {
            self.change_track(participant_id, &update.track_sid, |track| track.info.audio_features = update.features);
        }
    }

    pub(crate) fn update_video(&mut self, participant_id: ParticipantId, update: &UpdateLocalVideoTrack) {
        self.change_track(participant_id, &update.track_sid, |track| {
            (track.info.width, track.info.height) = (update.width, update.height);
        });
    }

    /// Changes what is told of an own track, and tells it.
    fn change_track(&mut self, participant_id: ParticipantId, sid: &str, change: impl FnOnce(&mut Track)) -> Option<TrackId> {
        let participant = self.participants.get_mut(&participant_id)?;
        let id = participant.track_by_sid(sid)?;
        let track = participant.tracks.get_mut(&id)?;
        change(track);
        track.bump_version(self.now.as_micros());
        self.announce_change(participant_id);
        Some(id)
    }

    /// The client sends a track no longer: its last offer had no section for it.
    pub(crate) fn unpublish(&mut self, participant_id: ParticipantId, id: TrackId) {
        let Some(participant) = self.participants.get_mut(&participant_id) else { return };
        let Some(track) = participant.tracks.remove(&id) else { return };
        self.owners.remove(&id);
        if let Some(room) = self.rooms.get_mut(&participant.room) {
            room.tracks.remove(&track.info.sid);
        }
        self.command(Command::Unpublish { track: id });
        self.announce_change(participant_id);
        for member in self.others(participant_id) {
            self.forget_intent(member, id);
            self.ask_for_sections(member);
        }
    }
}
