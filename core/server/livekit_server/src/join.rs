//! Joining, resuming, being put out.

use conclave_base::Redacted;
use conclave_livekit_proto::Access;
use conclave_livekit_proto::join::Form;
use conclave_livekit_proto::proto::leave_request::Action;
use conclave_livekit_proto::proto::participant_info::State;
use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{
    DisconnectReason, JoinRequest, JoinResponse, LeaveRequest, ParticipantInfo, ParticipantUpdate, ReconnectResponse, ServerInfo,
};
use conclave_sfu::{Command, ParticipantId, RoomId};

use crate::authorized_join::AuthorizedJoin;
use crate::participant::Participant;
use crate::room::{self, Room};
use crate::subscriber::Subscriber;
use crate::{CloseReason, Conn, Output, Signalling, limits};

/// At 18, data channels would have fixed ids.
const PROTOCOL: i32 = 17;

impl Signalling {
    /// A client connects.
    pub(crate) fn open(&mut self, conn: Conn, AuthorizedJoin { access, query }: AuthorizedJoin) {
        let Ok(request) = query.join_request() else {
            self.counters.refused += 1;
            self.push(Output::CloseSignal { conn, reason: CloseReason::Refused });
            return;
        };
        let (room, identity) = (&access.grants.room, &access.identity);
        if access.revocable && !self.permits.contains(&(room.clone(), identity.clone())) {
            self.counters.refused += 1;
            self.refuse(conn, Action::Disconnect, DisconnectReason::ParticipantRemoved);
        } else if request.reconnect {
            self.resume(conn, &access, query.form(), &request);
        } else {
            self.join(conn, access, query.form(), &request);
        }
    }

    fn join(&mut self, conn: Conn, access: Access, form: Form, request: &JoinRequest) {
        if let Some(old) = self.find(&access.grants.room, &access.identity) {
            self.remove(old, DisconnectReason::DuplicateIdentity);
        }
        let Some(room_id) = self.enter_room(access.grants.room.expose()) else {
            self.counters.refused += 1;
            self.refuse(conn, Action::Disconnect, DisconnectReason::JoinFailure);
            return;
        };
        let participant_id = ParticipantId(self.next_id());
        let sid = self.sids.participant();
        let limits = self.config.limits;
        let hidden = access.grants.hidden;
        let identity = access.identity.clone();
        let mut participant = Participant::new((participant_id, room_id, conn), sid, access, (form, request), &limits, self.now);
        let receives = form == Form::TwoConnections && participant.access.grants.may_subscribe();
        let subscriber = receives.then(|| ParticipantId(self.next_id()));
        participant.subscriber = subscriber.map(Subscriber::new);
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        room.members.insert(participant_id);
        room.identities.insert(identity.clone(), participant_id);
        let (name, info) = (room.name.clone(), room.info(limits.participants));
        let others = room.members.iter().filter(|m| **m != participant_id).filter_map(|m| self.participants.get(m));
        let others = others.filter(|p| !p.access.grants.hidden).map(Participant::info).collect();
        let own = participant.info();
        self.participants.insert(participant_id, participant);
        self.conns.insert(conn, participant_id);
        self.push(Output::Joined { room: name, identity });
        self.command(Command::Open { participant: participant_id, room: room_id });
        if let Some(subscriber) = subscriber {
            self.subscribers.insert(subscriber, participant_id);
            self.command(Command::Open { participant: subscriber, room: room_id });
        }
        let response = JoinResponse {
            room: Some(info),
            participant: Some(own.clone()),
            other_participants: others,
            ice_servers: self.config.ice_servers.clone(),
            subscriber_primary: receives,
            ping_timeout: i32::try_from(limits::PING_TIMEOUT.as_secs()).unwrap_or(15),
            ping_interval: limits::PING_INTERVAL,
            server_info: Some(server_info()),
            enabled_publish_codecs: room::codecs(),
            fast_publish: true,
            ..JoinResponse::default()
        };
        self.tell(participant_id, Message::Join(response));
        if !hidden {
            self.tell_others(participant_id, own);
        }
        self.subscribe_to_all(participant_id);
        self.offer_sections(participant_id);
        for track in &request.add_track_requests {
            self.add_track(participant_id, track);
        }
        if let Some(offer) = &request.publisher_offer {
            self.offer(participant_id, offer);
        }
    }

    /// The media side has no place for a participant.
    pub(crate) fn on_open_refused(&mut self, participant_id: ParticipantId) {
        if self.participants.contains_key(&participant_id) {
            self.counters.refused += 1;
            self.remove(participant_id, DisconnectReason::JoinFailure);
        }
    }

    /// The room called `name`, made if need be; `None` when it or the server is full.
    fn enter_room(&mut self, name: &str) -> Option<RoomId> {
        if let Some(id) = self.room_names.get(&Redacted::new(name.to_owned())) {
            let members = self.rooms.get(id).map_or(0, |r| r.members.len());
            return (members < self.config.limits.participants).then_some(*id);
        }
        if self.rooms.len() >= self.config.limits.rooms {
            return None;
        }
        let id = RoomId(self.next_id());
        let sid = self.sids.room();
        self.rooms.insert(id, Room::new(name.to_owned(), sid, self.now));
        self.room_names.insert(Redacted::new(name.to_owned()), id);
        Some(id)
    }

