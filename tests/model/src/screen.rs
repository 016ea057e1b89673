//! What a member does and claims, by its own log alone.

use crate::group::Roster;
use crate::meeting::Meeting;
use crate::scope::{Fault, Scope};
use crate::state::{MEMBERS, State};

impl Meeting {
    /// The roster on the member's screen.
    pub(crate) fn shown(state: &State, member: usize) -> Roster {
        state.epochs.get(state.log_of(member).epoch).roster
    }

    /// Whether `other` has shown lately that it reads what `member` says.
    fn hears(&self, state: &State, member: usize, other: usize) -> bool {
        let log = state.log_of(member);
        let echoed = self.scope.has(Fault::OwnEchoUnchecked) || log.seen[member] < self.scope.limit;
        echoed && log.told[other][member] < self.scope.limit
    }

    /// Whether the member seals what its person says.
    pub(crate) fn seals(&self, state: &State, member: usize) -> bool {
        if !state.is_inside(member) {
            return false;
        }
        let roster = Self::shown(state, member);
        let lives = roster.is_of_one() || roster.members().any(|other| other != member && self.hears(state, member, other));
        lives || self.scope.has(Fault::SealingNotStopped) && state.members[member].confirmed
    }

    /// Whether the member's screen says that the meeting is whole: everybody on the roster answers.
    pub(crate) fn says_whole(&self, state: &State, member: usize) -> bool {
        self.seals(state, member) && Self::shown(state, member).members().all(|other| other == member || self.hears(state, member, other))
    }

    /// Whether `other` was in one epoch with `member` a moment ago, on logs that had not parted before that.
    pub(crate) fn was_with(&self, state: &State, member: usize, other: usize) -> bool {
        let id = state.log_of(member).epoch;
        let lately = |who: usize, epoch| state.epochs.get(epoch).here[who] <= self.scope.bound;
        let mut path = state.epochs.ids().filter(|epoch| state.epochs.is_ancestor(*epoch, id));
        state.parted[member][other] <= self.scope.bound && path.any(|epoch| lately(member, epoch) && lately(other, epoch))
    }

    /// Whether somebody else is in the member's epoch or about to come there, or was a moment ago.
    pub(crate) fn has_company(&self, state: &State, member: usize) -> bool {
        let id = state.log_of(member).epoch;
        let was_here =
            |other| state.epochs.ids().any(|e| state.epochs.is_ancestor(e, id) && state.epochs.get(e).here[other] <= self.scope.bound);
        let mut others = state.epochs.get(id).roster.members().filter(|other| *other != member);
        others.any(|other| self.is_hostile(other) || was_here(other))
    }

    /// Keeps account of who is where now, for the properties.
    pub(crate) fn observe(&self, state: &mut State) {
        for member in 0..MEMBERS {
            for other in 0..MEMBERS {
                let both = state.is_inside(member) && state.is_inside(other);
                if !both || state.is_one_log(member, other) {
                    state.parted[member][other] = 0;
                }
            }
            if state.is_inside(member) {
                let epoch = usize::from(state.log_of(member).epoch);
                state.epochs.0[epoch].here[member] = 0;
            }
        }
    }

    pub(crate) fn is_hostile(&self, member: usize) -> bool {
        self.scope.hostile && member == Scope::HOSTILE
    }
}
