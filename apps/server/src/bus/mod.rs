//! What decides the order of all sessions: this process alone.

mod memory;

use conclave_admission::{Input, RequestId};
use conclave_base::MeetingId;
use conclave_delivery::{Ask, LogId};

pub(crate) use self::memory::Memory;

/// It answers in the order in which it is asked about a meeting.
pub(crate) enum Bus {
    Memory(Memory),
}

impl Bus {
    /// Asks; gives what is answered at once, to be taken in this order. All else comes by [`Self::answer`].
    pub(crate) fn ask(&mut self, request: Option<RequestId>, meeting: MeetingId, log: Option<LogId>, ask: Ask) -> Vec<Input<'static>> {
        match self {
            Self::Memory(memory) => memory.ask(request, meeting, log, ask),
        }
    }

    /// A log is mirrored here no more.
    pub(crate) fn unfollow(&mut self, meeting: MeetingId, _log: LogId) {
        match self {
            Self::Memory(memory) => memory.unfollow(meeting),
        }
    }

    /// The next answer; `None` when what answers has panicked.
    pub(crate) async fn answer(&mut self) -> Option<Input<'static>> {
        match self {
            Self::Memory(_) => std::future::pending().await,
        }
    }
}
