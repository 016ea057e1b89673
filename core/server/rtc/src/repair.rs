use std::time::Duration;

use str0m::rtp::StreamTx;

/// Packets that may be asked for again: about a second of a large picture.
const KEPT: usize = 1024;
/// Later than this nobody waits for a packet any more.
const KEPT_FOR: Duration = Duration::from_secs(1);
/// What is sent again, of all that is sent. str0m's own 0.15 throws repairs away from one lost packet in ten on, when each of them
/// loses a frame and all that refer to it; the bound is against floods of requests.
const SHARE: f32 = 0.5;

/// Has a new stream send again what was lost (RFC 4588). What it kept before is forgotten.
pub(crate) fn repair(stream: &mut StreamTx) {
    stream.set_rtx_cache(KEPT, KEPT_FOR, Some(SHARE));
}
