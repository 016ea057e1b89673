use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Which of a member's tracks (LiveKit: TrackSource). Each has an SFrame key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// Microphone.
    Microphone,
    /// Camera, all simulcast layers of it.
    Camera,
    /// Picture of a shared screen.
    Screen,
    /// Sound of a shared screen.
    ScreenAudio,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Microphone, Self::Camera, Self::Screen, Self::ScreenAudio];

    /// Whether it is sound.
    pub const fn is_audio(self) -> bool {
        matches!(self, Self::Microphone | Self::ScreenAudio)
    }
}

/// The codecs that are negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum Codec {
    /// RFC 7587.
    Opus,
    /// RFC 7741.
    Vp8,
    /// RFC 9628, profile 0.
    Vp9,
}

impl Codec {
    /// Whether it is a codec for pictures.
    pub const fn is_video(self) -> bool {
        matches!(self, Self::Vp8 | Self::Vp9)
    }

    /// RTP clock, ticks per second.
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::Vp8 | Self::Vp9 => 90_000,
        }
    }

    /// Whether a receiver can start at this frame, sealed or not: the first byte tells, and stays readable in a sealed frame (RFC 6386,
    /// section 9.1; VP9 bitstream, section 6.2, profiles 0 to 2). Every Opus frame is one. `None` for an empty frame.
    pub fn is_key_frame(self, frame: &[u8]) -> Option<bool> {
        let first = frame.first()?;
        Some(match self {
            Self::Opus => true,
            Self::Vp8 => first & 0x01 == 0,
            Self::Vp9 => first & 0x0c == 0,
        })
    }
}

/// One UDP datagram on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// The own address that it leaves from.
    pub src: SocketAddr,
    /// Where it goes.
    pub dst: SocketAddr,
    /// Its payload.
    pub bytes: Vec<u8>,
}
