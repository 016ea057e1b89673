use std::collections::BTreeSet;

use conclave_base::Permission;
use conclave_protocol::payload::App;

/// What a member's media is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MediaFlags {
    pub(crate) mic: bool,
    pub(crate) camera: bool,
    /// Shares a screen.
    pub(crate) screen: bool,
}

impl MediaFlags {
    /// What the server may learn the times of. Where speech is hidden that is not the microphone's; pictures it sees come and go anyway.
    pub(crate) fn visible(self, hides_speech: bool) -> Self {
        Self { mic: self.mic && !hides_speech, ..self }
    }

    /// What may be on without these permissions.
    pub(crate) fn permitted(self, denied: &BTreeSet<Permission>) -> Self {
        let may = |what| !denied.contains(&what);
        Self { mic: self.mic && may(Permission::Speak), screen: self.screen && may(Permission::Share), ..self }
    }
}

impl From<MediaFlags> for App {
    fn from(MediaFlags { mic, camera, screen }: MediaFlags) -> Self {
        Self::State { mic, camera, screen }
    }
}
