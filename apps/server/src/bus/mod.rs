//! What decides the order of all sessions, and what counts for all nodes: this process alone, or Redis for several.

mod counts;
mod follower;
mod memory;
mod redis;
mod wire;

use conclave_admission::{Count, Input, RequestId};
use conclave_base::MeetingId;
use conclave_delivery::{Ask, LogId};

pub(crate) use self::counts::{Shared, SharedKeys};
pub(crate) use self::memory::Memory;
pub(crate) use self::redis::{Presence, Redis};

/// It answers in the order in which it is asked about a meeting.
pub(crate) enum Bus {
    Memory(Memory),
    Redis(Redis),
}

impl Bus {
    /// Asks; gives what is answered at once, to be taken in this order. All else comes by [`Self::answer`].
    pub(crate) fn ask(&mut self, request: Option<RequestId>, meeting: MeetingId, log: Option<LogId>, ask: Ask) -> Vec<Input<'static>> {
        match self {
            Self::Memory(memory) => memory.ask(request, meeting, log, ask),
            Self::Redis(redis) => redis.ask(request, meeting, log, ask),
        }
    }

    /// Counts; gives the answer if it is there at once. Else it comes by [`Self::answer`].
    pub(crate) fn count(&mut self, request: Option<RequestId>, count: Count) -> Option<Input<'static>> {
        match self {
            Self::Memory(memory) => memory.count(request, count),
            Self::Redis(redis) => redis.count(request, count),
        }
    }

    /// By what blocks of addresses are numbered at all nodes, where there are several.
    pub(crate) fn shared_keys(&self) -> Option<SharedKeys> {
        match self {
            Self::Memory(_) => None,
            Self::Redis(redis) => Some(redis.shared_keys()),
        }
    }

    /// This log of a meeting is mirrored here no more.
    pub(crate) fn unfollow(&mut self, meeting: MeetingId, log: LogId) {
        match self {
            Self::Memory(memory) => memory.unfollow(meeting, log),
            Self::Redis(redis) => redis.unfollow(meeting, log),
        }
    }

    /// Who is admitted on any node, where there are several.
    pub(crate) fn presence(&self) -> Option<Presence> {
        match self {
            Self::Memory(_) => None,
            Self::Redis(redis) => Some(redis.presence()),
        }
    }

    /// The next answer; `None` when what answers has panicked.
    pub(crate) async fn answer(&mut self) -> Option<Input<'static>> {
        match self {
            Self::Memory(_) => std::future::pending().await,
            Self::Redis(redis) => redis.answer().await,
        }
    }
}
