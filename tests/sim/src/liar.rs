//! A server that lies. It lets in whoever connects and keeps a log for each victim, chained as an honest server chains the only one that it
//! has. Until the script has it lie, it does what an honest server does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use conclave_base::{MemberId, Seq, Time};
use conclave_delivery::{AppendError, Cursor, Log};
use conclave_protocol::limits::{LINGER, LOG_BYTES};
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, Entry, LogPosition, LogTime, Refusal, ServerMessage};

use crate::action::Person;
use crate::lie::{Kept, Lie};
use crate::server::Said;

/// As an honest server: whose connection ended is gone after this.
const GONE_AFTER: Duration = Duration::from_secs(2);
/// And who may have added somebody.
const ADDED_AFTER: Duration = Duration::from_secs(10);
/// What was saved up is given one by one in this time.
const DRIP: Duration = Duration::from_secs(4);
/// The log that everybody is shown who is not lied to.
const TRUE: usize = 0;

pub(crate) struct Liar {
    clock: LogClock,
    logs: Vec<VictimLog>,
    victims: BTreeMap<Person, Victim>,
    guests: BTreeMap<u64, Guest>,
    /// Whose connection ended, and when the log is to say so.
    gone_at: BTreeMap<MemberId, Time>,
    gone: BTreeSet<MemberId>,
    committed: BTreeSet<MemberId>,
    /// When somebody last asked to be added.
    asked: Time,
    says_nobody_gone_until: Time,
    /// Since when nobody is connected.
    empty_since: Option<Time>,
    /// The log of the last session.
    yesterday: Vec<Record>,
}

/// What the log says of the time.
struct LogClock {
    since: Time,
    then: u64,
    percent: u64,
}

/// What one person is told.
#[derive(Debug, Clone, Default)]
struct Victim {
    log: usize,
    dropped_until: Option<Time>,
    swallowed_until: Option<Time>,
    refused_until: Option<Time>,
    /// When it comes back, its place is said to be gone.
    forgotten: bool,
}

#[derive(Debug, Clone)]
struct Record {
    class: Class,
    sealed: Vec<u8>,
    at: LogTime,
}

/// A log that is shown to somebody.
#[derive(Debug, Clone)]
struct VictimLog {
    log: Log,
    /// All of it, to be told again.
    history: Vec<Record>,
    /// Nothing of other logs comes into it, and nothing of it into others.
    apart: bool,
    withheld: Option<Kept>,
    /// Nothing of others comes until then, and is not told later.
    deaf_until: Option<Time>,
    /// What others said, and from when on it is given.
    held: VecDeque<(Class, Vec<u8>)>,
    held_until: Option<Time>,
    /// It is given one by one.
    drips: bool,
    swap: Swap,
}

#[derive(Debug, Clone)]
enum Swap {
    No,
    Next,
    Second(Class, Vec<u8>),
}

#[derive(Debug)]
struct Guest {
    person: Person,
    after: Option<LogPosition>,
    who: Option<MemberId>,
    cursor: Option<Cursor>,
    newcomer: bool,
}

fn lasts(until: Option<Time>, now: Time) -> bool {
    until.is_some_and(|until| now < until)
}

impl VictimLog {
    fn new() -> Self {
        Self {
            log: Log::new(LOG_BYTES),
            history: Vec::new(),
            apart: false,
            withheld: None,
            deaf_until: None,
            held: VecDeque::new(),
            held_until: None,
            drips: false,
            swap: Swap::No,
        }
    }

    /// The log that these entries make, and nothing else comes to.
    fn of(history: &[Record]) -> Self {
        let mut log = Self { apart: true, ..Self::new() };
        for Record { class, sealed, at } in history {
            log.append(*class, log.log.last_commit(), sealed.clone(), *at).expect("it was taken before");
        }
        log
    }

    fn append(&mut self, class: Class, parent: Seq, sealed: Vec<u8>, at: LogTime) -> Result<Seq, AppendError> {
        let seq = self.log.append(class, parent, sealed.clone(), at)?;
        self.history.push(Record { class, sealed, at });
        Ok(seq)
    }

