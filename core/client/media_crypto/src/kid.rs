use conclave_base::{Epoch, LeafIndex, Source};
use sframe::header::SframeHeader;

/// The byte that stands for a source in a key id, so that every track has its own key.
const fn code(source: Source) -> u8 {
    match source {
        Source::Microphone => 0,
        Source::Camera => 1,
        Source::Screen => 2,
        Source::ScreenAudio => 3,
    }
}

fn from_code(value: u64) -> Option<Source> {
    Source::ALL.into_iter().find(|source| u64::from(code(*source)) == value)
}

/// SFrame key id: `source << 20 | leaf index (12 bits) << 8 | epoch (low 8 bits)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kid {
    pub(crate) source: Source,
    pub(crate) leaf: LeafIndex,
    pub(crate) epoch: u8,
}

/// First leaf index that does not fit.
pub(crate) const MAX_LEAVES: u32 = 1 << 12;

impl Kid {
    pub(crate) const fn epoch_byte(epoch: Epoch) -> u8 {
        (epoch.0 & 0xff) as u8
    }

    pub(crate) fn value(self) -> u64 {
        u64::from(code(self.source)) << 20 | u64::from(self.leaf.0) << 8 | u64::from(self.epoch)
    }

    fn from_value(value: u64) -> Option<Self> {
        Some(Self {
            source: from_code(value >> 20)?,
            leaf: LeafIndex(u32::try_from(value >> 8 & 0xfff).ok()?),
            epoch: (value & 0xff) as u8,
        })
    }
}

/// Key id and counter of a sealed body. Only the shortest encoding counts as sealed, as RFC 9605, 4.3 wants it.
pub(crate) fn parse(body: &[u8]) -> Option<(Kid, u64)> {
    let header = SframeHeader::deserialize(body).ok()?;
    if SframeHeader::new(header.key_id(), header.counter()).len() != header.len() {
        return None;
    }
    Some((Kid::from_value(header.key_id())?, header.counter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_bits() {
        let kid = Kid { source: Source::ScreenAudio, leaf: LeafIndex(0xabc), epoch: 0xde };
        assert_eq!(kid.value(), 0x3a_bcde);
        assert_eq!(Kid::from_value(0x3a_bcde), Some(kid));
        assert_eq!(Kid::from_value(0x40_0000), None, "no such context");
    }

    #[test]
    fn a_header_longer_than_needed_is_not_ours() {
        assert!(parse(&[0x11, 1]).is_some());
        assert!(parse(&[0x90, 0, 1]).is_none(), "key id 1 in two bytes");
    }
}
