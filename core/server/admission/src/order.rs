//! What the order of each session is asked and tells, and the entries that it gives.

use conclave_base::{MeetingId, MemberId, Time};
use conclave_delivery::{Ask, Contents, ENTRY_OVERHEAD, LogId, Mirror, Ordered, Place, Told};
use conclave_protocol::limits;
use conclave_protocol::ws::{Class, CloseReason, LogPosition, ServerMessage};
use rand_core::RngCore as _;

use crate::admission::{Admission, Pending, Timer};
use crate::api::{Block, ConnectionId, InputError, MediaCommand, OrderError, Output, Record, RequestId};
use crate::connection::Stage;
use crate::memory::charge;
use crate::session::Session;

/// A member that has proved its keys, and waits for its place among the people of the session.
#[derive(Debug)]
pub(crate) struct Entering {
    pub(crate) conn: ConnectionId,
    pub(crate) block: Block,
    pub(crate) record: Record,
    pub(crate) after: Option<LogPosition>,
    pub(crate) identity: MemberId,
    pub(crate) media_token: String,
}

impl Admission {
    pub(crate) const fn place(&self, conn: ConnectionId) -> Place {
        Place { node: self.config.node, conn: conn.0 }
    }

    /// Asks for what needs no answer.
    pub(crate) fn tell_order(&mut self, meeting: MeetingId, ask: Ask) {
        if let Some(log) = self.sessions.get(&meeting).map(|session| session.log_id) {
            self.push(Output::Order { request: None, meeting, log: Some(log), ask });
        }
    }

    /// Asks for a place among the people of the session, which begins if there is none.
    pub(crate) fn ask_to_enter(&mut self, record: &Record, who: MemberId, conn: ConnectionId, pending: Pending) {
        let mut found = LogId([0; 16]);
        self.rng.fill_bytes(&mut found.0);
        let meeting = record.meeting;
        let log = self.sessions.get(&meeting).map(|session| session.log_id);
        let (people, lasts) = (record.people(&self.config), record.plan.lasts);
        let request = self.new_request(pending);
        let ask = Ask::Enter { who, place: self.place(conn), found, people, lasts };
        self.push(Output::Order { request: Some(request), meeting, log, ask });
    }

    pub(crate) fn on_told(
        &mut self,
        request: RequestId,
        told: Result<Told, OrderError>,
        contents: Option<Box<Contents>>,
        now: Time,
    ) -> Result<(), InputError> {
        match self.pending.remove(&request) {
            Some(Pending::Enter(entering)) => self.on_entered(*entering, told, contents, now),
            Some(Pending::Append(append)) => self.on_append_answered(*append, told, now),
            Some(other) => {
                self.pending.insert(request, other);
                return Err(InputError::UnknownRequest);
            }
            None => return Err(InputError::UnknownRequest),
        }
        Ok(())
    }

