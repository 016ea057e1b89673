//! What an admitted connection says, and what it is given.

use std::sync::Arc;

use conclave_base::{Seq, Time};
use conclave_delivery::AppendError;
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, Refusal, ServerMessage};

use crate::admission::{Rooms, Waiting};
use crate::api::{Conn, InputError, Output};
use crate::connection::{Stage, WINDOW};

/// The last entry that was encoded: many readers want the same one.
pub(crate) type Encoded = Option<(Seq, Arc<[u8]>)>;

impl Rooms {
    pub(crate) fn said(&mut self, conn: Conn, message: ClientMessage, in_time: bool, now: Time) {
        match message {
            ClientMessage::Append { request, .. } if !in_time => {
                self.send(conn, &ServerMessage::Refused { request, why: Refusal::Busy }, now);
            }
            ClientMessage::Append { request, class, parent_commit, sealed } => {
                self.append(conn, request, class, parent_commit, sealed, now)
            }
            ClientMessage::Ping => self.send(conn, &ServerMessage::Pong, now),
            ClientMessage::RenewToken => self.renew(conn),
            ClientMessage::Hello { .. } | ClientMessage::Prove { .. } => self.malformed(conn, now),
        }
    }

    fn append(&mut self, conn: Conn, request: u32, class: Class, parent_commit: Seq, sealed: Vec<u8>, now: Time) {
        let Some(Stage::Inside { meeting, .. }) = self.conns.get(&conn).map(|state| &state.stage) else { return };
        let Some(session) = self.sessions.get_mut(meeting) else { return };
        let before = session.log.used();
        if self.memory + sealed.len() > self.config.memory {
            self.counters.limited += 1;
            return self.send(conn, &ServerMessage::Refused { request, why: Refusal::Busy }, now);
        }
        let result = session.log.append(class, parent_commit, sealed);
        self.memory = self.memory - before + session.log.used();
        let readers: Vec<Conn> = session.conns().collect();
        match result {
            Ok(seq) => {
                self.send(conn, &ServerMessage::Appended { request, seq }, now);
                let mut encoded = None;
                for reader in readers {
                    self.pump(reader, &mut encoded, now);
                }
            }
            Err(error) => {
                let why = match error {
                    AppendError::Stale { last_commit } => Refusal::Stale { last_commit },
                    AppendError::TooLarge => Refusal::TooLarge,
                    AppendError::Full => Refusal::Busy,
                };
                self.send(conn, &ServerMessage::Refused { request, why }, now);
            }
        }
    }

    fn renew(&mut self, conn: Conn) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        // One at a time: who asks again is answered by the one on its way.
        if let Stage::Inside { meeting, identity, renewing, .. } = &mut state.stage
            && !std::mem::replace(renewing, true)
        {
            let (meeting, identity) = (*meeting, *identity);
            let ticket = self.ticket(Waiting::Connection(conn));
            self.push(Output::Mint { ticket, meeting, identity });
        }
    }

    pub(crate) fn sent(&mut self, conn: Conn, bytes: usize, now: Time) -> Result<(), InputError> {
        let state = self.conns.get_mut(&conn).ok_or(InputError::UnknownConnection)?;
        state.progress = now;
        let mut taken = bytes;
        while let Some(size) = state.ahead.front().copied()
            && size <= taken
        {
            state.ahead.pop_front();
            state.bytes_ahead -= size;
            taken -= size;
        }
        self.pump(conn, &mut None, now);
        Ok(())
    }

    /// Hands out entries as long as the connection takes them.
    pub(crate) fn pump(&mut self, conn: Conn, encoded: &mut Encoded, now: Time) {
        loop {
            let Some(state) = self.conns.get_mut(&conn) else { return };
            let Stage::Inside { meeting, cursor, .. } = &mut state.stage else { return };
            if state.bytes_ahead >= WINDOW {
                return;
            }
            let Some(session) = self.sessions.get(meeting) else { return };
            let entry = match session.log.read(cursor) {
                Ok(Some(entry)) => entry,
                Ok(None) => return,
                // Too slow for what everybody else says; it can come back and read from the snapshot.
                Err(conclave_delivery::Evicted) => return self.close(conn, CloseReason::Timeout, now),
            };
            let bytes = match encoded {
                Some((seq, bytes)) if *seq == entry.seq => Arc::clone(bytes),
                _ => ServerMessage::Entry(entry.as_ref().clone()).encode().into(),
            };
            *encoded = Some((entry.seq, Arc::clone(&bytes)));
            self.send_bytes(conn, bytes, now);
        }
    }
}
