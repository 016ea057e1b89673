use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use conclave_base::{Bucket, Machine, MeetingId, MemberId, Polled, Time};
use conclave_delivery::{Ask, LogId};
use conclave_protocol::http::{PassphraseRight, UpdateMeeting};
use conclave_protocol::ws::{CloseReason, ServerMessage};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::api::{
    Block, Config, ConnectionId, Counters, Figures, HttpRequest, HttpRequestId, Input, InputError, MediaCommand, MediaEvent, Output,
    RequestId,
};
use crate::append::Append;
use crate::budgets::Budgets;
use crate::connection::{Check, Connection, Stage};
use crate::host_keys::{HostKeys, HostsWish};
use crate::memory::charge;
use crate::names::Names;
use crate::order::Entering;
use crate::session::Session;

/// How often the storage is asked to delete what has expired.
const DELETE_EXPIRED_EVERY: Duration = Duration::from_secs(60);
/// A timer that fires so late shows that the server stood still, and heard nobody meanwhile.
const LATE: Duration = Duration::from_millis(500);

/// The server's state machine. See the crate's page.
pub struct Admission {
    pub(crate) config: Config,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) connections: BTreeMap<ConnectionId, Connection>,
    pub(crate) sessions: BTreeMap<MeetingId, Session>,
    /// One for each answer that the shell owes.
    pub(crate) pending: BTreeMap<RequestId, Pending>,
    pub(crate) lookups: Bucket,
    pub(crate) budgets: Budgets,
    pub(crate) names: Names,
    pub(crate) host_keys: HostKeys,
    pub(crate) counters: Counters,
    /// What all logs count for.
    pub(crate) log_bytes: usize,
    timers: BTreeSet<(Time, Timer)>,
    /// Emptied after each input; one input makes at most a few for each connection.
    out: VecDeque<Output>,
    last_request: u64,
    /// The end of the last moment in which the server stood still.
    awake_since: Time,
    pub(crate) stopping: bool,
    /// How many are sent on at a time, once that has begun.
    pub(crate) sent_on_at_once: Option<usize>,
}

/// What the shell's answer to a request is for.
#[derive(Debug)]
pub(crate) enum Pending {
    Connection(ConnectionId),
    LookupMeeting(HttpRequestId, MeetingId),
    Create {
        id: HttpRequestId,
        expires_at: u64,
    },
    LoadForUpdate(HttpRequestId, Box<UpdateMeeting>),
    Update(HttpRequestId),
    LoadForRight(HttpRequestId, Box<PassphraseRight>),
    LoadForHost(HttpRequestId, HostsWish),
    /// To be done if it may be counted.
    Counted(HttpRequestId, Box<HttpRequest>),
    Enter(Box<Entering>),
    Append(Box<Append>),
}

/// What is to be checked at a moment. A timer may fire early; it is then set again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    Connection(ConnectionId),
    Session(MeetingId),
    DeleteExpired,
    Drain,
}

impl Machine for Admission {
    type Input<'a> = Input<'a>;
    type Output = Output;
    type Error = InputError;

    fn handle(&mut self, input: Input<'_>, now: Time) -> Result<(), InputError> {
        if self.timers.first().is_some_and(|(at, _)| now >= *at + LATE) {
            self.awake_since = now;
        }
        self.fire_timers(now);
        let result = self.on_input(input, now);
        // What the input made due at once, such as the end of a session that has expired.
        self.fire_timers(now);
        result
    }

    fn poll(&mut self) -> Polled<Output> {
        let idle = || Polled::Idle(self.timers.first().map_or(Time::MAX, |(at, _)| *at));
        self.out.pop_front().map_or_else(idle, Polled::Output)
    }
}