    /// A client whose signalling broke comes back. Its media may have gone on all the while.
    fn resume(&mut self, conn: Conn, access: &Access, form: Form, request: &JoinRequest) {
        let known = self.find(&access.grants.room, &access.identity);
        let participant_id = known.filter(|s| {
            let same = |p: &Participant| p.sid == request.participant_sid && p.form == form && p.signal.can_resume();
            self.participants.get(s).is_some_and(same)
        });
        let Some(participant_id) = participant_id else {
            self.refuse(conn, Action::Reconnect, DisconnectReason::StateMismatch);
            return;
        };
        let now = self.now;
        let Some(participant) = self.participants.get_mut(&participant_id) else { return };
        let (before, missed) = participant.signal.resume(conn, now);
        participant.negotiation.on_resume();
        let (room, last_message_seq) = (participant.room, participant.last_reliable);
        if let Some(before) = before {
            self.conns.remove(&before);
            self.push(Output::CloseSignal { conn: before, reason: CloseReason::Replaced });
        }
        self.conns.insert(conn, participant_id);
        let response = ReconnectResponse {
            ice_servers: self.config.ice_servers.clone(),
            server_info: Some(server_info()),
            last_message_seq,
            ..ReconnectResponse::default()
        };
        self.tell(participant_id, Message::Reconnect(response));
        let mut participants = missed;
        participants.extend(self.infos(room, participant_id));
        self.tell(participant_id, Message::Update(ParticipantUpdate { participants }));
        self.resume_subscriber(participant_id);
    }

    /// Everybody in `room` that `participant_id` may know of, itself last: its own state may have changed too.
    fn infos(&self, room: RoomId, participant_id: ParticipantId) -> Vec<ParticipantInfo> {
        let Some(room) = self.rooms.get(&room) else { return Vec::new() };
        let others = room.members.iter().filter(|m| **m != participant_id).filter_map(|m| self.participants.get(m));
        let own = self.participants.get(&participant_id).into_iter();
        others.filter(|p| !p.access.grants.hidden).chain(own).map(Participant::info).collect()
    }

    /// A connection that never became a participant's.
    fn refuse(&mut self, conn: Conn, action: Action, reason: DisconnectReason) {
        let bytes = conclave_livekit_proto::frame::encode_response(leave(action, reason));
        self.push(Output::Signal { conn, bytes });
        self.push(Output::CloseSignal { conn, reason: CloseReason::Refused });
    }

    /// A connection is gone; its participant may come back for a while.
    pub(crate) fn on_signal_closed(&mut self, conn: Conn) {
        let Some(participant_id) = self.conns.remove(&conn) else { return };
        if let Some(participant) = self.participants.get_mut(&participant_id) {
            participant.signal.on_closed(self.now);
        }
    }

    pub(crate) fn expel(&mut self, room: &Redacted<String>, identity: &Redacted<String>) {
        if let Some(participant_id) = self.find(room, identity) {
            self.remove(participant_id, DisconnectReason::ParticipantRemoved);
        }
    }

    fn find(&self, room: &Redacted<String>, identity: &Redacted<String>) -> Option<ParticipantId> {
        let room = self.rooms.get(self.room_names.get(room)?)?;
        room.identities.get(identity).copied()
    }

    /// Ends a participation for good, and the room with the last one.
    pub(crate) fn remove(&mut self, participant_id: ParticipantId, reason: DisconnectReason) {
        self.remove_with(participant_id, Action::Disconnect, reason);
    }

    /// As [`Self::remove`], and tells the client what to do next.
    pub(crate) fn remove_with(&mut self, participant_id: ParticipantId, action: Action, reason: DisconnectReason) {
        self.tell(participant_id, leave(action, reason));
        let Some(mut participant) = self.participants.remove(&participant_id) else { return };
        if let Some(conn) = participant.signal.conn() {
            self.conns.remove(&conn);
            let timed_out = reason == DisconnectReason::ConnectionTimeout;
            let reason = if timed_out { CloseReason::TimedOut } else { CloseReason::Left };
            self.push(Output::CloseSignal { conn, reason });
        }
        self.command(Command::Close { participant: participant_id });
        if let Some(subscriber) = &participant.subscriber {
            self.subscribers.remove(&subscriber.connection);
            self.command(Command::Close { participant: subscriber.connection });
        }
        let Some(room) = self.rooms.get_mut(&participant.room) else { return };
        room.members.remove(&participant_id);
        room.identities.remove(&participant.access.identity);
        let name = room.name.clone();
        for (id, track) in &participant.tracks {
            room.tracks.remove(&track.info.sid);
            self.owners.remove(id);
        }
        let members: Vec<_> = room.members.iter().copied().collect();
        if members.is_empty() {
            self.rooms.remove(&participant.room);
            self.room_names.remove(&name);
        }
        let tracks = std::mem::take(&mut participant.tracks);
        participant.state = State::Disconnected;
        participant.bump_version();
        let info = ParticipantInfo { disconnect_reason: reason.into(), ..participant.info() };
        for member in members {
            if !participant.access.grants.hidden {
                self.tell_or_queue(member, &info);
            }
            for id in tracks.keys() {
                self.forget_intent(member, *id);
            }
            self.ask_for_sections(member);
        }
        self.push(Output::Left { room: name, identity: participant.access.identity });
    }

    /// Looks at timeouts.
    pub(crate) fn expire_participants(&mut self) {
        self.next_expiry = self.now + limits::EXPIRY_INTERVAL;
        let now = self.now;
        let expired: Vec<_> = self.participants.values().filter_map(|p| Some((p.id, p.expiry_reason(now)?))).collect();
        for (participant_id, reason) in expired {
            self.remove(participant_id, reason);
        }
    }
}

pub(crate) fn leave(action: Action, reason: DisconnectReason) -> Message {
    Message::Leave(LeaveRequest {
        can_reconnect: action != Action::Disconnect,
        reason: reason.into(),
        action: action.into(),
        regions: None,
    })
}

fn server_info() -> ServerInfo {
    ServerInfo { version: env!("CARGO_PKG_VERSION").to_owned(), protocol: PROTOCOL, ..ServerInfo::default() }
}
