//! The header of an RTP packet (RFC 3550, section 5.1) with its extensions (RFC 8285).

/// Bytes of a header without CSRCs and extensions.
pub const FIXED_HEADER: usize = 12;
/// The profile of extensions whose elements have one byte in front (RFC 8285, section 4.2).
const ONE_BYTE: u16 = 0xbede;
/// The profile of those that have two; the last four bits may be anything (section 4.3).
const TWO_BYTE: u16 = 0x1000;

/// Not what it should be: cut short, or of another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed")]
pub struct Malformed;

/// No space for what should be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no room")]
pub struct NoRoom;

/// What a datagram on a port of WebRTC is, by its first two bytes (RFC 7983 and RFC 5761).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SRTP.
    Rtp,
    /// SRTCP.
    Rtcp,
    /// STUN, DTLS or anything else.
    Other,
}

impl Kind {
    /// Of a datagram.
    pub fn of(datagram: &[u8]) -> Self {
        match datagram {
            [128..=191, 192..=223, ..] => Self::Rtcp,
            [128..=191, _, ..] => Self::Rtp,
            _ => Self::Other,
        }
    }
}

/// An RTP packet whose header was read. Of an SRTP packet the body is sealed, and nothing of the header is proved yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The last one of a frame, mostly.
    pub marker: bool,
    /// 0 to 127.
    pub payload_type: u8,
    /// The last 16 bits of the packet's number.
    pub seq: u16,
    /// In ticks of the stream's clock.
    pub timestamp: u32,
    /// Whose stream it is.
    pub ssrc: u32,
    pub(crate) padded: bool,
    extensions: Extensions<'a>,
    bytes: &'a [u8],
    header: usize,
}

impl<'a> Packet<'a> {
    /// Reads the header of `bytes`. A malformed element in the extension ends the elements, not the packet.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, mut rest) = bytes.split_first_chunk::<FIXED_HEADER>().ok_or(Malformed)?;
        let [first, second, s0, s1, t0, t1, t2, t3, x0, x1, x2, x3] = *fixed;
        if first >> 6 != 2 {
            return Err(Malformed);
        }
        rest = rest.get(usize::from(first & 0x0f) * 4..).ok_or(Malformed)?;
        let mut extensions = Extensions::default();
        if first & 0x10 != 0 {
            let (profile, after) = rest.split_first_chunk::<2>().ok_or(Malformed)?;
            let (words, after) = after.split_first_chunk::<2>().ok_or(Malformed)?;
            let elements = after.get(..usize::from(u16::from_be_bytes(*words)) * 4).ok_or(Malformed)?;
            extensions = Extensions::of(u16::from_be_bytes(*profile), elements);
            rest = &after[elements.len()..];
        }
        Ok(Self {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            seq: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([x0, x1, x2, x3]),
            padded: first & 0x20 != 0,
            extensions,
            bytes,
            header: bytes.len() - rest.len(),
        })
    }

    /// The header as it came, CSRCs and extensions included.
    pub fn header(&self) -> &'a [u8] {
        &self.bytes[..self.header]
    }

    /// What follows the header: payload, padding and, in SRTP, the tag.
    pub fn body(&self) -> &'a [u8] {
        &self.bytes[self.header..]
    }

    /// The elements of the header's extension, in order.
    pub fn extensions(&self) -> Extensions<'a> {
        self.extensions
    }

    /// The first element with this id, as the SDP's `extmap` numbers them.
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        self.extensions.into_iter().find_map(|(element, value)| (element == id).then_some(value))
    }

    /// How many bytes of an opened body are payload (RFC 3550, section 5.1: the last one counts the padding, itself included).
    pub(crate) fn unpadded(&self, body: &[u8]) -> Result<usize, Malformed> {
        if !self.padded {
            return Ok(body.len());
        }
        let padding = usize::from(*body.last().ok_or(Malformed)?);
        if padding == 0 { Err(Malformed) } else { body.len().checked_sub(padding).ok_or(Malformed) }
    }
}

/// Elements of a header's extension: `(id, value)`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Extensions<'a> {
    two_byte: bool,
    elements: &'a [u8],
}

