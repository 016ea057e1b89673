//! What a packet carries, so that its receiver knows whose it is, which one, when it was sent, and whether all of its bytes are right.
//!
//! ```text
//!  [VP8 descriptor, which servers rewrite] [first bytes of a VP8 frame] [mark, length, publisher, layer, number, time] [bytes that follow from these]
//! ```

use conclave_base::Codec;

/// A packet of ours begins so.
const MARK: u32 = 0x6c6f_6164;
/// Mark, length from the mark on, publisher, layer, number, time.
pub(super) const HEAD: usize = 4 + 2 + 4 + 1 + 4 + 8;
/// First byte of an inter frame (RFC 6386, section 9.1).
const INTER: [u8; 1] = [0x31];
/// A key frame's, with its size.
const KEY: usize = 10;

/// Which packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) publisher: u32,
    /// Layer of a picture, from the smallest; [`SOUND`].
    pub(super) layer: u8,
    /// Counted by its publisher, in this layer.
    pub(super) number: u32,
    /// POSIX time, microseconds.
    pub(super) sent: u64,
}

/// The layer of sound.
pub(super) const SOUND: u8 = 0xff;

impl Stamp {
    /// Appends `len` bytes, of which the head is the least.
    pub(super) fn write(&self, len: u16, out: &mut Vec<u8>) {
        out.extend_from_slice(&MARK.to_be_bytes());
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&self.publisher.to_be_bytes());
        out.push(self.layer);
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&self.sent.to_be_bytes());
        let mut filling = self.filling();
        let end = out.len() + usize::from(len).saturating_sub(HEAD);
        while out.len() < end {
            let word = filling.next_word().to_be_bytes();
            let rest = (end - out.len()).min(word.len());
            out.extend_from_slice(&word[..rest]);
        }
    }

    /// The stamp at the beginning of these bytes.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (mark, rest) = bytes.split_first_chunk()?;
        let (_, rest) = rest.split_first_chunk::<2>()?;
        let (publisher, rest) = rest.split_first_chunk()?;
        let (&layer, rest) = rest.split_first()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (sent, _) = rest.split_first_chunk()?;
        (u32::from_be_bytes(*mark) == MARK).then_some(Self {
            publisher: u32::from_be_bytes(*publisher),
            layer,
            number: u32::from_be_bytes(*number),
            sent: u64::from_be_bytes(*sent),
        })
    }

    /// Whether these bytes are all as [`Self::write`] writes them.
    pub(super) fn is_whole(&self, bytes: &[u8]) -> bool {
        let mut filling = self.filling();
        let (Some(rest), Ok(len)) = (bytes.get(HEAD..), u16::try_from(bytes.len())) else { return false };
        Self::read(bytes) == Some(*self)
            && bytes[4..6] == len.to_be_bytes()
            && rest.chunks(8).all(|chunk| filling.next_word().to_be_bytes().starts_with(chunk))
    }

    /// A number that says nothing of the others, by which a share of all packets is chosen.
    pub(super) fn lot(&self) -> u64 {
        self.filling().next_word()
    }

    fn filling(&self) -> Filling {
        let which = u64::from(self.publisher) << 32 ^ u64::from(self.number) ^ u64::from(self.layer) << 56;
        Filling((which.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.sent).max(1))
    }
}

/// Xorshift: cheap bytes that do not compress.
struct Filling(u64);

