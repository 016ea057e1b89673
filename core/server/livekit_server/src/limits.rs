//! What one client may cost the server. A client that goes beyond is refused the request, or its connection is closed with a reason.

use std::time::Duration;

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
/// Most capabilities of a client that others are told of.
pub(crate) const CAPABILITIES: usize = 64;
/// Most layers or codecs in a request to publish.
pub(crate) const LAYERS: usize = 8;
/// Most tracks or identities named in one request.
pub(crate) const LISTED: usize = 4096;
/// Most media sections in one offer. One participant receives one section per track.
pub(crate) const SECTIONS: usize = 1024;
/// Most media sections that are offered to one participant of the older form.
pub(crate) const OFFERED: usize = 256;
/// Offers of one participant that wait for an answer.
pub(crate) const OFFERS: usize = 8;
/// News kept for a participant whose signalling is down; with more, it has to join again.
pub(crate) const PENDING_UPDATES: usize = 1024;
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
pub(crate) const EXPIRY_INTERVAL: Duration = Duration::from_secs(1);
