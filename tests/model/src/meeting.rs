//! What can happen, for the checker.

use stateright::{Model, Property};

use crate::action::{Action, Change, Entry, Set, Start};
use crate::group::{Epoch, EpochId, Epochs, Leaf, Roster};
use crate::log::{Age, Log, SILENCE};
use crate::property;
use crate::scope::{Fault, Scope};
use crate::state::{MEMBERS, Member, Place, State};

/// One meeting within the bounds of a scope.
#[derive(Debug, Clone)]
pub struct Meeting {
    pub(crate) scope: Scope,
}

impl Scope {
    /// The model to check.
    pub fn model(self) -> Meeting {
        Meeting { scope: self }
    }
}

impl Meeting {
    pub(crate) fn nobody(&self) -> [Age; MEMBERS] {
        [self.scope.old() + 1; MEMBERS]
    }

    fn begin(&self) -> State {
        let outside = Member { place: Place::Outside, log: 0, leaf: 0, highest: None, key: 0, confirmed: false, saw_removal: false };
        let mut members = [outside; MEMBERS];
        let mut epochs = Epochs::default();
        let first = |session, roster| Epoch {
            session,
            number: 1,
            parent: None,
            roster,
            by: None,
            path: true,
            if_absent: None,
            applied: true,
            here: self.nobody(),
        };
        let hostile = Roster::default().with(Leaf::new(Scope::HOSTILE, 0));
        let nobody = if self.scope.hostile { hostile } else { Roster::default() };
        if self.scope.hostile {
            members[Scope::HOSTILE].place = Place::Hostile;
        }
        if self.scope.yesterday {
            epochs.0.push(Epoch { number: 9, ..first(0, hostile.with(Leaf::new(0, 1))) });
        }
        let mut logs = Vec::new();
        if self.scope.inside > 0 {
            let inside = 0..usize::from(self.scope.inside);
            let today = u8::try_from(epochs.0.len()).unwrap_or(u8::MAX);
            let mut log = Log::new(today, &self.scope);
            log.prefix_of = 1;
            for member in inside.clone() {
                members[member] = Member { place: Place::Inside, highest: Some((1, 1)), key: today, confirmed: true, ..outside };
            }
            epochs.0.push(first(1, inside.fold(nobody, |roster, member| roster.with(Leaf::new(member, 0)))));
            logs.push(log);
        }
        let mut state = State { epochs, logs, members, parted: [[0; MEMBERS]; MEMBERS], removed: None, unjust: false, forked: false };
        self.observe(&mut state);
        state
    }

    fn delivery(&self, state: &State, actions: &mut Vec<Action>) {
        let mut entries = Vec::new();
        for (log, read) in state.logs.iter().enumerate() {
            entries.clear();
            self.spoken(state, log, &mut entries);
            let follows = state.epochs.ids().filter(|id| state.epochs.get(*id).parent == Some(read.epoch));
            let allowed = follows.filter(|id| state.epochs.get(*id).if_absent.is_none_or(|who| read.is_removable(usize::from(who))));
            entries.extend(allowed.map(Entry::Commit));
            let readers = subsets(state.readers(log).fold(0, |set, member| set | 1 << member));
            for to in readers {
                actions.extend(entries.iter().map(|entry| Action::Append { log, to, entry: *entry }));
                let longer = (0..state.logs.len()).filter(|other| *other != log && read.is_prefix_of(*other));
                actions.extend(longer.map(|until| Action::CatchUp { from: log, to, until }));
            }
        }
    }

