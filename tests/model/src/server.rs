//! What follows from each action.

use crate::action::{Action, Change, Entry, Set, Start};
use crate::group::{Epoch, EpochId, Leaf, Roster};
use crate::log::Log;
use crate::meeting::Meeting;
use crate::scope::{Fault, Scope};
use crate::state::{MEMBERS, Place, State};

impl Meeting {
    pub(crate) fn apply(&self, state: &mut State, action: Action) {
        match action {
            Action::Tick => self.tick(state),
            Action::Append { log, to, entry } => {
                let log = self.part(state, log, to);
                state.forked |= state.appended(log) && self.scope.recovery != 0;
                self.append(state, log, entry);
            }
            Action::CatchUp { from, to, until } => self.catch_up(state, from, to, until),
            Action::Found { member } => {
                let roster = Roster::default().with(state.leaf(member));
                let by = Some(state.leaf(member));
                let founded = Epoch {
                    session: 1,
                    number: 1,
                    parent: None,
                    roster,
                    by,
                    path: true,
                    if_absent: None,
                    applied: true,
                    here: self.nobody(),
                };
                let epoch = state.add_epoch(founded);
                state.members[member].log = state.add_log(Log::new(epoch, &self.scope));
                self.be_in(state, member);
            }
            Action::Enter { member, at } => {
                let log = match at {
                    Start::Log(log) => index(log),
                    Start::Snapshot(epoch) => state.add_log(Log::new(epoch, &self.scope)),
                };
                let it = &mut state.members[member];
                it.leaf += u8::from(it.place != Place::Outside);
                (it.place, it.log) = (Place::Entering, log);
                (it.confirmed, it.key) = (false, 0);
                self.commit(state, member, Change::Enter);
            }
            Action::Commit { by, change } => self.commit(state, by, change),
            Action::HostileCommit { on } => self.commit_on(state, on, Leaf::new(Scope::HOSTILE, 0), Change::Update),
        }
    }

    /// Whether a snapshot of this epoch is one that the member enters at.
    pub(crate) fn accepts_snapshot(&self, state: &State, member: usize, epoch: EpochId) -> bool {
        let epoch = state.epochs.get(epoch);
        let was_removed = state.members[member].saw_removal && epoch.roster.leaf_of(Scope::HOSTILE).is_some();
        if was_removed && !self.scope.has(Fault::RemovalForgotten) {
            return false;
        }
        let Some((session, number)) = state.members[member].highest else { return true };
        (epoch.session == session || self.scope.has(Fault::SessionUnchecked))
            && (epoch.number >= number || self.scope.has(Fault::OlderEpochAccepted))
    }

    /// The log that some readers of a log have for themselves from here on.
    fn part(&self, state: &mut State, log: usize, to: Set) -> usize {
        if state.readers(log).all(|member| to & 1 << member != 0) {
            return log;
        }
        let own = state.copy_log(log);
        for member in (0..MEMBERS).filter(|member| to & 1 << member != 0) {
            state.members[member].log = index(own);
        }
        own
    }

    pub(crate) fn append(&self, state: &mut State, log: usize, entry: Entry) {
        self.read(state, log, entry);
        state.logs[log].note_absent();
    }

    fn read(&self, state: &mut State, log: usize, entry: Entry) {
        match entry {
            Entry::Heartbeat { of, gap } => self.heartbeat(state, log, of, gap),
            Entry::Foreign { of } => self.foreign_heartbeat(state, log, of),
            Entry::Lie => {
                let said = &mut state.logs[log];
                said.seen[Scope::HOSTILE] = 0;
                said.told[Scope::HOSTILE] = said.seen;
                Self::confirm(state, log, Scope::HOSTILE);
            }
            Entry::Message => {}
            Entry::Commit(commit) => self.place(state, log, commit),
            Entry::Gone { of } => state.logs[log].gone |= 1 << of,
        }
    }

    fn commit(&self, state: &mut State, by: usize, change: Change) {
        self.commit_on(state, state.log_of(by).epoch, state.leaf(by), change);
    }

