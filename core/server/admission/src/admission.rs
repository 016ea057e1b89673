use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use conclave_base::{Bucket, MeetingId, Time};
use conclave_protocol::ws::{CloseReason, ServerMessage};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::api::{Config, Conn, Counters, Input, InputError, MediaCommand, MediaEvent, Output, Request, Ticket};
use crate::connection::{Connection, MESSAGES_AHEAD, Stage};
use crate::session::Session;

/// How often the storage is asked to erase what has expired.
const SWEEP: Duration = Duration::from_secs(60);

/// The server's brain. See the crate's page.
pub struct Rooms {
    pub(crate) config: Config,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) conns: BTreeMap<Conn, Connection>,
    pub(crate) sessions: BTreeMap<MeetingId, Session>,
    pub(crate) waiting: BTreeMap<Ticket, Waiting>,
    pub(crate) creations: Bucket,
    pub(crate) lookups: Bucket,
    pub(crate) counters: Counters,
    /// Bytes of all logs.
    pub(crate) memory: usize,
    timers: BTreeSet<(Time, Timer)>,
    /// Emptied after each input; one input makes at most a few for each connection.
    out: VecDeque<Output>,
    last_ticket: u64,
    stopping: bool,
}

/// Who waits for the answer to a ticket.
#[derive(Debug)]
pub(crate) enum Waiting {
    Connection(Conn),
    LookupMeeting(Request),
    Create(Request, u64),
}

/// What is to be looked at. A timer may ring early; it is then set again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    Connection(Conn),
    Session(MeetingId),
    Sweep,
}

impl Rooms {
    /// A brain without sessions. `now` is Unix time, here and everywhere.
    pub fn new(config: Config, now: Time) -> Self {
        Self {
            rng: ChaCha20Rng::from_seed(*config.seed.expose()),
            conns: BTreeMap::new(),
            sessions: BTreeMap::new(),
            waiting: BTreeMap::new(),
            creations: Bucket::full(config.creations.0, config.creations.1, now),
            lookups: Bucket::full(config.lookups.0, config.lookups.1, now),
            counters: Counters::default(),
            memory: 0,
            timers: BTreeSet::from([(now, Timer::Sweep)]),
            out: VecDeque::new(),
            last_ticket: 0,
            stopping: false,
            config,
        }
    }

    /// What went wrong so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Takes one input.
    pub fn handle(&mut self, input: Input<'_>, now: Time) -> Result<(), InputError> {
        self.ring(now);
        match input {
            Input::Connected { conn } => self.connected(conn, now),
            Input::Message { conn, bytes } => return self.message(conn, bytes, now),
            Input::Unreadable { conn } => {
                self.conns.get(&conn).ok_or(InputError::UnknownConnection)?;
                self.malformed(conn, now);
            }
            Input::Sent { conn, bytes } => return self.sent(conn, bytes, now),
            Input::Disconnected { conn } => {
                self.forget(conn, now).ok_or(InputError::UnknownConnection)?;
            }
            Input::Http { request, call } => self.call(request, call, now),
            Input::Loaded { ticket, record } => return self.loaded(ticket, record, now),
            Input::Stored { ticket, result } => return self.stored(ticket, result),
            Input::Minted { ticket, token } => return self.minted(ticket, token, now),
            Input::Media(event) => self.media(event, now),
            Input::Tick => {}
            Input::Stop => {
                self.stopping = true;
                for conn in self.conns.keys().copied().collect::<Vec<_>>() {
                    self.close(conn, CloseReason::Stopping, now);
                }
            }
        }
        Ok(())
    }

    /// The next thing to do outside.
    pub fn poll(&mut self, now: Time) -> Output {
        if self.out.is_empty() {
            self.ring(now);
        }
        let idle = || Output::Idle(self.timers.first().map_or(Time::MAX, |(at, _)| *at));
        self.out.pop_front().unwrap_or_else(idle)
    }

    pub(crate) fn push(&mut self, output: Output) {
        self.out.push_back(output);
    }

    pub(crate) fn ticket(&mut self, waiting: Waiting) -> Ticket {
        self.last_ticket += 1;
        self.waiting.insert(Ticket(self.last_ticket), waiting);
        Ticket(self.last_ticket)
    }

    pub(crate) fn set(&mut self, timer: Timer, at: Time) {
        self.timers.insert((at, timer));
    }

    fn connected(&mut self, conn: Conn, now: Time) {
        self.conns.insert(conn, Connection::new(now));
        if self.stopping {
            self.close(conn, CloseReason::Stopping, now);
        } else if self.conns.len() > self.config.connections {
            self.counters.limited += 1;
            self.close(conn, CloseReason::TooMany, now);
        } else {
            self.set(Timer::Connection(conn), now + conclave_protocol::limits::CHALLENGE_TTL);
        }
    }

    pub(crate) fn malformed(&mut self, conn: Conn, now: Time) {
        self.counters.malformed += 1;
        self.close(conn, CloseReason::Malformed, now);
    }

