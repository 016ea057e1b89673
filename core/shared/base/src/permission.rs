use serde::{Deserialize, Serialize};

/// What hosts let everybody do, or only some. They may do all of it themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum Permission {
    /// Be heard by the microphone.
    Speak,
    /// Write in the chat.
    Chat,
    /// Share a screen, with its sound.
    Share,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Speak, Self::Chat, Self::Share];
}
