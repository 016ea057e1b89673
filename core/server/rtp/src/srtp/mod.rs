//! SRTP and SRTCP with AES-GCM (RFC 3711, RFC 7714).

mod index;
mod keys;
mod opener;
mod sealer;

pub use index::StreamId;
pub(crate) use index::UniqueNonce;
pub use keys::{BadKeyingMaterial, KeyingMaterial, Profile, Role};
pub use opener::{OpenRefused, Opened, Opener, nearest};
pub use sealer::{Claim, SealRefused, Sealer, sealed_len};

/// Bytes of an RTCP packet that stay readable: its header and the sender's SSRC.
const RTCP_CLEAR: usize = 8;
/// Bytes of the index behind the tag.
const SRTCP_INDEX: usize = 4;

/// What is proved of an SRTCP packet and not encrypted (RFC 7714, section 9.2).
fn rtcp_aad(clear: &[u8; RTCP_CLEAR], index: &[u8; SRTCP_INDEX]) -> [u8; RTCP_CLEAR + SRTCP_INDEX] {
    let mut aad = [0; RTCP_CLEAR + SRTCP_INDEX];
    aad[..RTCP_CLEAR].copy_from_slice(clear);
    aad[RTCP_CLEAR..].copy_from_slice(index);
    aad
}

#[cfg(test)]
mod tests;