    /// The same, whatever its author had read.
    fn insert(&mut self, class: Class, sealed: Vec<u8>, at: LogTime) {
        let _not_before_there_is_a_group = self.append(class, self.log.last_commit(), sealed, at);
    }

    /// What was appended to another log comes into this one, or does not.
    fn take(&mut self, class: Class, sealed: &[u8], at: LogTime, now: Time) {
        let is_kept = match self.withheld {
            Some(Kept::Any) => true,
            Some(Kept::Commit) => class == Class::Commit,
            Some(Kept::Message) => class == Class::Message,
            None => false,
        };
        if is_kept {
            self.withheld = None;
            return;
        }
        if self.apart || lasts(self.deaf_until, now) {
            return;
        }
        if lasts(self.held_until, now) || !self.held.is_empty() {
            return self.held.push_back((class, sealed.to_vec()));
        }
        match std::mem::replace(&mut self.swap, Swap::No) {
            Swap::No => self.insert(class, sealed.to_vec(), at),
            Swap::Next => self.swap = Swap::Second(class, sealed.to_vec()),
            Swap::Second(first_class, first) => {
                self.insert(class, sealed.to_vec(), at);
                self.insert(first_class, first, at);
            }
        }
    }

    /// Gives what was held back for long enough.
    fn release(&mut self, at: LogTime, now: Time) {
        while self.held_until.is_some_and(|until| now >= until) {
            let Some((class, sealed)) = self.held.pop_front() else {
                self.held_until = None;
                return;
            };
            self.insert(class, sealed, at);
            if self.drips {
                self.held_until = Some(now + DRIP);
            }
        }
    }
}

impl Liar {
    pub(crate) fn new(now: Time) -> Self {
        Self {
            clock: LogClock { since: now, then: 0, percent: 100 },
            logs: vec![VictimLog::new()],
            victims: BTreeMap::new(),
            guests: BTreeMap::new(),
            gone_at: BTreeMap::new(),
            gone: BTreeSet::new(),
            committed: BTreeSet::new(),
            asked: Time::ZERO,
            says_nobody_gone_until: Time::ZERO,
            empty_since: None,
            yesterday: Vec::new(),
        }
    }

    /// The process starts again, with no memory but for what serves a lie.
    pub(crate) fn restart(&mut self, now: Time) {
        let history = std::mem::take(&mut self.logs[TRUE].history);
        let yesterday = if history.is_empty() { std::mem::take(&mut self.yesterday) } else { history };
        *self = Self { yesterday, ..Self::new(now) };
    }

    fn time(&self, now: Time) -> LogTime {
        let LogClock { since, then, percent } = self.clock;
        LogTime(then + (now.as_millis() - since.as_millis()) * percent / 100)
    }

    /// When something is due.
    pub(crate) fn due(&self) -> Time {
        let held = self.logs.iter().filter_map(|log| log.held_until);
        self.gone_at.values().copied().chain(held).min().unwrap_or(Time::MAX)
    }

    pub(crate) fn on_timeout(&mut self, now: Time) -> Vec<Said> {
        let due: Vec<_> = self.gone_at.extract_if(.., |_, at| *at <= now).map(|(who, _)| who).collect();
        for who in due {
            if self.gone.insert(who) && self.committed.contains(&who) {
                self.say_gone(who, now);
            }
        }
        let at = self.time(now);
        self.logs.iter_mut().for_each(|log| log.release(at, now));
        self.give()
    }

    fn say_gone(&mut self, who: MemberId, now: Time) {
        if now >= self.says_nobody_gone_until {
            let at = self.time(now);
            for log in self.logs.iter_mut().filter(|log| log.log.last_commit() > Seq(0)) {
                log.take(Class::Gone, who.as_bytes(), at, now);
            }
        }
    }

