//! What the brain tells the screen ([`Snapshot`]) and what the screen asks of the brain ([`Command`]), inside one client.
//!
//! The screen is a function of one snapshot. `bindings/wasm` generates the TypeScript twins, with feature `ts`.

use serde::{Deserialize, Serialize};

/// Everything that the screen needs to know of the meeting. Media elements come from the media layer, by identity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Where this client is on its way.
    pub phase: Phase,
    /// Title of the meeting; empty when it has none or is not known yet.
    pub title: String,
    /// What the lock chip says.
    pub lock: Lock,
    /// Everybody in the group, oldest first; the own entry has `me`.
    pub members: Vec<Member>,
    /// Chat since joining, oldest first, at most 1,000 lines.
    pub chat: Vec<ChatLine>,
    /// The group's safety code: six groups of five digits. `None` until inside.
    pub safety_code: Option<Vec<String>>,
    /// MLS epoch of `members` and `safety_code`. The screen reports it back with [`Command::Shown`].
    pub epoch: u64,
    /// What the user should know, oldest first, at most 50; ids rise.
    pub notices: Vec<Notice>,
    /// Whether this client holds the host key of the meeting.
    pub host: bool,
}

/// Where this client is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Phase {
    /// Asking the server what it keeps of the meeting.
    #[default]
    Looking,
    /// The link alone does not open the meeting. Waiting for [`Command::Passphrase`].
    Locked {
        /// Passphrases that did not open it either.
        wrong: u32,
    },
    /// The link fits. Waiting for [`Command::Join`].
    Ready {
        /// People inside now.
        inside: u32,
        /// People allowed.
        limit: u32,
    },
    /// On the way in.
    Joining {
        /// What it is doing.
        step: JoinStep,
    },
    /// In the group.
    Inside,
    /// The connection broke; trying again by itself.
    Reconnecting {
        /// Unix milliseconds when it broke.
        since: f64,
    },
    /// It is over for this client.
    Over {
        /// Why.
        why: Over,
    },
}

/// Steps of a join.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum JoinStep {
    /// Opening the connection and proving that the link is known.
    Connecting,
    /// Reading the group's state.
    Reading,
    /// Taking a place in the group.
    Entering,
}

/// Why it is over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum Over {
    /// This client left.
    Left,
    /// A host removed this client.
    Removed,
    /// The link is not whole.
    LinkCut,
    /// No such meeting, or it has expired.
    NotFound,
    /// What the server keeps cannot be opened with this link.
    LinkWrong,
    /// The host's signature does not fit the link.
    HostMismatch,
    /// As many people as allowed are inside.
    Full,
    /// Client and server speak different versions: reload.
    Version,
    /// The same member connected elsewhere.
    Replaced,
    /// The server refused what this client sent.
    Refused,
    /// The server cannot be reached.
    Unreachable,
    /// The server withheld, re-ordered or rewound entries.
    LogBroken,
}

/// What the lock chip says; computed from what the decryptor does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Lock {
    /// Which sentence.
    pub state: LockState,
    /// People who hold the keys now, this client included.
    pub people: u32,
}

/// Sentences of the lock chip.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum LockState {
    /// Not inside yet: no chip.
    #[default]
    None,
    /// All that is played was opened with a member's key.
    Locked,
    /// Something was refused in the last 10 s; media goes on, the refused does not.
    Attacked,
    /// The members do not all see the same group.
    Split,
}

/// One member of the group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Identity text (22 characters), also the LiveKit identity.
    pub identity: String,
    /// Cleaned display name, never empty.
    pub name: String,
    /// This client.
    pub me: bool,
    /// Holds the host key.
    pub host: bool,
    /// Microphone on, as the member says.
    pub mic: bool,
    /// Camera on, as the member says.
    pub camera: bool,
    /// Shares a screen, as the member says.
    pub screen: bool,
    /// Speaks now, as the member says.
    pub speaking: bool,
    /// Unix milliseconds since when nothing has been heard of this member; `None` while all is well.
    pub away_since: Option<f64>,
    /// What of this member's media was refused in the last 10 s.
    pub trouble: Option<Trouble>,
}