    fn commit_on(&self, state: &mut State, parent: EpochId, leaf: Leaf, change: Change) {
        let before = state.epochs.get(parent);
        let by = leaf.member();
        let (roster, if_absent) = match change {
            Change::Enter => (before.roster.without(by).with(leaf), None),
            Change::Update => (before.roster, None),
            Change::Remove(who) => (before.roster.without(who), (by != 0).then(|| index(who))),
        };
        let path = !(matches!(change, Change::Remove(_)) && self.scope.has(Fault::NoPathSecret));
        let number = before.number + 1;
        let (session, parent, by) = (before.session, Some(parent), Some(leaf));
        state.add_epoch(Epoch { session, number, parent, roster, by, path, if_absent, applied: false, here: self.nobody() });
    }

    fn place(&self, state: &mut State, at: usize, commit: EpochId) {
        let epoch = state.epochs.get(commit).clone();
        let before = state.epochs.get(state.logs[at].epoch).roster;
        if let Some(who) = epoch.if_absent.map(usize::from) {
            state.unjust |= state.logs[at].framed & 1 << who != 0;
        }
        state.epochs.0[usize::from(commit)].applied = true;
        let log = &mut state.logs[at];
        log.epoch = commit;
        for who in before.members().filter(|who| epoch.roster.leaf_of(*who) != before.leaf_of(*who)) {
            log.forget(who, &self.scope);
        }
        let joined = epoch.by.filter(|leaf| !before.has(*leaf));
        if let Some(leaf) = joined {
            log.forget(leaf.member(), &self.scope);
            (log.silence, log.gone) = ([0; MEMBERS], 0);
        }
        log.on_commit();
        let removes = before.members().any(|who| epoch.roster.leaf_of(who).is_none());
        let keep = removes && self.scope.has(Fault::OldEpochKept);
        for member in state.readers(at).collect::<Vec<_>>() {
            let key = state.members[member].key;
            self.read_commit(state, member, before);
            if keep && state.is_inside(member) {
                state.members[member].key = key;
            }
        }
    }

    /// The member's log has led to another epoch than the one with this roster.
    fn read_commit(&self, state: &mut State, member: usize, before: Roster) {
        let roster = Self::shown(state, member);
        if roster.has(state.leaf(member)) {
            self.be_in(state, member);
            let hostile = Scope::HOSTILE;
            let removed = self.scope.hostile && before.leaf_of(hostile).is_some() && roster.leaf_of(hostile).is_none();
            state.members[member].saw_removal |= removed;
            if removed && member == 0 {
                state.removed.get_or_insert(0);
            }
        } else if state.is_inside(member) {
            state.members[member].place = Place::Removed;
        }
    }

    fn be_in(&self, state: &mut State, member: usize) {
        let id = state.log_of(member).epoch;
        let epoch = state.epochs.get(id);
        let seen = (epoch.session, epoch.number);
        let is_alone = epoch.roster.is_of_one();
        let it = &mut state.members[member];
        (it.place, it.key) = (Place::Inside, id);
        it.confirmed |= is_alone;
        if it.confirmed {
            it.remember(seen);
        }
    }

    /// `by` is heard on a log, in the epoch to which that led: whoever reads it there is in the group of others.
    pub(crate) fn confirm(state: &mut State, log: usize, by: usize) {
        let epoch = state.epochs.get(state.logs[log].epoch);
        let seen = (epoch.session, epoch.number);
        for reader in state.readers(log).filter(|reader| *reader != by).collect::<Vec<_>>() {
            if state.is_inside(reader) && !state.members[reader].confirmed {
                state.members[reader].confirmed = true;
                state.members[reader].remember(seen);
            }
        }
    }

    fn catch_up(&self, state: &mut State, from: usize, to: Set, until: usize) {
        let (first, last) = (state.logs[from].epoch, state.logs[until].epoch);
        let before = state.epochs.get(first).roster;
        let passed = state.epochs.ids().filter(|id| state.epochs.is_ancestor(first, *id) && state.epochs.is_ancestor(*id, last));
        let passed: Vec<_> = passed.map(usize::from).collect();
        for member in (0..MEMBERS).filter(|member| to & 1 << member != 0) {
            state.members[member].log = index(until);
            if first != last {
                self.read_commit(state, member, before);
                let leaf = state.leaf(member);
                for id in &passed {
                    let epoch = &mut state.epochs.0[*id];
                    if epoch.roster.has(leaf) {
                        epoch.here[member] = 0;
                    }
                }
            }
        }
    }
}

fn index(of: usize) -> u8 {
    u8::try_from(of).unwrap_or(u8::MAX)
}