    pub(crate) fn on_connected(&mut self, conn: u64, person: Person, now: Time) {
        // An honest server would have forgotten the session by now.
        if self.empty_since.take().is_some_and(|since| now >= since + LINGER) {
            self.restart(now);
        }
        self.guests.insert(conn, Guest { person, after: None, who: None, cursor: None, newcomer: false });
    }

    pub(crate) fn on_disconnected(&mut self, conn: u64, now: Time) {
        if let Some(who) = self.guests.remove(&conn).and_then(|guest| guest.who)
            && !self.guests.values().any(|guest| guest.who == Some(who))
            && !self.gone.contains(&who)
        {
            self.gone_at.entry(who).or_insert(now + GONE_AFTER);
        }
        if self.guests.is_empty() {
            self.empty_since = Some(now);
        }
    }

    /// The process takes its leave.
    pub(crate) fn on_stop(&self) -> Vec<Said> {
        let closing = ServerMessage::Closing { reason: CloseReason::Stopping };
        self.guests.keys().map(|conn| Said::Send { conn: *conn, bytes: closing.encode().into() }).collect()
    }

    pub(crate) fn on_message(&mut self, conn: u64, bytes: &[u8], now: Time) -> Vec<Said> {
        let Some(guest) = self.guests.get_mut(&conn) else { return Vec::new() };
        let mut said = Vec::new();
        let answer = match ClientMessage::decode(bytes).expect("clients send messages") {
            ClientMessage::Hello { after, .. } => {
                guest.after = after;
                Some(ServerMessage::Challenge { nonce: [7; 32] })
            }
            ClientMessage::Prove { identity_key, .. } => {
                let who = MemberId::of_key(&identity_key);
                // As an honest server: of one member the newest connection counts.
                let conns: Vec<_> = self.guests.iter().filter(|(_, guest)| guest.who == Some(who)).map(|(conn, _)| *conn).collect();
                let newest = conns.iter().copied().max().unwrap_or(conn).max(conn);
                for old in conns.into_iter().chain([conn]).filter(|conn| *conn != newest) {
                    self.guests.remove(&old);
                    let bytes = ServerMessage::Closing { reason: CloseReason::Replaced }.encode().into();
                    said.extend([Said::Send { conn: old, bytes }, Said::Close { conn: old }]);
                }
                (newest == conn).then(|| self.admit(conn, who))
            }
            ClientMessage::Append { request, class, parent_commit, sealed } => {
                self.append(conn, request, class, parent_commit, sealed, now)
            }
            ClientMessage::RenewToken => guest.who.map(|who| ServerMessage::Token { media_token: who.to_text() }),
            ClientMessage::Ping => Some(ServerMessage::Pong),
            ClientMessage::Leave => {
                self.gone_at.extend(guest.who.map(|who| (who, now)));
                None
            }
        };
        said.extend(answer.map(|answer| Said::Send { conn, bytes: answer.encode().into() }));
        said.extend(self.give());
        said
    }

    fn admit(&mut self, conn: u64, who: MemberId) -> ServerMessage {
        let guest = self.guests.get_mut(&conn).expect("it just spoke");
        let victim = self.victims.entry(guest.person).or_default();
        let log = &self.logs[victim.log].log;
        let forgotten = std::mem::take(&mut victim.forgotten);
        let returning = guest.after.map(|after| log.reader_from(after).ok().filter(|_| !forgotten));
        let stale = returning == Some(None);
        guest.newcomer = returning.flatten().is_none();
        guest.cursor = Some(returning.flatten().unwrap_or_else(|| log.reader_from_snapshot()));
        guest.who = Some(who);
        self.gone_at.remove(&who);
        self.gone.remove(&who);
        ServerMessage::Admitted {
            media_token: who.to_text(),
            media_url: None,
            head: log.head(),
            last_commit: log.last_commit(),
            chain_hash: log.chain_hash(),
            stale,
        }
    }