/// Media that was not played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// Which of the member's media.
    pub source: Source,
    /// Why.
    pub why: RefusedWhy,
}

/// Which of a member's media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// Camera.
    Camera,
    /// Microphone.
    Microphone,
    /// Screen picture.
    Screen,
    /// Screen sound.
    ScreenAudio,
}

/// Why a frame was not played.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum RefusedWhy {
    /// It was not sealed.
    Unsealed,
    /// Sealed by somebody else than the member whose track it came on, or for another of their tracks.
    NotTheirs,
    /// It was played before.
    Replayed,
    /// Altered on the way.
    Altered,
    /// Sealed for an epoch that this client has no key of.
    NoKey,
}

/// One line of the chat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct ChatLine {
    /// Rises; unique in this client.
    pub id: u32,
    /// Identity of the sender.
    pub from: String,
    /// Name of the sender when it arrived.
    pub name: String,
    /// Plain text.
    pub text: String,
    /// Unix milliseconds of arrival.
    pub at: f64,
    /// Sent by this client.
    pub mine: bool,
    /// On its way to the log; only for own lines.
    pub pending: bool,
}

/// Something that the user should know once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// Rises.
    pub id: u32,
    /// Unix milliseconds.
    pub at: f64,
    /// What.
    pub what: NoticeKind,
}

/// What a notice says. `name` is the member's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum NoticeKind {
    /// Somebody came in.
    Joined {
        /// Who.
        name: String,
    },
    /// Somebody left or was lost.
    Left {
        /// Who.
        name: String,
    },
    /// A host removed somebody.
    Removed {
        /// Who.
        name: String,
    },
    /// Media was refused.
    MediaRefused {
        /// On whose track.
        name: String,
        /// Which of the member's media.
        source: Source,
        /// Why.
        why: RefusedWhy,
    },
    /// Somebody is connected to the media server who is not in the group. They are not shown and get no keys.
    Ghost,
    /// A change to the group broke its rules and was ignored.
    CommitRefused {
        /// Which rule.
        rule: Rule,
    },
}

/// Rules of docs/protocol.md that a commit can break.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// An Add or external commit without this session's PSK.
    NoPsk,
    /// A Remove by who may not.
    RemoveNotAllowed,
    /// Two leaves with one signature key.
    DuplicateKey,
    /// A proposal type that is not in use.
    ProposalType,
    /// A policy change by who may not.
    PolicyNotAllowed,
    /// A leaf whose data is not well-formed.
    LeafMalformed,
    /// Not a valid MLS message.
    Invalid,
}

/// What the screen asks of the brain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Command {
    /// Join under this name; only in [`Phase::Ready`].
    Join {
        /// As typed.
        name: String,
    },
    /// Try a passphrase, in [`Phase::Locked`].
    Passphrase {
        /// As typed.
        text: String,
    },
    /// Say something to everybody.
    Chat {
        /// As typed; at most [`crate::limits::CHAT_CHARS`].
        text: String,
    },
    /// What this member's media is.
    Media {
        /// Microphone on.
        mic: bool,
        /// Camera on.
        camera: bool,
        /// Shares a screen.
        screen: bool,
    },
    /// Speaks or has stopped.
    Speaking {
        /// Speaks.
        on: bool,
    },
    /// Remove somebody; hosts only.
    Remove {
        /// Identity.
        identity: String,
    },
    /// The roster of this epoch is on the screen; sealing under it may begin. Said for each epoch, and whenever the phase becomes
    /// [`Phase::Inside`]: after the server began anew, numbers of epochs come again.
    Shown {
        /// [`Snapshot::epoch`].
        epoch: u64,
    },
    /// These identities are connected to the media server; the brain compares them with the group.
    MediaPeers {
        /// Identities.
        identities: Vec<String>,
    },
    /// Leave.
    Leave,
}
