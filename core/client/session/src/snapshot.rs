//! What the session tells the page ([`Snapshot`]) and what the page asks of it ([`Command`]), inside one client.
//!
//! What is shown is a function of one snapshot. `bindings/wasm` generates the TypeScript twins, with feature `ts`.

use conclave_base::{Door, Permission, Source};
use serde::{Deserialize, Serialize};

/// Lines of chat that are kept.
pub const CHAT_LINES: usize = 1000;
/// What these lines take at most, in bytes of their texts and a little for each: the page draws all of them.
pub const CHAT_BYTES: usize = 512 * 1024;
/// Notices that are kept.
pub const NOTICES: usize = 50;

/// Everything that the page needs to know of the meeting. Media elements come from the media layer, by identity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Where this client is on its way.
    pub phase: Phase,
    /// Title of the meeting; empty when it has none or is not known yet.
    pub title: String,
    /// What the security chip says.
    pub security: Security,
    /// Everybody in the group, oldest first; the own entry has `me`.
    pub members: Vec<Member>,
    /// Who was in the group a moment ago, and is out of it since its connection ended; it may come back. It holds no keys.
    pub lost: Vec<LostMember>,
    /// Chat since joining in the log's order, which is everybody's; oldest first, at most [`CHAT_LINES`] of [`CHAT_BYTES`]. What is too much
    /// goes from whoever takes most, so that nobody pushes out what others said.
    pub chat: Vec<ChatLine>,
    /// Own lines that have no place in the log yet, as they were typed; ids rise.
    pub unsent: Vec<ChatLine>,
    /// The group's safety code: six groups of five digits, the same for everybody in `members`. It changes when somebody comes or goes.
    /// `None` until inside.
    pub safety_code: Option<Vec<String>>,
    /// Whether `safety_code` stands for long enough to have been read out, and the connection is there: [`Command::Compare`] is taken.
    pub comparable: bool,
    /// MLS epoch of `members`. The page reports it back with [`Command::Shown`].
    pub epoch: u64,
    /// What the user should know, oldest first, at most [`NOTICES`]; ids rise.
    pub notices: Vec<Notice>,
    /// Whether this client's user is a host: it holds the host key of the meeting, or a host made it one.
    pub host: bool,
    /// Whether this client can make others hosts: it holds the host key.
    pub appoints: bool,
    /// How newcomers come in.
    pub door: Door,
    /// Who asks to be let in, longest first; told to hosts alone.
    pub waiting: Vec<Waiting>,
    /// What a host said who declined to let this client in; empty if nothing.
    pub declined: String,
    /// Whether sound is to be sent in frames of one size and pace, whoever speaks and whoever's microphone is on.
    pub hides_speech: bool,
    /// Who may do what.
    pub floor: Floor,
    /// How often this client's microphone was switched off by a host, or because it may not be on. With each time the page switches it off too,
    /// and its user may switch it on again, unless [`Member::denied`] says otherwise.
    pub mutes: u32,
    /// This client shows the key of its device: whoever verifies it knows it again in later meetings.
    pub device: bool,
    /// After so many minutes the server ends each session of this meeting, as it says; `None` if it does not.
    pub minutes: Option<u32>,
    /// Unix milliseconds by this client's clock when the time of this session is over; told five minutes before.
    pub ends_at: Option<f64>,
}

/// Who may do what inside, as hosts order it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Floor {
    /// What only hosts may do, and whom they let. [`Member::denied`] says it of each member.
    pub hosts_only: Vec<Permission>,
    /// Whoever comes in has the microphone off when, with it, more than so many are inside.
    pub mute_above: Option<u32>,
    /// People who may be inside at once.
    pub limit: u32,
    /// The highest limit that a host can order: what the meeting was made for.
    pub most: u32,
}

/// What becomes of a passphrase. While one is on its way, or too many were tried, no other is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum PassphraseStep {
    /// One is waited for.
    #[default]
    Wanted,
    /// The server is doing its part, without which nobody knows whether it is right.
    Asked,
    /// Too many were tried, by whomever. Nothing is said of this one.
    TooManyTries {
        /// Unix milliseconds; then the next may be answered.
        until: f64,
    },
    /// The server did not answer. Nothing is said of this one.
    Unreachable,
    /// The server did its part by another key than when the meeting was made, so that nobody can know whether this one is right.
    OtherServerKey,
}

