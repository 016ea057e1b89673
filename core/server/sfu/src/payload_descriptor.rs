//! What the forwarder reads of a packet's payload: the descriptor before the sealed frame, and the frame's one clear bit.

use conclave_base::Codec;

/// What a payload tells without being opened.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PayloadDescriptor {
    /// A receiver can start here: the first packet of a key frame, or any packet of audio.
    pub(crate) starts_key_frame: bool,
    /// VP8's picture number.
    pub(crate) picture: Option<Picture>,
    /// VP8's TL0PICIDX.
    pub(crate) tl0: Option<u8>,
}

/// A PictureID (RFC 7741, section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) id: u16,
    /// It has 15 bits, not 7.
    pub(crate) long: bool,
}

impl PayloadDescriptor {
    /// Reads a payload; `None` when it is malformed. Packets of padding have an empty one, which tells nothing.
    pub(crate) fn parse(codec: Codec, payload: &[u8]) -> Option<Self> {
        match codec {
            Codec::Opus => Some(Self { starts_key_frame: true, ..Self::default() }),
            Codec::Vp8 | Codec::Vp9 if payload.is_empty() => Some(Self::default()),
            Codec::Vp8 => vp8(payload),
            Codec::Vp9 => vp9(payload),
        }
    }
}

/// RFC 7741, section 4.2. Bit 0 of the frame's first byte, which sealing leaves clear, is 0 in a key frame.
fn vp8(payload: &[u8]) -> Option<PayloadDescriptor> {
    let mut bytes = payload.iter().copied();
    let first = bytes.next()?;
    let mut descriptor = PayloadDescriptor::default();
    if first & 0x80 != 0 {
        let has = bytes.next()?;
        if has & 0x80 != 0 {
            descriptor.picture = Some(picture(&mut bytes)?);
        }
        if has & 0x40 != 0 {
            descriptor.tl0 = Some(bytes.next()?);
        }
        if has & 0x30 != 0 {
            bytes.next()?;
        }
    }
    let frame = bytes.next()?;
    let starts_frame = first & 0x17 == 0x10;
    descriptor.starts_key_frame = starts_frame && frame & 1 == 0;
    Some(descriptor)
}

/// RFC 9628, section 4.2: a picture that refers to no other one begins, at its lowest spatial layer.
fn vp9(payload: &[u8]) -> Option<PayloadDescriptor> {
    let mut bytes = payload.iter().copied();
    let first = bytes.next()?;
    if first & 0x80 != 0 {
        picture(&mut bytes)?;
    }
    let spatial = if first & 0x20 != 0 { (bytes.next()? >> 1) & 7 } else { 0 };
    let refers = first & 0x40 != 0;
    let begins = first & 0x08 != 0;
    Some(PayloadDescriptor { starts_key_frame: begins && !refers && spatial == 0, ..PayloadDescriptor::default() })
}

fn picture(bytes: &mut impl Iterator<Item = u8>) -> Option<Picture> {
    let high = bytes.next()?;
    if high & 0x80 == 0 {
        return Some(Picture { id: u16::from(high), long: false });
    }
    let low = bytes.next()?;
    Some(Picture { id: u16::from_be_bytes([high & 0x7f, low]), long: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_packet_of_a_vp8_key_frame_is_an_entry() {
        let key = [0x90, 0xe0, 0x81, 0x02, 7, 0x20, 0x50];
        let descriptor = PayloadDescriptor::parse(Codec::Vp8, &key).expect("well-formed");
        assert_eq!(
            descriptor,
            PayloadDescriptor { starts_key_frame: true, picture: Some(Picture { id: 0x102, long: true }), tl0: Some(7) }
        );
    }

    #[test]
    fn other_vp8_packets_are_none() {
        let starts_key_frame = |payload: &[u8]| PayloadDescriptor::parse(Codec::Vp8, payload).map(|g| g.starts_key_frame);
        assert_eq!(starts_key_frame(&[0x10, 0x51]), Some(false), "a delta frame");
        assert_eq!(starts_key_frame(&[0x00, 0x50]), Some(false), "a later packet of a key frame");
        assert_eq!(starts_key_frame(&[0x11, 0x50]), Some(false), "a later partition");
        assert_eq!(starts_key_frame(&[]), Some(false), "padding");
    }

    #[test]
    fn a_cut_descriptor_is_malformed() {
        for cut in [&[0x90][..], &[0x90, 0x80], &[0x90, 0x80, 0x80], &[0x90, 0xe0, 1, 2], &[0x10]] {
            assert_eq!(PayloadDescriptor::parse(Codec::Vp8, cut), None, "{cut:02x?}");
        }
        assert_eq!(PayloadDescriptor::parse(Codec::Vp9, &[0xa0, 0x01]), None);
    }

    #[test]
    fn a_vp9_picture_without_reference_is_an_entry_at_its_lowest_layer() {
        let starts_key_frame = |payload: &[u8]| PayloadDescriptor::parse(Codec::Vp9, payload).map(|g| g.starts_key_frame);
        assert_eq!(starts_key_frame(&[0xa8, 0x05, 0x00, 0]), Some(true));
        assert_eq!(starts_key_frame(&[0xa8, 0x05, 0x02, 0]), Some(false), "spatial layer 1");
        assert_eq!(starts_key_frame(&[0xe8, 0x05, 0x00, 0]), Some(false), "inter-picture predicted");
        assert_eq!(starts_key_frame(&[0xa0, 0x05, 0x00, 0]), Some(false), "not the beginning");
    }
}
