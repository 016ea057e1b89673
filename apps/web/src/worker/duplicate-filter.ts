/** Frames remembered per track: some seconds of every layer. */
const remembered = 256;
/** The end of a sealed frame is its tag: no two frames of a key share it, but by a chance of one in 2^64. */
const tagBytes = 8;

/**
 * Tells a packet that the network brought twice from a frame that somebody plays back.
 *
 * Senders fill the line with packets sent before, and browsers hand a frame out again when all its packets come again: same
 * bytes, same RTP time. Such a copy is dropped before it is looked at. The same bytes at another time are for the session to judge.
 */
export class DuplicateFilter {
  private readonly keys = new Set<string>();

  /** Whether this very frame was here before; notes that it was. */
  isDuplicate(rtpTime: number | undefined, sealed: Uint8Array): boolean {
    if (rtpTime === undefined) return false;
    const key = `${rtpTime} ${sealed.subarray(-tagBytes).join()}`;
    if (this.keys.has(key)) return true;
    this.keys.add(key);
    if (this.keys.size > remembered) {
      const oldest = this.keys.values().next();
      if (!oldest.done) this.keys.delete(oldest.value);
    }
    return false;
  }
}
