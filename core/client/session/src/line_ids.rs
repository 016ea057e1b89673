use std::collections::VecDeque;

use conclave_base::MemberId;

/// Lines that are remembered: a sender sends again what it does not see in the log within seconds.
const REMEMBERED: usize = 256;

/// Which lines of chat were shown: one that its sender sent again, since its fate was unknown, is shown once.
#[derive(Debug, Default)]
pub(crate) struct LineIds(VecDeque<(MemberId, u64)>);

impl LineIds {
    /// Whether this line of `from` was not seen before.
    pub(crate) fn is_new(&mut self, from: MemberId, id: u64) -> bool {
        if self.0.contains(&(from, id)) {
            return false;
        }
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((from, id));
        true
    }
}