    fn on_entered(&mut self, entering: Entering, told: Result<Told, OrderError>, contents: Option<Box<Contents>>, now: Time) {
        let Entering { conn, block, record, after, identity, media_token } = entering;
        let meeting = record.meeting;
        let (log, known, left) = match told {
            Ok(Told::Entered { log, known, left }) => (log, known, left),
            Ok(Told::TooManyPeople) => return self.close(conn, CloseReason::Full, now),
            Ok(Told::Outdated) => return self.close(conn, CloseReason::Replaced, now),
            // Of all reasons, this one makes the client try again.
            Ok(Told::Appended { .. } | Told::Refused(_) | Told::Done) | Err(_) => return self.close(conn, CloseReason::Stopping, now),
        };
        if let Some(contents) = contents
            && let Ok(mirror) = Mirror::of(limits::LOG_BYTES, *contents)
        {
            self.end_session(meeting, self.why_ended(meeting, now), now);
            self.log_bytes += charge(mirror.used());
            self.sessions.insert(meeting, Session::new(record, log, mirror, block, now));
        }
        let Some(session) = self.sessions.get_mut(&meeting).filter(|session| session.log_id == log) else {
            let ask = Ask::Away { who: identity, place: self.place(conn) };
            self.push(Output::Order { request: None, meeting, log: Some(log), ask });
            return self.close(conn, CloseReason::Stopping, now);
        };
        session.ends_at = left.map(|left| now + left);
        let replaced = session.connect(identity, conn, known);
        let returning = after.map(|after| session.log.reader_from(after));
        let stale = matches!(returning, Some(Err(_)));
        let returning = returning.and_then(Result::ok);
        let newcomer = returning.is_none();
        let cursor = returning.unwrap_or_else(|| session.log.reader_from_snapshot());
        let admitted = ServerMessage::Admitted {
            media_token,
            media_url: None,
            head: session.log.head(),
            last_commit: session.log.last_commit(),
            chain_hash: session.log.chain_hash(),
            stale,
        };
        self.set_session_timer(meeting);
        if let Some(old) = replaced {
            self.close(old, CloseReason::Replaced, now);
        }
        if !self.connections.contains_key(&conn) {
            return self.on_left_session(meeting, identity, conn, now);
        }
        self.set_stage(conn, Stage::Admitted { meeting, identity, cursor, renewing: false, newcomer });
        self.set_timer(Timer::Connection(conn), now);
        self.push(Output::Admitted { conn });
        self.push(Output::Media(MediaCommand::Permit { meeting, identity }));
        self.send(conn, &admitted, now);
        self.send_entries(conn, &mut None, now);
    }

    /// The next entry is there for everybody. What others than members of this node appended must be taken as well, or the session given up here.
    pub(crate) fn on_ordered(&mut self, meeting: MeetingId, log: LogId, entry: Ordered, now: Time) {
        let Some(session) = self.sessions.get(&meeting).filter(|session| session.log_id == log) else { return };
        if entry.seq <= session.log.head() {
            return;
        }
        let more = growth(session.log.used(), entry.sealed.len());
        // That somebody is gone takes little.
        if !self.make_room(more, Some(meeting), now) && entry.class != Class::Gone {
            self.counters.limited += 1;
            return self.end_session(meeting, CloseReason::Stopping, now);
        }
        let Some(session) = self.sessions.get_mut(&meeting) else { return };
        let before = session.log.used();
        let applied = session.log.apply(entry);
        self.log_bytes = self.log_bytes - charge(before) + charge(session.log.used());
        if applied.is_err() {
            return self.end_session(meeting, CloseReason::Stopping, now);
        }
        self.send_newest(meeting, now);
    }

    /// A member came in somewhere.
    pub(crate) fn on_moved(&mut self, meeting: MeetingId, who: MemberId, place: Place, now: Time) {
        if place.node == self.config.node {
            return;
        }
        let moved = self.sessions.get_mut(&meeting).and_then(|session| session.on_moved(&who, now));
        let Some(conn) = moved else { return };
        self.push(Output::Media(MediaCommand::Release { meeting, identity: who }));
        if let Some(conn) = conn {
            self.close(conn, CloseReason::Replaced, now);
        }
        self.set_session_timer(meeting);
    }

    /// Whoever is connected here is so still, unless it is elsewhere: the order may have given them up.
    pub(crate) fn on_lapsed(&mut self, meeting: MeetingId) {
        let Some(session) = self.sessions.get(&meeting) else { return };
        for (who, conn, is_open, gone) in session.members().collect::<Vec<_>>() {
            let place = self.place(conn);
            if is_open {
                self.tell_order(meeting, Ask::Back { who, place });
            } else {
                self.tell_order(meeting, Ask::Away { who, place });
            }
            if gone {
                self.tell_order(meeting, Ask::Gone { who, place });
            }
        }
    }
}

/// By how much more a log counts when an entry of so many bytes comes.
pub(crate) fn growth(used: usize, size: usize) -> usize {
    let grown = (used + size + ENTRY_OVERHEAD).min(limits::LOG_BYTES);
    charge(grown) - charge(used).min(charge(grown))
}
