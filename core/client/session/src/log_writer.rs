use std::collections::BTreeMap;
use std::time::Duration;

use conclave_base::{MemberId, Time};
use conclave_mls::{Group, Outgoing};
use conclave_protocol::payload::App;
use conclave_protocol::ws::{Class, ClientMessage};

use crate::chat_queue::UnsentLine;
use crate::context::Context;
use crate::envelope::{Envelope, NotOurs};
use crate::keys::Keys;
use crate::log_verifier::LogVerifier;

/// Appends that may be in flight.
const IN_FLIGHT: usize = 256;
/// What the server says it appended is seen in the log within this, or the server does not deliver.
const DELIVERED: Duration = Duration::from_secs(5);
/// Only a server that still speaks so long after it said so keeps something back: else the line is cut.
const SPEAKS: Duration = Duration::from_secs(1);
/// What was sent is answered within this, or the connection is not what it seems.
const ANSWERED: Duration = Duration::from_secs(10);

/// This client's end of the log: what it appends, and how far it has read.
pub(crate) struct LogWriter {
    envelope: Envelope,
    pub(crate) verifier: LogVerifier,
    /// Appends may be sent: admitted and caught up.
    pub(crate) live: bool,
    next_request: u32,
    in_flight: BTreeMap<u32, InFlight>,
    /// When the server last said anything.
    heard: Option<Time>,
}

/// An append that was not seen in the log yet. Only what is seen there counts, whatever the server says.
struct InFlight {
    sent: Sent,
    /// To know it again in the log.
    sealed: Vec<u8>,
    sent_at: Time,
    /// When the server said that it is in the log.
    acknowledged: Option<Time>,
}

impl InFlight {
    fn deadline(&self) -> Time {
        self.acknowledged.map_or(self.sent_at + ANSWERED, |at| at + DELIVERED)
    }
}

/// Why the connection cannot be trusted to carry what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Overdue {
    /// Something was sent, and the server says nothing more.
    Unanswered,
    /// The server said that it appended something, and keeps it back.
    Undelivered,
}

/// What an append was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    /// A commit, also one that creates the group or joins it.
    Commit,
    /// A snapshot for joiners.
    Snapshot,
    /// An own line of chat.
    Chat(UnsentLine),
    /// What the user found on comparing the code with this member.
    Comparison(MemberId),
    /// What is sent again by itself: states and heartbeats.
    Other,
}

impl LogWriter {
    pub(crate) fn new(keys: &Keys) -> Self {
        Self {
            envelope: Envelope::new(&keys.envelope, keys.meeting),
            verifier: LogVerifier::default(),
            live: false,
            next_request: 0,
            in_flight: BTreeMap::new(),
            heard: None,
        }
    }

    /// Seals and appends an entry. Gives the request's number, or `None` when nothing can be sent now.
    pub(crate) fn append(&mut self, class: Class, content: &[u8], sent: Sent, ctx: &mut Context, now: Time) -> Option<u32> {
        if !self.live || self.in_flight.len() >= IN_FLIGHT {
            return None;
        }
        let sealed = self.envelope.seal(class, content, &mut ctx.rng);
        self.next_request = self.next_request.wrapping_add(1);
        let request = self.next_request;
        let parent_commit = self.verifier.last_commit();
        ctx.send(&ClientMessage::Append { request, class, parent_commit, sealed: sealed.clone() });
        self.in_flight.insert(request, InFlight { sent, sealed, sent_at: now, acknowledged: None });
        Some(request)
    }

    /// Appends an MLS application message. Gives whether it was sent.
    pub(crate) fn append_app(&mut self, group: &mut Group, app: &App, sent: Sent, ctx: &mut Context, now: Time) -> bool {
        let Ok(Outgoing { class, bytes }) = group.application(app) else { return false };
        self.append(class, &bytes, sent, ctx, now).is_some()
    }

    /// The server said something.
    pub(crate) fn on_heard(&mut self, now: Time) {
        self.heard = Some(now);
    }

    /// The server says that it appended `request`.
    pub(crate) fn on_appended(&mut self, request: u32, now: Time) {
        if let Some(append) = self.in_flight.get_mut(&request) {
            append.acknowledged.get_or_insert(now);
        }
    }

    /// Whether something that was sent is not in the log in time, and why.
    pub(crate) fn overdue(&self, now: Time) -> Option<Overdue> {
        let late = self.in_flight.values().filter(|append| self.live && now >= append.deadline());
        let kept_back = |append: &InFlight| append.acknowledged.is_some_and(|at| self.heard >= Some(at + SPEAKS));
        late.map(|append| if kept_back(append) { Overdue::Undelivered } else { Overdue::Unanswered }).max()
    }

    pub(crate) fn is_chat_in_flight(&self) -> bool {
        self.in_flight.values().any(|append| matches!(append.sent, Sent::Chat(_)))
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.in_flight.values().filter(|_| self.live).map(InFlight::deadline).min()
    }

    /// The server refused `request`.
    pub(crate) fn on_refused(&mut self, request: u32) -> Option<Sent> {
        self.in_flight.remove(&request).map(|append| append.sent)
    }

    /// An entry came; if it is one in flight, it is so no longer. Gives what it was, and when it was sent.
    pub(crate) fn on_echo(&mut self, sealed: &[u8]) -> Option<(Sent, Time)> {
        let request = *self.in_flight.iter().find(|(_, append)| append.sealed == sealed)?.0;
        self.in_flight.remove(&request).map(|append| (append.sent, append.sent_at))
    }

    /// The connection is new: no answer will come any more. Gives what was not seen in the log, oldest first.
    pub(crate) fn discard_in_flight(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.in_flight).into_values().map(|append| append.sent).collect()
    }

    pub(crate) fn open(&self, class: Class, sealed: &[u8]) -> Result<Vec<u8>, NotOurs> {
        self.envelope.open(class, sealed)
    }
}

#[cfg(test)]
mod tests {
    use conclave_base::{MeetingId, Secret};

    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_millis(seconds * 1000)
    }

    /// What was sent at 0 s and acknowledged at 1 s, as it stands at 6 s, when the server spoke last at `heard`.
    fn overdue(heard: Time) -> Option<Overdue> {
        let appended = InFlight { sent: Sent::Other, sealed: Vec::new(), sent_at: at(0), acknowledged: None };
        let mut log = LogWriter {
            envelope: Envelope::new(&Secret::new([1; 32]), MeetingId::from_bytes([1; 16])),
            verifier: LogVerifier::default(),
            live: true,
            next_request: 1,
            in_flight: BTreeMap::from([(1, appended)]),
            heard: None,
        };
        log.on_heard(at(1));
        log.on_appended(1, at(1));
        log.on_heard(heard);
        assert_eq!(log.overdue(at(5)), None);
        log.overdue(at(6))
    }

    #[test]
    fn a_server_that_speaks_on_and_delivers_nothing_is_told_of_and_one_that_is_not_heard_any_more_is_not() {
        assert_eq!(overdue(at(3)), Some(Overdue::Undelivered));
        assert_eq!(overdue(at(1)), Some(Overdue::Unanswered), "the network changed just then");
        assert_eq!(overdue(Time::from_millis(1900)), Some(Overdue::Unanswered), "what was under way came still");
    }
}
