use conclave_base::Codec;

const VP8_KEY_FRAME_HEADER: usize = 10;

/// The bytes of a frame that stay readable: a copy, since the whole frame is sealed behind them, and covered by the seal. They are what a
/// browser's packetizer, or a media server that looks for key frames, reads of a frame; found by experiment, and nothing more. None for
/// Opus; byte 0 for VP8 and VP9; on VP8 key frames the ten bytes of RFC 6386, section 9.1, with the size.
///
/// A sealed frame tells the length of its prefix in the same way as a plain one. `None` if it is too short.
pub(crate) fn clear_prefix(codec: Codec, bytes: &[u8]) -> Option<&[u8]> {
    let len = match codec {
        Codec::Opus => 0,
        Codec::Vp8 if codec.is_key_frame(bytes)? => VP8_KEY_FRAME_HEADER,
        Codec::Vp8 | Codec::Vp9 => 1,
    };
    bytes.get(..len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vp8_key_frame_shows_its_size_and_no_more() {
        let key = [0x10, 1, 2, 0x9d, 0x01, 0x2a, 0x80, 2, 0x68, 1, 99];
        assert_eq!(clear_prefix(Codec::Vp8, &key), Some(&key[..10]));
        assert_eq!(clear_prefix(Codec::Vp8, &[0x11, 5]), Some(&[0x11][..]));
        assert_eq!(clear_prefix(Codec::Vp8, &key[..9]), None);
        assert_eq!(clear_prefix(Codec::Vp8, &[]), None);
        assert_eq!(clear_prefix(Codec::Opus, &[]), Some(&[][..]));
    }
}
