use std::collections::BTreeSet;

use conclave_base::{Epoch, MemberId, SessionId};
use conclave_mls::{ExternalJoin, Group, Member};

/// Members whom a host removed that are remembered.
const REMOVED: usize = 1024;

/// What this client has seen of the meeting, for as long as it runs: a server that shows it an older state when it comes back is found out.
#[derive(Debug, Default)]
pub(crate) struct JoinMemory {
    /// The last session, and its highest epoch.
    seen: Option<(SessionId, Epoch)>,
    /// Whom a host removed. Whoever comes in again has another key.
    removed: BTreeSet<MemberId>,
    /// Whom this client wanted out, as a host, when it had to enter anew.
    pub(crate) to_remove: BTreeSet<MemberId>,
}

impl JoinMemory {
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