    /// Entries that are no commits.
    fn spoken(&self, state: &State, log: usize, entries: &mut Vec<Entry>) {
        let read = &state.logs[log];
        let roster = state.epochs.get(read.epoch).roster;
        let told = roster.members().filter(|of| self.scope.absence & 1 << of != 0 && !read.is_gone(*of));
        entries.extend(told.map(|of| Entry::Gone { of }));
        entries.push(Entry::Message);
        let gaps: &[u8] = match (self.scope.absence == 0 || self.scope.eager, self.scope.has(Fault::GapUncapped)) {
            (true, _) => &[0],
            (false, false) => &[0, 1],
            (false, true) => &[0, SILENCE],
        };
        if self.scope.eager {
            let held_back = (0..MEMBERS).filter(|of| read.is_gone(*of) && read.beats[*of].stock > 0);
            entries.extend(held_back.map(|of| Entry::Heartbeat { of, gap: 0 }));
            return;
        }
        if self.scope.hostile && roster.leaf_of(Scope::HOSTILE).is_some() {
            entries.push(Entry::Lie);
        }
        for (of, beats) in read.beats.iter().enumerate() {
            if beats.stock > 0 {
                entries.extend(gaps.iter().map(|gap| Entry::Heartbeat { of, gap: *gap }));
            }
            if beats.unfit.is_some() {
                entries.push(Entry::Foreign { of });
            }
        }
    }

    fn entering(&self, state: &State, actions: &mut Vec<Action>) {
        if state.epochs.0.len() >= self.scope.epochs {
            return;
        }
        for member in 0..usize::from(self.scope.honest) {
            let it = &state.members[member];
            match it.place {
                Place::Outside if member == 0 && state.epochs.ids().all(|id| state.epochs.get(id).session == 0) => {
                    actions.push(Action::Found { member });
                }
                Place::Outside => {}
                Place::Inside | Place::Removed if self.scope.recovery & 1 << member != 0 && it.leaf == 0 => {}
                Place::Inside | Place::Removed | Place::Entering | Place::Hostile => continue,
            }
            let ends = state.logs.iter().enumerate().map(|(log, read)| (Start::Log(log), read.epoch));
            let snapshots = state.epochs.ids().filter(|id| state.epochs.get(*id).applied).map(|id| (Start::Snapshot(id), id));
            let accepted = ends.chain(snapshots).filter(|(_, epoch)| self.accepts_snapshot(state, member, *epoch));
            actions.extend(accepted.map(|(at, _)| Action::Enter { member, at }));
        }
    }

    fn commits(&self, state: &State, actions: &mut Vec<Action>) {
        if state.epochs.0.len() >= self.scope.epochs {
            return;
        }
        let made = |by: usize, on: EpochId| state.epochs.0.iter().any(|of| of.parent == Some(on) && of.by.map(Leaf::member) == Some(by));
        if self.scope.hostile_commits {
            let known = state.logs.iter().map(|log| log.epoch).filter(|on| state.epochs.get(*on).roster.leaf_of(Scope::HOSTILE).is_some());
            actions.extend(known.filter(|on| !made(Scope::HOSTILE, *on)).map(|on| Action::HostileCommit { on }));
        }
        for by in (0..usize::from(self.scope.honest)).filter(|by| state.reads(*by)) {
            let log = state.log_of(by);
            if made(by, log.epoch) {
                continue;
            }
            if state.members[by].place == Place::Entering {
                actions.push(Action::Commit { by, change: Change::Enter });
                continue;
            }
            let others = state.epochs.get(log.epoch).roster.members().filter(|who| *who != by);
            let wanted = others.filter(|who| by == 0 && self.is_hostile(*who) || log.is_absent(*who));
            actions.extend(wanted.map(|who| Action::Commit { by, change: Change::Remove(who) }));
        }
    }
}

/// All subsets of a set but the empty one.
fn subsets(of: Set) -> impl Iterator<Item = Set> {
    (1..=of).filter(move |set| set & !of == 0)
}

impl Model for Meeting {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.begin()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.push(Action::Tick);
        self.delivery(state, actions);
        self.entering(state, actions);
        self.commits(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        self.apply(&mut next, action);
        if self.scope.eager {
            self.settle(&mut next);
        }
        self.observe(&mut next);
        next.tidy(&self.scope);
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        property::of(&self.scope)
    }
}