/// Where this client is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Phase {
    /// Asking the server what it keeps of the meeting.
    #[default]
    LookingUp,
    /// The link alone does not open the meeting. Waiting for [`Command::Passphrase`].
    NeedsPassphrase {
        /// Passphrases that did not open it either.
        wrong: u32,
        /// What became of the last one.
        step: PassphraseStep,
    },
    /// The link fits. Waiting for [`Command::Join`], which names the member.
    Prejoin {
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
    /// Outside, and only a host can let this client in. It goes in by itself once one does.
    AtTheDoor {
        /// Unix milliseconds since when.
        since: f64,
        /// Nobody may even ask: the door is locked.
        locked: bool,
        /// Whether a host is inside, as far as the log says.
        hosts: bool,
    },
    /// In the group.
    Inside,
    /// The connection broke; trying again by itself.
    Reconnecting {
        /// Unix milliseconds when it broke.
        since: f64,
    },
    /// It is over for this client.
    Ended {
        /// Why.
        reason: EndReason,
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
    CatchingUp,
    /// Taking a place in the group.
    Committing,
}

/// Why it is over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum EndReason {
    /// This client left.
    Left,
    /// A host removed this client, and keeps it out.
    Removed,
    /// A host declined to let this client in.
    Declined,
    /// The link is not whole.
    LinkCut,
    /// No such meeting, or it has expired.
    NotFound,
    /// The session has lasted for as long as the server said that it might. The link is good for another.
    TimeOver,
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

/// What the security chip says; computed from what the decryptor does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Security {
    /// Which sentence.
    pub state: SecurityState,
    /// People who hold the keys now, this client included.
    pub people: u32,
    /// Those of them, but for this client, who are verified, or who found the same safety code as this client's user.
    pub verified: u32,
}

/// Sentences of the security chip.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum SecurityState {
    /// Not inside yet: no chip.
    #[default]
    None,
    /// All that is played was opened with a member's key.
    Secure,
    /// Nothing proves that this client hears all others, or that they hear it: nothing of its media is sealed until something does.
    Unsure,
    /// Several others were lost in the last 30 s: their lines broke, or the server keeps the parts of this meeting from each other.
    Parted,
    /// Something was refused in the last 10 s; media goes on, the refused does not.
    Attacked,
    /// Something is played, or was in the last 10 s, that is not proved to be of the member whose it should be.
    Unproved,
    /// Somebody goes by the name of a verified person and does not have that person's key, and the user has not answered.
    KeyChanged,
    /// Two people who compared the safety code or the person code found that it differs, this client's user one of them.
    CodeDiffers,
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
    /// What hosts do not let the member do. Nobody plays or shows it.
    pub denied: Vec<Permission>,
    /// Unix milliseconds since when nothing has been heard of this member; `None` while all is well.
    pub away_since: Option<f64>,
    /// What of this member's media was refused in the last 10 s.
    pub refusal: Option<MediaRefusal>,
    /// What of this member's media is played without proof that it is this member's, or was in the last 10 s.
    pub doubt: Option<MediaDoubt>,
    /// What became of comparing the safety code with this member.
    pub comparison: Comparison,
    /// Whether this is a person whom the user verified.
    pub recognition: Recognition,
    /// What it says that it runs; `None` if it says nothing.
    pub software: Option<Software>,
    /// The person code with this member: six groups of five digits, the same for both in every meeting. `None` until [`Command::ShowPersonCode`].
    pub person_code: Option<Vec<String>>,
    /// Equal for names that look alike.
    pub looks: String,
}

/// What a member says that it runs. Nothing proves it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Software {
    /// What kind of client.
    pub program: Program,
    /// Of its release: three numbers.
    pub version: String,
    /// SHA-256 by which a log of releases would name it, in hexadecimal; `None` if it does not say.
    pub build: Option<String>,
    /// Whether the others of its kind run the same build, as they say.
    pub agreement: Agreement,
    /// Whether a log of releases names that build.
    pub logged: Logged,
}

/// A kind of client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Program {
    /// A page in a browser.
    Page {
        /// Host from which it says it was loaded: lowercase ASCII, or empty if it says none that could be one.
        site: String,
    },
    /// A program of its own.
    Native,
}

/// How a member's build compares with those of the others of its kind, page or program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum Agreement {
    /// The same as most others have, or all.
    Same,
    /// Another one; or there are several, and none that most have.
    Differs,
    /// Nobody else of its kind says a build.
    Alone,
    /// It does not say its build.
    Unknown,
}

