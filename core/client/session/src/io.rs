use std::collections::BTreeSet;

use crate::people::{PeopleChange, VerifiedPerson};
use crate::snapshot::Command;
use crate::software::LoggedBuilds;
use crate::update::SnapshotUpdate;
use conclave_base::{MemberId, Secret};
use conclave_media_crypto::{CryptorInput, FrameReport};
use conclave_protocol::payload::Software;

/// What a session starts from.
#[derive(Debug)]
pub struct Config {
    /// The link as typed or pasted: a whole URL, or what stands behind its `#`.
    pub link: conclave_base::Redacted<String>,
    /// Seed of the host's Ed25519 key, on the device that made the meeting.
    pub host: Option<Secret<32>>,
    /// Passphrase that stands beside the link, if it is known already; else [`Command::Passphrase`] brings it.
    pub passphrase: Option<conclave_base::Redacted<String>>,
    /// Seed of the key of this person's leaves, where a stay that ended a moment ago is to go on; else a new one is drawn.
    pub signer: Option<Secret<32>>,
    /// Seed of this device's Ed25519 key, the same in every meeting, where its user wants to be known again; see [`Input::Device`].
    pub device: Option<Secret<32>>,
    /// Who was verified on this device.
    pub people: Vec<VerifiedPerson>,
    /// What this client says to the others that it is; without it, nothing.
    pub software: Option<Software>,
    /// What the logs of releases name that this client trusts; `None` if it trusts none.
    pub logged: Option<LoggedBuilds>,
    /// Fresh randomness from the system: everything random in this meeting is drawn from it.
    pub seed: Secret<32>,
}

impl Config {
    /// Of somebody who has nothing but the link.
    pub const fn new(link: conclave_base::Redacted<String>, seed: Secret<32>) -> Self {
        Self { link, host: None, passphrase: None, signer: None, device: None, people: Vec::new(), software: None, logged: None, seed }
    }
}

/// What the shell brings to a [`crate::Session`].
#[derive(Debug)]
pub enum Input {
    /// The answer to [`Output::Http`].
    HttpDone {
        /// HTTP status.
        status: u16,
        /// Body, at most [`conclave_protocol::limits::HTTP_BODY`].
        body: Vec<u8>,
    },
    /// [`Output::Http`] brought no answer.
    HttpFailed,
    /// The WebSocket that [`Output::Connect`] asked for is open.
    Opened,
    /// A binary message of the WebSocket.
    Received(Vec<u8>),
    /// The WebSocket closed or could not be opened. Nothing more comes from it; not told after [`Output::Disconnect`].
    Closed,
    /// The screen asks for something.
    Command(Command),
    /// The user wants to be known again by the key of this seed; or not, which is possible until this client is inside, since it is seen there.
    Device(Option<Secret<32>>),
    /// The media layer needs a fresh token; [`Output::MediaToken`] follows.
    TokenWanted,
    /// Frames were not opened: a [`conclave_media_crypto::CryptorOutput::Report`].
    FrameReport(FrameReport),
    /// The network is back or may be another one, or somebody looks at the page again: what waits to be tried again is tried at once.
    Online,
    /// The moment of [`conclave_base::Polled::Idle`] has come; what is due is done. Every other input does that too.
    Timeout,
}

/// What a [`crate::Session`] asks of the shell.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "ts",
    derive(serde::Serialize, tsify::Tsify),
    serde(tag = "kind", content = "value", rename_all = "camelCase", rename_all_fields = "camelCase")
)]
pub enum Output {
    /// `POST` this JSON body to the meeting's server; answer with [`Input::HttpDone`] or [`Input::HttpFailed`].
    Http {
        /// Absolute path.
        path: &'static str,
        /// JSON.
        #[cfg_attr(feature = "ts", serde(with = "serde_bytes"), tsify(type = "Uint8Array<ArrayBuffer>"))]
        body: Vec<u8>,
    },
    /// Open a WebSocket to [`conclave_protocol::ws::PATH`]; answer with [`Input::Opened`] or [`Input::Closed`].
    Connect,
    /// Send a binary message on it.
    Send(#[cfg_attr(feature = "ts", serde(with = "serde_bytes"), tsify(type = "Uint8Array<ArrayBuffer>"))] Vec<u8>),
    /// Close it after what was sent. [`Input::Closed`] is not expected.
    Disconnect,
    /// [`crate::Session::snapshot`] changed by this; what changed nothing is not told.
    Update(Box<SnapshotUpdate>),
    /// Connect to the media server with this token, even before this client is inside: nothing is sealed or opened without keys. Another
    /// identity than before means a new connection; the same, that later reconnects use this token.
    MediaToken {
        /// For whom the token is: the own leaf, there already or to come.
        #[cfg_attr(feature = "ts", serde(serialize_with = "MemberId::serialize_text"), tsify(type = "string"))]
        identity: MemberId,
        /// Where LiveKit signalling answers, if not at the origin's `/rtc`.
        url: Option<String>,
        /// LiveKit access token.
        jwt: String,
    },
    /// Keep this, or keep it no more, on this device: [`Config::people`] of later sessions.
    People(PeopleChange),
    /// Close the connection to the media server: its identity has no leaf in the group, or not in time. A token may follow.
    MediaDisconnect,
    /// For the [`conclave_media_crypto::FrameCryptor`] of this meeting, in order: keys among it.
    Cryptor(
        #[cfg_attr(
            feature = "ts",
            serde(serialize_with = "conclave_media_crypto::messages::as_bytes"),
            tsify(type = "Uint8Array<ArrayBuffer>")
        )]
        CryptorInput,
    ),
    /// Subscribe at the media server to all tracks of these members, and to no others. A new connection begins with the last set.
    Subscribe(#[cfg_attr(feature = "ts", serde(serialize_with = "id_texts"), tsify(type = "string[]"))] BTreeSet<MemberId>),
}

/// As [`MemberId::serialize_text`].
#[cfg(feature = "ts")]
fn id_texts<S: serde::Serializer>(ids: &BTreeSet<MemberId>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(MemberId::to_text))
}

/// An input that made no sense. The meeting goes on as if it had not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "ts", derive(serde::Serialize, tsify::Tsify), serde(rename_all = "camelCase"))]
pub enum InputError {
    /// Not possible in this phase.
    #[error("out of turn")]
    OutOfTurn,
    /// A text is empty or over its limit.
    #[error("text empty or too long")]
    Text,
    /// Hosts only.
    #[error("hosts only")]
    NotHost,
    /// Hosts permit it to some only.
    #[error("hosts permit that to some only")]
    NotPermitted,
    /// A number is too small or too large.
    #[error("number too small or too large")]
    OutOfRange,
    /// No such member.
    #[error("no such member")]
    NoMember,
    /// The safety code has just changed: it is to be read again.
    #[error("the safety code changed")]
    CodeChanged,
    /// This client or the member has no device key.
    #[error("no device key")]
    NoDevice,
    /// As many verified people are kept as may be.
    #[error("too many verified people: forget some")]
    TooMany,
    /// More is waiting to be sent than may.
    #[error("too much waits to be sent")]
    Busy,
}
