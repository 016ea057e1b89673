//! HTTP bodies, JSON. Ids travel in bodies, never in a path, so that no proxy log collects them.
//!
//! [`MEETINGS`](crate::paths::MEETINGS): [`CreateMeeting`] -> 201 [`MeetingCreated`].
//! [`MEETING_UPDATE`](crate::paths::MEETING_UPDATE): [`UpdateMeeting`] -> 204.
//! [`MEETING_LOOKUP`](crate::paths::MEETING_LOOKUP): [`LookupMeeting`] -> 200 [`MeetingInfo`].
//! [`PASSPHRASE`](crate::paths::PASSPHRASE): [`EvaluatePassphrase`] -> 200 [`PassphraseEvaluated`].
//! [`PASSPHRASE_RIGHT`](crate::paths::PASSPHRASE_RIGHT): [`PassphraseRight`] -> 204.
//! [`HOST_KEY`](crate::paths::HOST_KEY): [`OfferHostKey`] -> 204.
//! [`HOST_KEY_OFFERS`](crate::paths::HOST_KEY_OFFERS): [`AskHostKeys`] -> 200 [`HostKeyOffers`].
//! [`HOST_KEY_TAKE`](crate::paths::HOST_KEY_TAKE): [`TakeHostKey`] -> 200 [`HostKeyTaken`], once.
//! Every refusal is [`ApiError`] with a fitting status.

use conclave_base::MeetingId;
use serde::{Deserialize, Serialize};

use crate::ws::bytes_array;

/// Asks the server to keep a meeting. Nothing here tells it the link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateMeeting {
    /// Derived from the link.
    pub meeting: MeetingId,
    /// Ed25519 public key; whoever signs a fresh challenge with its private half is let in.
    #[serde(with = "bytes_array")]
    pub admission_key: [u8; 32],
    /// First 16 bytes of SHA-256 over the host's public key.
    #[serde(with = "bytes_array")]
    pub host_fingerprint: [u8; 16],
    /// Title and host-signed policy, sealed; at most [`crate::limits::SEALED_META`].
    #[serde(with = "serde_bytes")]
    pub sealed_meta: Vec<u8>,
    /// Seconds until the meeting is forgotten; the server may shorten it.
    pub expires_in: u64,
}

/// The meeting is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingCreated {
    /// Unix seconds.
    pub expires_at: u64,
}

/// Asks the server to keep another sealed record of a meeting, such as one with another title. Only its host can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateMeeting {
    /// Derived from the link.
    pub meeting: MeetingId,
    /// The host's public key, of which the server has the fingerprint.
    #[serde(with = "bytes_array")]
    pub host_key: [u8; 32],
    /// Title and host-signed policy, sealed; at most [`crate::limits::SEALED_META`].
    #[serde(with = "serde_bytes")]
    pub sealed_meta: Vec<u8>,
    /// By `host_key`, over [`crate::host::update_claim`].
    #[serde(with = "bytes_array")]
    pub signature: [u8; 64],
}

/// Asks what the server keeps of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupMeeting {
    /// Derived from the link.
    pub meeting: MeetingId,
}

/// What the server keeps of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingInfo {
    /// As given at creation.
    #[serde(with = "serde_bytes")]
    pub sealed_meta: Vec<u8>,
    /// Unix seconds.
    pub expires_at: u64,
    /// Connections now.
    pub inside: u32,
    /// Connections allowed.
    pub limit: u32,
    /// Milliseconds of log time after which a session of this meeting ends; without it, a session may last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<u64>,
}

/// Asks the server for its part of a passphrase: RFC 9497, mode VOPRF, ristretto255-SHA512, under a key of this meeting alone. It learns nothing of
/// the passphrase. One such request is one try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluatePassphrase {
    /// Derived from the link; need not be kept yet.
    pub meeting: MeetingId,
    /// The blinded element.
    #[serde(with = "bytes_array")]
    pub blinded: [u8; 32],
}

/// The server's part of a passphrase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassphraseEvaluated {
    /// The evaluated element.
    #[serde(with = "bytes_array")]
    pub evaluated: [u8; 32],
    /// That it was evaluated with the key behind `server_key`.
    #[serde(with = "bytes_array")]
    pub proof: [u8; 64],
    /// The public key. Whoever makes the meeting signs it; whoever comes later believes that signature and not this.
    #[serde(with = "bytes_array")]
    pub server_key: [u8; 32],
}

