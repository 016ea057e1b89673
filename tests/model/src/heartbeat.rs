//! What members say by themselves, and what a log makes of it.

use crate::action::Entry;
use crate::meeting::Meeting;
use crate::scope::{Fault, Scope};
use crate::state::{MEMBERS, State};

impl Meeting {
    /// Everybody's clock goes on.
    pub(crate) fn tick(&self, state: &mut State) {
        let old = self.scope.old();
        for parted in state.parted.iter_mut().flatten() {
            *parted = (*parted + 1).min(old + 1);
        }
        for here in state.epochs.0.iter_mut().flat_map(|epoch| &mut epoch.here) {
            *here = (*here + 1).min(old + 1);
        }
        state.removed = state.removed.map(|age| (age + 1).min(old + 1));
        state.logs.iter_mut().for_each(|log| log.grow_older(&self.scope));
        self.send_heartbeats(state);
    }

    /// What is said on a log with which no other begins is passed on at once, to save states. It loses no attack: the more its readers
    /// are told, the longer they seal and say that all is well, and nothing can be done with less that cannot be done with more.
    pub(crate) fn settle(&self, state: &mut State) {
        let longest: Vec<_> = (0..state.logs.len()).filter(|log| state.logs[*log].prefix_of == 1 << log).collect();
        for log in &longest {
            let roster = state.epochs.get(state.logs[*log].epoch).roster;
            for member in (0..MEMBERS).filter(|member| state.is_inside(*member)).collect::<Vec<_>>() {
                if state.log_of(member).is_prefix_of(*log) && roster.has(state.leaf(member)) {
                    state.logs[*log].seen[member] = 0;
                }
            }
        }
        self.send_heartbeats(state);
        for log in longest {
            for of in 0..MEMBERS {
                if state.logs[log].beats[of].stock > 0 && !state.logs[log].is_gone(of) {
                    self.heartbeat(state, log, of, 0);
                }
                if state.logs[log].beats[of].unfit.is_some() {
                    self.foreign_heartbeat(state, log, of);
                }
            }
            if self.scope.hostile && state.epochs.get(state.logs[log].epoch).roster.leaf_of(Scope::HOSTILE).is_some() {
                self.append(state, log, Entry::Lie);
            }
        }
    }

    fn send_heartbeats(&self, state: &mut State) {
        for of in (0..MEMBERS).filter(|of| state.is_inside(*of)).collect::<Vec<_>>() {
            self.send_heartbeat(state, of);
        }
    }

    fn send_heartbeat(&self, state: &mut State, of: usize) {
        let own = state.log_of(of);
        let (epoch, covers, fits) = (own.epoch, own.seen, own.prefix_of);
        let session = state.epochs.get(epoch).session;
        for (index, log) in state.logs.iter_mut().enumerate() {
            let read = state.epochs.get(log.epoch);
            if read.roster.leaf_of(of).is_none() || read.session != session {
                continue;
            }
            let beats = &mut log.beats[of];
            if fits & 1 << index != 0 {
                let all = if self.scope.has(Fault::AnswerUnbound) { self.scope.stock } else { 1 };
                beats.stock = (beats.stock + 1).min(all);
                (beats.age, beats.epoch, beats.covers) = (0, epoch, covers);
            } else if self.scope.has(Fault::ChainNotCompared) {
                beats.unfit = Some(epoch);
            }
        }
    }

    pub(crate) fn heartbeat(&self, state: &mut State, log: usize, of: usize, gap: u8) {
        let (unbound, absence) = (self.scope.has(Fault::AnswerUnbound) || self.scope.has(Fault::OwnEchoUnchecked), self.scope.absence);
        let sent_in = state.epochs.get(state.logs[log].beats[of].epoch).roster;
        if state.logs[log].beats[of].epoch == state.logs[log].epoch {
            Self::confirm(state, log, of);
        }
        let opens: [bool; MEMBERS] = std::array::from_fn(|member| sent_in.has(state.leaf(member)));
        let log = &mut state.logs[log];
        log.spoken(of, gap, absence);
        let beats = &mut log.beats[of];
        beats.stock -= 1;
        log.seen[of] = log.seen[of].min(beats.age);
        for member in (0..MEMBERS).filter(|member| opens[*member]) {
            let told = &mut log.told[of][member];
            *told = if unbound { 0 } else { (*told).min(beats.covers[member]) };
        }
    }

    pub(crate) fn foreign_heartbeat(&self, state: &mut State, log: usize, of: usize) {
        let epochs = state.epochs.clone();
        let log = &mut state.logs[log];
        let Some(sent_in) = log.beats[of].unfit.take() else { return };
        if epochs.is_ancestor(sent_in, log.epoch) {
            // A position alone is soon reached on any log.
            log.told[of] = log.seen;
            log.seen[of] = 0;
        }
    }
}
