//! What the server says in the signalling.

use conclave_base::Time;
use conclave_livekit_proto::proto::leave_request::Action;
use conclave_livekit_proto::proto::{
    DataChannelInfo, JoinResponse, LeaveRequest, ParticipantInfo, SessionDescription, SyncState, TrackPublishedResponse,
    UpdateSubscription, data_packet, signal_request, signal_response,
};
use conclave_rtc_client::Mid;
use std::time::Duration;

use crate::client::{LiveKitClient, SignalState};
use crate::types::{Event, LeaveReason};

impl LiveKitClient {
    pub(crate) fn on_message(&mut self, bytes: &[u8], now: Time) {
        use signal_response::Message;
        let message = match conclave_livekit_proto::frame::decode_response(bytes) {
            Ok(message) => message,
            // A newer server may say things that have no name here yet.
            Err(error) => return tracing::debug!(%error, "message not understood"),
        };
        self.last_heard = now;
        match (self.signal, message) {
            (SignalState::Closed | SignalState::Paused { .. }, _) => {}
            (_, Message::Leave(leave)) => self.on_leave_request(&leave, now),
            (SignalState::Connecting { resume: false, .. }, Message::Join(join)) => self.on_join(join, now),
            (SignalState::Connecting { resume: true, .. }, Message::Reconnect(_)) => self.on_reconnect(now),
            (SignalState::Connecting { resume: true, .. }, Message::Join(_)) => self.leave(LeaveReason::SessionLost),
            (SignalState::Connecting { .. }, _) => {}
            (SignalState::Connected, Message::Answer(answer)) => self.on_answer(answer),
            (SignalState::Connected, Message::Trickle(trickle)) => self.on_trickle(&trickle.candidate_init),
            (SignalState::Connected, Message::Update(update)) => update.participants.iter().for_each(|p| self.on_participant(p)),
            (SignalState::Connected, Message::TrackPublished(published)) => self.on_track_published(published),
            (SignalState::Connected, Message::MediaSectionsRequirement(wanted)) => self.add_sections(wanted.num_audios, wanted.num_videos),
            (SignalState::Connected, Message::RefreshToken(token)) => self.config.token = conclave_base::Redacted::new(token),
            (SignalState::Connected, Message::PongResp(pong)) => {
                let sent = Time::from_millis(u64::try_from(pong.last_ping_timestamp).unwrap_or(0));
                self.rtt = now.since(sent);
            }
            // Quality, speakers, dynacast and the like: hints that a member without a screen does not need.
            (SignalState::Connected, _) => {}
        }
    }

    fn on_join(&mut self, join: JoinResponse, now: Time) {
        let Some(me) = join.participant else { return self.leave(LeaveReason::ProtocolViolation) };
        self.sid = me.sid;
        self.identity = me.identity;
        self.joined = true;
        let seconds = |s: i32| u64::try_from(s).ok().filter(|s| *s > 0).map(Duration::from_secs);
        if let Some(every) = seconds(join.ping_interval) {
            self.ping_every = every;
        }
        if let Some(timeout) = seconds(join.ping_timeout) {
            self.ping_timeout = timeout.max(self.ping_every * 2);
        }
        self.on_signal_connected(now);
        self.event(Event::Joined);
        for participant in &join.other_participants {
            self.on_participant(participant);
        }
        let waiting: Vec<_> = self.local_tracks.iter().map(crate::publish::LocalTrack::request).collect();
        for request in waiting {
            self.request(signal_request::Message::AddTrack(request));
        }
    }

    fn on_reconnect(&mut self, now: Time) {
        self.on_signal_connected(now);
        let channels = ["_reliable", "_lossy"].map(|label| DataChannelInfo { label: label.into(), ..Default::default() });
        let sync = SyncState {
            offer: Some(self.offer.clone()),
            answer: Some(self.answer.clone()),
            subscription: Some(UpdateSubscription {
                track_sids: self.participants.subscribed_tracks(),
                subscribe: true,
                ..Default::default()
            }),
            publish_tracks: self.local_tracks.iter().filter_map(|o| o.published.clone()).collect(),
            data_channels: channels.to_vec(),
            ..Default::default()
        };
        self.request(signal_request::Message::SyncState(sync));
        // Asked for while the signalling was down.
        let waiting: Vec<_> = self.local_tracks.iter().filter(|o| o.published.is_none()).map(crate::publish::LocalTrack::request).collect();
        for request in waiting {
            self.request(signal_request::Message::AddTrack(request));
        }
        self.restart_media(now);
    }

    fn on_leave_request(&mut self, leave: &LeaveRequest, now: Time) {
        match leave.action() {
            Action::Disconnect => self.leave(LeaveReason::ByServer(leave.reason)),
            Action::Reconnect => self.leave(LeaveReason::SessionLost),
            Action::Resume => {
                self.push(crate::types::Output::CloseSignal);
                self.on_signal_lost(now);
            }
        }
    }

    fn on_answer(&mut self, answer: SessionDescription) {
        if answer.id != 0 && answer.id != self.offer.id {
            return;
        }
        let sections = match self.connection.accept(&answer.sdp) {
            Ok(sections) => sections,
            Err(error) => {
                tracing::debug!(%error, "answer refused");
                return self.leave(LeaveReason::SessionLost);
            }
        };
        self.tracks.clear();
        for section in sections.iter().filter(|s| s.sending) {
            let said = answer.mid_to_track_id.get(&section.mid).or(section.msid.as_ref().map(|(_, track)| track));
            if let Some(sid) = said {
                self.tracks.insert(Mid::named(&section.mid), sid.clone());
            }
        }
        let mut published = vec![];
        for own in self.local_tracks.iter_mut().filter(|o| o.mid.is_some() && !o.agreed) {
            own.agreed = true;
            published.push(own.source());
        }
        for source in published {
            self.event(Event::LocalTrackPublished { source });
        }
        self.answer = answer;
        self.negotiate();
    }

    /// JSON of an RTCIceCandidateInit.
    fn on_trickle(&mut self, init: &str) {
        let text = serde_json::from_str::<serde_json::Value>(init).ok();
        if let Some(candidate) = text.as_ref().and_then(|v| v.get("candidate")).and_then(|c| c.as_str()) {
            self.connection.add_candidate(candidate);
        }
    }

    fn on_participant(&mut self, info: &ParticipantInfo) {
        if info.identity == self.identity {
            return;
        }
        let mut events = vec![];
        let subscriptions = self.participants.update(info, &mut events);
        events.into_iter().for_each(|e| self.event(e));
        self.subscribe(subscriptions);
    }

    fn on_track_published(&mut self, published: TrackPublishedResponse) {
        if let Some(own) = self.local_tracks.iter_mut().find(|o| o.cid == published.cid && o.published.is_none()) {
            own.published = Some(published);
            self.offer_wanted = true;
            self.negotiate();
        }
    }

    pub(crate) fn on_data(&mut self, bytes: &[u8]) {
        let Ok(packet) = conclave_livekit_proto::frame::decode_data(bytes) else { return };
        if let Some(data_packet::Value::User(user)) = packet.value {
            let topic = user.topic.unwrap_or_default();
            self.event(Event::Data { from: packet.participant_identity, topic, payload: user.payload });
        }
    }
}
