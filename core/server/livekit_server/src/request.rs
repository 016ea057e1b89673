//! One message of a client, and what all answers have in common.

use conclave_livekit_proto::frame::{self, FrameError};
use conclave_livekit_proto::proto::participant_info::State;
use conclave_livekit_proto::proto::request_response::Reason;
use conclave_livekit_proto::proto::signal_request::Message as Request;
use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{
    DisconnectReason, ParticipantInfo, ParticipantUpdate, Ping, Pong, RequestResponse, SignalTarget, TrickleRequest,
    UpdateParticipantMetadata,
};
use conclave_sfu::{Command, ParticipantId};

use crate::{CloseReason, Conn, InputError, Output, Signalling, limits};

impl Signalling {
    pub(crate) fn message(&mut self, conn: Conn, bytes: &[u8]) -> Result<(), InputError> {
        let participant_id = *self.conns.get(&conn).ok_or(InputError::UnknownConnection)?;
        let Some(participant) = self.participants.get_mut(&participant_id) else { return Err(InputError::UnknownConnection) };
        if !participant.signal.on_message(self.now) {
            self.counters.limited += 1;
            self.drop_conn(conn, CloseReason::TooMany);
            return Ok(());
        }
        match frame::decode_request(bytes) {
            Ok(request) => self.request(participant_id, request),
            Err(FrameError::Unknown) => self.counters.unknown += 1,
            Err(FrameError::Malformed | FrameError::TooLarge) => self.close_malformed(participant_id),
        }
        Ok(())
    }

    pub(crate) fn on_signal_alive(&mut self, conn: Conn) {
        let participant = self.conns.get(&conn).and_then(|id| self.participants.get_mut(id));
        if let Some(participant) = participant {
            participant.signal.on_alive(self.now);
        }
    }

    fn on_ping(&mut self, participant: ParticipantId) {
        if let Some(participant) = self.participants.get_mut(&participant) {
            participant.signal.on_ping();
        }
    }

    #[expect(deprecated, reason = "older clients send it")]
    fn request(&mut self, participant_id: ParticipantId, request: Request) {
        match request {
            Request::Offer(offer) => self.offer(participant_id, &offer),
            Request::Trickle(trickle) => self.trickle(participant_id, &trickle),
            Request::AddTrack(track) => self.add_track(participant_id, &track),
            Request::Mute(mute) => self.mute(participant_id, &mute.sid, mute.muted),
            Request::Subscription(update) => self.update_subscription(participant_id, &update),
            Request::TrackSetting(settings) => self.track_settings(participant_id, &settings),
            Request::SyncState(state) => self.sync_state(participant_id, &state),
            Request::UpdateAudioTrack(update) => self.update_audio(participant_id, update),
            Request::UpdateVideoTrack(update) => self.update_video(participant_id, &update),
            Request::UpdateMetadata(update) => self.update_metadata(participant_id, update),
            Request::Leave(_) => self.remove(participant_id, DisconnectReason::ClientInitiated),
            Request::Ping(_) => {
                self.on_ping(participant_id);
                self.tell(participant_id, Message::Pong(self.unix_ms()));
            }
            Request::PingReq(Ping { timestamp, .. }) => {
                self.on_ping(participant_id);
                let pong = Pong { last_ping_timestamp: timestamp, timestamp: self.unix_ms() };
                self.tell(participant_id, Message::PongResp(pong));
            }
            // Keys decide who sees a frame, not the server.
            Request::SubscriptionPermission(_) | Request::UpdateLayers(_) => {}
            Request::Answer(answer) => self.answer(participant_id, answer),
            Request::Simulate(_)
            | Request::PublishDataTrackRequest(_)
            | Request::UnpublishDataTrackRequest(_)
            | Request::UpdateDataSubscription(_)
            | Request::StoreDataBlobRequest(_)
            | Request::GetDataBlobRequest(_) => self.counters.unknown += 1,
        }
    }

    fn trickle(&mut self, participant_id: ParticipantId, trickle: &TrickleRequest) {
        /// RTCIceCandidateInit, of which the candidate alone matters: all sections are bundled.
        #[derive(serde::Deserialize)]
        struct Init {
            candidate: String,
        }
        if trickle.candidate_init.len() > limits::LABEL * 2 {
            self.counters.malformed += 1;
            return;
        }
        match serde_json::from_str::<Init>(&trickle.candidate_init) {
            // Empty is "no more of them".
            Ok(Init { candidate }) if candidate.is_empty() => {}
            Ok(Init { candidate }) => {
                let Some(participant) = self.participants.get(&participant_id) else { return };
                let participant = if trickle.target() == SignalTarget::Subscriber { participant.receives_on() } else { participant_id };
                self.command(Command::Candidate { participant, candidate });
            }
            Err(_) => self.counters.malformed += 1,
        }
    }

