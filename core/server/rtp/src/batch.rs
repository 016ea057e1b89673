//! Datagrams for one receiver that leave by one call of the kernel.

/// Bytes of one call (Linux takes 65,507 at most).
const MAX_BYTES: usize = 65_000;
/// Datagrams of one call: Linux's UDP_MAX_SEGMENTS, of before it was raised.
const MAX_DATAGRAMS: usize = 64;

/// A row of datagrams in one buffer: all equally long, but for the last one, which may be shorter (UDP generic segmentation offload).
#[derive(Debug)]
pub struct Batch {
    bytes: Box<[u8]>,
    used: usize,
    /// Bytes of each datagram, once there is one.
    segment: usize,
    count: usize,
    /// The last one was shorter.
    closed: bool,
}

impl Default for Batch {
    fn default() -> Self {
        Self { bytes: vec![0; MAX_BYTES].into_boxed_slice(), used: 0, segment: 0, count: 0, closed: false }
    }
}

impl Batch {
    /// Whether a datagram of this length can follow.
    pub fn takes(&self, len: usize) -> bool {
        let fits = len > 0 && self.used + len <= self.bytes.len() && self.count < MAX_DATAGRAMS;
        fits && (self.count == 0 || !self.closed && len <= self.segment)
    }

    /// How much a datagram of this length has to be padded so that others can follow it; `None` if it has to go to another batch, or if padding would
    /// be more than `most`.
    pub fn padding(&self, len: usize, most: u8) -> Option<u8> {
        let missing = if self.count == 0 { 0 } else { self.segment.checked_sub(len)? };
        let padding = u8::try_from(missing).ok().filter(|padding| *padding <= most)?;
        self.takes(len + missing).then_some(padding)
    }

    /// Where the next datagram is written to; empty if none of this length can follow.
    pub fn space(&mut self, len: usize) -> &mut [u8] {
        let len = if self.takes(len) { len } else { 0 };
        &mut self.bytes[self.used..self.used + len]
    }

    /// Keeps the first `len` bytes of [`Self::space`] as a datagram.
    pub fn push(&mut self, len: usize) {
        if !self.takes(len) {
            return;
        }
        self.closed = self.count > 0 && len < self.segment;
        if self.count == 0 {
            self.segment = len;
        }
        self.count += 1;
        self.used += len;
    }

    /// All bytes, and how long each datagram among them is, but for the last one.
    pub fn datagrams(&self) -> (&[u8], usize) {
        (&self.bytes[..self.used], self.segment)
    }

    /// Datagrams in it.
    pub fn len(&self) -> usize {
        self.count
    }

    /// No datagram in it.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Begins the next batch in the same buffer.
    pub fn clear(&mut self) {
        (self.used, self.segment, self.count, self.closed) = (0, 0, 0, false);
    }
}
