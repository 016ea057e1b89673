//! What all logs together may take. Each session has a share that nobody can take from it; beyond that the largest give way first.

use std::collections::BTreeMap;

use conclave_base::{MeetingId, Time};
use conclave_protocol::ws::CloseReason;

use crate::admission::Admission;
use crate::api::Block;
use crate::session::Session;

/// Bytes of its log that every session has for certain, and counts for from its beginning.
pub const LOG_SHARE: usize = 256 * 1024;
/// Of the memory of all logs, the sessions that were begun from one address block may take this part and be left alone.
const PART_OF_A_BLOCK: usize = 8;

/// What a log of this size counts for.
pub(crate) fn charge(used: usize) -> usize {
    used.max(LOG_SHARE)
}

impl Admission {
    /// Whether a client of `block` may begin another session; there is room for it then.
    pub(crate) fn has_room_for_session(&mut self, block: Block, now: Time) -> bool {
        let of_block = self.sessions.values().filter(|session| session.block == block).count();
        (of_block + 1) * LOG_SHARE <= self.config.memory / PART_OF_A_BLOCK && self.make_room(LOG_SHARE, None, now)
    }

    /// Makes room for `more` bytes of the log of `meeting`, or of a new one: the largest logs lose what no joiner needs. When none has such
    /// entries beyond its share, and the sessions that were begun from one block take more than their part, the largest of them ends: its
    /// members begin anew, as after a restart.
    pub(crate) fn make_room(&mut self, more: usize, meeting: Option<MeetingId>, now: Time) -> bool {
        while self.log_bytes + more > self.config.memory {
            let Some((largest, of_block)) = self.largest_log() else { return false };
            let Some(session) = self.sessions.get_mut(&largest) else { return false };
            let (used, spare) = (session.log.used(), session.spare());
            if spare > 0 {
                // Not only what is missing, so that the next one does not search again.
                session.log.evict_to(used - spare.min(more.max(used / 4)));
                self.log_bytes = self.log_bytes - charge(used) + charge(session.log.used());
            } else if meeting != Some(largest) && of_block > self.config.memory / PART_OF_A_BLOCK {
                self.counters.limited += 1;
                self.end_session(largest, CloseReason::Stopping, now);
            } else {
                return false;
            }
        }
        true
    }

    /// Whose log is beyond its share and gives way first, and what all logs count for that were begun from the same block. Those that have
    /// something to spare come before all others; then those of the block that takes most.
    fn largest_log(&self) -> Option<(MeetingId, usize)> {
        let mut blocks: BTreeMap<Block, usize> = BTreeMap::new();
        for session in self.sessions.values() {
            *blocks.entry(session.block).or_default() += charge(session.log.used());
        }
        let of_block = |session: &Session| blocks.get(&session.block).copied().unwrap_or_default();
        let beyond = self.sessions.iter().filter(|(_, session)| session.log.used() > LOG_SHARE);
        let largest = beyond.max_by_key(|(_, session)| (session.spare() > 0, of_block(session), session.log.used()));
        largest.map(|(meeting, session)| (*meeting, of_block(session)))
    }
}
