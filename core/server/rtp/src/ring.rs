//! The packets of one incoming stream, for as long as somebody may ask for them again.

use std::time::Duration;

use conclave_base::Time;

use crate::srtp::nearest;

/// Room that is always free, for the packet that comes next: no datagram on the internet is longer.
pub const MAX_PACKET: usize = 1500;

/// A packet in a [`Ring`]; `T` is what its owner wants to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<T> {
    /// Its sequence number, with how often those rolled over in front.
    pub number: u64,
    /// In ticks of the stream's clock.
    pub timestamp: u32,
    /// The last packet of a frame.
    pub marker: bool,
    /// When it came.
    pub arrived: Time,
    /// Whatever its owner noted.
    pub note: T,
}

#[derive(Debug, Clone, Copy)]
struct Slot<T> {
    entry: Entry<T>,
    /// Where its payload starts, in all bytes that were ever written.
    start: u64,
    len: u16,
}

/// The last packets of one stream: bytes in order of arrival, found by number. Both are bounded, and a packet goes when either runs out.
#[derive(Debug)]
pub struct Ring<T> {
    slots: Box<[Option<Slot<T>>]>,
    bytes: Box<[u8]>,
    /// Where the next payload starts, in all bytes that were ever written; those that did not fit before the end of `bytes` are counted too.
    next: u64,
    highest: Option<u64>,
    /// When the packet came that lies at the start of `bytes`.
    lap: Time,
    growth: Option<Growth>,
}

/// How far a ring may grow, so that it reaches back for so long.
#[derive(Debug, Clone, Copy)]
struct Growth {
    packets: usize,
    bytes: usize,
    reach: Duration,
}

impl<T: Copy> Ring<T> {
    /// For this many packets and bytes, each rounded up to a power of two.
    pub fn new(packets: usize, bytes: usize) -> Self {
        let bytes = bytes.max(4 * MAX_PACKET).next_power_of_two();
        Self {
            slots: vec![None; packets.max(1).next_power_of_two()].into_boxed_slice(),
            bytes: vec![0; bytes].into_boxed_slice(),
            next: 0,
            highest: None,
            lap: Time::ZERO,
            growth: None,
        }
    }

    /// Grows when packets would go that came less than `reach` ago, up to this many packets and bytes.
    #[must_use]
    pub fn growing(self, packets: usize, bytes: usize, reach: Duration) -> Self {
        Self { growth: Some(Growth { packets, bytes, reach }), ..self }
    }

    /// Where the next packet is opened to. Nothing is lost by looking: no packet in the ring lies here.
    pub fn space(&mut self) -> &mut [u8] {
        let at = self.offset(self.next);
        &mut self.bytes[at..at + MAX_PACKET]
    }

    /// Keeps the first `len` bytes of [`Self::space`] as the payload of a packet. `false` if that one is there already, or older than the ring
    /// reaches back.
    pub fn insert(&mut self, entry: Entry<T>, len: usize) -> bool {
        let Ok(short) = u16::try_from(len.min(MAX_PACKET)) else { return false };
        if self.highest.is_some_and(|highest| highest.saturating_sub(entry.number) >= self.slots.len() as u64) {
            return false;
        }
        if self.get(entry.number).is_some() {
            return false;
        }
        if let Some(Growth { packets, reach, .. }) = self.growth {
            while self.slots.len() * 2 <= packets && self.displaced(entry.number).is_some_and(|old| entry.arrived - old < reach) {
                self.add_slots();
            }
        }
        if self.offset(self.next) == 0 {
            self.lap = entry.arrived;
        }
        let at = self.slot(entry.number);
        self.slots[at] = Some(Slot { entry, start: self.next, len: short });
        self.highest = self.highest.max(Some(entry.number));
        self.next += u64::from(short);
        // The next one lies in one piece.
        if self.bytes.len() - self.offset(self.next) < MAX_PACKET {
            let lap = entry.arrived - self.lap;
            match self.growth {
                Some(Growth { bytes, reach, .. }) if self.bytes.len() * 2 <= bytes && lap < reach => self.add_bytes(u64::from(short)),
                _ => self.next = self.next.next_multiple_of(self.bytes.len() as u64),
            }
        }
        true
    }

    /// When the packet came whose place one of this number takes.
    fn displaced(&self, number: u64) -> Option<Time> {
        let slot = self.slots[self.slot(number)]?;
        self.get(slot.entry.number).map(|(entry, _)| entry.arrived)
    }

    fn add_slots(&mut self) {
        let more = vec![None; self.slots.len() * 2].into_boxed_slice();
        for slot in std::mem::replace(&mut self.slots, more).into_iter().flatten() {
            let at = self.slot(slot.entry.number);
            self.slots[at] = Some(slot);
        }
    }

    /// Lays what is there into twice the room; the last packet has this length.
    fn add_bytes(&mut self, last: u64) {
        // The last one, or what was thrown away before it, was written over whatever began so far before.
        let free = self.bytes.len() as u64 - MAX_PACKET as u64 + last;
        let mut kept: Vec<Slot<T>> = self.slots.iter().flatten().filter(|slot| self.next - slot.start <= free).copied().collect();
        kept.sort_unstable_by_key(|slot| slot.start);
        let mut more = vec![0; self.bytes.len() * 2].into_boxed_slice();
        self.slots.fill(None);
        self.lap = kept.first().map_or(self.lap, |oldest| oldest.entry.arrived);
        let mut next = 0;
        for slot in kept {
            let from = self.offset(slot.start);
            let payload = &self.bytes[from..from + usize::from(slot.len)];
            more[next..next + payload.len()].copy_from_slice(payload);
            let at = self.slot(slot.entry.number);
            self.slots[at] = Some(Slot { start: next as u64, ..slot });
            next += payload.len();
        }
        (self.bytes, self.next) = (more, next as u64);
    }

    /// The packet of this number, with its payload.
    pub fn get(&self, number: u64) -> Option<(&Entry<T>, &[u8])> {
        let slot = self.slots[self.slot(number)].as_ref().filter(|slot| slot.entry.number == number)?;
        // The next packet may be written to `next .. next + MAX_PACKET` any moment: who lies there is gone.
        let free = self.bytes.len() as u64 - MAX_PACKET as u64;
        if self.highest? - number >= self.slots.len() as u64 || self.next - slot.start > free {
            return None;
        }
        let at = self.offset(slot.start);
        Some((&slot.entry, &self.bytes[at..at + usize::from(slot.len)]))
    }

    /// The highest number so far.
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// The full number of a packet that is told by its last 16 bits, as retransmissions do (RFC 4588).
    pub fn number_of(&self, seq: u16) -> u64 {
        nearest(self.highest, seq)
    }

    fn slot(&self, number: u64) -> usize {
        (number & (self.slots.len() as u64 - 1)) as usize
    }

    fn offset(&self, position: u64) -> usize {
        (position & (self.bytes.len() as u64 - 1)) as usize
    }
}
