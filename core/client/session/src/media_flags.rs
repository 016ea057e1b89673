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

impl MediaFlags {
    /// With these tracks on; who spoke goes on speaking while the microphone is on.
    pub(crate) fn with_tracks(self, mic: bool, camera: bool, screen: bool) -> Self {
        Self { mic, camera, screen, speaking: self.speaking && mic }
    }

    pub(crate) fn with_speaking(self, on: bool) -> Self {
        Self { speaking: on && self.mic, ..self }
    }
}

impl From<MediaFlags> for App {
    fn from(MediaFlags { mic, camera, screen, speaking }: MediaFlags) -> Self {
        Self::State { mic, camera, screen, speaking }
    }
}
