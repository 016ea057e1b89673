//! A node that is about to stop sends its members on to others.

use std::time::Duration;

use conclave_base::Time;
use conclave_protocol::ws::CloseReason;

use crate::admission::{Admission, Timer};
use crate::api::{ConnectionId, Output};
use crate::connection::Stage;

/// Members are sent on in so many groups, so that the other nodes are not stormed.
const GROUPS: usize = 20;
/// From one group to the next.
const STEP: Duration = Duration::from_millis(250);

impl Admission {
    pub(crate) fn on_drain(&mut self, notice: Duration, now: Time) {
        if self.stopping {
            return;
        }
        self.stopping = true;
        let on_the_way_in = self.connections.iter().filter(|(_, state)| !matches!(state.stage, Stage::Admitted { .. }));
        for conn in on_the_way_in.map(|(conn, _)| *conn).collect::<Vec<_>>() {
            self.close(conn, CloseReason::Stopping, now);
        }
        self.set_timer(Timer::Drain, now + notice);
    }

    /// The next group. Once nobody is left, whoever was sent on and is nowhere yet is waited for.
    pub(crate) fn send_on(&mut self, now: Time) {
        let at_once = *self.sent_on_at_once.get_or_insert(self.connections.len().div_ceil(GROUPS));
        for conn in self.connections.keys().copied().take(at_once).collect::<Vec<ConnectionId>>() {
            if let Some(Stage::Admitted { meeting, identity, .. }) = self.connections.get(&conn).map(|state| &state.stage)
                && let Some(session) = self.sessions.get_mut(meeting)
            {
                session.send_on(identity);
            }
            self.close(conn, CloseReason::Stopping, now);
        }
        if self.connections.is_empty() && !self.sessions.values().any(|session| session.waits_for_somebody()) {
            self.push(Output::Drained);
        } else {
            self.set_timer(Timer::Drain, now + STEP);
        }
    }
}
