//! What one client may cost the server. Whoever goes beyond is refused the request, or closed with a reason.

use std::time::Duration;

use conclave_base::Time;

/// Bounds that the operator may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rooms at a time.
    pub rooms: usize,
    /// Participants in one room.
    pub participants: usize,
    /// Published tracks of one participant.
    pub tracks: usize,
    /// Signalling messages of one client per second, on average.
    pub messages_per_second: u32,
    /// Signalling messages of one client at once.
    pub message_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rooms: 10_000, participants: 1_000, tracks: 8, messages_per_second: 50, message_burst: 400 }
    }
}

/// Longest identity or room name, in bytes.
pub(crate) const NAME: usize = 256;
/// Longest display name, client track id, track name, stream name, in bytes.
pub(crate) const LABEL: usize = 512;
/// Largest metadata, and largest sum of attributes, in bytes.
pub(crate) const METADATA: usize = 16 * 1024;
/// Most layers or codecs in a request to publish.
pub(crate) const LAYERS: usize = 8;
/// Most tracks or identities named in one request.
pub(crate) const LISTED: usize = 4096;
/// Most media sections in one offer. One participant receives one section per track.
pub(crate) const SECTIONS: usize = 1024;
/// Offers of one participant that wait for an answer.
pub(crate) const OFFERS: usize = 8;
/// News kept for a participant whose signalling is down; with more, it has to join again.
pub(crate) const MISSED: usize = 1024;
/// Messages and datagrams waiting to be taken by the shell.
pub(crate) const OUTPUTS: usize = 65_536;

/// The client asks for a sign of life this often, in seconds.
pub(crate) const PING_INTERVAL: i32 = 5;
/// Without one for this long, either side takes the connection for dead.
pub(crate) const PING_TIMEOUT: Duration = Duration::from_secs(15);
/// A participant whose signalling is down may come back for this long.
pub(crate) const RESUME_WINDOW: Duration = Duration::from_secs(20);
/// A participant whose media never connected is dropped after this.
pub(crate) const CONNECT_WINDOW: Duration = Duration::from_secs(30);
/// How often timeouts are looked at.
pub(crate) const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// A token bucket in thousandths of a message.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    milli: u64,
    since: Time,
}

impl Bucket {
    pub(crate) fn full(limits: &Limits, now: Time) -> Self {
        Self { milli: u64::from(limits.message_burst) * 1000, since: now }
    }

    /// Takes one message's worth; `false` when there is none.
    pub(crate) fn take(&mut self, limits: &Limits, now: Time) -> bool {
        let earned = (now.as_millis().saturating_sub(self.since.as_millis())).saturating_mul(u64::from(limits.messages_per_second));
        if earned > 0 {
            self.milli = self.milli.saturating_add(earned).min(u64::from(limits.message_burst) * 1000);
            self.since = now;
        }
        if self.milli < 1000 {
            return false;
        }
        self.milli -= 1000;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_average_rules() {
        let limits = Limits { messages_per_second: 10, message_burst: 3, ..Limits::default() };
        let mut bucket = Bucket::full(&limits, Time::ZERO);
        let taken = (0..5).filter(|_| bucket.take(&limits, Time::ZERO)).count();
        assert_eq!(taken, 3);
        assert!(!bucket.take(&limits, Time::from_millis(99)));
        assert!(bucket.take(&limits, Time::from_millis(200)));
    }
}
