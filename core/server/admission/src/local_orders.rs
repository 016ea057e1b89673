use std::collections::BTreeMap;

use conclave_base::{MeetingId, Time};
use conclave_delivery::{Ask, Contents, LogId, Order};
use conclave_protocol::limits;

use crate::api::{Input, OrderError, RequestId};

/// What answers [`Output::Order`](crate::Output::Order) where one process serves all members: the orders of all sessions, in memory.
#[derive(Debug, Default)]
pub struct LocalOrders(BTreeMap<MeetingId, Order>);

impl LocalOrders {
    /// Answers, by inputs that are to be given in this order. `request`, `meeting`, `log` and `ask` are those of the output.
    pub fn handle(
        &mut self,
        request: Option<RequestId>,
        meeting: MeetingId,
        log: Option<LogId>,
        ask: Ask,
        now: Time,
    ) -> Vec<Input<'static>> {
        let mut contents = None;
        let log = if let Ask::Enter { found, lasts, .. } = &ask {
            if self.0.get(&meeting).is_some_and(|order| order.is_over(now)) {
                self.0.remove(&meeting);
            }
            let order = self.0.entry(meeting).or_insert_with(|| {
                contents = Some(Box::<Contents>::default());
                Order::new(*found, limits::LOG_BYTES, *lasts, now)
            });
            Some(order.log())
        } else {
            log
        };
        let order = self.0.get_mut(&meeting).filter(|order| log == Some(order.log()));
        let answer = order.map(|order| (order.log(), order.handle(ask, now)));
        let told = answer.as_ref().map(|(_, (told, _))| told.clone()).ok_or(OrderError::Ended);
        let told = request.map(|request| Input::Told { request, told, contents });
        let entries = answer.into_iter().flat_map(|(log, (_, entries))| entries.into_iter().map(move |entry| (log, entry)));
        told.into_iter().chain(entries.map(|(log, entry)| Input::Ordered { meeting, log, entry })).collect()
    }

    /// For [`Output::Unfollow`](crate::Output::Unfollow). Another log may have begun meanwhile.
    pub fn unfollow(&mut self, meeting: MeetingId, log: LogId) {
        if self.0.get(&meeting).is_some_and(|order| order.log() == log) {
            self.0.remove(&meeting);
        }
    }
}
