//! What a node asks of a session's order, and what it is told.

use std::time::Duration;

use conclave_base::{MemberId, Seq};
use conclave_protocol::ws::{Class, Entry, LogPosition, LogTime};

use crate::log::AppendError;

/// Which log: random, and another one each time that a meeting begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(pub [u8; 16]);

/// Where a member is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The process: random, and another one after each start.
    pub node: u64,
    /// Of its connections, in the order in which they are opened.
    pub conn: u64,
}

/// What a node asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// A member comes in, in place of whatever connection it had. Founds the log if there is none.
    Enter {
        /// Who.
        who: MemberId,
        /// Where.
        place: Place,
        /// The log's name, if it begins now.
        found: LogId,
        /// How many may be connected.
        people: u32,
        /// How long the log lasts, if it begins now.
        lasts: Option<Duration>,
    },
    /// The connection of a member has closed.
    Away {
        /// Whose.
        who: MemberId,
        /// Which; of another one nothing is changed.
        place: Place,
    },
    /// It is time to call this member gone.
    Gone {
        /// Whom.
        who: MemberId,
        /// Where it was; if it is elsewhere, it is not gone.
        place: Place,
    },
    /// A member that was called gone, or given up, is there all the same, on the same connection. If it is elsewhere by now, it stays there.
    Back {
        /// Who.
        who: MemberId,
        /// Where.
        place: Place,
    },
    /// A member is gone for so long that nothing needs to be known of it.
    Forget {
        /// Whom.
        who: MemberId,
        /// Where it was.
        place: Place,
    },
    /// An entry of a member.
    Append {
        /// Its author.
        who: MemberId,
        /// Its author has appended no commit yet, and may not know what the log says of others.
        newcomer: bool,
        /// Its class.
        class: Class,
        /// See [`Log::append`](crate::Log::append).
        parent_commit: Seq,
        /// What it holds.
        sealed: Vec<u8>,
    },
    /// Forgets the oldest entries.
    Trim(Trim),
}

/// Which entries may be forgotten: all up to a place, but for those that joiners need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trim {
    /// The last one of them.
    pub upto: Seq,
    /// When the entry after it came.
    pub next_at: LogTime,
    /// The chain value there.
    pub chain_hash: [u8; 32],
    /// The last commit up to there.
    pub last_commit: Seq,
    /// Those up to there that stay, and the chain value at each.
    pub kept: Vec<(Seq, [u8; 32])>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The member is in.
    Entered {
        /// The log that it is in.
        log: LogId,
        /// The others may have it in the group, or at the door.
        known: bool,
        /// For how long the log lasts from now on, if not for ever.
        left: Option<Duration>,
    },
    /// There are as many people as may be.
    TooManyPeople,
    /// The member came in by a connection that it opened later.
    Outdated,
    /// The entry has its place.
    Appended {
        /// Which.
        seq: Seq,
        /// Memory that the log takes.
        used: usize,
    },
    /// Nothing was appended.
    Refused(AppendError),
    /// Done, or there was nothing to do.
    Done,
}

/// An entry that has its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordered {
    /// Its place.
    pub seq: Seq,
    /// When it came.
    pub at: LogTime,
    /// Its class.
    pub class: Class,
    /// What it holds.
    pub sealed: Vec<u8>,
}

/// All that there is of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Up to here it was trimmed.
    pub base: LogPosition,
    /// The last commit up to there.
    pub last_commit: Seq,
    /// What joiners need of what came up to there, in order.
    pub kept: Vec<Entry>,
    /// All entries after it.
    pub entries: Vec<Ordered>,
}

impl Default for Contents {
    fn default() -> Self {
        Self { base: LogPosition { seq: Seq(0), chain_hash: [0; 32] }, last_commit: Seq(0), kept: Vec::new(), entries: Vec::new() }
    }
}