/// Tells the server that a try was right, so that it does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassphraseRight {
    /// Derived from the link.
    pub meeting: MeetingId,
    /// As it was in the try.
    #[serde(with = "bytes_array")]
    pub blinded: [u8; 32],
    /// By the meeting's admission key, over [`crate::challenge::passphrase`].
    #[serde(with = "bytes_array")]
    pub signature: [u8; 64],
}

/// Leaves the host key, sealed, for another device of the host, which takes it within [`crate::limits::HOST_KEY_KEPT`] or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferHostKey {
    /// Derived from the link.
    pub meeting: MeetingId,
    /// The host's public key, of which the server has the fingerprint.
    #[serde(with = "bytes_array")]
    pub host_key: [u8; 32],
    /// Its name, which only whoever has the host link can derive.
    #[serde(with = "bytes_array")]
    pub offer: [u8; 16],
    /// The seed of the host key, sealed; at most [`crate::limits::SEALED_HOST_KEY`].
    #[serde(with = "serde_bytes")]
    pub sealed: Vec<u8>,
    /// Unix seconds, by the host's clock: then it is erased, and not taken if it is sent again.
    pub expires_at: u64,
    /// By `host_key`, over [`crate::host::offer_claim`].
    #[serde(with = "bytes_array")]
    pub signature: [u8; 64],
}

/// Asks what became of the host keys that were left for other devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskHostKeys {
    /// Derived from the link.
    pub meeting: MeetingId,
    /// The host's public key, of which the server has the fingerprint.
    #[serde(with = "bytes_array")]
    pub host_key: [u8; 32],
    /// First erase those that nobody has taken yet.
    pub withdraw: bool,
    /// By `host_key`, over [`crate::host::ask_claim`].
    #[serde(with = "bytes_array")]
    pub signature: [u8; 64],
}

/// All host keys of a meeting that were left, until their time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKeyOffers {
    /// In no order.
    pub offers: Vec<HostKeyOffer>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKeyOffer {
    /// Its name.
    #[serde(with = "bytes_array")]
    pub offer: [u8; 16],
    /// As in [`OfferHostKey`].
    pub expires_at: u64,
    /// What became of it.
    pub state: HostKeyState,
    /// How often it was asked for in vain, after it was taken or withdrawn: by somebody who has the whole host link.
    pub tried: u32,
}

/// What became of a host key that was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostKeyState {
    /// It waits.
    Waiting,
    /// Somebody took it.
    Taken {
        /// Unix seconds.
        at: u64,
    },
    /// The host took it back.
    Withdrawn,
}

/// Takes a host key that was left; nobody can take it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeHostKey {
    /// Derived from the link.
    pub meeting: MeetingId,
    /// Its name.
    #[serde(with = "bytes_array")]
    pub offer: [u8; 16],
}

/// The host key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKeyTaken {
    /// As it was left.
    #[serde(with = "serde_bytes")]
    pub sealed: Vec<u8>,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    /// Stable word for programs.
    pub code: ApiErrorCode,
    /// A sentence that says what happened and what to do.
    pub message: String,
    /// With [`ApiErrorCode::TooManyTries`]: seconds until the next one is answered, if nobody else tries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl ApiError {
    /// Without a time to wait.
    pub const fn new(code: ApiErrorCode, message: String) -> Self {
        Self { code, message, retry_after: None }
    }
}

/// Stable words of [`ApiError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiErrorCode {
    /// The body is not what this path takes.
    Malformed,
    /// The body is too large.
    TooLarge,
    /// No such meeting, or it has expired.
    NotFound,
    /// A meeting with this id exists.
    Exists,
    /// Only the meeting's host can ask for this.
    NotHost,
    /// This host key was taken before.
    Taken,
    /// Too many requests.
    Busy,
    /// Too many passphrases were tried.
    TooManyTries,
    /// As many meetings are kept as may be.
    Full,
    /// Meetings are made here only by who has the operator's token.
    Closed,
    /// What keeps the meetings does not answer now.
    Unavailable,
    /// The server failed.
    Internal,
}
