use crate::group::EpochId;

/// Where the server lets somebody begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the end of a log that others read.
    Log(usize),
    /// At a snapshot of this epoch, with nothing after it.
    Snapshot(EpochId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A newcomer, or one who returns as a new leaf and removes its old one.
    Enter,
    /// New keys for the same roster.
    Update,
    Remove(usize),
}

/// What the server puts into a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The newest heartbeat of a member whose position lies on this log, `gap` times 2.5 s of log time after the entry before.
    Heartbeat { of: usize, gap: u8 },
    /// A heartbeat of a member that reads another log.
    Foreign { of: usize },
    /// The hostile member says whatever its readers want to hear.
    Lie,
    /// A message that nothing depends on.
    Message,
    /// A commit that follows the log's epoch.
    Commit(EpochId),
    /// The word that a member's connection ended.
    Gone { of: usize },
}

/// Members, as a set of bits.
pub(crate) type Set = u8;

/// What happens next. All but `Found` and `Commit` is the server's choice, and when anything happens is too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Everybody's own clock goes on by one tick.
    Tick,
    /// Some of a log's readers get an entry; the others stay where they are, until they get that one too, or another.
    Append { log: usize, to: Set, entry: Entry },
    /// Readers who were held up get all that others have read since.
    CatchUp { from: usize, to: Set, until: usize },
    /// A member that finds no session begins one.
    Found { member: usize },
    /// A newcomer, or one who is cut off, takes a snapshot and makes its commit.
    Enter { member: usize, at: Start },
    /// A member makes a commit on the epoch in which it is.
    Commit { by: usize, change: Change },
    /// The hostile member makes a commit on an epoch that it knows, whether or not it was removed since.
    HostileCommit { on: EpochId },
}