/// What the logs of releases say that this client trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Logged {
    /// This client trusts none, or the member does not say its build.
    Unknown,
    /// That build is a release.
    Named {
        /// Which, as the log says.
        version: String,
    },
    /// None of them names it.
    NotNamed,
}

/// What this client knows of a member by the key of its device. Times are Unix milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Recognition {
    /// It has no device key: nobody can tell it from one meeting to the next.
    #[default]
    Guest,
    /// It has one, which the user did not verify.
    Unverified,
    /// The user verified who has this device key.
    Verified {
        /// [`crate::people::VerifiedPerson::key`].
        key: String,
        /// What the person was called then, which may not be what it is called now.
        name: String,
        /// When.
        since: f64,
    },
    /// It goes by the name of somebody verified, or by one that looks like it, and does not have that person's key.
    Changed {
        /// The verified person.
        name: String,
        /// When that was verified.
        since: f64,
        /// It has another device key, not none.
        has_device: bool,
        /// The user has answered: it stands no longer on the chip.
        answered: bool,
    },
    /// The user found another person code than this member.
    Differs {
        /// When.
        at: f64,
    },
}

/// Somebody whose connection ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct LostMember {
    /// As [`Member::identity`]; whoever comes back with the same is the same.
    pub identity: String,
    /// As [`Member::name`].
    pub name: String,
    /// As [`Member::host`].
    pub host: bool,
    /// Unix milliseconds since when it is out.
    pub since: f64,
}

/// Somebody at the door.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// Identity that it will have inside.
    pub identity: String,
    /// Cleaned display name, never empty; as chosen, and nobody has proved it.
    pub name: String,
    /// As [`Member::looks`].
    pub looks: String,
    /// Unix milliseconds since when it asks.
    pub since: f64,
}

/// What two people found when they compared the safety code. Times are Unix milliseconds by this client's clock. It stays when the code
/// changes, for as long as the member has the same key and name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Comparison {
    /// Nobody said anything.
    #[default]
    None,
    /// The same, says this client's user; the member did not say yet.
    Mine {
        /// When.
        at: f64,
    },
    /// The same, says the member; this client's user did not say yet.
    Theirs {
        /// When.
        at: f64,
    },
    /// The same, say both.
    Both {
        /// When the second of them did.
        at: f64,
    },
    /// Not the same, as one of them says at least.
    Differs {
        /// When.
        at: f64,
        /// Whether this client's user says so.
        by_me: bool,
    },
}

/// Media that was not played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct MediaRefusal {
    /// Which of the member's media.
    pub source: Source,
    /// Why.
    pub reason: RefusalReason,
}

/// Media that is played and not proved to be its member's: whoever is in the group can derive the keys that seal it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct MediaDoubt {
    /// Which of the member's media.
    pub source: Source,
    /// Some of it was proved to be somebody else's; otherwise proofs do not come.
    pub forged: bool,
}

/// Why a frame was not played.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum RefusalReason {
    /// It has no SFrame header: it was not sealed.
    NotSFrame,
    /// Sealed by somebody else than the member whose track it came on, or for another of their tracks.
    WrongSender,
    /// It was played before.
    Replayed,
    /// The AEAD did not open it: altered on the way (RFC 9605: authentication failure).
    AuthenticationFailed,
    /// Sealed for an epoch that this client has no key of.
    NoKey,
    /// Hosts do not let the member be heard or seen by it, and its client goes on.
    Silenced,
}

/// One line of the chat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct ChatLine {
    /// Unique in this client; rises as lines arrive or are typed.
    pub id: u32,
    /// Identity of the sender.
    pub from: String,
    /// Name of the sender when it arrived.
    pub name: String,
    /// Plain text.
    pub text: String,
    /// Unix milliseconds of arrival, or of typing while it is unsent.
    pub at: f64,
    /// Sent by this client.
    pub mine: bool,
    /// Rises in the log's order, which is not that of ids; 0 while it is unsent.
    #[serde(skip)]
    pub place: u32,
}

