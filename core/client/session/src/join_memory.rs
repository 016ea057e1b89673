use conclave_base::{Epoch, SessionId};
use conclave_mls::{ExternalJoin, Group};
use conclave_protocol::payload::{Access, SeenPolicy};

use crate::line_ids::LineIds;
use crate::orders::Orders;

/// What this client has seen of the meeting, for as long as it runs: a server that shows it an older state when it comes back is found out, and
/// what it was told once is not told again.
#[derive(Debug, Default)]
pub(crate) struct JoinMemory {
    /// Of the last session.
    seen: Option<Seen>,
    /// A session into which it came and in which it found nobody, until it comes in again.
    pub(crate) astray: Option<SessionId>,
    /// What a host ordered last.
    pub(crate) ordered: Option<SeenPolicy>,
    /// What this client wanted, as a host, when it had to enter anew.
    pub(crate) orders: Orders,
    /// Lines that were read: their authors say them again in the next session if they did not see them in the last one.
    pub(crate) lines: LineIds,
}

/// How far this client has followed a session, as another member has confirmed: in what is nobody else's group it may have been led astray.
#[derive(Debug, Clone, Copy)]
struct Seen {
    session: SessionId,
    /// The highest epoch.
    epoch: Epoch,
    /// Number of the last order of a host that it knows of, in whichever epoch.
    order: u32,
}

impl JoinMemory {
    /// This client stands in the epoch of this group, and it is not alone in that, or in the group.
    pub(crate) fn on_confirmed(&mut self, group: &Group) {
        self.seen = group.session().map(|session| Seen { session, epoch: group.epoch(), order: group.access().order });
    }

    /// This client stands in the epoch of this group. What a host ordered, it signed, whoever else has read it.
    pub(crate) fn on_epoch(&mut self, group: &Group) {
        let order = group.access().order;
        self.remember(order, || group.seen_policy());
        if let Some(seen) = self.seen.as_mut().filter(|seen| Some(seen.session) == group.session()) {
            seen.order = seen.order.max(order);
        }
    }

    /// This client waits at the door of this group, and knows as well as whoever is inside what a host ordered.
    pub(crate) fn on_door(&mut self, joiner: &ExternalJoin) {
        self.remember(joiner.access().order, || Some(joiner.seen_policy()));
    }

    fn remember(&mut self, order: u32, seen: impl FnOnce() -> Option<SeenPolicy>) {
        if order > self.access().map_or(0, |known| known.order) {
            self.ordered = seen();
        }
    }

    /// What a host ordered last of who may come in.
    pub(crate) fn access(&self) -> Option<&Access> {
        self.ordered.as_ref().map(|seen| &seen.policy.access)
    }

    /// Whether the state that the server shows to this joiner is older than what it has seen; or of a branch in which a host did not order what it
    /// ordered, and whoever it removed is still inside, however much happened there since.
    pub(crate) fn is_rolled_back(&self, joiner: &ExternalJoin) -> bool {
        let is_before = |seen: Seen| joiner.epoch() < seen.epoch || joiner.access().order < seen.order;
        self.seen.is_some_and(|seen| joiner.session() == seen.session && is_before(seen))
    }
}
