use std::collections::BTreeSet;
use std::time::Duration;

use conclave_base::{Epoch, MemberId, SessionId, Time};
use conclave_mls::{ExternalJoin, Group, Member};

/// Members whom a host removed that are remembered.
const REMOVED: usize = 1024;

/// So often within that time it tries again after it joined where the others are not: a member could make somebody come and go for ever.
const ASTRAY: u32 = 3;
/// See [`ASTRAY`].
pub(crate) const ASTRAY_WITHIN: Duration = Duration::from_secs(60);

/// What this client has seen of the meeting, for as long as it runs: a server that shows it an older state when it comes back is found out.
#[derive(Debug, Default)]
pub(crate) struct JoinMemory {
    /// The last session, and its highest epoch.
    seen: Option<(SessionId, Epoch)>,
    /// The same before this client joined last.
    before: Option<(SessionId, Epoch)>,
    /// Since when, and how often, it joined where the others are not.
    astray: Option<(Time, u32)>,
    /// Whom a host removed. Whoever comes in again has another key.
    removed: BTreeSet<MemberId>,
    /// Whom this client wanted out, as a host, when it had to enter anew.
    pub(crate) to_remove: BTreeSet<MemberId>,
}

impl JoinMemory {
    /// This client joins.
    pub(crate) fn on_join(&mut self) {
        self.before = self.seen;
    }

    /// It joined where the others are not: what it saw there is nothing that a server could lead it back from. Gives whether to try again.
    pub(crate) fn on_astray(&mut self, now: Time) -> bool {
        let (since, times) = self.astray.filter(|_| self.was_astray(now)).unwrap_or((now, 0));
        let again = times < ASTRAY;
        if again {
            self.astray = Some((since, times + 1));
            self.seen = self.before;
        }
        again
    }

    /// Whether it did so lately: then it reads on for a moment before it joins.
    pub(crate) fn was_astray(&self, now: Time) -> bool {
        self.astray.is_some_and(|(since, _)| now < since + ASTRAY_WITHIN)
    }

    /// This client stands in the epoch of this group.
    pub(crate) fn on_epoch(&mut self, group: &Group) {
        self.seen = group.session().map(|session| (session, group.epoch()));
    }

    /// A host removed these.
    pub(crate) fn on_removed(&mut self, members: &[Member]) {
        if self.removed.len() + members.len() <= REMOVED {
            self.removed.extend(members.iter().map(|m| m.identity));
        }
    }

    pub(crate) fn is_removed(&self, who: &MemberId) -> bool {
        self.removed.contains(who)
    }

    /// Whether the state that the server shows to this joiner is older than what it has seen.
    pub(crate) fn is_rolled_back(&self, joiner: &ExternalJoin) -> bool {
        let behind = self.seen.is_some_and(|(session, epoch)| joiner.session() == session && joiner.epoch() < epoch);
        behind || joiner.members().iter().any(|m| self.removed.contains(&m.identity))
    }
}
