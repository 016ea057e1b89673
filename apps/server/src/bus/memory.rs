use conclave_admission::{Count, Input, LocalCounts, LocalOrders, RequestId};
use conclave_base::MeetingId;
use conclave_delivery::{Ask, LogId};

use crate::clock::now;

/// The order, and what is counted, in this process: for one that serves all members.
#[derive(Default)]
pub(crate) struct Memory {
    orders: LocalOrders,
    counts: LocalCounts,
}

impl Memory {
    pub(crate) fn ask(&mut self, request: Option<RequestId>, meeting: MeetingId, log: Option<LogId>, ask: Ask) -> Vec<Input<'static>> {
        self.orders.handle(request, meeting, log, ask, now())
    }

    pub(crate) fn count(&mut self, request: Option<RequestId>, count: Count) -> Option<Input<'static>> {
        let counted = Ok(self.counts.handle(count, now()));
        request.map(|request| Input::Counted { request, counted })
    }

    pub(crate) fn unfollow(&mut self, meeting: MeetingId, log: LogId) {
        self.orders.unfollow(meeting, log);
    }
}
