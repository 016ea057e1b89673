use super::index::{SrtcpIndices, SrtpIndex, SrtpIndices, StreamId};
use super::keys::SessionKey;
use super::{RTCP_CLEAR, SRTCP_INDEX};
use crate::aead::TAG;
use crate::packet::{NoRoom, Outgoing};

/// Why a packet is not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealRefused {
    /// The SSRC is taken, or there are too many of them.
    #[error("no such stream, or one too many")]
    Stream,
    /// The number was given before, or is too old to know.
    #[error("the number was used, or may have been")]
    Given,
    /// Further above the last one than a receiver can follow, or beyond the last index of a key.
    #[error("the number leaps too far")]
    Leap,
    /// The key has sealed as many packets as it may.
    #[error("the key is used up")]
    Exhausted,
    /// What was to be sealed is no compound packet, or no packet of RTP.
    #[error("malformed")]
    Malformed,
    /// It does not fit.
    #[error("no room")]
    NoRoom,
}

impl From<NoRoom> for SealRefused {
    fn from(_: NoRoom) -> Self {
        Self::NoRoom
    }
}

/// Seals all that one side sends on a connection. There is one for each key, and it cannot be copied.
pub struct Sealer {
    rtp: SessionKey,
    rtcp: SessionKey,
    rtp_indices: SrtpIndices,
    rtcp_indices: SrtcpIndices,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

impl Sealer {
    pub(super) fn new(rtp: SessionKey, rtcp: SessionKey) -> Self {
        Self { rtp, rtcp, rtp_indices: SrtpIndices::default(), rtcp_indices: SrtcpIndices::default() }
    }

    #[cfg(test)]
    pub(super) fn with_next_report(mut self, next: u32) -> Self {
        self.rtcp_indices = SrtcpIndices::starting(next);
        self
    }

    /// A stream to send. It stays for as long as the connection: whoever begins one anew takes another SSRC.
    pub fn add_stream(&mut self, ssrc: u32) -> Result<StreamId, SealRefused> {
        self.rtp_indices.add(ssrc)
    }

    /// The right to seal packet `number` of a stream: its sequence number with the rollover counter in front. Each is given once, sealed with or not.
    /// The first one is below 2^16; each later one less than 2^15 above the highest, or at most 511 below it.
    pub fn claim(&mut self, stream: StreamId, number: u64) -> Result<Claim<'_>, SealRefused> {
        Ok(Claim { index: self.rtp_indices.give(stream, number)?, key: &self.rtp })
    }

    /// Seals a compound RTCP packet from `packet` to `out`; gives the length (RFC 7714, section 9).
    pub fn seal_rtcp(&mut self, packet: &[u8], out: &mut [u8]) -> Result<usize, SealRefused> {
        let len = packet.len() + TAG + SRTCP_INDEX;
        let out = out.get_mut(..len).ok_or(NoRoom)?;
        let (clear, secret) = packet.split_first_chunk::<RTCP_CLEAR>().ok_or(SealRefused::Malformed)?;
        let (body, index_bytes) = out.split_last_chunk_mut::<SRTCP_INDEX>().ok_or(NoRoom)?;
        let (body, tag) = body.split_last_chunk_mut::<TAG>().ok_or(NoRoom)?;
        body.copy_from_slice(packet);
        let index = self.rtcp_indices.give()?;
        *index_bytes = index.to_be_bytes();
        let [.., s0, s1, s2, s3] = *clear;
        let nonce = index.into_nonce(&self.rtcp.salt, u32::from_be_bytes([s0, s1, s2, s3]));
        let aad = super::rtcp_aad(clear, index_bytes);
        debug_assert_eq!(secret.len() + RTCP_CLEAR, body.len());
        if self.rtcp.key.seal(nonce, &aad, &mut body[RTCP_CLEAR..], tag) { Ok(len) } else { Err(SealRefused::Malformed) }
    }
}

/// The right to seal one packet. Sealing uses it up; dropped, its number is lost, which does no harm.
///
/// It cannot be used twice:
/// ```compile_fail,E0382
/// # fn twice(claim: conclave_rtp::Claim<'_>, out: &mut [u8]) {
/// let header = conclave_rtp::Outgoing::default();
/// let _ = claim.seal(&header, &[b"one"], out);
/// let _ = claim.seal(&header, &[b"two"], out);
/// # }
/// ```
/// nor copied:
/// ```compile_fail,E0599
/// # fn copied(claim: &conclave_rtp::Claim<'static>) -> conclave_rtp::Claim<'static> {
/// conclave_rtp::Claim::clone(claim)
/// # }
/// ```
/// nor kept while the sealer gives another one:
/// ```compile_fail,E0499
/// # fn two(sealer: &mut conclave_rtp::Sealer, stream: conclave_rtp::StreamId) {
/// let first = sealer.claim(stream, 1);
/// let second = sealer.claim(stream, 2);
/// drop((first, second));
/// # }
/// ```
#[must_use = "its number is lost otherwise"]
pub struct Claim<'a> {
    index: SrtpIndex,
    key: &'a SessionKey,
}

impl std::fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim").field("seq", &self.index.seq()).finish_non_exhaustive()
    }
}

impl Claim<'_> {
    /// Writes a packet of `header` and all `parts` of its payload to the front of `out`, sealed; gives the length.
    pub fn seal(self, header: &Outgoing<'_>, parts: &[&[u8]], out: &mut [u8]) -> Result<usize, SealRefused> {
        let len = sealed_len(header, parts.iter().map(|part| part.len()).sum());
        let out = out.get_mut(..len).ok_or(NoRoom)?;
        let header_len = header.write(self.index.seq(), self.index.ssrc, out)?;
        let (header_bytes, body) = out.split_at_mut(header_len);
        let (body, tag) = body.split_last_chunk_mut::<TAG>().ok_or(NoRoom)?;
        let mut rest = &mut *body;
        for part in parts {
            let (here, after) = rest.split_at_mut_checked(part.len()).ok_or(NoRoom)?;
            here.copy_from_slice(part);
            rest = after;
        }
        if let Some((last, zeros)) = rest.split_last_mut() {
            zeros.fill(0);
            *last = header.padding;
        }
        let nonce = self.index.into_nonce(&self.key.salt);
        if self.key.key.seal(nonce, header_bytes, body, tag) { Ok(len) } else { Err(SealRefused::NoRoom) }
    }
}

/// Bytes of a sealed packet.
pub fn sealed_len(header: &Outgoing<'_>, payload: usize) -> usize {
    header.header_len() + payload + usize::from(header.padding) + TAG
}
