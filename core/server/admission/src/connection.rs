use std::collections::VecDeque;
use std::time::Duration;

use conclave_base::{Bucket, MeetingId, MemberId, Time};
use conclave_delivery::Cursor;
use conclave_protocol::limits;
use conclave_protocol::ws::LogPosition;

use crate::api::Record;

/// Entries are handed to the shell only while less than this is on its way to the connection, in bytes.
pub const WINDOW: usize = 256 * 1024;
/// Messages on their way to one connection. More, and it is closed.
pub(crate) const MESSAGES_AHEAD: usize = 4096;
/// A message costs one token, and one more for each of these bytes.
pub(crate) const BYTES_PER_TOKEN: usize = 64 * 1024;
/// An admitted client that says nothing for so long is gone; clients send a heartbeat or a ping far more often.
pub(crate) const SILENCE: Duration = Duration::from_secs(45);
/// A client that takes nothing for so long is gone.
pub(crate) const STUCK: Duration = Duration::from_secs(20);
/// How often the two above are looked at.
pub(crate) const REVIEW: Duration = Duration::from_secs(5);

/// One WebSocket.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stage: Stage,
    pub(crate) since: Time,
    /// When the last message came.
    pub(crate) heard: Time,
    /// When the socket last took something, or had nothing to take.
    pub(crate) progress: Time,
    /// Sizes of the messages on their way to the socket, at most [`MESSAGES_AHEAD`].
    pub(crate) ahead: VecDeque<usize>,
    /// Their sum.
    pub(crate) bytes_ahead: usize,
    /// What it may say.
    pub(crate) messages: Bucket,
    /// How often it may be told that it says too much.
    pub(crate) refusals: Bucket,
}

/// How far it is.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Has said nothing yet.
    Fresh,
    /// Waits for the record.
    Loading { meeting: MeetingId, after: Option<LogPosition> },
    /// Has a challenge to answer. The nonce is good for one answer.
    Challenged { record: Record, after: Option<LogPosition>, nonce: [u8; 32] },
    /// Waits for its token.
    Minting { record: Record, after: Option<LogPosition>, identity: MemberId },
    /// Admitted.
    Inside { meeting: MeetingId, identity: MemberId, cursor: Cursor, renewing: bool },
}

impl Connection {
    pub(crate) fn new(now: Time) -> Self {
        let rate = (limits::MESSAGES_PER_SECOND, limits::MESSAGE_BURST);
        Self {
            stage: Stage::Fresh,
            since: now,
            heard: now,
            progress: now,
            ahead: VecDeque::new(),
            bytes_ahead: 0,
            messages: Bucket::full(rate.0, rate.1, now),
            refusals: Bucket::full(rate.0, rate.1, now),
        }
    }

    /// When to look at it next, unless it is overdue now.
    pub(crate) fn review(&self, now: Time) -> Option<Time> {
        if !matches!(self.stage, Stage::Inside { .. }) {
            let until = self.since + limits::CHALLENGE_TTL;
            return (now < until).then_some(until);
        }
        let stuck = !self.ahead.is_empty() && now >= self.progress + STUCK;
        let silent = now >= self.heard + SILENCE;
        (!stuck && !silent).then_some(now + REVIEW)
    }
}
