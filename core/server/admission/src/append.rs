//! What an admitted connection sends, and the entries that it is sent.

use std::sync::Arc;

use conclave_base::{MeetingId, MemberId, Seq, Time};
use conclave_delivery::{AppendError, Evicted};
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, Refusal, ServerMessage};

use crate::admission::{Admission, Pending};
use crate::api::{ConnectionId, InputError, MediaCommand, Output};
use crate::authors::Author;
use crate::connection::{Rate, Stage};
use crate::session::Session;

/// The last entry that was encoded: many readers want the same one.
pub(crate) type Encoded = Option<(Seq, Arc<[u8]>)>;

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
        let Some(Stage::Admitted { meeting, identity, .. }) = self.connections.get(&conn).map(|state| &state.stage) else { return };
        let (meeting, identity, size) = (*meeting, *identity, sealed.len());
        let authors = if matches!(class, Class::Commit | Class::Proposal) { self.authors(conn, meeting) } else { Vec::new() };
        let may = |session: &mut Session| session.authors.may_append(&authors, size, now);
        let result = if self.sessions.get_mut(&meeting).is_some_and(may) {
            self.append_to_log(meeting, class, parent_commit, sealed, now)
        } else {
            self.counters.limited += 1;
            Err(AppendError::Full)
        };
        match result {
            Ok(seq) => {
                self.counters.appended += 1;
                let gone = self.on_appended(conn, meeting, identity, class, now);
                if let Some(session) = self.sessions.get_mut(&meeting) {
                    session.authors.on_appended(&authors, size, now);
                }
                self.send(conn, &ServerMessage::Appended { request, seq }, now);
                self.send_newest(meeting, now);
                self.append_gone(meeting, gone, now);
            }
            Err(error) => {
                let why = match error {
                    AppendError::Stale { last_commit } => Refusal::Stale { last_commit },
                    AppendError::TooLarge => Refusal::TooLarge,
                    AppendError::Full => Refusal::Busy,
                };
                self.refuse_append(conn, request, why, now);
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

    /// An entry has its place in the log. Gives who is to be called gone once more.
    fn on_appended(&mut self, conn: ConnectionId, meeting: MeetingId, identity: MemberId, class: Class, now: Time) -> Vec<MemberId> {
        let Some(session) = self.sessions.get_mut(&meeting) else { return Vec::new() };
        match class {
            Class::Commit => {
                let newcomer = self.connections.get_mut(&conn).is_some_and(|state| match &mut state.stage {
                    Stage::Admitted { newcomer, .. } => std::mem::take(newcomer),
                    Stage::New | Stage::Loading { .. } | Stage::Challenged { .. } | Stage::IssuingToken { .. } => false,
                });
                session.on_commit(&identity, newcomer, now)
            }
            Class::Snapshot => {
                session.authors.on_snapshot(now);
                Vec::new()
            }
            Class::JoinRequest => {
                session.on_join_request(&identity, now);
                Vec::new()
            }
            Class::Proposal | Class::Message | Class::Welcome | Class::Gone => Vec::new(),
        }
    }

    /// The log says that these members are gone. When there is no memory left for that, the others notice by their silence.
    pub(crate) fn append_gone(&mut self, meeting: MeetingId, members: Vec<MemberId>, now: Time) {
        // If nobody reads it, newcomers are told.
        let Some(session) = self.sessions.get(&meeting).filter(|session| session.connected() > 0) else { return };
        let parent_commit = session.log.last_commit();
        let said = members.iter().filter(|who| {
            let sealed = who.as_bytes().to_vec();
            self.append_to_log(meeting, Class::Gone, parent_commit, sealed, now).is_ok()
        });
        if said.count() > 0 {
            self.send_newest(meeting, now);
        }
    }

    fn send_newest(&mut self, meeting: MeetingId, now: Time) {
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
