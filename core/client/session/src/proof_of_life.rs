use std::time::Duration;

use conclave_base::Time;

use crate::heartbeat::heartbeat_period;

/// Whether this client may speak: only into a group of which it knows that it lives, and that it hears. A server that gives it yesterday's
/// session, a log that stands still, or a connection that carries media and no log, is met with silence.
#[derive(Debug)]
pub(crate) struct ProofOfLife {
    /// When the newest entry of its own that came back was sent.
    echoed: Time,
    /// When another member's last word was read.
    heard: Option<Time>,
    /// Another member said, since this client joined, that it stands in the same epoch.
    confirmed: bool,
}

impl ProofOfLife {
    /// This client's commit, with which it joined, came back.
    pub(crate) fn new(now: Time) -> Self {
        Self { echoed: now, heard: None, confirmed: false }
    }

    /// An entry of its own came back that was sent at this moment.
    pub(crate) fn on_echo(&mut self, sent: Time) {
        self.echoed = self.echoed.max(sent);
    }

    /// A word of another member was read.
    pub(crate) fn on_heard(&mut self, now: Time) {
        self.heard = Some(now);
    }

    /// Another member stands in the epoch in which this client stands.
    pub(crate) fn on_confirmed(&mut self) {
        self.confirmed = true;
    }

    /// Whether frames may be sealed, in a group of so many.
    pub(crate) fn is_given(&self, members: usize, now: Time) -> bool {
        let limit = limit(members);
        let others = members <= 1 || self.confirmed && self.heard.is_some_and(|at| now < at + limit);
        others && now < self.echoed + limit
    }

    /// When it may end.
    pub(crate) fn deadline(&self, members: usize, now: Time) -> Option<Time> {
        let limit = limit(members);
        [Some(self.echoed), self.heard].into_iter().flatten().map(|at| at + limit).filter(|at| *at > now).min()
    }
}

/// Two heartbeats may be late.
fn limit(members: usize) -> Duration {
    heartbeat_period(members) * 2
}
