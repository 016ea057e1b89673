use conclave_base::{Epoch, LeafIndex};
use sframe::header::SframeHeader;

/// Which of a member's tracks: a field of the key id, so that every track has its own key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Microphone.
    Microphone,
    /// Camera, all layers of it: a browser's transform sees them mixed.
    Camera,
    /// Screen picture.
    Screen,
    /// Screen sound.
    ScreenAudio,
}

impl Context {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Microphone, Self::Camera, Self::Screen, Self::ScreenAudio];

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Microphone => 0,
            Self::Camera => 1,
            Self::Screen => 2,
            Self::ScreenAudio => 3,
        }
    }

    fn from_code(code: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|context| u64::from(context.code()) == code)
    }

    /// Frames that may come out of order, behind the newest.
    pub(crate) const fn window(self) -> u64 {
        match self {
            Self::Microphone | Self::ScreenAudio => 64,
            Self::Camera | Self::Screen => 128,
        }
    }
}

/// SFrame key id: `context << 20 | leaf index (12 bits) << 8 | epoch (low 8 bits)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kid {
    pub(crate) context: Context,
    pub(crate) leaf: LeafIndex,
    pub(crate) epoch: u8,
}

/// First leaf index that does not fit.
pub(crate) const LEAVES: u32 = 1 << 12;

impl Kid {
    pub(crate) const fn epoch_byte(epoch: Epoch) -> u8 {
        (epoch.0 & 0xff) as u8
    }

    pub(crate) fn value(self) -> u64 {
        u64::from(self.context.code()) << 20 | u64::from(self.leaf.0) << 8 | u64::from(self.epoch)
    }

    fn from_value(value: u64) -> Option<Self> {
        Some(Self {
            context: Context::from_code(value >> 20)?,
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
        let kid = Kid { context: Context::ScreenAudio, leaf: LeafIndex(0xabc), epoch: 0xde };
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
