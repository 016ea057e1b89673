//! One message of a client, and what all answers have in common.

use conclave_livekit_proto::frame::{self, FrameError};
use conclave_livekit_proto::proto::participant_info::State;
use conclave_livekit_proto::proto::request_response::Reason;
use conclave_livekit_proto::proto::signal_request::Message as Request;
use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{
    DisconnectReason, ParticipantInfo, ParticipantUpdate, Ping, Pong, RequestResponse, TrickleRequest, UpdateParticipantMetadata,
};
use conclave_sfu::{Command, SessionId};

use crate::{CloseReason, Conn, InputError, LiveKit, Output, limits};

impl<T: conclave_sfu::Transport> LiveKit<T> {
    pub(crate) fn message(&mut self, conn: Conn, bytes: &[u8]) -> Result<(), InputError> {
        let session = *self.conns.get(&conn).ok_or(InputError::UnknownConnection)?;
        let Some(participant) = self.participants.get_mut(&session) else { return Err(InputError::UnknownConnection) };
        participant.heard = self.now;
        if !participant.bucket.take(1, self.now) {
            self.counters.limited += 1;
            self.drop_conn(conn, CloseReason::TooMany);
            return Ok(());
        }
        match frame::decode_request(bytes) {
            Ok(request) => self.request(session, request),
            Err(FrameError::Unknown) => self.counters.unknown += 1,
            Err(FrameError::Malformed | FrameError::TooLarge) => self.malformed(session),
        }
        Ok(())
    }

    #[expect(deprecated, reason = "older clients send it")]
    fn request(&mut self, session: SessionId, request: Request) {
        match request {
            Request::Offer(offer) => self.offer(session, &offer),
            Request::Trickle(trickle) => self.trickle(session, &trickle),
            Request::AddTrack(track) => self.add_track(session, &track),
            Request::Mute(mute) => self.mute(session, &mute.sid, mute.muted),
            Request::Subscription(update) => self.update_subscription(session, &update),
            Request::TrackSetting(settings) => self.track_settings(session, &settings),
            Request::SyncState(state) => self.sync_state(session, &state),
            Request::UpdateAudioTrack(update) => self.update_audio(session, update),
            Request::UpdateVideoTrack(update) => self.update_video(session, &update),
            Request::UpdateMetadata(update) => self.update_metadata(session, update),
            Request::Leave(_) => self.remove(session, DisconnectReason::ClientInitiated),
            Request::Ping(_) => self.tell(session, Message::Pong(self.unix_ms())),
            Request::PingReq(Ping { timestamp, .. }) => {
                let pong = Pong { last_ping_timestamp: timestamp, timestamp: self.unix_ms() };
                self.tell(session, Message::PongResp(pong));
            }
            // Everybody may receive what they may: who sees a frame is decided by keys.
            Request::SubscriptionPermission(_) | Request::UpdateLayers(_) => {}
            // Only a server offers to those who answer, and this one never does.
            Request::Answer(_) => self.malformed(session),
            Request::Simulate(_)
            | Request::PublishDataTrackRequest(_)
            | Request::UnpublishDataTrackRequest(_)
            | Request::UpdateDataSubscription(_)
            | Request::StoreDataBlobRequest(_)
            | Request::GetDataBlobRequest(_) => self.counters.unknown += 1,
        }
    }

    fn trickle(&mut self, session: SessionId, trickle: &TrickleRequest) {
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
                self.command(Command::Candidate { session, candidate });
            }
            Err(_) => self.counters.malformed += 1,
        }
    }

    fn update_metadata(&mut self, session: SessionId, update: UpdateParticipantMetadata) {
        let request_id = update.request_id;
        let Some(participant) = self.participants.get_mut(&session) else { return };
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
            self.changed(session);
            if let Some(info) = self.participants.get(&session).map(|p| p.info()) {
                self.tell(session, Message::Update(ParticipantUpdate { participants: vec![info] }));
            }
        }
        self.respond(session, request_id, reason);
    }

    /// The answer to a request that wants one.
    pub(crate) fn respond(&mut self, session: SessionId, request_id: u32, reason: Reason) {
        if request_id != 0 || reason != Reason::Ok {
            let response = RequestResponse { request_id, reason: reason.into(), ..RequestResponse::default() };
            self.tell(session, Message::RequestResponse(response));
        }
    }

    /// Sends `message` if the participant's signalling is up.
    pub(crate) fn tell(&mut self, session: SessionId, message: Message) {
        if let Some(conn) = self.participants.get(&session).and_then(|p| p.conn) {
            self.push(Output::Signal { conn, bytes: frame::encode_response(message) });
        }
    }

    /// Tells of one participant now, or when signalling is back.
    pub(crate) fn tell_or_miss(&mut self, session: SessionId, info: &ParticipantInfo) {
        let Some(participant) = self.participants.get_mut(&session) else { return };
        if participant.conn.is_some() {
            self.tell(session, Message::Update(ParticipantUpdate { participants: vec![info.clone()] }));
        } else if info.state() == State::Disconnected {
            // Who is there is told anyway on coming back.
            participant.miss(info.clone());
        }
    }

    /// Tells all others in the room of a participant.
    pub(crate) fn tell_others(&mut self, session: SessionId, info: ParticipantInfo) {
        self.tell_all_others(session, Message::Update(ParticipantUpdate { participants: vec![info] }));
    }

    pub(crate) fn tell_all_others(&mut self, session: SessionId, message: Message) {
        let bytes = frame::encode_response(message);
        for conn in self.others(session).into_iter().filter_map(|o| self.participants.get(&o)?.conn).collect::<Vec<_>>() {
            self.push(Output::Signal { conn, bytes: bytes.clone() });
        }
    }

    /// A participant changed in a way that the others see.
    pub(crate) fn changed(&mut self, session: SessionId) {
        let Some(participant) = self.participants.get_mut(&session) else { return };
        participant.touch();
        if !participant.access.grants.hidden {
            let info = participant.info();
            self.tell_others(session, info);
        }
    }

    /// The others in the same room.
    pub(crate) fn others(&self, session: SessionId) -> Vec<SessionId> {
        let room = self.participants.get(&session).and_then(|p| self.rooms.get(&p.room));
        room.map_or_else(Vec::new, |r| r.members.iter().copied().filter(|m| *m != session).collect())
    }

    /// Closes a connection whose client does not keep to the protocol. It may come back.
    pub(crate) fn malformed(&mut self, session: SessionId) {
        self.counters.malformed += 1;
        if let Some(conn) = self.participants.get(&session).and_then(|p| p.conn) {
            self.drop_conn(conn, CloseReason::Malformed);
        }
    }

    fn drop_conn(&mut self, conn: Conn, reason: CloseReason) {
        self.closed(conn);
        self.push(Output::CloseSignal { conn, reason });
    }

    /// Whether the media side carried it out.
    pub(crate) fn command(&mut self, command: Command) -> bool {
        let done = self.sfu.handle(conclave_sfu::Input::Command(command), self.now).is_ok();
        if !done {
            // Why may quote an offer, and that has addresses in it.
            tracing::debug!("command refused");
        }
        done
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
