//! What came before a subscriber did: from the last key frame on, so that its publisher need not make another one for it.

use std::time::Duration;

use conclave_base::Time;

use crate::down_track::DownTrack;
use crate::track::Track;

/// So many times as fast as it came: a newcomer catches up soon, and its path is not flooded.
const SPEED: u32 = 4;
/// How often it gets what is due.
pub(crate) const BEAT: Duration = Duration::from_millis(5);

/// A subscriber that catches up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replay {
    began: Time,
    /// When the key frame came.
    first: Option<Time>,
}

impl Replay {
    /// When a packet is to leave that came at this moment.
    pub(crate) fn due(&mut self, arrived: Time) -> Time {
        let first = *self.first.get_or_insert(arrived);
        self.began + (arrived - first) / SPEED
    }
}

impl DownTrack {
    /// Whether a subscriber that has nothing of a layer can be served from what is kept of it; without keys (`has_keys`) later.
    pub(crate) fn catches_up(&mut self, track: &Track, layer: usize, has_keys: bool, now: Time) -> bool {
        if self.current.is_some() {
            // It has shown a part of what is kept.
            return false;
        }
        let Some(place) = track.replayable(layer, now).filter(|place| *place >= self.seen) else { return false };
        if has_keys && self.replay.is_none() && place < self.next {
            self.next = place;
            self.seen = place + 1;
            self.replay = Some(Replay { began: now, first: None });
        }
        true
    }
}
