use super::{
    Block, FIR, Feedback, GOODBYE, NACK, PAYLOAD_FEEDBACK, PLI, RECEIVER_REPORT, SENDER_REPORT, SenderInfo, TRANSPORT_FEEDBACK,
    TRANSPORT_WIDE,
};
use crate::packet::Malformed;

/// Bytes of a [`Block`].
const BLOCK: usize = 24;

/// The packets of a compound, in order; ends after one that is malformed.
#[derive(Debug, Clone)]
pub struct Compound<'a> {
    rest: &'a [u8],
}

/// One packet of a compound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// SR.
    SenderReport {
        /// Who reports.
        ssrc: u32,
        /// On its own stream.
        info: SenderInfo,
        /// On what it receives.
        blocks: Blocks<'a>,
    },
    /// RR.
    ReceiverReport {
        /// Who reports.
        ssrc: u32,
        /// On what it receives.
        blocks: Blocks<'a>,
    },
    /// BYE.
    Goodbye {
        /// Streams that end.
        ssrcs: Ssrcs<'a>,
    },
    /// Generic NACK (RFC 4585, section 6.2.1).
    Nack {
        /// Who asks.
        sender: u32,
        /// For packets of which stream.
        media: u32,
        /// Their sequence numbers.
        lost: Lost<'a>,
    },
    /// Picture loss indication (RFC 4585, section 6.3.1).
    Pli {
        /// Who asks.
        sender: u32,
        /// For a key frame of which stream.
        media: u32,
    },
    /// Full intra request (RFC 5104, section 4.3.1).
    Fir {
        /// Who asks.
        sender: u32,
        /// Streams, and the number of each request.
        requests: Fir<'a>,
    },
    /// Transport-wide congestion control.
    TransportWide(Feedback<'a>),
    /// SDES, XR, REMB and others, which tell us nothing.
    Other,
}

impl<'a> Compound<'a> {
    /// Of the opened bytes of a datagram.
    pub fn read(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn message(&mut self) -> Result<Message<'a>, Malformed> {
        let (header, after) = self.rest.split_first_chunk::<4>().ok_or(Malformed)?;
        let [first, kind, l0, l1] = *header;
        let (body, rest) = after.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])) * 4).ok_or(Malformed)?;
        if first >> 6 != 2 {
            return Err(Malformed);
        }
        self.rest = rest;
        let body = if first & 0x20 != 0 { unpadded(body)? } else { body };
        let count = first & 0x1f;
        match (kind, count) {
            (SENDER_REPORT, _) => sender_report(body, count),
            (RECEIVER_REPORT, _) => {
                let (ssrc, rest) = word(body)?;
                Ok(Message::ReceiverReport { ssrc, blocks: Blocks::read(rest, count)? })
            }
            (GOODBYE, _) => Ok(Message::Goodbye { ssrcs: Ssrcs { rest: body.get(..usize::from(count) * 4).ok_or(Malformed)? } }),
            (TRANSPORT_FEEDBACK, NACK) => {
                let (sender, media, rest) = feedback(body)?;
                Ok(Message::Nack { sender, media, lost: Lost { pair: None, rest } })
            }
            (TRANSPORT_FEEDBACK, TRANSPORT_WIDE) => {
                let (sender, media, rest) = feedback(body)?;
                Ok(Message::TransportWide(Feedback::read(sender, media, rest)?))
            }
            (PAYLOAD_FEEDBACK, PLI) => {
                let (sender, media, _) = feedback(body)?;
                Ok(Message::Pli { sender, media })
            }
            (PAYLOAD_FEEDBACK, FIR) => {
                let (sender, _, rest) = feedback(body)?;
                Ok(Message::Fir { sender, requests: Fir { rest } })
            }
            _ => Ok(Message::Other),
        }
    }
}

impl<'a> Iterator for Compound<'a> {
    type Item = Result<Message<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let message = self.message();
        if message.is_err() {
            self.rest = &[];
        }
        Some(message)
    }
}

