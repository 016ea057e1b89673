use std::time::Duration;

use conclave_base::Time;

use crate::heartbeat::silence_limit;
use crate::join_memory::ASTRAY_WITHIN;

/// Messages of before one came may still be on their way for so long.
const UNDER_WAY: Duration = Duration::from_secs(2);

/// Whether this client joined where the others are. It followed the public side of the log, which a member can forge: by a snapshot of a group of
/// its own, or by a commit that members ignore and joiners cannot judge. Members answer both with a snapshot of where they are.
#[derive(Debug)]
pub(crate) struct Arrival {
    joined: Time,
    /// Until then it may turn out; `None` when there was nobody to miss.
    until: Option<Time>,
    /// A snapshot came that is of another state.
    otherwise: bool,
    /// A message came that is for another group or epoch, and not of before.
    unopened: bool,
}

impl Arrival {
    /// This client joined, in a group of so many.
    pub(crate) fn new(members: usize, now: Time) -> Self {
        let until = (members > 1).then(|| now + silence_limit(members));
        Self { joined: now, until, otherwise: false, unopened: false }
    }

    /// A snapshot came that is not of this state.
    pub(crate) fn on_other_state(&mut self) {
        self.otherwise = true;
    }

    /// A message came that this member cannot open.
    pub(crate) fn on_unopened(&mut self, now: Time) {
        self.unopened |= now >= self.joined + UNDER_WAY;
    }

    /// Whether it turned out that the others are elsewhere. `confirmed`: another member said that it stands in the same epoch. Whoever leads astray says so
    /// too, but what the others say is unreadable then. If this client stays all the same, it looks again for a while.
    pub(crate) fn take_astray(&mut self, confirmed: bool, now: Time) -> bool {
        let astray = self.until.is_some_and(|until| now < until) && self.otherwise && (!confirmed || self.unopened);
        if astray {
            (self.until, self.otherwise, self.unopened) = (Some(now + ASTRAY_WITHIN), false, false);
        }
        astray
    }
}
