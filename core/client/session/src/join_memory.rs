use conclave_base::{Epoch, SessionId};
use conclave_mls::{ExternalJoin, Group};
use conclave_protocol::payload::{Access, SeenPolicy};

use crate::line_ids::LineIds;
use crate::orders::Orders;

/// What this client has seen of the meeting, for as long as it runs: a server that shows it an older state when it comes back is found out, and
/// what it was told once is not told again.
#[derive(Debug, Default)]
pub(crate) struct JoinMemory {
    /// The last session, and its highest epoch.
    seen: Option<(SessionId, Epoch)>,
    /// The same as this client came in last.
    seen_before: Option<(SessionId, Epoch)>,
    /// What a host ordered last.
    pub(crate) ordered: Option<SeenPolicy>,
    /// What this client wanted, as a host, when it had to enter anew.
    pub(crate) orders: Orders,
    /// Lines that were read: their authors say them again in the next session if they did not see them in the last one.
    pub(crate) lines: LineIds,
}

impl JoinMemory {
    /// This client comes in.
    pub(crate) const fn on_entering(&mut self) {
        self.seen_before = self.seen;
    }

    /// The group into which it came was that of nobody else.
    pub(crate) const fn on_led_astray(&mut self) {
        self.seen = self.seen_before;
    }

    /// This client stands in the epoch of this group.
    pub(crate) fn on_epoch(&mut self, group: &Group) {
        self.seen = group.session().map(|session| (session, group.epoch()));
        if group.access().order > self.access().map_or(0, |known| known.order) {
            self.ordered = group.seen_policy();
        }
    }

    /// What a host ordered last of who may come in.
    pub(crate) fn access(&self) -> Option<&Access> {
        self.ordered.as_ref().map(|seen| &seen.policy.access)
    }

    /// Whether the state that the server shows to this joiner is older than what it has seen.
    pub(crate) fn is_rolled_back(&self, joiner: &ExternalJoin) -> bool {
        self.seen.is_some_and(|(session, epoch)| joiner.session() == session && joiner.epoch() < epoch)
    }
}