fn sender_report(body: &[u8], count: u8) -> Result<Message<'_>, Malformed> {
    let (ssrc, rest) = word(body)?;
    let (ntp, rest) = rest.split_first_chunk().ok_or(Malformed)?;
    let (timestamp, rest) = word(rest)?;
    let (packets, rest) = word(rest)?;
    let (octets, rest) = word(rest)?;
    let info = SenderInfo { ntp: u64::from_be_bytes(*ntp), timestamp, packets, octets };
    Ok(Message::SenderReport { ssrc, info, blocks: Blocks::read(rest, count)? })
}

/// Sender and media SSRC, and what follows (RFC 4585, section 6.1).
fn feedback(body: &[u8]) -> Result<(u32, u32, &[u8]), Malformed> {
    let (sender, rest) = word(body)?;
    let (media, rest) = word(rest)?;
    Ok((sender, media, rest))
}

pub(super) fn word(bytes: &[u8]) -> Result<(u32, &[u8]), Malformed> {
    let (word, rest) = bytes.split_first_chunk().ok_or(Malformed)?;
    Ok((u32::from_be_bytes(*word), rest))
}

/// The last byte of padding counts it, itself included. RFC 3550, section 6.4.1, wants whole words of it; transport-wide feedback comes with one to
/// three bytes.
fn unpadded(body: &[u8]) -> Result<&[u8], Malformed> {
    let padding = usize::from(*body.last().ok_or(Malformed)?);
    if padding == 0 {
        return Err(Malformed);
    }
    body.get(..body.len().checked_sub(padding).ok_or(Malformed)?).ok_or(Malformed)
}

/// Report blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocks<'a> {
    rest: &'a [u8],
}

impl<'a> Blocks<'a> {
    fn read(bytes: &'a [u8], count: u8) -> Result<Self, Malformed> {
        Ok(Self { rest: bytes.get(..usize::from(count) * BLOCK).ok_or(Malformed)? })
    }
}

impl Iterator for Blocks<'_> {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        let (block, rest) = self.rest.split_first_chunk::<BLOCK>()?;
        self.rest = rest;
        let word = |at: usize| u32::from_be_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
        Some(Block {
            ssrc: word(0),
            fraction_lost: block[4],
            // 24 bits with a sign.
            lost: (word(4) << 8).cast_signed() >> 8,
            highest: word(8),
            jitter: word(12),
            last_report: word(16),
            delay: word(20),
        })
    }
}

/// SSRCs in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssrcs<'a> {
    rest: &'a [u8],
}

impl Iterator for Ssrcs<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (ssrc, rest) = word(self.rest).ok()?;
        self.rest = rest;
        Some(ssrc)
    }
}

/// Sequence numbers that a NACK names: each of its words one, and any of the sixteen after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost<'a> {
    /// The first number of the current word, and which of the sixteen after it are left.
    pair: Option<(u16, u16)>,
    rest: &'a [u8],
}

impl Iterator for Lost<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if let Some((first, left)) = self.pair.filter(|(_, left)| *left != 0) {
            self.pair = Some((first, left & (left - 1)));
            return Some(first.wrapping_add(left.trailing_zeros() as u16 + 1));
        }
        let ([p0, p1, m0, m1], rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        let first = u16::from_be_bytes([*p0, *p1]);
        self.pair = Some((first, u16::from_be_bytes([*m0, *m1])));
        Some(first)
    }
}

/// Requests for key frames: SSRC and number of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fir<'a> {
    rest: &'a [u8],
}

impl Iterator for Fir<'_> {
    type Item = (u32, u8);

    fn next(&mut self) -> Option<(u32, u8)> {
        let ([s0, s1, s2, s3, number, _, _, _], rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some((u32::from_be_bytes([*s0, *s1, *s2, *s3]), *number))
    }
}