    pub(crate) fn send(&mut self, conn: Conn, message: &ServerMessage, now: Time) {
        self.send_bytes(conn, message.encode().into(), now);
    }

    pub(crate) fn send_bytes(&mut self, conn: Conn, bytes: Arc<[u8]>, now: Time) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        if state.ahead.is_empty() {
            state.progress = now;
        }
        state.ahead.push_back(bytes.len());
        state.bytes_ahead += bytes.len();
        if state.ahead.len() > MESSAGES_AHEAD {
            self.counters.limited += 1;
            self.close(conn, CloseReason::TooMany, now);
        } else {
            self.push(Output::Send { conn, bytes });
        }
    }

    /// Tells the client why, closes, forgets.
    pub(crate) fn close(&mut self, conn: Conn, reason: CloseReason, now: Time) {
        if self.forget(conn, now).is_some() {
            let bytes = ServerMessage::Closing { reason }.encode().into();
            self.push(Output::Send { conn, bytes });
            self.push(Output::Close { conn, reason });
        }
    }

    fn forget(&mut self, conn: Conn, now: Time) -> Option<()> {
        let state = self.conns.remove(&conn)?;
        if let Stage::Inside { meeting, identity, .. } = state.stage
            && let Some(session) = self.sessions.get_mut(&meeting)
            && let Some(presence) = session.present.get_mut(&identity)
            && presence.conn == Some(conn)
        {
            presence.conn = None;
            // Whoever was told already that media is gone, is told again that all is.
            (presence.away_since, presence.told) = (Some(now), false);
            if session.inside() == 0 {
                session.empty_since = Some(now);
            }
            let at = session.review();
            self.set(Timer::Session(meeting), at);
        }
        Some(())
    }

    fn ring(&mut self, now: Time) {
        while let Some((at, timer)) = self.timers.first().copied()
            && at <= now
        {
            self.timers.pop_first();
            match timer {
                Timer::Sweep => {
                    self.push(Output::Forget { expired: now.as_millis() / 1000 });
                    self.set(Timer::Sweep, now + SWEEP);
                }
                Timer::Connection(conn) => match self.conns.get(&conn).map(|state| state.review(now)) {
                    Some(Some(next)) => self.set(timer, next),
                    Some(None) => self.close(conn, CloseReason::Timeout, now),
                    None => {}
                },
                Timer::Session(meeting) => self.review(meeting, now),
            }
        }
    }

    fn review(&mut self, meeting: MeetingId, now: Time) {
        let Some(session) = self.sessions.get_mut(&meeting) else { return };
        if now >= session.expires() {
            for (identity, presence) in std::mem::take(&mut session.present) {
                self.push(Output::Media(MediaCommand::Expel { meeting, identity }));
                if let Some(conn) = presence.conn {
                    self.close(conn, CloseReason::Expired, now);
                }
            }
            return self.erase(meeting);
        }
        if session.is_over(now) {
            return self.erase(meeting);
        }
        let due = session.present.iter_mut().filter(|(_, presence)| presence.is_due(now));
        let mut gone = Vec::new();
        let mut expelled = Vec::new();
        for (identity, presence) in due {
            if presence.told {
                expelled.push(*identity);
            } else {
                presence.told = true;
                gone.push(*identity);
            }
        }
        for identity in &expelled {
            session.present.remove(identity);
        }
        let conns: Vec<Conn> = session.conns().collect();
        let next = session.review();
        for identity in expelled {
            self.push(Output::Media(MediaCommand::Expel { meeting, identity }));
        }
        for identity in gone {
            let bytes: Arc<[u8]> = ServerMessage::MemberDisconnected { identity }.encode().into();
            for conn in &conns {
                self.send_bytes(*conn, Arc::clone(&bytes), now);
            }
        }
        self.set(Timer::Session(meeting), next);
    }

    fn erase(&mut self, meeting: MeetingId) {
        if let Some(session) = self.sessions.remove(&meeting) {
            self.memory -= session.log.used();
            for identity in session.present.into_keys() {
                self.push(Output::Media(MediaCommand::Expel { meeting, identity }));
            }
        }
    }

    fn media(&mut self, event: MediaEvent, now: Time) {
        let (MediaEvent::Joined { meeting, identity } | MediaEvent::Left { meeting, identity }) = event;
        let Some(session) = self.sessions.get_mut(&meeting) else { return };
        let Some(presence) = session.present.get_mut(&identity) else { return };
        match event {
            MediaEvent::Joined { .. } if presence.conn.is_some() => (presence.away_since, presence.told) = (None, false),
            MediaEvent::Left { .. } if presence.away_since.is_none() => presence.away_since = Some(now),
            MediaEvent::Joined { .. } | MediaEvent::Left { .. } => {}
        }
        let at = session.review();
        self.set(Timer::Session(meeting), at);
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
