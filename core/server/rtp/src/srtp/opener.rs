use super::index::{srtcp_nonce, srtp_nonce};
use super::keys::SessionKey;
use super::{RTCP_CLEAR, SRTCP_INDEX};
use crate::aead::TAG;
use crate::packet::{Malformed, Packet};
use crate::window::{Known, Window};

/// SSRCs of one peer whose packets were proved. One that invents more is not heard on them.
const MAX_STREAMS: usize = 512;
/// Half the room of sequence numbers.
const HALF: u64 = 1 << 15;

/// Why a packet is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenRefused {
    /// Cut short, or its padding is longer than its body.
    #[error("malformed")]
    Malformed,
    /// It was there before, or is too old to know.
    #[error("replayed, or too old")]
    Replayed,
    /// Whoever sent it does not have the key, or somebody changed it on its way.
    #[error("not sealed by the peer")]
    Forged,
    /// RTCP that is proved and not encrypted, which nobody negotiates.
    #[error("not encrypted")]
    Clear,
    /// The peer has more SSRCs than can be remembered.
    #[error("too many streams")]
    TooManyStreams,
    /// It does not fit.
    #[error("no room")]
    NoRoom,
}

impl From<Malformed> for OpenRefused {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// A packet that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Its sequence number, with how often those rolled over in front (the SRTP index).
    pub number: u64,
    /// Bytes of its payload.
    pub len: usize,
}

/// Opens all that the other side sends on a connection. Nothing that is not proved changes anything in here.
pub struct Opener {
    rtp: SessionKey,
    rtcp: SessionKey,
    streams: Streams<Window<8>>,
    reports: Streams<Window<2>>,
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opener").finish_non_exhaustive()
    }
}

impl Opener {
    pub(super) fn new(rtp: SessionKey, rtcp: SessionKey) -> Self {
        Self { rtp, rtcp, streams: Streams::default(), reports: Streams::default() }
    }

    /// Opens the body of `packet` to the front of `out`, which holds the body without its tag; what follows the payload there, and all of it after a
    /// refusal, is worth nothing.
    pub fn open(&mut self, packet: &Packet<'_>, out: &mut [u8]) -> Result<Opened, OpenRefused> {
        let len = packet.body().len().checked_sub(TAG).ok_or(OpenRefused::Malformed)?;
        let out = out.get_mut(..len).ok_or(OpenRefused::NoRoom)?;
        let found = self.streams.find(packet.ssrc);
        let window = found.ok().map(|at| &self.streams.all[at].1);
        let number = nearest(window.and_then(Window::highest), packet.seq);
        if window.is_some_and(|window| window.look(number) != Known::Fresh) {
            return Err(OpenRefused::Replayed);
        }
        if !self.rtp.key.open(srtp_nonce(&self.rtp.salt, packet.ssrc, number), packet.header(), packet.body(), out) {
            return Err(OpenRefused::Forged);
        }
        self.streams.entry(found, packet.ssrc)?.mark(number);
        Ok(Opened { number, len: packet.unpadded(out)? })
    }

    /// Opens a compound RTCP packet to the front of `out`; gives its length (RFC 7714, section 9).
    pub fn open_rtcp(&mut self, datagram: &[u8], out: &mut [u8]) -> Result<usize, OpenRefused> {
        let (sealed, index_bytes) = datagram.split_last_chunk::<SRTCP_INDEX>().ok_or(OpenRefused::Malformed)?;
        let (clear, secret) = sealed.split_first_chunk::<RTCP_CLEAR>().ok_or(OpenRefused::Malformed)?;
        let len = sealed.len().checked_sub(TAG).ok_or(OpenRefused::Malformed)?;
        let (out_clear, out_secret) =
            out.get_mut(..len).ok_or(OpenRefused::NoRoom)?.split_first_chunk_mut::<RTCP_CLEAR>().ok_or(OpenRefused::Malformed)?;
        let [.., s0, s1, s2, s3] = *clear;
        let ssrc = u32::from_be_bytes([s0, s1, s2, s3]);
        let index = u32::from_be_bytes(*index_bytes);
        if index >> 31 == 0 {
            return Err(OpenRefused::Clear);
        }
        let index = index & !(1 << 31);
        // Peers count by SSRC, or for all of them together: the window of an SSRC does for both.
        let found = self.reports.find(ssrc);
        if found.is_ok_and(|at| self.reports.all[at].1.look(u64::from(index)) != Known::Fresh) {
            return Err(OpenRefused::Replayed);
        }
        let aad = super::rtcp_aad(clear, index_bytes);
        if !self.rtcp.key.open(srtcp_nonce(&self.rtcp.salt, ssrc, index), &aad, secret, out_secret) {
            return Err(OpenRefused::Forged);
        }
        *out_clear = *clear;
        self.reports.entry(found, ssrc)?.mark(u64::from(index));
        Ok(len)
    }
}

/// The number with these last 16 bits that lies nearest to the highest one so far (RFC 3711, section 3.3.1 and appendix A).
pub fn nearest(highest: Option<u64>, seq: u16) -> u64 {
    let Some(highest) = highest else { return u64::from(seq) };
    let same = highest & !0xffff | u64::from(seq);
    if same + HALF < highest {
        same + (1 << 16)
    } else if same > highest + HALF && same >= 1 << 16 {
        same - (1 << 16)
    } else {
        same
    }
}

/// What is known of each SSRC. Streams are few, and bursts come from one of them.
#[derive(Debug, Default)]
struct Streams<T> {
    /// In order of SSRC.
    all: Vec<(u32, T)>,
    last: usize,
}

impl<T: Default> Streams<T> {
    /// Where it is, or where it belongs.
    fn find(&self, ssrc: u32) -> Result<usize, usize> {
        match self.all.get(self.last) {
            Some((last, _)) if *last == ssrc => Ok(self.last),
            _ => self.all.binary_search_by_key(&ssrc, |(ssrc, _)| *ssrc),
        }
    }

    /// Of an SSRC that is proved; `found` comes from [`Self::find`].
    fn entry(&mut self, found: Result<usize, usize>, ssrc: u32) -> Result<&mut T, OpenRefused> {
        let at = match found {
            Ok(at) => at,
            Err(_) if self.all.len() >= MAX_STREAMS => return Err(OpenRefused::TooManyStreams),
            Err(at) => {
                self.all.insert(at, (ssrc, T::default()));
                at
            }
        };
        self.last = at;
        Ok(&mut self.all[at].1)
    }
}
