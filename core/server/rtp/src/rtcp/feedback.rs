//! Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1).

use super::read::word;
use crate::packet::Malformed;

/// Microseconds of one tick, in which arrivals are told.
pub const TICK: i64 = 250;
/// Ticks of one step of the reference time (64 ms).
pub(super) const REFERENCE: i64 = 256;
/// Packets that one feedback may tell of. Twenty bytes could tell of 65,535, and a datagram holds sixty such.
pub(crate) const MAX_STATUSES: u16 = 2048;

/// A time of the receiver's clock, in ticks of 250 µs; it begins anew after 2^32 of them.
pub type Ticks = i64;

/// What became of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Its number of the transport.
    pub seq: u16,
    /// When it came; `None` if it did not.
    pub arrived: Option<Ticks>,
}

/// One feedback: an iterator over the packets that it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback<'a> {
    /// Who received.
    pub sender: u32,
    /// A stream of whom sent.
    pub media: u32,
    /// The number of this feedback, which counts up.
    pub number: u8,
    seq: u16,
    left: u16,
    time: Ticks,
    chunk: Chunk,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

/// What is left of a chunk of statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunk {
    /// So many of one symbol.
    Run { symbol: u8, left: u16 },
    /// Symbols of so many bits each, the next one on top.
    Vector { symbols: u16, bits: u8, left: u16 },
}

impl Chunk {
    fn read(word: u16) -> Self {
        match word >> 14 {
            0b10 => Self::Vector { symbols: word << 2, bits: 1, left: 14 },
            0b11 => Self::Vector { symbols: word << 2, bits: 2, left: 7 },
            _ => Self::Run { symbol: (word >> 13) as u8 & 3, left: word & 0x1fff },
        }
    }

    fn left(self) -> u16 {
        match self {
            Self::Run { left, .. } | Self::Vector { left, .. } => left,
        }
    }
}

impl Iterator for Chunk {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        match self {
            Self::Run { left: 0, .. } | Self::Vector { left: 0, .. } => None,
            Self::Run { symbol, left } => {
                *left -= 1;
                Some(*symbol)
            }
            Self::Vector { symbols, bits, left } => {
                *left -= 1;
                let symbol = *symbols >> (16 - u16::from(*bits));
                *symbols <<= *bits;
                Some(symbol as u8)
            }
        }
    }
}

/// Bytes of the delta that goes with a symbol; there is none for 3, which is reserved.
fn delta_len(symbol: u8) -> Result<usize, Malformed> {
    match symbol {
        0..=2 => Ok(usize::from(symbol)),
        _ => Err(Malformed),
    }
}

impl<'a> Feedback<'a> {
    pub(super) fn read(sender: u32, media: u32, body: &'a [u8]) -> Result<Self, Malformed> {
        let (sequence, rest) = word(body)?;
        let (reference, rest) = word(rest)?;
        let (seq, count) = ((sequence >> 16) as u16, sequence as u16);
        if count > MAX_STATUSES {
            return Err(Malformed);
        }
        // All chunks come before all deltas: how many there are of both follows from the count.
        let (mut chunks, mut deltas) = (0, 0);
        let mut left = count;
        while left > 0 {
            let chunk = rest.get(chunks..).and_then(|rest| rest.first_chunk()).ok_or(Malformed)?;
            let chunk = Chunk::read(u16::from_be_bytes(*chunk));
            let told = chunk.left().min(left);
            match chunk {
                // A run of nothing would never end.
                Chunk::Run { left: 0, .. } => return Err(Malformed),
                Chunk::Run { symbol, .. } => deltas += usize::from(told) * delta_len(symbol)?,
                Chunk::Vector { .. } => {
                    for symbol in chunk.take(usize::from(told)) {
                        deltas += delta_len(symbol)?;
                    }
                }
            }
            chunks += 2;
            left -= told;
        }
        let (chunks, rest) = rest.split_at_checked(chunks).ok_or(Malformed)?;
        let deltas = rest.get(..deltas).ok_or(Malformed)?;
        // 24 bits with a sign.
        let time = i64::from(reference.cast_signed() >> 8) * REFERENCE;
        let chunk = Chunk::Run { symbol: 0, left: 0 };
        Ok(Self { sender, media, number: reference as u8, seq, left: count, time, chunk, chunks, deltas })
    }

    fn symbol(&mut self) -> Option<u8> {
        if let Some(symbol) = self.chunk.next() {
            return Some(symbol);
        }
        let (chunk, rest) = self.chunks.split_first_chunk()?;
        (self.chunk, self.chunks) = (Chunk::read(u16::from_be_bytes(*chunk)), rest);
        self.chunk.next()
    }
}

impl Iterator for Feedback<'_> {
    type Item = Status;

    fn next(&mut self) -> Option<Status> {
        self.left = self.left.checked_sub(1)?;
        let seq = self.seq;
        self.seq = seq.wrapping_add(1);
        let arrived = match self.symbol()? {
            1 => {
                let (delta, rest) = self.deltas.split_first()?;
                self.deltas = rest;
                self.time += i64::from(*delta);
                Some(self.time)
            }
            2 => {
                let (delta, rest) = self.deltas.split_first_chunk()?;
                self.deltas = rest;
                self.time += i64::from(i16::from_be_bytes(*delta));
                Some(self.time)
            }
            _ => None,
        };
        Some(Status { seq, arrived })
    }
}
