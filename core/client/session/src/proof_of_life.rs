use std::collections::VecDeque;
use std::time::Duration;

use conclave_base::{Seq, Time};

use crate::heartbeat::silence_limit;

/// Own entries that are remembered, and how far they are apart at least: for longer than any limit.
const OWN: usize = 256;
const APART: Duration = Duration::from_millis(500);

/// Whether this client may speak: only into a group of which it knows that it lives, and that it hears. A server that gives it yesterday's
/// session, a log that stands still, or a connection that carries media and no log, is met with silence.
///
/// What another member says proves life only as far as that member has read: a word is as old as the newest own entry that its sender knew.
/// When it comes proves nothing, since a server can save it up.
#[derive(Debug)]
pub(crate) struct ProofOfLife {
    /// Entries of its own that came back: where, and when they were sent. Oldest first.
    own: VecDeque<(Seq, Time)>,
    /// When the newest of them was sent.
    echoed: Time,
    /// When the newest of them was sent that another member is known to have read.
    answered: Option<Time>,
    /// Another member said, since this client joined, that it stands in the same epoch.
    confirmed: bool,
    /// What was sent before proves nothing.
    since: Time,
}

impl ProofOfLife {
    /// This client's commit, with which it joined, came back to this place; it was sent at that moment.
    pub(crate) fn new(seq: Seq, sent: Time) -> Self {
        Self { own: VecDeque::from([(seq, sent)]), echoed: sent, answered: None, confirmed: false, since: Time::ZERO }
    }

    /// The own clock stood still, nobody knows for how long: nothing of before proves anything.
    pub(crate) fn on_standstill(&mut self, now: Time) {
        self.own.clear();
        (self.since, self.echoed, self.answered) = (now, Time::ZERO, None);
    }

    /// An entry of its own came back to this place, that was sent at that moment.
    pub(crate) fn on_echo(&mut self, seq: Seq, sent: Time) {
        if sent < self.since {
            return;
        }
        self.echoed = self.echoed.max(sent);
        if self.own.back().is_none_or(|(_, last)| sent >= *last + APART) {
            if self.own.len() >= OWN {
                self.own.pop_front();
            }
            self.own.push_back((seq, sent));
        }
    }

    /// When the newest own entry up to `seq` was sent.
    pub(crate) fn sent_up_to(&self, seq: Seq) -> Option<Time> {
        self.own.iter().rev().find(|(at, _)| *at <= seq).map(|(_, sent)| *sent)
    }

    /// Another member has read what this client sent at this moment.
    pub(crate) fn on_answer(&mut self, sent: Time) {
        self.answered = self.answered.max(Some(sent));
    }

    /// Another member stands in the epoch in which this client stands.
    pub(crate) fn on_confirmed(&mut self) {
        self.confirmed = true;
    }

    pub(crate) const fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Somebody came to this client, which was alone until now: it counts as heard as long as it would have been alone.
    pub(crate) fn on_company(&mut self) {
        self.on_answer(self.echoed);
    }

    /// Whether frames may be sealed, in a group of so many.
    pub(crate) fn is_given(&self, members: usize, now: Time) -> bool {
        self.given_until(members).is_some_and(|until| now < until)
    }

    /// Until when, for all that is known now.
    pub(crate) fn given_until(&self, members: usize) -> Option<Time> {
        let proved = if members <= 1 { Some(self.echoed) } else { self.answered.filter(|_| self.confirmed) };
        proved.map(|at| at + silence_limit(members))
    }

    /// When it may end.
    pub(crate) fn deadline(&self, members: usize, now: Time) -> Option<Time> {
        let limit = silence_limit(members);
        [Some(self.echoed), self.answered].into_iter().flatten().map(|at| at + limit).filter(|at| *at > now).min()
    }
}