impl Snapshot {
    /// Lines of the chat behind this [`ChatLine::place`].
    pub fn lines_after(&self, place: u32) -> &[ChatLine] {
        &self.chat[self.chat.partition_point(|line| line.place <= place)..]
    }
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
    /// Somebody left.
    Left {
        /// Who.
        name: String,
    },
    /// Somebody lost the connection and is out, whoever made the commit.
    Lost {
        /// Who.
        name: String,
    },
    /// A host removed somebody.
    Removed {
        /// Who.
        name: String,
    },
    /// A host sent somebody back to the door.
    SentBack {
        /// Who.
        name: String,
    },
    /// Somebody asks to be let in; told to hosts alone.
    Knocked {
        /// Who.
        name: String,
    },
    /// A host changed how newcomers come in.
    Door {
        /// How.
        door: Door,
    },
    /// A host made somebody a host.
    Appointed {
        /// Whom.
        name: String,
        /// It is this client's user.
        me: bool,
    },
    /// Somebody came in who holds the host key; told to those alone who hold it too. It is another device of the host, or somebody to whom
    /// the host key went.
    HostElsewhere {
        /// Who.
        name: String,
    },
    /// A host changed whether everybody may do something, or only hosts and whom they let.
    Floor {
        /// What.
        what: Permission,
        /// Everybody.
        everybody: bool,
    },
    /// A host lets this client's user do something, or no longer does.
    Permitted {
        /// What.
        what: Permission,
        /// Lets.
        given: bool,
    },
    /// A host switched this client's microphone off. Its user may switch it on again.
    Muted {
        /// Which host.
        by: String,
    },
    /// So many are inside that whoever comes in has the microphone off.
    MutedOnEntry,
    /// A line of chat of this client's is shown to nobody: its user may not write any more.
    LineNotTaken,
    /// Media was refused.
    MediaRefused {
        /// On whose track.
        name: String,
        /// Which of the member's media.
        source: Source,
        /// Why.
        reason: RefusalReason,
    },
    /// Media is played without proof that it is the member's.
    MediaUnproved {
        /// Whose it should be.
        name: String,
        /// Which of the member's media.
        source: Source,
        /// [`MediaDoubt::forged`].
        forged: bool,
    },
    /// Somebody is connected to the media server who is not in the group. They are not shown and get no keys.
    Ghost,
    /// Two people who compared the safety code found that it differs.
    CodeDiffers {
        /// The other of them.
        name: String,
        /// Whether this client's user says so.
        by_me: bool,
    },
    /// Somebody says that it runs another build than the others of its kind, or one that no log of releases names which this client trusts.
    OtherSoftware {
        /// Who.
        name: String,
        /// It is this client's user.
        me: bool,
        /// No log names it.
        unlogged: bool,
    },
    /// Somebody is here under the name of a verified person, or one that looks like it, without that person's key.
    KeyChanged {
        /// Who.
        name: String,
        /// The verified person.
        verified: String,
        /// With another device key, not without one.
        has_device: bool,
    },
    /// The time of the session is over soon.
    Ends {
        /// In so many minutes, rounded; 0 for less than half a one.
        minutes: u32,
        /// [`Snapshot::ends_at`].
        at: f64,
    },
    /// As many verified people are kept as may be: this one is not.
    PeopleFull,
    /// The server said that it took something of this client's, and did not deliver it; it is sent again.
    Undelivered,
    /// This client, a host, is to remove somebody, who is still inside after some seconds; it is tried again.
    NotRemoved {
        /// Who.
        name: String,
    },
    /// The server shows others another log than this client; the meeting is entered anew.
    LogForked,
    /// The server's clock and this client's part by more than seconds in a minute.
    ClockOff,
    /// A change to the group broke its rules and was ignored.
    CommitRefused {
        /// Which rule.
        rule: RuleViolation,
    },
}

/// Rules of docs/protocol.md that a commit can break.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum RuleViolation {
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
    /// A newcomer whom no host let in.
    NotAdmitted,
    /// A leaf whose data is not well-formed.
    LeafMalformed,
    /// Not a valid MLS message.
    Invalid,
}

impl From<conclave_mls::RuleViolation> for RuleViolation {
    fn from(violation: conclave_mls::RuleViolation) -> Self {
        use conclave_mls::RuleViolation as Mls;
        match violation {
            Mls::NoPsk => Self::NoPsk,
            Mls::RemoveNotAllowed => Self::RemoveNotAllowed,
            Mls::DuplicateKey => Self::DuplicateKey,
            Mls::ProposalType => Self::ProposalType,
            Mls::PolicyNotAllowed => Self::PolicyNotAllowed,
            Mls::NotAdmitted => Self::NotAdmitted,
            Mls::LeafMalformed => Self::LeafMalformed,
            Mls::Invalid => Self::Invalid,
        }
    }
}

