use crate::group::{Epoch, EpochId, Epochs, Leaf};
use crate::log::{Age, Log};
use crate::scope::Scope;

/// Most members of a run; the last one is the hostile one, if there is one.
pub(crate) const MEMBERS: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Outside,
    /// It has a snapshot and waits for its commit to come back.
    Entering,
    Inside,
    /// Others removed it, and it knows.
    Removed,
    /// It is on the server's side.
    Hostile,
}

/// What a member knows beside its log, and what the properties need to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Member {
    pub(crate) place: Place,
    /// Index of the log that it reads.
    pub(crate) log: u8,
    /// The number of its leaf.
    pub(crate) leaf: u8,
    /// The session that it is bound to, and the highest epoch that it has seen there, once anybody confirmed that it is in the group of others.
    pub(crate) highest: Option<(u8, u8)>,
    /// The epoch whose key it seals with.
    pub(crate) key: u8,
    /// Whether anybody else was heard in an epoch in which it stood since it entered, or nobody else was there.
    pub(crate) confirmed: bool,
    /// Whether it has seen the hostile member removed.
    pub(crate) saw_removal: bool,
}

impl Member {
    /// It has seen this session's epoch of this number.
    pub(crate) fn remember(&mut self, seen: (u8, u8)) {
        self.highest = Some(match self.highest {
            Some((session, number)) if session == seen.0 => (session, number.max(seen.1)),
            Some(bound) => bound,
            None => seen,
        });
    }
}

/// Everything, seen by nobody.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub(crate) epochs: Epochs,
    /// Those that somebody reads, ordered by the first who does.
    pub(crate) logs: Vec<Log>,
    pub(crate) members: [Member; MEMBERS],
    /// Ticks since the logs of each two who are inside parted.
    pub(crate) parted: [[Age; MEMBERS]; MEMBERS],
    /// Ticks since the host saw the hostile member removed.
    pub(crate) removed: Option<Age>,
    /// A member was removed as absent whose every word was in the log.
    pub(crate) unjust: bool,
    /// Two logs parted.
    pub(crate) forked: bool,
}

impl State {
    pub(crate) fn leaf(&self, member: usize) -> Leaf {
        Leaf::new(member, self.members[member].leaf)
    }

    pub(crate) fn log_of(&self, member: usize) -> &Log {
        &self.logs[usize::from(self.members[member].log)]
    }

    /// Those who read this log, entering or inside.
    pub(crate) fn readers(&self, log: usize) -> impl Iterator<Item = usize> + '_ {
        (0..MEMBERS).filter(move |member| self.reads(*member) && usize::from(self.members[*member].log) == log)
    }

    pub(crate) fn reads(&self, member: usize) -> bool {
        matches!(self.members[member].place, Place::Entering | Place::Inside)
    }

    /// Whether the log of one of two is the beginning of the other's.
    pub(crate) fn is_one_log(&self, member: usize, other: usize) -> bool {
        let (a, b) = (usize::from(self.members[member].log), usize::from(self.members[other].log));
        self.logs[a].is_prefix_of(b) || self.logs[b].is_prefix_of(a)
    }

    pub(crate) fn is_inside(&self, member: usize) -> bool {
        self.members[member].place == Place::Inside
    }

    /// Adds a log that has nothing in common with others.
    pub(crate) fn add_log(&mut self, mut log: Log) -> u8 {
        let index = self.logs.len();
        log.prefix_of = 1 << index;
        self.logs.push(log);
        u8::try_from(index).unwrap_or(u8::MAX)
    }

    /// Adds a copy of a log, which begins as that one does.
    pub(crate) fn copy_log(&mut self, of: usize) -> usize {
        let index = self.logs.len();
        for log in &mut self.logs {
            if log.is_prefix_of(of) {
                log.prefix_of |= 1 << index;
            }
        }
        let mut log = self.logs[of].clone();
        log.prefix_of |= 1 << index;
        self.logs.push(log);
        index
    }

    /// Adds an epoch. They stand in an order that does not depend on when they were made.
    pub(crate) fn add_epoch(&mut self, epoch: Epoch) -> EpochId {
        let key = |epoch: &Epoch| (epoch.session, epoch.number, epoch.parent, epoch.by, epoch.roster);
        let at = self.epochs.0.partition_point(|other| key(other) < key(&epoch));
        self.epochs.0.insert(at, epoch);
        let at = u8::try_from(at).unwrap_or(u8::MAX);
        let shift = |id: &mut EpochId| *id += u8::from(*id >= at);
        for (id, epoch) in self.epochs.0.iter_mut().enumerate() {
            if id != usize::from(at) {
                epoch.parent.iter_mut().for_each(shift);
            }
        }
        for log in &mut self.logs {
            shift(&mut log.epoch);
            log.beats.iter_mut().filter(|beats| beats.stock > 0).for_each(|beats| shift(&mut beats.epoch));
            log.beats.iter_mut().filter_map(|beats| beats.unfit.as_mut()).for_each(shift);
        }
        for member in self.members.iter_mut().filter(|member| member.place == Place::Inside) {
            shift(&mut member.key);
        }
        at
    }

    /// An entry was appended: no other log begins with this one any more, unless it gets the same. Gives whether two logs parted by it.
    pub(crate) fn appended(&mut self, log: usize) -> bool {
        let longer = (0..self.logs.len()).any(|other| self.logs[log].is_prefix_of(other) && !self.logs[other].is_prefix_of(log));
        self.logs[log].prefix_of = 1 << log;
        longer
    }

    /// For whom it matters what a log says to them: who reads it, or one that goes on as it does, or may come to.
    fn heeded(&self, log: usize) -> u8 {
        let mut heeded = 0;
        for end in (0..self.logs.len()).filter(|end| self.logs[log].is_prefix_of(*end)) {
            for member in (0..MEMBERS).filter(|member| self.reads(*member)) {
                heeded |= u8::from(self.log_of(member).is_prefix_of(end)) << member;
            }
        }
        heeded
    }

    /// Gives states that can only go on alike one form.
    pub(crate) fn tidy(&mut self, scope: &Scope) {
        self.order_logs();
        for log in 0..self.logs.len() {
            let heeded = self.heeded(log);
            self.logs[log].prune(heeded, scope);
        }
    }

    /// Logs that nobody reads are gone, the others stand in the order of their first readers.
    fn order_logs(&mut self) {
        let mut order: Vec<usize> = Vec::with_capacity(self.logs.len());
        for member in 0..MEMBERS {
            let log = usize::from(self.members[member].log);
            if !self.reads(member) {
                (self.members[member].log, self.members[member].key) = (0, 0);
            } else if !order.contains(&log) {
                order.push(log);
            }
        }
        if order.len() == self.logs.len() && order.iter().enumerate().all(|(new, old)| new == *old) {
            return;
        }
        let logs: Vec<_> = order.iter().map(|old| self.logs[*old].clone()).collect();
        self.logs = logs;
        for log in &mut self.logs {
            let before = log.prefix_of;
            log.prefix_of = 0;
            for (new, old) in order.iter().enumerate() {
                if before & 1 << old != 0 {
                    log.prefix_of |= 1 << new;
                }
            }
        }
        for member in 0..MEMBERS {
            if self.reads(member) {
                let old = usize::from(self.members[member].log);
                let new = order.iter().position(|log| *log == old).unwrap_or_default();
                self.members[member].log = u8::try_from(new).unwrap_or(u8::MAX);
            }
        }
    }
}