impl<'a> Extensions<'a> {
    /// Of another profile, nothing is understood.
    fn of(profile: u16, elements: &'a [u8]) -> Self {
        match profile {
            ONE_BYTE => Self { two_byte: false, elements },
            _ if profile & 0xfff0 == TWO_BYTE => Self { two_byte: true, elements },
            _ => Self::default(),
        }
    }

    /// Id and value of the element that starts here, and what follows; `None` for the end, malformed or not.
    fn split(self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let (&first, rest) = self.elements.split_first()?;
        let (id, len, rest) = if self.two_byte {
            let (&len, rest) = rest.split_first()?;
            (first, usize::from(len), rest)
        } else {
            // RFC 8285, section 4.2: 15 ends the elements, and so does a zero with a length.
            let id = first >> 4;
            (1..=14).contains(&id).then_some((id, usize::from(first & 0x0f) + 1, rest))?
        };
        let (value, rest) = rest.split_at_checked(len)?;
        Some((id, value, rest))
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        // A zero alone is padding.
        while let [0, rest @ ..] = self.elements {
            self.elements = rest;
        }
        let Some((id, value, rest)) = self.split() else {
            self.elements = &[];
            return None;
        };
        self.elements = rest;
        Some((id, value))
    }
}

/// The header of a packet to send, but for SSRC and sequence number: those belong to the index that it is sealed with.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// The last packet of a frame.
    pub marker: bool,
    /// 0 to 127.
    pub payload_type: u8,
    /// In ticks of the stream's clock.
    pub timestamp: u32,
    /// Id (not 0) and value of at most 255 bytes each.
    pub extensions: &'a [(u8, &'a [u8])],
    /// Bytes after the payload, sealed with it, that the receiver throws away. They make packets equally long.
    pub padding: u8,
}

impl Outgoing<'_> {
    fn is_one_byte(&self) -> bool {
        self.extensions.iter().all(|(id, value)| (1..=14).contains(id) && (1..=16).contains(&value.len()))
    }

    /// Bytes of the elements, rounded up to words.
    fn elements_len(&self) -> usize {
        let before = if self.is_one_byte() { 1 } else { 2 };
        self.extensions.iter().map(|(_, value)| before + value.len()).sum::<usize>().next_multiple_of(4)
    }

    /// Bytes of the header.
    pub fn header_len(&self) -> usize {
        FIXED_HEADER + if self.extensions.is_empty() { 0 } else { 4 + self.elements_len() }
    }

    /// Writes the header, and gives its length.
    pub(crate) fn write(&self, seq: u16, ssrc: u32, out: &mut [u8]) -> Result<usize, NoRoom> {
        let len = self.header_len();
        let out = out.get_mut(..len).ok_or(NoRoom)?;
        let (fixed, rest) = out.split_first_chunk_mut::<FIXED_HEADER>().ok_or(NoRoom)?;
        fixed[0] = 0x80 | u8::from(self.padding > 0) << 5 | u8::from(!self.extensions.is_empty()) << 4;
        fixed[1] = u8::from(self.marker) << 7 | self.payload_type & 0x7f;
        fixed[2..4].copy_from_slice(&seq.to_be_bytes());
        fixed[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        fixed[8..].copy_from_slice(&ssrc.to_be_bytes());
        if self.extensions.is_empty() {
            return Ok(len);
        }
        let one_byte = self.is_one_byte();
        let words = u16::try_from(rest.len() / 4 - 1).map_err(|_| NoRoom)?;
        rest[..2].copy_from_slice(&(if one_byte { ONE_BYTE } else { TWO_BYTE }).to_be_bytes());
        rest[2..4].copy_from_slice(&words.to_be_bytes());
        let mut at = 4;
        for &(id, value) in self.extensions {
            let value_len = u8::try_from(value.len()).map_err(|_| NoRoom)?;
            if one_byte {
                rest[at] = id << 4 | (value_len - 1);
                at += 1;
            } else {
                rest[at] = id;
                rest[at + 1] = value_len;
                at += 2;
            }
            rest[at..at + value.len()].copy_from_slice(value);
            at += value.len();
        }
        rest[at..].fill(0);
        Ok(len)
    }
}
