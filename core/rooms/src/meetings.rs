//! Making and looking up meetings: what is taken, what is answered.

use std::time::Duration;

use base::{MeetingId, Time};
use wire::http::{CreateMeeting, MeetingInfo, Problem, ProblemCode};
use wire::limits;

/// All that is kept of a meeting (docs/protocol.md, section 7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Derived from the link.
    pub meeting: MeetingId,
    /// Ed25519: whoever signs with its private half knows the link.
    pub admission_key: [u8; 32],
    /// First 16 bytes of SHA-256 over the host's public key.
    pub host_fingerprint: [u8; 16],
    /// Title and policy, sealed.
    pub sealed_meta: Vec<u8>,
    /// Unix seconds.
    pub expires_at: u64,
}

impl Record {
    /// Whether the meeting is over for good.
    pub fn expired(&self, now: Time) -> bool {
        self.expires_at <= now.as_millis() / 1000
    }
}

/// What a request to make a meeting becomes. `longest` is the operator's limit; `now` is Unix time.
pub fn check(create: CreateMeeting, longest: Duration, now: Time) -> Result<Record, Problem> {
    if create.sealed_meta.len() > limits::SEALED_META {
        return Err(problem(ProblemCode::TooLarge));
    }
    if create.sealed_meta.is_empty() || create.expires_in == 0 || ed25519_dalek::VerifyingKey::from_bytes(&create.admission_key).is_err() {
        return Err(problem(ProblemCode::Malformed));
    }
    Ok(Record {
        meeting: create.meeting,
        admission_key: create.admission_key,
        host_fingerprint: create.host_fingerprint,
        sealed_meta: create.sealed_meta,
        expires_at: now.as_millis() / 1000 + create.expires_in.min(longest.as_secs()),
    })
}

/// The answer to a look-up. `inside` is the number of connections now.
pub fn info(record: Record, inside: u32) -> MeetingInfo {
    MeetingInfo { sealed_meta: record.sealed_meta, expires_at: record.expires_at, inside, limit: limits::PEOPLE }
}

/// The sentence for a code.
pub fn problem(code: ProblemCode) -> Problem {
    let message = match code {
        ProblemCode::Malformed => "the request is not understood: use a client of this version",
        ProblemCode::TooLarge => "the request is too large: shorten the title",
        ProblemCode::NotFound => "there is no such meeting, or it has expired: ask for a new link",
        ProblemCode::Exists => "a meeting with this id exists: make another link",
        ProblemCode::Busy => "too many requests: try again in a minute",
        ProblemCode::Internal => "the server failed: try again, and tell whoever runs it",
    };
    Problem { code, message: message.to_owned() }
}
