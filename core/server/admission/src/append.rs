//! What an admitted connection sends, and the entries that it is sent.

use std::sync::Arc;

use conclave_base::{MeetingId, MemberId, Seq, Time};
use conclave_delivery::{AppendError, Ask, Evicted, Told, limit};
use conclave_protocol::limits;
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, Refusal, ServerMessage};

use crate::admission::{Admission, Pending};
use crate::api::{ConnectionId, InputError, MediaCommand, OrderError, Output};
use crate::authors::Author;
use crate::connection::{Rate, Stage};
use crate::order::growth;

/// The last entry that was encoded: many readers want the same one.
pub(crate) type Encoded = Option<(Seq, Arc<[u8]>)>;

/// An entry that waits for its place.
#[derive(Debug)]
pub(crate) struct Append {
    conn: ConnectionId,
    /// As the client named it.
    request: u32,
    meeting: MeetingId,
    identity: MemberId,
    class: Class,
    size: usize,
    /// To whose account it goes.
    authors: Vec<Author>,
}

impl Admission {
    pub(crate) fn on_admitted_message(&mut self, conn: ConnectionId, message: ClientMessage, rate: Rate, now: Time) {
        match message {
            ClientMessage::Append { request, .. } if rate != Rate::Within => {
                self.refuse_append(conn, request, Refusal::Busy, now);
            }
            // What is the server's to say.
            ClientMessage::Append { class: Class::Gone, .. } => self.close_malformed(conn, now),
            ClientMessage::Append { request, class, parent_commit, sealed } => {
                self.append(conn, request, class, parent_commit, sealed, now)
            }
            ClientMessage::Ping => self.send(conn, &ServerMessage::Pong, now),
            ClientMessage::RenewToken => self.renew_token(conn),
            ClientMessage::Leave => {
                if let Some(Stage::Admitted { meeting, identity, .. }) = self.connections.get(&conn).map(|state| &state.stage)
                    && let Some(session) = self.sessions.get_mut(meeting)
                {
                    session.on_leave(identity);
                    let command = MediaCommand::Expel { meeting: *meeting, identity: *identity };
                    self.push(Output::Media(command));
                }
            }
            ClientMessage::Hello { .. } | ClientMessage::Prove { .. } => self.close_malformed(conn, now),
        }
    }

    fn append(&mut self, conn: ConnectionId, request: u32, class: Class, parent_commit: Seq, sealed: Vec<u8>, now: Time) {
        let Some(Stage::Admitted { meeting, identity, newcomer, .. }) = self.connections.get(&conn).map(|state| &state.stage) else {
            return;
        };
        let (meeting, identity, newcomer, size) = (*meeting, *identity, *newcomer, sealed.len());
        let authors = if matches!(class, Class::Commit | Class::Proposal) { self.authors(conn, meeting) } else { Vec::new() };
        let Some(session) = self.sessions.get_mut(&meeting) else { return };
        let (log, last_commit) = (session.log_id, session.log.last_commit());
        if size > limit(class) {
            return self.refuse_append(conn, request, Refusal::TooLarge, now);
        }
        // What is behind this node's mirror is behind the log, whatever has come to the log since.
        if matches!(class, Class::Commit | Class::Snapshot) && parent_commit < last_commit {
            return self.refuse_append(conn, request, Refusal::Stale { last_commit }, now);
        }
        let more = growth(session.log.used(), size);
        if !session.authors.may_append(&authors, size, now) || !self.make_room(more, Some(meeting), now) {
            self.counters.limited += 1;
            return self.refuse_append(conn, request, Refusal::Busy, now);
        }
        let append = Append { conn, request, meeting, identity, class, size, authors };
        let request = self.new_request(Pending::Append(Box::new(append)));
        let ask = Ask::Append { who: identity, newcomer, class, parent_commit, sealed };
        self.push(Output::Order { request: Some(request), meeting, log: Some(log), ask });
    }

