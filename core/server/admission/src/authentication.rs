//! From a connection's first message to its admission: a challenge, and proof of the meeting's and the member's key.

use conclave_base::{MeetingId, MemberId, Time};
use conclave_protocol::ws::{ClientMessage, CloseReason, LogPosition, ServerMessage};
use conclave_protocol::{challenge, limits};
use ed25519_dalek::{Signature, VerifyingKey};
use rand_core::RngCore as _;

use crate::admission::{Admission, Pending};
use crate::api::{Block, ConnectionId, InputError, Output, Record, RequestId, StoreError};
use crate::connection::{Rate, Stage};
use crate::order::Entering;

impl Admission {
    pub(crate) fn on_message(&mut self, conn: ConnectionId, bytes: &[u8], now: Time) -> Result<(), InputError> {
        let state = self.connections.get_mut(&conn).ok_or(InputError::UnknownConnection)?;
        let rate = state.limit(bytes.len(), now);
        if rate == Rate::FarAbove {
            self.counters.limited += 1;
            self.close(conn, CloseReason::TooMany, now);
            return Ok(());
        }
        let Ok(message) = ClientMessage::decode(bytes) else {
            self.close_malformed(conn, now);
            return Ok(());
        };
        state.on_received(now);
        self.on_heard(conn, now);
        let state = self.connections.get_mut(&conn).ok_or(InputError::UnknownConnection)?;
        match (message, std::mem::replace(&mut state.stage, Stage::New)) {
            (ClientMessage::Hello { version, meeting, after }, Stage::New) => self.on_hello(conn, version, meeting, after, now),
            (ClientMessage::Prove { admission, identity_key, identity }, Stage::Challenged { record, after, nonce }) => {
                let signed = [
                    (&record.admission_key, challenge::admission(&record.meeting, &nonce), admission),
                    (&identity_key, challenge::identity(&record.meeting, &nonce), identity),
                ];
                if signed.iter().all(|(key, text, signature)| is_signed_by(key, text, signature)) {
                    self.on_proved(conn, record, after, MemberId::of_key(&identity_key));
                } else {
                    self.counters.bad_proofs += 1;
                    self.close(conn, CloseReason::BadProof, now);
                }
            }
            (message, admitted @ Stage::Admitted { .. }) => {
                state.stage = admitted;
                self.on_admitted_message(conn, message, rate, now);
            }
            _ => self.close_malformed(conn, now),
        }
        Ok(())
    }

    fn on_hello(&mut self, conn: ConnectionId, version: u16, meeting: MeetingId, after: Option<LogPosition>, now: Time) {
        if version != limits::PROTOCOL {
            return self.close(conn, CloseReason::Version, now);
        }
        if let Some(session) = self.sessions.get(&meeting) {
            let record = session.record.clone();
            return self.send_challenge(conn, record, after, now);
        }
        self.set_stage(conn, Stage::Loading { meeting, after });
        let request = self.new_request(Pending::Connection(conn));
        self.push(Output::LoadMeeting { request, meeting });
    }

    pub(crate) fn on_meeting_loaded(
        &mut self,
        request: RequestId,
        record: Result<Option<Record>, StoreError>,
        now: Time,
    ) -> Result<(), InputError> {
        match self.pending.remove(&request) {
            Some(Pending::Connection(conn)) => {
                let state = self.connections.get(&conn).ok_or(InputError::UnknownRequest)?;
                let Stage::Loading { meeting, after } = state.stage else { return Err(InputError::UnknownRequest) };
                match record {
                    Ok(Some(record)) if record.meeting == meeting && !record.is_expired(now) => {
                        self.send_challenge(conn, record, after, now);
                    }
                    Ok(_) => self.close(conn, CloseReason::NotFound, now),
                    // Of all reasons, this one makes the client try again.
                    Err(_) => self.close(conn, CloseReason::Stopping, now),
                }
                Ok(())
            }
            Some(Pending::LookupMeeting(id, meeting)) => {
                self.on_lookup_loaded(id, &meeting, record, now);
                Ok(())
            }
            Some(Pending::LoadForUpdate(id, update)) => {
                self.on_loaded_for_update(id, *update, record, now);
                Ok(())
            }
            Some(Pending::LoadForHost(id, wish)) => {
                self.on_loaded_for_host(id, wish, record, now);
                Ok(())
            }
            Some(Pending::LoadForRight(id, right)) => {
                self.on_loaded_for_right(id, &right, record, now);
                Ok(())
            }
            Some(Pending::Create { .. } | Pending::Update(_) | Pending::Counted(..) | Pending::Enter(_) | Pending::Append(_)) | None => {
                Err(InputError::UnknownRequest)
            }
        }
    }

    fn send_challenge(&mut self, conn: ConnectionId, record: Record, after: Option<LogPosition>, now: Time) {
        let mut nonce = [0; 32];
        self.rng.fill_bytes(&mut nonce);
        self.set_stage(conn, Stage::Challenged { record, after, nonce });
        self.send(conn, &ServerMessage::Challenge { nonce }, now);
    }

    fn on_proved(&mut self, conn: ConnectionId, record: Record, after: Option<LogPosition>, identity: MemberId) {
        let meeting = record.meeting;
        self.set_stage(conn, Stage::IssuingToken { record, after, identity });
        let request = self.new_request(Pending::Connection(conn));
        self.push(Output::IssueToken { request, meeting, identity });
    }

    pub(crate) fn on_token_issued(&mut self, request: RequestId, token: Option<String>, now: Time) -> Result<(), InputError> {
        let Some(Pending::Connection(conn)) = self.pending.remove(&request) else { return Err(InputError::UnknownRequest) };
        let state = self.connections.get_mut(&conn).ok_or(InputError::UnknownRequest)?;
        let Some(media_token) = token else {
            self.close(conn, CloseReason::Stopping, now);
            return Ok(());
        };
        match std::mem::replace(&mut state.stage, Stage::New) {
            Stage::IssuingToken { record, after, identity } => self.enter(conn, record, after, identity, media_token, now),
            Stage::Admitted { meeting, identity, cursor, newcomer, .. } => {
                state.stage = Stage::Admitted { meeting, identity, cursor, renewing: false, newcomer };
                self.send(conn, &ServerMessage::Token { media_token }, now);
            }
            other @ (Stage::New | Stage::Loading { .. } | Stage::Challenged { .. } | Stage::Entering) => {
                state.stage = other;
                return Err(InputError::UnknownRequest);
            }
        }
        Ok(())
    }

    fn enter(
        &mut self,
        conn: ConnectionId,
        record: Record,
        after: Option<LogPosition>,
        identity: MemberId,
        media_token: String,
        now: Time,
    ) {
        let meeting = record.meeting;
        let block = self.connections.get(&conn).map_or_else(Block::default, |state| state.block);
        if !self.sessions.contains_key(&meeting) && !self.has_room_for_session(block, now) {
            self.counters.limited += 1;
            return self.close(conn, CloseReason::TooMany, now);
        }
        self.set_stage(conn, Stage::Entering);
        let entering = Entering { conn, block, record: record.clone(), after, identity, media_token };
        self.ask_to_enter(&record, identity, conn, Pending::Enter(Box::new(entering)));
    }

    pub(crate) fn set_stage(&mut self, conn: ConnectionId, stage: Stage) {
        if let Some(state) = self.connections.get_mut(&conn) {
            state.stage = stage;
        }
    }
}

/// Strict: no signature passes that another verifier could refuse, and no key of small order.
pub(crate) fn is_signed_by(key: &[u8; 32], text: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| key.verify_strict(text, &Signature::from_bytes(signature)).is_ok())
}
