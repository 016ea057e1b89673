//! A log that the server keeps. Members who read the same one have read the same entries; the server may keep one for each victim.

use crate::group::EpochId;
use crate::scope::Scope;
use crate::state::MEMBERS;

/// Ticks since something, up to [`Scope::old`].
pub(crate) type Age = u8;

/// Silence of this many gaps of 2.5 s makes a member absent.
pub(crate) const SILENCE: u8 = 4;

/// What the server has of one member's heartbeats for one log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Beats {
    /// How many whose position lies on this log are not in it, up to [`Scope::stock`].
    pub(crate) stock: u8,
    /// Of the newest of these.
    pub(crate) age: Age,
    pub(crate) epoch: EpochId,
    /// For each member the age of the newest own heartbeat that the sender had read.
    pub(crate) covers: [Age; MEMBERS],
    /// The epoch of one whose position lies on another log.
    pub(crate) unfit: Option<EpochId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Log {
    /// That its commits led to.
    pub(crate) epoch: EpochId,
    /// Age of each member's newest heartbeat in it.
    pub(crate) seen: [Age; MEMBERS],
    /// `told[a][b]`: age of the newest heartbeat of `b` in it that `a` has shown to have read, by a heartbeat in this log.
    pub(crate) told: [[Age; MEMBERS]; MEMBERS],
    /// Log time of each member's silence, in gaps of 2.5 s, since it spoke or somebody joined.
    pub(crate) silence: [u8; MEMBERS],
    /// Of whom an entry of class `gone` says so, with none of their own and no joining after it.
    pub(crate) gone: u8,
    /// Who was absent at any entry since the last commit: whoever commits its removal may not have read more.
    pub(crate) removable: u8,
    /// Who of them were never called gone, and had every word of theirs in the log when log time made them absent.
    pub(crate) framed: u8,
    pub(crate) beats: [Beats; MEMBERS],
    /// The logs that begin with all of this one, itself included.
    pub(crate) prefix_of: u8,
}

impl Log {
    pub(crate) fn new(epoch: EpochId, scope: &Scope) -> Self {
        let old = scope.old();
        let beats = Beats { stock: 0, age: old, epoch: 0, covers: [old; MEMBERS], unfit: None };
        Self {
            epoch,
            seen: [old; MEMBERS],
            told: [[old; MEMBERS]; MEMBERS],
            silence: [0; MEMBERS],
            gone: 0,
            removable: 0,
            framed: 0,
            beats: std::array::from_fn(|_| beats.clone()),
            prefix_of: 0,
        }
    }

    pub(crate) fn is_prefix_of(&self, log: usize) -> bool {
        self.prefix_of & 1 << log != 0
    }

    pub(crate) fn is_gone(&self, member: usize) -> bool {
        self.gone & 1 << member != 0
    }

    /// Rule (c), for who is no host: what it may commit.
    pub(crate) fn is_absent(&self, member: usize) -> bool {
        self.is_gone(member) || self.silence[member] >= SILENCE
    }

    /// Whether a commit that removes it as absent counts at this place.
    pub(crate) fn is_removable(&self, member: usize) -> bool {
        self.removable & 1 << member != 0
    }

    /// An entry was read: who is absent now may be removed until the next commit.
    pub(crate) fn note_absent(&mut self) {
        for member in 0..MEMBERS {
            if !self.is_absent(member) {
                continue;
            }
            let bit = 1 << member;
            if self.is_gone(member) {
                self.framed &= !bit;
            } else if self.removable & bit == 0 && self.seen[member] == 0 && self.beats[member].stock == 0 {
                self.framed |= bit;
            }
            self.removable |= bit;
        }
    }

    /// A commit took effect: only who is absent still may be removed by the next one.
    pub(crate) fn on_commit(&mut self) {
        (self.removable, self.framed) = (0, 0);
        self.note_absent();
    }

    /// An entry of `from` comes `gap` after the one before. Only the silence of `watched` is counted.
    pub(crate) fn spoken(&mut self, from: usize, gap: u8, watched: u8) {
        self.gone &= !(1 << from);
        for member in (0..MEMBERS).filter(|member| watched & 1 << member != 0) {
            self.silence[member] = (self.silence[member] + gap).min(SILENCE);
        }
        self.silence[from] = 0;
    }

    /// Nothing that was said to or by an earlier leaf of `member` counts any more.
    pub(crate) fn forget(&mut self, member: usize, scope: &Scope) {
        let old = scope.old();
        self.seen[member] = old;
        self.told[member] = [old; MEMBERS];
        self.beats[member] = Beats { stock: 0, age: old, epoch: 0, covers: [old; MEMBERS], unfit: None };
        for other in 0..MEMBERS {
            self.told[other][member] = old;
            self.beats[other].covers[member] = old;
        }
    }

    /// Takes out what can change nothing any more. `heeded` are the members for whom it matters what this log says to them.
    pub(crate) fn prune(&mut self, heeded: u8, scope: &Scope) {
        let old = scope.old();
        for member in (0..MEMBERS).filter(|member| heeded & 1 << member == 0) {
            self.seen[member] = old;
            for other in 0..MEMBERS {
                self.told[other][member] = old;
                self.beats[other].covers[member] = old;
            }
        }
        for member in 0..MEMBERS {
            self.told[member][member] = old;
            let (beats, told) = (&mut self.beats[member], &self.told[member]);
            beats.covers[member] = old;
            let tells = beats.covers.iter().zip(told).any(|(covered, told)| covered < told);
            let echoes = heeded & 1 << member != 0 && beats.age < self.seen[member];
            if beats.stock == 0 || !tells && !echoes && scope.newest_suffices() {
                *beats = Beats { stock: 0, age: old, epoch: 0, covers: [old; MEMBERS], unfit: beats.unfit };
            }
        }
    }

    pub(crate) fn grow_older(&mut self, scope: &Scope) {
        let older = |age: &mut Age| *age = (*age + 1).min(scope.old());
        self.seen.iter_mut().for_each(older);
        self.told.iter_mut().flatten().for_each(older);
        for beats in &mut self.beats {
            older(&mut beats.age);
            beats.covers.iter_mut().for_each(older);
        }
    }
}
