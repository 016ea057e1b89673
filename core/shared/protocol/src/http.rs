//! HTTP bodies, JSON. Ids travel in bodies, never in a path, so that no proxy log collects them.
//!
//! [`MEETINGS`](crate::paths::MEETINGS): [`CreateMeeting`] -> 201 [`MeetingCreated`].
//! [`MEETING_UPDATE`](crate::paths::MEETING_UPDATE): [`UpdateMeeting`] -> 204.
//! [`MEETING_LOOKUP`](crate::paths::MEETING_LOOKUP): [`LookupMeeting`] -> 200 [`MeetingInfo`].
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
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    /// Stable word for programs.
    pub code: ApiErrorCode,
    /// A sentence that says what happened and what to do.
    pub message: String,
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
    /// Too many requests.
    Busy,
    /// As many meetings are kept as may be.
    Full,
    /// Meetings are made here only by who has the operator's token.
    Closed,
    /// The server failed.
    Internal,
}