impl Filling {
    const fn next_word(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// Appends what a VP8 frame begins with: its first byte, or of a key frame ten.
pub(super) fn write_frame_start(out: &mut Vec<u8>, size: Option<(u32, u32)>) {
    match size {
        Some((width, height)) => {
            let ([w0, w1, ..], [h0, h1, ..]) = (width.to_le_bytes(), height.to_le_bytes());
            out.extend_from_slice(&[0x50, 0x2d, 0x01, 0x9d, 0x01, 0x2a, w0, w1, h0, h1]);
        }
        None => out.extend_from_slice(&INTER),
    }
}

/// Appends a VP8 payload descriptor with a PictureID of 15 bits (RFC 7741, section 4.2).
pub(super) fn write_descriptor(out: &mut Vec<u8>, picture: u16, is_first: bool) {
    let [high, low] = (picture | 0x8000).to_be_bytes();
    out.extend_from_slice(&[if is_first { 0x90 } else { 0x80 }, 0x80, high, low]);
}

/// A payload from its stamp on, whatever descriptor a server gave it. `None` if it is malformed.
pub(super) fn stamped(codec: Codec, payload: &[u8]) -> Option<&[u8]> {
    match codec {
        Codec::Opus => Some(payload),
        Codec::Vp8 => {
            let (first, mut rest) = payload.split_first()?;
            if first & 0x80 != 0 {
                let (has, after) = rest.split_first()?;
                rest = after;
                if has & 0x80 != 0 {
                    rest = rest.get(if rest.first()? & 0x80 != 0 { 2 } else { 1 }..)?;
                }
                if has & 0x40 != 0 {
                    rest = rest.get(1..)?;
                }
                if has & 0x30 != 0 {
                    rest = rest.get(1..)?;
                }
            }
            let start = match (first & 0x17 == 0x10, rest.first()?) {
                (true, first) if first & 1 == 0 => KEY,
                (true, _) => INTER.len(),
                (false, _) => 0,
            };
            rest.get(start..)
        }
        Codec::Vp9 => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { publisher: 7, layer: 2, number: 70_000, sent: 1_795_817_404_155_494 };

    fn picture(is_first: bool, is_key: bool) -> Vec<u8> {
        let mut out = vec![];
        write_descriptor(&mut out, 0x1234, is_first);
        if is_first {
            write_frame_start(&mut out, is_key.then_some((1280, 720)));
        }
        STAMP.write(1000, &mut out);
        out
    }

    #[test]
    fn what_was_written_is_read_and_whole() {
        for (is_first, is_key) in [(true, true), (true, false), (false, true)] {
            let payload = picture(is_first, is_key);
            let bytes = stamped(Codec::Vp8, &payload).expect("well-formed");
            assert_eq!((bytes.len(), Stamp::read(bytes)), (1000, Some(STAMP)));
            assert!(STAMP.is_whole(bytes));
        }
        let mut sound = vec![];
        Stamp { layer: SOUND, ..STAMP }.write(100, &mut sound);
        assert!(Stamp { layer: SOUND, ..STAMP }.is_whole(stamped(Codec::Opus, &sound).expect("sound")));
    }

    #[test]
    fn one_changed_bit_anywhere_is_noticed() {
        let mut bytes = vec![];
        STAMP.write(203, &mut bytes);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                let is_noticed = Stamp::read(&bytes).is_none_or(|stamp| !stamp.is_whole(&bytes));
                assert!(is_noticed, "bit {bit} of byte {at}");
                bytes[at] ^= 1 << bit;
            }
        }
        assert!(STAMP.is_whole(&bytes));
    }

    #[test]
    fn a_server_may_rewrite_the_descriptor() {
        let payload = picture(true, false);
        // A picture number of 7 bits, a TL0PICIDX, and a temporal layer.
        let rewritten = [&[0x90, 0xe0, 0x05, 9, 0x20], &payload[4..]].concat();
        assert!(STAMP.is_whole(stamped(Codec::Vp8, &rewritten).expect("well-formed")));
    }

    #[test]
    fn what_is_cut_is_not_whole_and_breaks_nothing() {
        let payload = picture(true, true);
        for len in 0..payload.len() {
            let stamp = stamped(Codec::Vp8, &payload[..len]).and_then(Stamp::read);
            assert!(stamp.is_none() || len >= 4 + KEY + HEAD);
        }
        let bytes = stamped(Codec::Vp8, &payload).expect("well-formed");
        assert!((0..bytes.len()).all(|len| !STAMP.is_whole(&bytes[..len])));
    }
}