    fn append(&mut self, conn: u64, request: u32, class: Class, parent: Seq, sealed: Vec<u8>, now: Time) -> Option<ServerMessage> {
        let at = self.time(now);
        let guest = self.guests.get_mut(&conn)?;
        let victim = self.victims.entry(guest.person).or_default();
        let log = &mut self.logs[victim.log];
        if lasts(victim.swallowed_until, now) {
            return None;
        }
        if lasts(victim.dropped_until, now) {
            return Some(ServerMessage::Appended { request, seq: log.log.head().next() });
        }
        if class == Class::Commit && lasts(victim.refused_until, now) {
            return Some(ServerMessage::Refused { request, why: Refusal::Stale { last_commit: log.log.last_commit() } });
        }
        let seq = match log.append(class, parent, sealed.clone(), at) {
            Ok(seq) => seq,
            Err(AppendError::Stale { last_commit }) => {
                return Some(ServerMessage::Refused { request, why: Refusal::Stale { last_commit } });
            }
            Err(AppendError::TooLarge | AppendError::Full | AppendError::Over) => {
                return Some(ServerMessage::Refused { request, why: Refusal::TooLarge });
            }
        };
        let own = victim.log;
        if class == Class::JoinRequest {
            self.asked = now;
        }
        // Its own first one, or one that may have added somebody who asked.
        let is_first = class == Class::Commit && (std::mem::take(&mut guest.newcomer) || now < self.asked + ADDED_AFTER);
        if matches!(class, Class::Commit | Class::JoinRequest) {
            self.committed.extend(guest.who);
        }
        self.spread(own, class, &sealed, now);
        if is_first {
            let gone: Vec<_> = self.gone.intersection(&self.committed).copied().collect();
            gone.into_iter().for_each(|who| self.say_gone(who, now));
        }
        Some(ServerMessage::Appended { request, seq })
    }

    /// What stands in one log comes into the others.
    fn spread(&mut self, from: usize, class: Class, sealed: &[u8], now: Time) {
        let at = self.time(now);
        if !self.logs[from].apart {
            for log in self.logs.iter_mut().enumerate().filter(|(n, _)| *n != from).map(|(_, log)| log) {
                log.take(class, sealed, at, now);
            }
        }
    }

    /// Everybody is sent what stands in the log that is shown to it.
    fn give(&mut self) -> Vec<Said> {
        let mut said = Vec::new();
        for (conn, guest) in &mut self.guests {
            let Some(cursor) = &mut guest.cursor else { continue };
            let log = &self.logs[self.victims.get(&guest.person).map_or(TRUE, |victim| victim.log)].log;
            while let Ok(Some(entry)) = log.read(cursor) {
                said.push(Said::Send { conn: *conn, bytes: ServerMessage::Entry(Entry::clone(entry)).encode().into() });
            }
        }
        said
    }

    /// The log that is shown to this person and to nobody else: a copy of the one that it was shown.
    fn own_log(&mut self, person: Person) -> &mut VictimLog {
        let shown = self.victims.entry(person).or_default().log;
        let is_own = shown != TRUE && self.victims.values().filter(|victim| victim.log == shown).count() == 1;
        let log = if is_own { shown } else { self.show(person, self.logs[shown].clone()) };
        &mut self.logs[log]
    }

    fn show(&mut self, person: Person, log: VictimLog) -> usize {
        self.logs.push(log);
        self.victims.entry(person).or_default().log = self.logs.len() - 1;
        self.logs.len() - 1
    }

    /// Ends the connections of a person.
    fn hang_up(&mut self, person: Person, now: Time) -> Vec<Said> {
        let conns: Vec<_> = self.guests.iter().filter(|(_, guest)| guest.person == person).map(|(conn, _)| *conn).collect();
        for conn in &conns {
            self.on_disconnected(*conn, now);
        }
        conns.into_iter().map(|conn| Said::Close { conn }).collect()
    }

    fn identity(&self, person: Person) -> Option<MemberId> {
        self.guests.values().filter(|guest| guest.person == person).filter_map(|guest| guest.who).next_back()
    }