/// What the page asks of the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Command {
    /// Give the meeting this title; only in [`Phase::Prejoin`], and only its host. The snapshot has it at once, and the old one again if the
    /// server does not take it.
    SetTitle {
        /// As typed; empty for none.
        title: String,
    },
    /// Join under this name; only in [`Phase::Prejoin`].
    Join {
        /// As typed.
        name: String,
    },
    /// Try a passphrase, in [`Phase::NeedsPassphrase`].
    Passphrase {
        /// As typed.
        text: String,
    },
    /// Say something to everybody.
    Chat {
        /// As typed; at most [`conclave_protocol::limits::CHAT_CHARS`].
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
    /// Remove somebody, and keep out the key that it has; hosts only.
    Remove {
        /// Identity.
        identity: String,
        /// Leave an open door open: who was removed may have the link still, and come in by another key. Otherwise newcomers ask from now on.
        open: bool,
    },
    /// Send somebody back to the door, where it may ask again; newcomers ask from now on. Hosts only.
    SendBack {
        /// Identity.
        identity: String,
    },
    /// Change how newcomers come in; hosts only.
    SetDoor {
        /// How.
        door: Door,
    },
    /// Let these in, who wait; hosts only.
    Admit {
        /// Identities.
        identities: Vec<String>,
    },
    /// Do not let somebody in who waits; hosts only.
    Decline {
        /// Identity.
        identity: String,
        /// What to say to that, at most [`conclave_protocol::limits::DECLINE_CHARS`]; may be empty.
        word: String,
    },
    /// Make somebody a host; only who holds the host key.
    Appoint {
        /// Identity.
        identity: String,
    },
    /// Switch somebody's microphone off, or everybody's but those of hosts; hosts only. Where everybody may speak they can switch it on again;
    /// where only hosts and whom they let, they may not speak any more.
    Mute {
        /// Identity; `None` for everybody.
        identity: Option<String>,
    },
    /// Let everybody do something, or only hosts and whom they let; hosts only.
    PermitEverybody {
        /// What.
        what: Permission,
        /// Everybody.
        everybody: bool,
    },
    /// Let somebody do something, or not; hosts only. Hosts may do everything.
    Permit {
        /// Identity.
        identity: String,
        /// What.
        what: Permission,
        /// Let.
        given: bool,
    },
    /// Who comes in has the microphone off when more than so many are inside; hosts only.
    MuteAbove {
        /// With the newcomer; `None` for never.
        people: Option<u32>,
    },
    /// Let at most so many be inside; hosts only. Nobody is put out by it.
    Limit {
        /// At least one, and no more than the meeting was made for.
        people: u32,
    },
    /// The user compared the safety code with a member.
    Compare {
        /// Identity.
        identity: String,
        /// The code that was compared: [`Snapshot::safety_code`].
        code: Vec<String>,
        /// Whether it is the same.
        same: bool,
    },
    /// Show the person code with a member, both having device keys: [`Member::person_code`].
    ShowPersonCode {
        /// Identity.
        identity: String,
    },
    /// The user compared the person code with a member.
    ComparePerson {
        /// Identity.
        identity: String,
        /// The code that was compared: [`Member::person_code`].
        code: Vec<String>,
        /// Whether it is the same: then the person is verified from now on, in later meetings too.
        same: bool,
    },
    /// Verify a member, who has a device key, since both found the same safety code.
    KeepCompared {
        /// Identity.
        identity: String,
    },
    /// The user has seen that a member goes by the name of a verified person and does not have that person's key.
    AnswerChange {
        /// Identity.
        identity: String,
    },
    /// Forget a verified person.
    ForgetPerson {
        /// [`crate::people::VerifiedPerson::key`].
        key: String,
    },
    /// The roster of this epoch is on the screen; sealing under it may begin. Said for each epoch, and whenever the phase becomes
    /// [`Phase::Inside`]: after the server began anew, numbers of epochs come again.
    Shown {
        /// [`Snapshot::epoch`].
        epoch: u64,
    },
    /// These identities are connected to the media server; they are compared with the group.
    MediaPeers {
        /// Identities.
        identities: Vec<String>,
    },
    /// Leave.
    Leave,
}
