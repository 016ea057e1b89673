use std::time::Duration;

use str0m::rtp::StreamTx;

/// Packets that may be asked for again: about a second of a large picture.
const CACHED_PACKETS: usize = 1024;
/// Later than this no receiver waits for a packet any more.
const CACHED_FOR: Duration = Duration::from_secs(1);
/// Most of what is sent that may be retransmissions. str0m's own 0.15 throws them away from one lost packet in ten on, when each of them
/// loses a frame and all that refer to it; the bound is against floods of requests.
const MAX_SHARE: f32 = 0.5;

/// Has a new stream send again what was lost (RFC 4588). What it kept before is forgotten.
pub(crate) fn enable_rtx(stream: &mut StreamTx) {
    stream.set_rtx_cache(CACHED_PACKETS, CACHED_FOR, Some(MAX_SHARE));
}