impl Admission {
    /// A server without sessions. `now` is Unix time, here and everywhere.
    pub fn new(config: Config, now: Time) -> Self {
        Self {
            rng: ChaCha20Rng::from_seed(*config.seed.expose()),
            connections: BTreeMap::new(),
            sessions: BTreeMap::new(),
            pending: BTreeMap::new(),
            lookups: Bucket::full(config.lookups.0, config.lookups.1, now),
            budgets: Budgets::default(),
            names: Names::new(&config),
            host_keys: HostKeys::default(),
            counters: Counters::default(),
            log_bytes: 0,
            timers: BTreeSet::from([(now, Timer::DeleteExpired)]),
            out: VecDeque::new(),
            last_request: 0,
            awake_since: now,
            stopping: false,
            sent_on_at_once: None,
            config,
        }
    }

    /// What there is, and what happened so far.
    pub fn figures(&self) -> Figures {
        Figures {
            connections: self.connections.len(),
            sessions: self.sessions.len(),
            members: self.sessions.values().map(|session| session.connections().count()).sum(),
            log_bytes: self.log_bytes,
            log_bytes_limit: self.config.memory,
            counters: self.counters,
        }
    }

    fn on_input(&mut self, input: Input<'_>, now: Time) -> Result<(), InputError> {
        match input {
            Input::Connected { conn, block } => self.on_connected(conn, block, now),
            Input::Message { conn, bytes } => return self.on_message(conn, bytes, now),
            Input::Unreadable { conn } => {
                self.connections.get(&conn).ok_or(InputError::UnknownConnection)?;
                self.close_malformed(conn, now);
            }
            Input::Alive { conn } => self.on_heard(conn, now),
            Input::Sent { conn, bytes } => return self.on_sent(conn, bytes, now),
            Input::Disconnected { conn } => {
                self.remove(conn, now).ok_or(InputError::UnknownConnection)?;
            }
            Input::HttpRequest { id, block, request } => self.on_http_request(id, block, request, now),
            Input::MeetingLoaded { request, record } => return self.on_meeting_loaded(request, record, now),
            Input::MeetingStored { request, result } => return self.on_meeting_stored(request, result),
            Input::TokenIssued { request, token } => return self.on_token_issued(request, token, now),
            Input::Told { request, told, contents } => return self.on_told(request, told, contents, now),
            Input::Counted { request, counted } => return self.on_counted(request, counted, now),
            Input::Ordered { meeting, log, entry } => self.on_ordered(meeting, log, entry, now),
            Input::Moved { meeting, who, place } => self.on_moved(meeting, who, place, now),
            Input::Lapsed { meeting } => self.on_lapsed(meeting),
            Input::Ended { meeting, log } => self.on_ended(meeting, log, now),
            Input::Media(event) => self.on_media_event(event, now),
            Input::Timeout => {}
            Input::Drain { notice } => self.on_drain(notice, now),
            Input::Stop => {
                self.stopping = true;
                for conn in self.connections.keys().copied().collect::<Vec<_>>() {
                    self.close(conn, CloseReason::Stopping, now);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn push(&mut self, output: Output) {
        self.out.push_back(output);
    }

    pub(crate) fn new_request(&mut self, pending: Pending) -> RequestId {
        self.last_request += 1;
        self.pending.insert(RequestId(self.last_request), pending);
        RequestId(self.last_request)
    }

    pub(crate) fn set_timer(&mut self, timer: Timer, at: Time) {
        self.timers.insert((at, timer));
    }

    pub(crate) fn set_session_timer(&mut self, meeting: MeetingId) {
        if let Some(at) = self.sessions.get(&meeting).map(Session::deadline) {
            self.set_timer(Timer::Session(meeting), at);
        }
    }

    fn on_connected(&mut self, conn: ConnectionId, block: Block, now: Time) {
        self.connections.insert(conn, Connection::new(block, now));
        if self.stopping {
            self.close(conn, CloseReason::Stopping, now);
        } else if self.connections.len() > self.config.connections || !self.budgets.take_request(block, now) {
            self.counters.limited += 1;
            self.close(conn, CloseReason::TooMany, now);
        } else {
            self.set_timer(Timer::Connection(conn), now + conclave_protocol::limits::CHALLENGE_TTL);
        }
    }

    fn on_media_event(&mut self, event: MediaEvent, now: Time) {
        let (MediaEvent::Joined { meeting, .. } | MediaEvent::Left { meeting, .. }) = event;
        if self.sessions.get_mut(&meeting).is_some_and(|session| session.on_media_event(event, now)) {
            self.set_session_timer(meeting);
        }
    }

    pub(crate) fn send(&mut self, conn: ConnectionId, message: &ServerMessage, now: Time) {
        self.send_bytes(conn, message.encode().into(), now);
    }

    pub(crate) fn send_bytes(&mut self, conn: ConnectionId, bytes: Arc<[u8]>, now: Time) {
        let Some(state) = self.connections.get_mut(&conn) else { return };
        if state.in_flight.push(bytes.len(), now) {
            self.push(Output::Send { conn, bytes });
        } else {
            self.counters.limited += 1;
            self.close(conn, CloseReason::TooMany, now);
        }
    }

    pub(crate) fn close_malformed(&mut self, conn: ConnectionId, now: Time) {
        self.counters.malformed += 1;
        self.close(conn, CloseReason::Malformed, now);
    }

    /// Sends the client the reason, closes the connection and forgets it.
    pub(crate) fn close(&mut self, conn: ConnectionId, reason: CloseReason, now: Time) {
        if self.remove(conn, now).is_some() {
            let bytes = ServerMessage::Closing { reason }.encode().into();
            self.push(Output::Send { conn, bytes });
            self.push(Output::Close { conn, reason });
        }
    }

    fn remove(&mut self, conn: ConnectionId, now: Time) -> Option<()> {
        let state = self.connections.remove(&conn)?;
        if let Stage::Admitted { meeting, identity, .. } = state.stage {
            self.on_left_session(meeting, identity, conn, now);
        }
        Some(())
    }

    /// The connection of a member is gone.
    pub(crate) fn on_left_session(&mut self, meeting: MeetingId, identity: MemberId, conn: ConnectionId, now: Time) {
        let Some(session) = self.sessions.get_mut(&meeting) else { return };
        if !session.disconnect(&identity, conn, now) {
            return;
        }
        if session.is_sent_on(&identity) {
            // It keeps its place among the people until it is at another node.
            return self.set_session_timer(meeting);
        }
        // The others would take it for somebody whom the server let in.
        if session.is_on_the_way_in(&identity) {
            self.push(Output::Media(MediaCommand::Expel { meeting, identity }));
        }
        self.tell_order(meeting, Ask::Away { who: identity, place: self.place(conn) });
        self.set_session_timer(meeting);
    }

    fn fire_timers(&mut self, now: Time) {
        while let Some((at, timer)) = self.timers.first().copied()
            && at <= now
        {
            self.timers.pop_first();
            match timer {
                Timer::DeleteExpired => {
                    self.budgets.forget_idle(now);
                    self.host_keys.forget_old(now);
                    self.push(Output::DeleteExpired { until: now.as_millis() / 1000 });
                    self.set_timer(timer, now + DELETE_EXPIRED_EVERY);
                }
                Timer::Connection(conn) => self.check_connection(conn, now),
                Timer::Session(meeting) => self.check_session(meeting, now),
                Timer::Drain => self.send_on(now),
            }
        }
    }

    fn check_connection(&mut self, conn: ConnectionId, now: Time) {
        let Some(state) = self.connections.get_mut(&conn) else { return };
        match state.check(self.awake_since, now) {
            Check::Next(at) => self.set_timer(Timer::Connection(conn), at),
            Check::Mute(at) => {
                if let Stage::Admitted { meeting, identity, .. } = &state.stage {
                    let (meeting, identity) = (*meeting, *identity);
                    self.set_timer(Timer::Connection(conn), at);
                    let Some(session) = self.sessions.get_mut(&meeting) else { return };
                    if session.on_mute(&identity) {
                        self.counters.silent += 1;
                        self.tell_order(meeting, Ask::Gone { who: identity, place: self.place(conn) });
                    } else if session.is_on_the_way_in(&identity) {
                        self.push(Output::Media(MediaCommand::Expel { meeting, identity }));
                    }
                }
            }
            Check::TimedOut => self.close(conn, CloseReason::Timeout, now),
        }
    }

    /// A sign of life of a connection.
    pub(crate) fn on_heard(&mut self, conn: ConnectionId, now: Time) {
        let Some(state) = self.connections.get_mut(&conn) else { return };
        if state.on_heard(now)
            && let Stage::Admitted { meeting, identity, .. } = &state.stage
            && let Some(session) = self.sessions.get_mut(meeting)
        {
            let (meeting, identity) = (*meeting, *identity);
            let was_gone = session.on_heard(&identity);
            if session.is_on_the_way_in(&identity) {
                self.push(Output::Media(MediaCommand::Permit { meeting, identity }));
            }
            if was_gone {
                self.tell_order(meeting, Ask::Back { who: identity, place: self.place(conn) });
            }
        }
    }

    fn check_session(&mut self, meeting: MeetingId, now: Time) {
        let Some(session) = self.sessions.get_mut(&meeting) else { return };
        if session.is_over(now) {
            return self.end_session(meeting, CloseReason::Expired, now);
        }
        let due = session.fire_timers(now);
        self.counters.left += due.left;
        self.counters.lost += due.lost;
        let connections: Vec<ConnectionId> = session.connections().collect();
        self.set_session_timer(meeting);
        for (who, conn) in due.expelled {
            self.push(Output::Media(MediaCommand::Expel { meeting, identity: who }));
            self.tell_order(meeting, Ask::Forget { who, place: self.place(conn) });
        }
        for (who, conn) in due.stayed_away {
            self.tell_order(meeting, Ask::Away { who, place: self.place(conn) });
        }
        for (who, conn) in due.gone {
            self.tell_order(meeting, Ask::Gone { who, place: self.place(conn) });
        }
        for identity in due.media_disconnected {
            let bytes: Arc<[u8]> = ServerMessage::MediaDisconnected { identity }.encode().into();
            for conn in &connections {
                self.send_bytes(*conn, Arc::clone(&bytes), now);
            }
        }
    }

    /// The log is no more.
    fn on_ended(&mut self, meeting: MeetingId, log: LogId, now: Time) {
        if self.sessions.get(&meeting).is_some_and(|session| session.log_id == log) {
            self.end_session(meeting, self.why_ended(meeting, now), now);
        }
    }

    /// Why a session's log is no more, or another one has begun.
    pub(crate) fn why_ended(&self, meeting: MeetingId, now: Time) -> CloseReason {
        let has_lasted = self.sessions.get(&meeting).is_some_and(|session| session.has_lasted(now));
        if has_lasted { CloseReason::Expired } else { CloseReason::Stopping }
    }

    /// Erases the mirror, and closes the connections that the session still has here.
    pub(crate) fn end_session(&mut self, meeting: MeetingId, reason: CloseReason, now: Time) {
        let Some(session) = self.sessions.get(&meeting) else { return };
        self.log_bytes -= charge(session.log.used());
        let (log, connections): (LogId, Vec<ConnectionId>) = (session.log_id, session.connections().collect());
        for (who, conn, is_open, _) in session.members().collect::<Vec<_>>() {
            self.push(Output::Media(MediaCommand::Expel { meeting, identity: who }));
            // Elsewhere the session may go on.
            if is_open {
                self.tell_order(meeting, Ask::Away { who, place: self.place(conn) });
                self.tell_order(meeting, Ask::Gone { who, place: self.place(conn) });
            }
        }
        self.sessions.remove(&meeting);
        self.push(Output::Unfollow { meeting, log });
        for conn in connections {
            self.close(conn, reason, now);
        }
    }
}
