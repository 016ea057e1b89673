//! From the first word to admission.

use conclave_base::{MeetingId, MemberId, Time};
use conclave_protocol::ws::{ClientMessage, CloseReason, LogPosition, ServerMessage};
use conclave_protocol::{challenge, limits};
use ed25519_dalek::{Signature, VerifyingKey};
use rand_core::RngCore as _;

use crate::admission::{Rooms, Timer, Waiting};
use crate::api::{Conn, InputError, Output, Record, StoreError, Ticket};
use crate::connection::{BYTES_PER_TOKEN, Stage};
use crate::session::{Presence, Session};

/// Identities that one session remembers, for each that may be connected.
const PRESENCES: usize = 4;

impl Rooms {
    pub(crate) fn message(&mut self, conn: Conn, bytes: &[u8], now: Time) -> Result<(), InputError> {
        let state = self.conns.get_mut(&conn).ok_or(InputError::UnknownConnection)?;
        let in_time = state.messages.take(1 + bytes.len() / BYTES_PER_TOKEN, now);
        if !in_time && !state.refusals.take(1, now) {
            self.counters.limited += 1;
            self.close(conn, CloseReason::TooMany, now);
            return Ok(());
        }
        let Ok(message) = ClientMessage::decode(bytes) else {
            self.malformed(conn, now);
            return Ok(());
        };
        state.heard = now;
        match (message, std::mem::replace(&mut state.stage, Stage::Fresh)) {
            (ClientMessage::Hello { version, meeting, after }, Stage::Fresh) => self.hello(conn, version, meeting, after, now),
            (ClientMessage::Prove { admission, identity_key, identity }, Stage::Challenged { record, after, nonce }) => {
                let signed = [
                    (&record.admission_key, challenge::admission(&record.meeting, &nonce), admission),
                    (&identity_key, challenge::identity(&record.meeting, &nonce), identity),
                ];
                if signed.iter().all(|(key, text, signature)| verified(key, text, signature)) {
                    self.proven(conn, record, after, MemberId::of_key(&identity_key), now);
                } else {
                    self.counters.bad_proofs += 1;
                    self.close(conn, CloseReason::BadProof, now);
                }
            }
            (message, inside @ Stage::Inside { .. }) => {
                state.stage = inside;
                self.said(conn, message, in_time, now);
            }
            _ => self.malformed(conn, now),
        }
        Ok(())
    }

    fn hello(&mut self, conn: Conn, version: u16, meeting: MeetingId, after: Option<LogPosition>, now: Time) {
        if version != limits::PROTOCOL {
            return self.close(conn, CloseReason::Version, now);
        }
        if let Some(session) = self.sessions.get(&meeting) {
            let record = session.record.clone();
            return self.challenge(conn, record, after, now);
        }
        self.stage(conn, Stage::Loading { meeting, after });
        let ticket = self.ticket(Waiting::Connection(conn));
        self.push(Output::Load { ticket, meeting });
    }

    pub(crate) fn loaded(&mut self, ticket: Ticket, record: Result<Option<Record>, StoreError>, now: Time) -> Result<(), InputError> {
        match self.waiting.remove(&ticket) {
            Some(Waiting::Connection(conn)) => {
                let state = self.conns.get(&conn).ok_or(InputError::UnknownTicket)?;
                let Stage::Loading { meeting, after } = state.stage else { return Err(InputError::UnknownTicket) };
                match record {
                    Ok(Some(record)) if record.meeting == meeting && !expired(&record, now) => {
                        self.challenge(conn, record, after, now);
                    }
                    Ok(_) => self.close(conn, CloseReason::NotFound, now),
                    // Of the reasons there are, this one makes the client try again.
                    Err(_) => self.close(conn, CloseReason::Stopping, now),
                }
                Ok(())
            }
            Some(Waiting::LookupMeeting(request)) => {
                self.found(request, record, now);
                Ok(())
            }
            Some(Waiting::Create(..)) | None => Err(InputError::UnknownTicket),
        }
    }

