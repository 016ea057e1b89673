//! What the media side tells.

use conclave_livekit_proto::proto::leave_request::Action;
use conclave_livekit_proto::proto::participant_info::State;
use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{
    ConnectionQuality, ConnectionQualityInfo, ConnectionQualityUpdate, DisconnectReason, SubscribedCodec, SubscribedQuality,
    SubscribedQualityUpdate,
};
use conclave_sfu::{Event, ParticipantId, Quality, Rid, TrackId};

use crate::Signalling;
use crate::negotiation::quality_of_rid;

impl Signalling {
    pub(crate) fn on_media_event(&mut self, event: Event) {
        match event {
            Event::Answer { participant, sdp } => self.on_answer(participant, &sdp),
            Event::Offer { participant, sdp } => self.on_offer_created(self.whose(participant), &sdp),
            Event::Negotiated { participant } => self.on_negotiated(self.whose(participant)),
            Event::Connected { participant } => self.on_connected(participant),
            // An ICE restart may heal it; until then, others see its quality. A participant that does not return expires.
            Event::Disconnected { participant } => self.tell_quality(self.whose(participant), ConnectionQuality::Lost),
            Event::Closed { participant } => self.remove_with(self.whose(participant), Action::Reconnect, DisconnectReason::MediaFailure),
            Event::Data { participant, reliable, payload } => self.data(self.whose(participant), reliable, &payload),
            Event::LayersWanted { participant, track, layers } => self.tell_layers_wanted(participant, track, &layers),
            Event::Quality { participant, quality } => {
                let quality = match quality {
                    Quality::Lost => ConnectionQuality::Lost,
                    Quality::Poor => ConnectionQuality::Poor,
                    Quality::Good => ConnectionQuality::Excellent,
                };
                self.tell_quality(self.whose(participant), quality);
            }
        }
    }

    fn on_connected(&mut self, connection: ParticipantId) {
        let participant_id = self.whose(connection);
        let Some(participant) = self.participants.get_mut(&participant_id) else { return };
        if participant.state != State::Active && participant.receives_on() == connection {
            participant.state = State::Active;
            self.announce_change(participant_id);
        }
        self.tell_quality(participant_id, ConnectionQuality::Excellent);
    }

    /// Tells the participant and the room how well it is reached.
    fn tell_quality(&mut self, participant_id: ParticipantId, quality: ConnectionQuality) {
        let Some(participant) = self.participants.get(&participant_id) else { return };
        let score = match quality {
            ConnectionQuality::Lost => 0.0,
            ConnectionQuality::Poor => 2.0,
            ConnectionQuality::Good => 4.0,
            ConnectionQuality::Excellent => 5.0,
        };
        let hidden = participant.access.grants.hidden;
        let info = ConnectionQualityInfo { participant_sid: participant.sid.clone(), quality: quality.into(), score };
        let update = Message::ConnectionQuality(ConnectionQualityUpdate { updates: vec![info] });
        if !hidden {
            self.tell_all_others(participant_id, update.clone());
        }
        self.tell(participant_id, update);
    }

    /// The publisher need not send layers that nobody watches.
    fn tell_layers_wanted(&mut self, participant_id: ParticipantId, track: TrackId, layers: &[(Rid, bool)]) {
        let Some(track) = self.participants.get(&participant_id).and_then(|p| p.tracks.get(&track)) else { return };
        let quality = |(rid, enabled): &(Rid, bool)| SubscribedQuality { quality: quality_of_rid(rid.as_str()).into(), enabled: *enabled };
        let qualities: Vec<_> = layers.iter().map(quality).collect();
        let codec = track.codec().to_ascii_lowercase();
        #[expect(deprecated, reason = "clients that do not know codecs read the deprecated field")]
        let update = SubscribedQualityUpdate {
            track_sid: track.info.sid.clone(),
            subscribed_qualities: qualities.clone(),
            subscribed_codecs: vec![SubscribedCodec { codec, qualities }],
        };
        self.tell(participant_id, Message::SubscribedQualityUpdate(update));
    }
}
