//! What a hostile server does. Each lie is a step of the script, so that a meeting with lies can be held again and shortened as any other.

use std::time::Duration;

use crate::action::Person;

/// Which entries are kept from a victim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The next commit.
    Commit,
    /// The next message: a line, a heartbeat, a state.
    Message,
    /// The next entry of whatever class.
    Any,
}

/// Everything that a hostile server says or does against the truth. Every log that it shows is chained as an honest server would chain it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Persons whose bit is set are shown a log of their own, into which nothing of the others comes, and nothing of it to the others.
    /// With `gone`, each half is told that the others' connections have ended.
    Fork { who: u8, gone: bool },
    /// One entry is kept from a person; the log that it is shown goes on without it.
    Withhold { from: Person, what: Kept },
    /// The person is given nothing, and what it says is acknowledged and dropped.
    Freeze { whom: Person, span: Duration },
    /// The person is given nothing of others; its own words come back.
    Isolate { whom: Person, span: Duration },
    /// What the person says is acknowledged, and nobody is given it.
    AckAndDrop { of: Person, span: Duration },
    /// What the person says is neither answered nor given to anybody.
    Swallow { of: Person, span: Duration },
    /// What others say reaches the person later, all at once.
    Delay { to: Person, span: Duration },
    /// What others say is saved up for a while and then given one by one.
    Drip { to: Person, span: Duration },
    /// The next two entries of others change places.
    Swap { to: Person },
    /// An entry that the person has read comes again, as a new one.
    Replay { to: Person, back: u8 },
    /// The person's connection ends, and it comes back to the log as it was so many commits ago.
    Rewind { whom: Person, commits: u8 },
    /// The same, but to the whole log of the last session, if there was one.
    Yesterday { whom: Person },
    /// Commits of the person are refused as stale.
    Stale { of: Person, span: Duration },
    /// The person's connection ends, and when it comes back its place in the log is said to be gone.
    Forget { whom: Person },
    /// The log says that the connection of somebody ended who is there.
    Gone { who: Person },
    /// The log says of nobody that it is gone.
    NoGone { span: Duration },
    /// The log's time leaps ahead and then runs at so many percent.
    Clock { percent: u64, leap: Duration },
    /// The media server gives frames of one person as those of another, or of another source, or twice.
    Relabel { span: Duration },
    /// The server stops to lie; what is forked stays forked.
    Truth,
}