    pub(crate) fn lie(&mut self, lie: Lie, now: Time) -> Vec<Said> {
        let mut said = Vec::new();
        match lie {
            Lie::Fork { who, gone } => {
                let halves: (Vec<_>, Vec<_>) = self.victims.keys().copied().partition(|person| who >> person & 1 == 1);
                let fork = VictimLog { apart: true, ..self.logs[TRUE].clone() };
                self.logs.push(fork);
                let forked = self.logs.len() - 1;
                for person in &halves.0 {
                    self.victims.entry(*person).or_default().log = forked;
                }
                if gone {
                    let at = self.time(now);
                    for (log, others) in [(TRUE, halves.0), (forked, halves.1)] {
                        let others: Vec<_> = others.into_iter().filter_map(|person| self.identity(person)).collect();
                        for who in others {
                            self.logs[log].insert(Class::Gone, who.as_bytes().to_vec(), at);
                        }
                    }
                }
            }
            Lie::Withhold { from, what } => self.own_log(from).withheld = Some(what),
            Lie::Freeze { whom, span } => {
                self.own_log(whom).deaf_until = Some(now + span);
                self.victims.entry(whom).or_default().dropped_until = Some(now + span);
            }
            Lie::Isolate { whom, span } => self.own_log(whom).deaf_until = Some(now + span),
            Lie::AckAndDrop { of, span } => self.victims.entry(of).or_default().dropped_until = Some(now + span),
            Lie::Swallow { of, span } => self.victims.entry(of).or_default().swallowed_until = Some(now + span),
            Lie::Delay { to, span } => self.own_log(to).held_until = Some(now + span),
            Lie::Drip { to, span } => {
                let log = self.own_log(to);
                (log.held_until, log.drips) = (Some(now + span), true);
            }
            Lie::Swap { to } => self.own_log(to).swap = Swap::Next,
            Lie::Replay { to, back } => {
                let at = self.time(now);
                let log = self.own_log(to);
                let again = log.history.len().checked_sub(usize::from(back) + 1).and_then(|n| log.history.get(n).cloned());
                if let Some(Record { class, sealed, .. }) = again {
                    log.insert(class, sealed, at);
                }
            }
            Lie::Rewind { whom, commits } => {
                let shown = &self.logs[self.victims.entry(whom).or_default().log].history;
                let places = shown.iter().enumerate().filter(|(_, record)| record.class == Class::Commit).map(|(n, _)| n);
                let from = places.rev().nth(usize::from(commits)).filter(|from| *from > 0);
                if let Some(from) = from {
                    let log = VictimLog::of(&shown[..from]);
                    self.show(whom, log);
                    said = self.hang_up(whom, now);
                }
            }
            Lie::Yesterday { whom } => {
                if !self.yesterday.is_empty() {
                    let log = VictimLog::of(&self.yesterday);
                    self.show(whom, log);
                    said = self.hang_up(whom, now);
                }
            }
            Lie::Stale { of, span } => self.victims.entry(of).or_default().refused_until = Some(now + span),
            Lie::Forget { whom } => {
                self.victims.entry(whom).or_default().forgotten = true;
                said = self.hang_up(whom, now);
            }
            Lie::Gone { who } => {
                if let Some(who) = self.identity(who).filter(|who| self.committed.contains(who)) {
                    self.say_gone(who, now);
                }
            }
            Lie::NoGone { span } => self.says_nobody_gone_until = now + span,
            Lie::Clock { percent, leap } => {
                let then = self.time(now).0 + u64::try_from(leap.as_millis()).expect("a short leap");
                self.clock = LogClock { since: now, then, percent };
            }
            // The media server's.
            Lie::Relabel { .. } => {}
            Lie::Truth => {
                for victim in self.victims.values_mut() {
                    *victim = Victim { log: victim.log, ..Victim::default() };
                }
                for log in &mut self.logs {
                    (log.withheld, log.deaf_until, log.drips, log.swap) = (None, None, false, Swap::No);
                    log.held_until = log.held_until.map(|_| now);
                }
                self.says_nobody_gone_until = now;
                self.clock = LogClock { since: now, then: self.time(now).0, percent: 100 };
            }
        }
        said.extend(self.on_timeout(now));
        said
    }
}
