use std::fmt;

use conclave_base::Time;

/// What must never be. A script is shrunk as long as the same kind of failure remains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Code of ours panicked.
    Panic,
    /// Something was logged as an error.
    ErrorLogged,
    /// A secret, a name, a text or an id was logged.
    LogTells,
    /// A name or a text reached the server readable, or the link's secret did.
    Readable,
    /// A machine asks for time that has passed, again and again.
    NoRest,
    /// A command that made sense was refused.
    CommandRefused,
    /// A screen accuses somebody, and nobody attacks.
    FalseAlarm,
    /// A screen says something of somebody that did not happen.
    FalseNotice,
    /// A client ended for a reason that it did not have.
    WrongEnd,
    /// A member whom nothing disturbed lost its place.
    ThrownOut,
    /// Two screens claim one whole meeting and differ for longer than they may.
    ScreensDiffer,
    /// After the last fault healed, somebody is not inside in time.
    NotInside,
    /// After the last fault healed, rosters, epochs or codes differ.
    NotOneGroup,
    /// After the last fault healed, a roster names somebody who is gone, or misses somebody who is there.
    WrongRoster,
    /// After the last fault healed, a screen does not say that all is well.
    NotCalm,
    /// A line stands twice, or differently ordered than with others, or is altered.
    ChatOrder,
    /// A line did not arrive.
    ChatLost,
    /// A member does not hear or see another.
    NotHeard,
    /// A frame came out that its owner did not make, or came out twice.
    WrongFrame,
    /// Somebody is heard as another, and no screen says so.
    Forged,
    /// A frame came out with keys older than their life.
    OldKey,
    /// A frame was sealed for somebody who was not on the own screen.
    UnseenListener,
    /// Somebody who is gone opens what was sealed later.
    GoneListens,
    /// A frame of a source was sealed that is switched off.
    SealedOff,
    /// A frame was sealed into a group of which nothing proved that it lives and hears.
    SealedBlind,
    /// Two frames were sealed with one key and one counter.
    CounterReused,
    /// Somebody appended a snapshot of no use, and no member a good one after it.
    NoSnapshot,
    /// A host asked for a removal, and nothing came of it in time.
    RemovalLate,
    /// Somebody came in against the door, a bar or the limit.
    CameIn,
    /// Somebody is heard, seen or read whom hosts do not let.
    Silenced,
    /// A host ordered something, and nothing came of it in time; or screens differ about what holds.
    OrderLost,
    /// Somebody waits at the door who is to be inside, or is told wrongly why; or hosts are not told who waits.
    AtTheDoor,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub kind: Kind,
    /// Since the meeting was made.
    pub at: Time,
    /// Who and what.
    pub detail: String,
    /// What the screens showed until then, in order.
    pub story: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} after {:.3} s: {}", self.kind, self.at.as_micros() as f64 / 1e6, self.detail)
    }
}