    pub(crate) fn on_append_answered(&mut self, append: Append, told: Result<Told, OrderError>, now: Time) {
        let Append { conn, request, meeting, identity, class, size, authors } = append;
        match told {
            Ok(Told::Appended { seq, used }) => {
                self.counters.appended += 1;
                if let Some(session) = self.sessions.get_mut(&meeting) {
                    if class == Class::Snapshot {
                        session.authors.on_snapshot(now);
                    }
                    if matches!(class, Class::Commit | Class::JoinRequest) {
                        session.on_known(&identity);
                    }
                    session.authors.on_appended(&authors, size, now);
                    if used > limits::LOG_BYTES + limits::LOG_BYTES / 16
                        && let Some(trim) = session.log.trim()
                    {
                        self.tell_order(meeting, Ask::Trim(trim));
                    }
                }
                if class == Class::Commit
                    && let Some(Stage::Admitted { newcomer, .. }) = self.connections.get_mut(&conn).map(|state| &mut state.stage)
                {
                    *newcomer = false;
                }
                self.send(conn, &ServerMessage::Appended { request, seq }, now);
            }
            Ok(Told::Refused(AppendError::Stale { last_commit })) => {
                self.refuse_append(conn, request, Refusal::Stale { last_commit }, now);
            }
            Ok(Told::Refused(AppendError::Over)) => self.end_session(meeting, CloseReason::Expired, now),
            Ok(Told::Refused(AppendError::TooLarge)) => self.refuse_append(conn, request, Refusal::TooLarge, now),
            Ok(Told::Refused(AppendError::Full) | Told::Entered { .. } | Told::TooManyPeople | Told::Outdated | Told::Done) | Err(_) => {
                self.refuse_append(conn, request, Refusal::Busy, now);
            }
        }
    }

    fn refuse_append(&mut self, conn: ConnectionId, request: u32, why: Refusal, now: Time) {
        match why {
            Refusal::Stale { .. } => self.counters.stale += 1,
            Refusal::TooLarge => self.counters.too_large += 1,
            Refusal::Busy => self.counters.busy += 1,
        }
        self.send(conn, &ServerMessage::Refused { request, why }, now);
    }

    /// To whose account a commit or proposal of this connection goes. When all members come from one address block, that tells nothing.
    fn authors(&self, conn: ConnectionId, meeting: MeetingId) -> Vec<Author> {
        let block = |conn: &ConnectionId| self.connections.get(conn).map(|state| state.block);
        let own = block(&conn);
        let several = self.sessions.get(&meeting).is_some_and(|session| session.connections().any(|other| block(&other) != own));
        let own = own.filter(|_| several).map(Author::Block);
        own.into_iter().chain([Author::Connection(conn)]).collect()
    }

    /// Everybody is sent what is new.
    pub(crate) fn send_newest(&mut self, meeting: MeetingId, now: Time) {
        let Some(session) = self.sessions.get(&meeting) else { return };
        let readers: Vec<ConnectionId> = session.connections().collect();
        let mut encoded = None;
        for reader in readers {
            self.send_entries(reader, &mut encoded, now);
        }
    }

    fn renew_token(&mut self, conn: ConnectionId) {
        let Some(state) = self.connections.get_mut(&conn) else { return };
        // One at a time: a client that asks again is answered by the token on its way.
        if let Stage::Admitted { meeting, identity, renewing, .. } = &mut state.stage
            && !std::mem::replace(renewing, true)
        {
            let (meeting, identity) = (*meeting, *identity);
            let request = self.new_request(Pending::Connection(conn));
            self.push(Output::IssueToken { request, meeting, identity });
        }
    }

    pub(crate) fn on_sent(&mut self, conn: ConnectionId, bytes: usize, now: Time) -> Result<(), InputError> {
        let state = self.connections.get_mut(&conn).ok_or(InputError::UnknownConnection)?;
        state.in_flight.remove(bytes, now);
        self.send_entries(conn, &mut None, now);
        Ok(())
    }

    /// Sends entries as long as the connection's window has room.
    pub(crate) fn send_entries(&mut self, conn: ConnectionId, encoded: &mut Encoded, now: Time) {
        loop {
            let Some(state) = self.connections.get_mut(&conn) else { return };
            let Stage::Admitted { meeting, cursor, .. } = &mut state.stage else { return };
            if state.in_flight.is_window_full() {
                return;
            }
            let Some(session) = self.sessions.get(meeting) else { return };
            let entry = match session.log.read(cursor) {
                Ok(Some(entry)) => entry,
                Ok(None) => return,
                // The client reads slower than the others write; it can come back and read from the snapshot.
                Err(Evicted) => return self.close(conn, CloseReason::Timeout, now),
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
