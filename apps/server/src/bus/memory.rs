use conclave_admission::{Input, LocalOrders, RequestId};
use conclave_base::MeetingId;
use conclave_delivery::{Ask, LogId};

use crate::clock::now;

/// The order in this process: for one that serves all members.
#[derive(Default)]
pub(crate) struct Memory(LocalOrders);

impl Memory {
    pub(crate) fn ask(&mut self, request: Option<RequestId>, meeting: MeetingId, log: Option<LogId>, ask: Ask) -> Vec<Input<'static>> {
        self.0.handle(request, meeting, log, ask, now())
    }

    pub(crate) fn unfollow(&mut self, meeting: MeetingId) {
        self.0.unfollow(meeting);
    }
}
