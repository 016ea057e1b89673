//! Who owns an index. Two packets that are sealed with one index under one key give the key away (RFC 7714, section 8.1), so this file alone makes
//! the nonces that [`Key::seal`](crate::aead::Key) takes: each from an index, each index from a counter or a window that never gives it again.
//! None of these types can be copied.

use super::SealRefused;
use super::keys::SALT;
use crate::window::{Known, Window};

/// SRTP indices have 48 bits (RFC 3711, section 3.3.1).
const LAST_SRTP: u64 = (1 << 48) - 1;
/// SRTCP indices have 31 (section 3.4).
const LAST_SRTCP: u32 = (1 << 31) - 1;
/// SSRCs of one sealer. They are never forgotten, since an index would then begin anew.
const MAX_STREAMS: usize = 4096;
/// A receiver finds the upper bits of an index by what lies nearest to the last one (RFC 3711, section 3.3.1).
const MAX_LEAP: u64 = 1 << 15;

/// A nonce that no packet was sealed with under its key. Sealing uses it up.
pub(crate) struct UniqueNonce([u8; 12]);

impl UniqueNonce {
    pub(crate) fn into_bytes(self) -> [u8; 12] {
        self.0
    }
}

/// The index of one RTP packet, given once.
pub(super) struct SrtpIndex {
    pub(super) ssrc: u32,
    number: u64,
}

impl SrtpIndex {
    pub(super) fn seq(&self) -> u16 {
        self.number as u16
    }

    pub(super) fn into_nonce(self, salt: &[u8; SALT]) -> UniqueNonce {
        UniqueNonce(srtp_nonce(salt, self.ssrc, self.number))
    }
}

/// The index of one compound RTCP packet, given once.
pub(super) struct SrtcpIndex(u32);

impl SrtcpIndex {
    /// As it goes over the wire, with the bit that says "encrypted" (RFC 3711, section 3.4).
    pub(super) fn to_be_bytes(&self) -> [u8; 4] {
        (self.0 | 1 << 31).to_be_bytes()
    }

    pub(super) fn into_nonce(self, salt: &[u8; SALT], ssrc: u32) -> UniqueNonce {
        UniqueNonce(srtcp_nonce(salt, ssrc, self.0))
    }
}

/// RFC 7714, section 8.1. Also for opening, where a nonce may come twice.
pub(super) fn srtp_nonce(salt: &[u8; SALT], ssrc: u32, number: u64) -> [u8; 12] {
    let value = u128::from(ssrc) << 48 | u128::from(number & LAST_SRTP);
    xor(salt, value)
}

/// RFC 7714, section 9.1.
pub(super) fn srtcp_nonce(salt: &[u8; SALT], ssrc: u32, index: u32) -> [u8; 12] {
    xor(salt, u128::from(ssrc) << 48 | u128::from(index & LAST_SRTCP))
}

fn xor(salt: &[u8; SALT], value: u128) -> [u8; 12] {
    let mut nonce = *salt;
    for (byte, with) in nonce.iter_mut().zip(&value.to_be_bytes()[4..]) {
        *byte ^= with;
    }
    nonce
}

/// One of the streams that a sealer sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamId(u16);

/// The SRTP indices of one key.
#[derive(Default)]
pub(super) struct SrtpIndices {
    streams: Vec<Stream>,
}

struct Stream {
    ssrc: u32,
    /// Wide enough for packets that were lost on their way to us, asked for again, and came half a second late.
    given: Window<8>,
}

impl SrtpIndices {
    /// A new stream, which can not be taken away again.
    pub(super) fn add(&mut self, ssrc: u32) -> Result<StreamId, SealRefused> {
        if self.streams.len() >= MAX_STREAMS || self.streams.iter().any(|s| s.ssrc == ssrc) {
            return Err(SealRefused::Stream);
        }
        let id = StreamId(u16::try_from(self.streams.len()).map_err(|_| SealRefused::Stream)?);
        self.streams.push(Stream { ssrc, given: Window::default() });
        Ok(id)
    }

    /// The index `number` of a stream, unless it was given before.
    pub(super) fn give(&mut self, stream: StreamId, number: u64) -> Result<SrtpIndex, SealRefused> {
        let stream = self.streams.get_mut(usize::from(stream.0)).ok_or(SealRefused::Stream)?;
        // The first one has rollover counter 0, or no receiver would find it.
        let limit = stream.given.highest().map_or(1 << 16, |highest| highest + MAX_LEAP).min(LAST_SRTP + 1);
        if number >= limit {
            return Err(SealRefused::Leap);
        }
        if stream.given.look(number) != Known::Fresh {
            return Err(SealRefused::Given);
        }
        stream.given.mark(number);
        Ok(SrtpIndex { ssrc: stream.ssrc, number })
    }
}

/// The SRTCP indices of one key: one row for all SSRCs.
#[derive(Default)]
pub(super) struct SrtcpIndices {
    next: u32,
}

impl SrtcpIndices {
    pub(super) fn give(&mut self) -> Result<SrtcpIndex, SealRefused> {
        if self.next > LAST_SRTCP {
            return Err(SealRefused::Exhausted);
        }
        let index = SrtcpIndex(self.next);
        self.next += 1;
        Ok(index)
    }

    #[cfg(test)]
    pub(super) fn starting(next: u32) -> Self {
        Self { next }
    }
}
