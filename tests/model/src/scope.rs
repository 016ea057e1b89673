use crate::state::MEMBERS;

/// A defence that a client could lack. The checker must find what each of them prevents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// What others say proves life even if nothing of one's own came back.
    OwnEchoUnchecked,
    /// A heartbeat of another proves life when it arrives, however old the own entries are that its sender had read.
    AnswerUnbound,
    /// Positions in heartbeats count without their chain values.
    ChainNotCompared,
    /// Who was once confirmed seals on.
    SealingNotStopped,
    /// After a removal one seals under the epoch before.
    OldEpochKept,
    /// A snapshot of another session is accepted by who was in this one.
    SessionUnchecked,
    /// A snapshot of before the highest epoch seen is accepted.
    OlderEpochAccepted,
    /// Whom one saw removed is forgotten when one enters anew.
    RemovalForgotten,
    /// The time between two entries counts as the server says, however long it is.
    GapUncapped,
    /// A removal brings no new path secret.
    NoPathSecret,
}

/// What may happen in one run of the checker, and how far it goes.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// Honest members, 0 being the host.
    pub honest: u8,
    /// Who of them are inside at the beginning.
    pub inside: u8,
    /// Whether a last member, inside at the beginning, is on the server's side, and the host wants it out.
    pub hostile: bool,
    /// Whether it makes commits.
    pub hostile_commits: bool,
    /// Whether the server keeps a snapshot of yesterday's session, in which the hostile member was.
    pub yesterday: bool,
    /// The set of members of whom the server says that they are gone, or lets log time pass so that they seem silent.
    pub absence: u8,
    /// The set of members who may enter anew, each once, whenever they like.
    pub recovery: u8,
    /// Most epochs, those included that a run begins with and those that never come to be.
    pub epochs: usize,
    /// Most heartbeats of one member that the server saves up for later. Only the newest matters unless [`Fault::AnswerUnbound`].
    pub stock: u8,
    /// Ticks until an unanswered member stops: it seals while an own entry that is younger is known to be read.
    pub limit: u8,
    /// Ticks for which a screen may be wrong.
    pub bound: u8,
    /// Whether members speak at any moment, and the server passes on at once what keeps its victims content, which saves states: see `settle`.
    pub eager: bool,
    pub fault: Option<Fault>,
    /// Threads of the checker.
    pub threads: usize,
}

impl Scope {
    /// Honest members alone, all of them inside, on one log that the server may split as it likes.
    pub const fn of(honest: u8) -> Self {
        Self {
            honest,
            inside: honest,
            hostile: false,
            hostile_commits: false,
            yesterday: false,
            absence: 0,
            recovery: 0,
            epochs: 1,
            stock: 4,
            limit: 2,
            bound: 1,
            eager: true,
            fault: None,
            threads: 1,
        }
    }

    /// Beside these a hostile member, whom the host wants out.
    pub const fn and_hostile(honest: u8) -> Self {
        Self { hostile: true, epochs: 2, ..Self::of(honest) }
    }

    /// The same without a defence.
    #[must_use]
    pub const fn with(self, fault: Fault) -> Self {
        Self { fault: Some(fault), ..self }
    }

    /// The index of the hostile member.
    pub(crate) const HOSTILE: usize = MEMBERS - 1;

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Whether a heartbeat counts by what it says alone, and not by when it comes.
    pub(crate) fn newest_suffices(&self) -> bool {
        self.absence == 0 && !self.has(Fault::AnswerUnbound) && !self.has(Fault::OwnEchoUnchecked)
    }

    /// Ages beyond this are all alike.
    pub(crate) fn old(&self) -> u8 {
        self.limit
    }
}
