/// What an encoded frame is, and so how much of it stays readable.
///
/// The clear prefix is a copy: the whole frame is sealed behind it, and it is covered by the seal. It is what a browser's
/// packetizer, or a media server that looks for key frames, reads of a frame; found by experiment, and nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Nothing is clear.
    Opus,
    /// Byte 0, whose lowest bit is clear on key frames; on key frames the ten bytes of RFC 6386, 9.1, with the size.
    Vp8,
    /// Byte 0.
    Vp9,
}

const VP8_KEY_FRAME_HEADER: usize = 10;

impl Codec {
    /// The clear prefix of a plain frame, and of a sealed one, which tells its length in the same way; `None` if too short.
    pub(crate) fn prefix(self, bytes: &[u8]) -> Option<&[u8]> {
        let len = match self {
            Self::Opus => 0,
            Self::Vp8 if bytes.first()? & 1 == 0 => VP8_KEY_FRAME_HEADER,
            Self::Vp8 | Self::Vp9 => 1,
        };
        bytes.get(..len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vp8_key_frame_shows_its_size_and_no_more() {
        let key = [0x10, 1, 2, 0x9d, 0x01, 0x2a, 0x80, 2, 0x68, 1, 99];
        assert_eq!(Codec::Vp8.prefix(&key), Some(&key[..10]));
        assert_eq!(Codec::Vp8.prefix(&[0x11, 5]), Some(&[0x11][..]));
        assert_eq!(Codec::Vp8.prefix(&key[..9]), None);
        assert_eq!(Codec::Vp8.prefix(&[]), None);
        assert_eq!(Codec::Opus.prefix(&[]), Some(&[][..]));
    }
}
