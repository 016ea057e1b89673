use conclave_protocol::payload::App;

/// What a member's media is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MediaFlags {
    pub(crate) mic: bool,
    pub(crate) camera: bool,
    /// Shares a screen.
    pub(crate) screen: bool,
    /// Speaks now; never without a microphone.
    pub(crate) speaking: bool,
}

impl From<MediaFlags> for App {
    fn from(MediaFlags { mic, camera, screen, speaking }: MediaFlags) -> Self {
        Self::State { mic, camera, screen, speaking }
    }
}