    fn challenge(&mut self, conn: Conn, record: Record, after: Option<LogPosition>, now: Time) {
        let mut nonce = [0; 32];
        self.rng.fill_bytes(&mut nonce);
        self.stage(conn, Stage::Challenged { record, after, nonce });
        self.send(conn, &ServerMessage::Challenge { nonce }, now);
    }

    fn proven(&mut self, conn: Conn, record: Record, after: Option<LogPosition>, identity: MemberId, now: Time) {
        if self.is_full(&record.meeting, &identity) {
            return self.close(conn, CloseReason::Full, now);
        }
        let meeting = record.meeting;
        self.stage(conn, Stage::Minting { record, after, identity });
        let ticket = self.ticket(Waiting::Connection(conn));
        self.push(Output::Mint { ticket, meeting, identity });
    }

    fn is_full(&self, meeting: &MeetingId, identity: &MemberId) -> bool {
        let Some(session) = self.sessions.get(meeting) else { return false };
        match session.present.get(identity) {
            Some(presence) if presence.conn.is_some() => false,
            known => {
                let most = (self.config.people as usize).saturating_mul(PRESENCES);
                session.inside() >= self.config.people || (known.is_none() && session.present.len() >= most)
            }
        }
    }

    pub(crate) fn minted(&mut self, ticket: Ticket, token: Option<String>, now: Time) -> Result<(), InputError> {
        let Some(Waiting::Connection(conn)) = self.waiting.remove(&ticket) else { return Err(InputError::UnknownTicket) };
        let state = self.conns.get_mut(&conn).ok_or(InputError::UnknownTicket)?;
        let Some(media_token) = token else {
            self.close(conn, CloseReason::Stopping, now);
            return Ok(());
        };
        match std::mem::replace(&mut state.stage, Stage::Fresh) {
            Stage::Minting { record, after, identity } => self.admit(conn, record, after, identity, media_token, now),
            Stage::Inside { meeting, identity, cursor, .. } => {
                state.stage = Stage::Inside { meeting, identity, cursor, renewing: false };
                self.send(conn, &ServerMessage::Token { media_token }, now);
            }
            other @ (Stage::Fresh | Stage::Loading { .. } | Stage::Challenged { .. }) => {
                state.stage = other;
                return Err(InputError::UnknownTicket);
            }
        }
        Ok(())
    }

    fn admit(&mut self, conn: Conn, record: Record, after: Option<LogPosition>, identity: MemberId, media_token: String, now: Time) {
        // Others may have come while the token was minted.
        if self.is_full(&record.meeting, &identity) {
            return self.close(conn, CloseReason::Full, now);
        }
        let meeting = record.meeting;
        let session = self.sessions.entry(meeting).or_insert_with(|| Session::new(record, now));
        let before = session.present.insert(identity, Presence { conn: Some(conn), ..Presence::default() });
        session.empty_since = None;
        let returning = after.map(|after| session.log.reader_from(after));
        let stale = matches!(returning, Some(Err(_)));
        let cursor = returning.and_then(Result::ok).unwrap_or_else(|| session.log.reader_from_snapshot());
        let admitted = ServerMessage::Admitted {
            media_token,
            media_url: None,
            head: session.log.head(),
            last_commit: session.log.last_commit(),
            chain_hash: session.log.chain_hash(),
            stale,
        };
        let review = session.review();
        self.set(Timer::Session(meeting), review);
        if let Some(old) = before.and_then(|presence| presence.conn) {
            self.close(old, CloseReason::Replaced, now);
        }
        self.stage(conn, Stage::Inside { meeting, identity, cursor, renewing: false });
        self.send(conn, &admitted, now);
        self.pump(conn, &mut None, now);
    }

    fn stage(&mut self, conn: Conn, stage: Stage) {
        if let Some(state) = self.conns.get_mut(&conn) {
            state.stage = stage;
        }
    }
}

pub(crate) fn expired(record: &Record, now: Time) -> bool {
    record.expires_at <= now.as_millis() / 1000
}

/// Strict: no signature passes that another verifier could refuse, and no key of small order.
fn verified(key: &[u8; 32], text: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| key.verify_strict(text, &Signature::from_bytes(signature)).is_ok())
}
