//! What the media side tells.

use conclave_livekit_proto::proto::leave_request::Action;
use conclave_livekit_proto::proto::participant_info::State;
use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{
    ConnectionQuality, ConnectionQualityInfo, ConnectionQualityUpdate, DisconnectReason, SubscribedCodec, SubscribedQuality,
    SubscribedQualityUpdate,
};
use conclave_sfu::{Event, Quality, Rid, SessionId, TrackId};

use crate::LiveKit;
use crate::negotiate::quality_of_rid;

impl<T: conclave_sfu::Transport> LiveKit<T> {
    pub(crate) fn event(&mut self, event: Event) {
        match event {
            Event::Answer { session, sdp } => self.answer(session, &sdp),
            Event::Connected { session } => self.connected(session),
            // An ICE restart may heal it; until then, others see its quality. Housekeeping gives up on who does not return.
            Event::Disconnected { session } => self.quality(session, ConnectionQuality::Lost),
            Event::Closed { session } => self.remove_with(session, Action::Reconnect, DisconnectReason::MediaFailure),
            Event::Data { session, reliable, payload } => self.data(session, reliable, &payload),
            Event::LayersWanted { session, track, layers } => self.layers_wanted(session, track, &layers),
            Event::Quality { session, quality } => {
                let quality = match quality {
                    Quality::Lost => ConnectionQuality::Lost,
                    Quality::Poor => ConnectionQuality::Poor,
                    Quality::Good => ConnectionQuality::Excellent,
                };
                self.quality(session, quality);
            }
        }
    }

    fn connected(&mut self, session: SessionId) {
        let Some(participant) = self.participants.get_mut(&session) else { return };
        if participant.state != State::Active {
            participant.state = State::Active;
            self.changed(session);
        }
        self.quality(session, ConnectionQuality::Excellent);
    }

    /// Tells the participant and the room how well it is reached.
    fn quality(&mut self, session: SessionId, quality: ConnectionQuality) {
        let Some(participant) = self.participants.get(&session) else { return };
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
            self.tell_all_others(session, update.clone());
        }
        self.tell(session, update);
    }

    /// The publisher need not send layers that nobody watches.
    fn layers_wanted(&mut self, session: SessionId, track: TrackId, layers: &[(Rid, bool)]) {
        let Some(track) = self.participants.get(&session).and_then(|p| p.tracks.get(&track)) else { return };
        let quality = |(rid, enabled): &(Rid, bool)| SubscribedQuality { quality: quality_of_rid(rid.as_str()).into(), enabled: *enabled };
        let qualities: Vec<_> = layers.iter().map(quality).collect();
        let codec = track.codec().to_ascii_lowercase();
        #[expect(deprecated, reason = "clients that do not know codecs read the deprecated field")]
        let update = SubscribedQualityUpdate {
            track_sid: track.info.sid.clone(),
            subscribed_qualities: qualities.clone(),
            subscribed_codecs: vec![SubscribedCodec { codec, qualities }],
        };
        self.tell(session, Message::SubscribedQualityUpdate(update));
    }
}
