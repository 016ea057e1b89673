use std::collections::VecDeque;
use std::time::Duration;

use conclave_base::{Bucket, MeetingId, MemberId, Time};
use conclave_delivery::Cursor;
use conclave_protocol::limits;
use conclave_protocol::ws::LogPosition;

use crate::api::{Block, Record};

/// Entries are handed to the shell only while less than this is on its way to the connection, in bytes.
pub const WINDOW: usize = 256 * 1024;
/// Messages on their way to one connection. More, and it is closed.
const MAX_IN_FLIGHT: usize = 4096;
/// A message costs one token, and one more for each of these bytes.
const BYTES_PER_TOKEN: usize = 64 * 1024;
/// An admitted client that sends nothing for so long is gone; clients send a heartbeat or a ping far more often.
const READ_TIMEOUT: Duration = Duration::from_secs(45);
/// A client whose socket takes nothing for so long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// The shell asks for a sign of life each second. An admitted client of whom nothing is heard for so long has lost its network: it is
/// called gone, and its connection is kept in case that it has not.
const MUTE_AFTER: Duration = Duration::from_secs(3);

/// One WebSocket.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stage: Stage,
    pub(crate) block: Block,
    pub(crate) in_flight: InFlight,
    opened_at: Time,
    last_received: Time,
    /// When it last gave a sign of life; a message is one.
    last_heard: Time,
    /// Nothing was heard of it for too long.
    mute: bool,
    /// What it may send.
    messages: Bucket,
    /// How often a message beyond that is refused before the connection is closed.
    refusals: Bucket,
}

/// How far it is.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Has sent nothing yet.
    New,
    /// Waits for the record.
    Loading { meeting: MeetingId, after: Option<LogPosition> },
    /// Has a challenge to answer. The nonce is good for one answer.
    Challenged { record: Record, after: Option<LogPosition>, nonce: [u8; 32] },
    /// Has proved its keys and waits for its token.
    IssuingToken { record: Record, after: Option<LogPosition>, identity: MemberId },
    /// Waits for its place among the people of the session.
    Entering,
    /// Reads and appends entries.
    /// `newcomer`: it has appended no commit yet, and may not know what the log says of others.
    Admitted { meeting: MeetingId, identity: MemberId, cursor: Cursor, renewing: bool, newcomer: bool },
}

/// What the rate limit says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rate {
    Within,
    /// An append is refused, so that the client waits and sends it again.
    Above,
    /// The connection is closed.
    FarAbove,
}

impl Connection {
    pub(crate) fn new(block: Block, now: Time) -> Self {
        let bucket = || Bucket::full(limits::MESSAGES_PER_SECOND, limits::MESSAGE_BURST, now);
        Self {
            stage: Stage::New,
            block,
            in_flight: InFlight { sizes: VecDeque::new(), bytes: 0, progress: now },
            opened_at: now,
            last_received: now,
            last_heard: now,
            mute: false,
            messages: bucket(),
            refusals: bucket(),
        }
    }

    /// Counts a message of so many bytes against what the client may send.
    pub(crate) fn limit(&mut self, bytes: usize, now: Time) -> Rate {
        if self.messages.take(1 + bytes / BYTES_PER_TOKEN, now) {
            Rate::Within
        } else if self.refusals.take(1, now) {
            Rate::Above
        } else {
            Rate::FarAbove
        }
    }

    /// A message of the protocol came.
    pub(crate) const fn on_received(&mut self, now: Time) {
        self.last_received = now;
    }

    /// A sign of life came. Gives whether it had been mute.
    pub(crate) const fn on_heard(&mut self, now: Time) -> bool {
        self.last_heard = now;
        std::mem::replace(&mut self.mute, false)
    }

    /// What is due. `awake_since`: before that the server itself may have stood still, and heard nobody.
    pub(crate) fn check(&mut self, awake_since: Time, now: Time) -> Check {
        if !matches!(self.stage, Stage::Admitted { .. }) {
            let until = self.opened_at + limits::CHALLENGE_TTL;
            return if now < until { Check::Next(until) } else { Check::TimedOut };
        }
        if self.in_flight.is_stuck(now) || now >= self.last_received + READ_TIMEOUT {
            return Check::TimedOut;
        }
        let mute_at = self.last_heard.max(awake_since) + MUTE_AFTER;
        if !self.mute && now >= mute_at {
            self.mute = true;
            return Check::Mute(now + MUTE_AFTER);
        }
        Check::Next(if self.mute { now + MUTE_AFTER } else { mute_at })
    }
}

/// What [`Connection::check`] found, and when to check next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// Nothing is due.
    Next(Time),
    /// It has just become mute.
    Mute(Time),
    /// It is to be closed.
    TimedOut,
}

/// What was handed to the shell and not yet taken by the socket.
#[derive(Debug)]
pub(crate) struct InFlight {
    /// One for each message, at most [`MAX_IN_FLIGHT`].
    sizes: VecDeque<usize>,
    /// Their sum.
    bytes: usize,
    /// When the socket last took something, or had nothing to take.
    progress: Time,
}

impl InFlight {
    /// Adds a message. False: there are too many.
    #[must_use]
    pub(crate) fn push(&mut self, size: usize, now: Time) -> bool {
        if self.sizes.is_empty() {
            self.progress = now;
        }
        self.sizes.push_back(size);
        self.bytes += size;
        self.sizes.len() <= MAX_IN_FLIGHT
    }

    /// The socket took so many bytes, in whole messages.
    pub(crate) fn remove(&mut self, mut bytes: usize, now: Time) {
        self.progress = now;
        while let Some(size) = self.sizes.front().copied()
            && size <= bytes
        {
            self.sizes.pop_front();
            self.bytes -= size;
            bytes -= size;
        }
    }

    /// Entries wait in the log until this is false again.
    pub(crate) const fn is_window_full(&self) -> bool {
        self.bytes >= WINDOW
    }

    fn is_stuck(&self, now: Time) -> bool {
        !self.sizes.is_empty() && now >= self.progress + WRITE_TIMEOUT
    }
}