    fn update_metadata(&mut self, participant_id: ParticipantId, update: UpdateParticipantMetadata) {
        let request_id = update.request_id;
        let Some(participant) = self.participants.get_mut(&participant_id) else { return };
        let access = &mut participant.access;
        let mut attributes = access.attributes.expose().clone();
        for (name, value) in update.attributes {
            if value.is_empty() {
                attributes.remove(&name);
            } else {
                attributes.insert(name, value);
            }
        }
        let size: usize = attributes.iter().map(|(k, v)| k.len() + v.len()).sum();
        let reason = if access.grants.can_update_own_metadata != Some(true) {
            Reason::NotAllowed
        } else if size > limits::METADATA || update.metadata.len() > limits::METADATA || update.name.len() > limits::LABEL {
            Reason::LimitExceeded
        } else {
            access.attributes = conclave_base::Redacted::new(attributes);
            if !update.metadata.is_empty() {
                access.metadata = conclave_base::Redacted::new(update.metadata);
            }
            if !update.name.is_empty() {
                access.name = conclave_base::Redacted::new(update.name);
            }
            Reason::Ok
        };
        if reason == Reason::Ok {
            self.announce_change(participant_id);
            if let Some(info) = self.participants.get(&participant_id).map(|p| p.info()) {
                self.tell(participant_id, Message::Update(ParticipantUpdate { participants: vec![info] }));
            }
        }
        self.respond(participant_id, request_id, reason);
    }

    /// The answer to a request that wants one.
    pub(crate) fn respond(&mut self, participant_id: ParticipantId, request_id: u32, reason: Reason) {
        if request_id != 0 || reason != Reason::Ok {
            let response = RequestResponse { request_id, reason: reason.into(), ..RequestResponse::default() };
            self.tell(participant_id, Message::RequestResponse(response));
        }
    }

    /// Sends `message` if the participant's signalling is up.
    pub(crate) fn tell(&mut self, participant_id: ParticipantId, message: Message) {
        if let Some(conn) = self.participants.get(&participant_id).and_then(|p| p.signal.conn()) {
            self.push(Output::Signal { conn, bytes: frame::encode_response(message) });
        }
    }

    /// Tells of one participant now, or when signalling is back.
    pub(crate) fn tell_or_queue(&mut self, participant_id: ParticipantId, info: &ParticipantInfo) {
        let Some(participant) = self.participants.get_mut(&participant_id) else { return };
        if participant.signal.conn().is_some() {
            self.tell(participant_id, Message::Update(ParticipantUpdate { participants: vec![info.clone()] }));
        } else if info.state() == State::Disconnected {
            // Who is there is told anyway on coming back.
            participant.signal.queue_update(info.clone());
        }
    }

    /// Tells all others in the room of a participant.
    pub(crate) fn tell_others(&mut self, participant_id: ParticipantId, info: ParticipantInfo) {
        self.tell_all_others(participant_id, Message::Update(ParticipantUpdate { participants: vec![info] }));
    }

    pub(crate) fn tell_all_others(&mut self, participant_id: ParticipantId, message: Message) {
        let bytes = frame::encode_response(message);
        for conn in self.others(participant_id).into_iter().filter_map(|o| self.participants.get(&o)?.signal.conn()).collect::<Vec<_>>() {
            self.push(Output::Signal { conn, bytes: bytes.clone() });
        }
    }

    /// A participant changed in a way that the others see.
    pub(crate) fn announce_change(&mut self, participant_id: ParticipantId) {
        let Some(participant) = self.participants.get_mut(&participant_id) else { return };
        participant.bump_version();
        if !participant.access.grants.hidden {
            let info = participant.info();
            self.tell_others(participant_id, info);
        }
    }

    /// The others in the same room.
    pub(crate) fn others(&self, participant_id: ParticipantId) -> Vec<ParticipantId> {
        let room = self.participants.get(&participant_id).and_then(|p| self.rooms.get(&p.room));
        room.map_or_else(Vec::new, |r| r.members.iter().copied().filter(|m| *m != participant_id).collect())
    }

    /// Closes a connection whose client does not keep to the protocol. It may come back.
    pub(crate) fn close_malformed(&mut self, participant_id: ParticipantId) {
        self.counters.malformed += 1;
        if let Some(conn) = self.participants.get(&participant_id).and_then(|p| p.signal.conn()) {
            self.drop_conn(conn, CloseReason::Malformed);
        }
    }

    fn drop_conn(&mut self, conn: Conn, reason: CloseReason) {
        self.on_signal_closed(conn);
        self.push(Output::CloseSignal { conn, reason });
    }

    /// Has the media side carry it out.
    pub(crate) fn command(&mut self, command: Command) {
        self.push(Output::Command(command));
    }

    pub(crate) fn push(&mut self, output: Output) {
        if self.out.push(output).is_err() {
            self.counters.overflow += 1;
        }
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn unix_ms(&self) -> i64 {
        i64::try_from(self.now.as_millis()).unwrap_or(i64::MAX)
    }
}
