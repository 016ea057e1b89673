use std::collections::VecDeque;
use std::time::Duration;

use conclave_base::{Epoch, Time};

use crate::SFrameContext;

/// Receivers have installed the new keys by then.
const OVERLAP: Duration = Duration::from_millis(250);
/// A screen that does not show the new roster for this long stops the media instead of going on under the old epoch.
const SHOWN_TIMEOUT: Duration = Duration::from_secs(2);
/// Epochs that wait to be shown; a flood of commits pushes the oldest out.
const WAITING: usize = 32;

/// When to seal with which epoch: never under one whose roster is not on the own screen.
#[derive(Debug, Default)]
pub(crate) struct SendKeySchedule {
    shown: Option<Epoch>,
    /// Epochs that began and do not seal yet, oldest first.
    waiting: VecDeque<Waiting>,
    /// When sealing stops if none of them was shown.
    deadline: Option<Time>,
    /// Somebody joined, or frames were lost: decoders need a key frame once the next epoch seals.
    key_frame: bool,
}

#[derive(Debug)]
struct Waiting {
    epoch: Epoch,
    due: Time,
}

impl SendKeySchedule {
    /// An epoch began; its keys are installed.
    pub(crate) fn on_epoch(&mut self, epoch: Epoch, joined: bool, removed: bool, frames: &mut SFrameContext, now: Time) {
        let at_once = removed || frames.sealing().is_none();
        if removed {
            // Whoever was removed holds the keys of every epoch before.
            frames.stop_sealing();
            self.waiting.clear();
            self.key_frame = true;
        }
        if self.waiting.len() >= WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Waiting { epoch, due: if at_once { now } else { now + OVERLAP } });
        self.deadline.get_or_insert(now + SHOWN_TIMEOUT);
        self.key_frame |= joined;
    }

    /// The roster of `epoch` is on the screen.
    pub(crate) fn on_roster_shown(&mut self, epoch: Epoch) {
        self.shown = self.shown.max(Some(epoch));
    }

    /// A frame was refused because nothing seals: what follows cannot be decoded without a key frame.
    pub(crate) fn on_frame_lost(&mut self) {
        self.key_frame = true;
    }

    /// Switches or stops if it is time. Gives whether own encoders should make a key frame.
    pub(crate) fn poll(&mut self, frames: &mut SFrameContext, now: Time) -> bool {
        let ready = self.waiting.iter().rposition(|next| Some(next.epoch) <= self.shown && next.due <= now);
        if let Some(ready) = ready {
            let switched = self.waiting.drain(..=ready).next_back().is_some_and(|next| frames.seal_with(next.epoch).is_ok());
            self.deadline = (!self.waiting.is_empty()).then(|| now + SHOWN_TIMEOUT);
            return switched && self.waiting.is_empty() && std::mem::take(&mut self.key_frame);
        }
        if self.deadline.is_some_and(|deadline| now >= deadline) && frames.sealing().is_some() {
            frames.stop_sealing();
            self.key_frame = true;
        }
        false
    }

    /// When to run again.
    pub(crate) fn deadline(&self, frames: &SFrameContext, now: Time) -> Option<Time> {
        let shown = self.waiting.iter().filter(|next| Some(next.epoch) <= self.shown).map(|next| next.due);
        shown.chain(self.deadline.filter(|_| frames.sealing().is_some())).filter(|at| *at > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::keys;

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    struct World {
        frames: SFrameContext,
        send_keys: SendKeySchedule,
    }

    impl World {
        /// Epoch 1 is shown and seals.
        fn new() -> Self {
            let mut world = Self { frames: SFrameContext::new(), send_keys: SendKeySchedule::default() };
            world.epoch(1, false, false, at(0));
            world.send_keys.on_roster_shown(Epoch(1));
            world.send_keys.poll(&mut world.frames, at(0));
            assert_eq!(world.frames.sealing(), Some(Epoch(1)));
            world
        }

        fn epoch(&mut self, epoch: u64, joined: bool, removed: bool, now: Time) {
            self.frames.add_epoch(keys(epoch, &[0], 0), now).expect("a newer epoch");
            self.send_keys.on_epoch(Epoch(epoch), joined, removed, &mut self.frames, now);
        }

        fn run(&mut self, now: Time) -> (Option<Epoch>, bool) {
            let key_frame = self.send_keys.poll(&mut self.frames, now);
            (self.frames.sealing(), key_frame)
        }
    }

    #[test]
    fn senders_switch_after_receivers_and_only_when_it_was_shown() {
        let mut w = World::new();
        w.epoch(2, true, false, at(1000));
        assert_eq!(w.run(at(1300)), (Some(Epoch(1)), false), "not shown yet");
        w.send_keys.on_roster_shown(Epoch(2));
        assert_eq!(w.run(at(1300)), (Some(Epoch(2)), true));

        w.epoch(3, false, false, at(2000));
        w.send_keys.on_roster_shown(Epoch(3));
        assert_eq!(w.run(at(2249)), (Some(Epoch(2)), false), "too early");
        assert_eq!(w.send_keys.deadline(&w.frames, at(2249)), Some(at(2250)));
        assert_eq!(w.run(at(2250)), (Some(Epoch(3)), false));
    }

    #[test]
    fn a_screen_that_never_reports_stops_the_media() {
        let mut w = World::new();
        w.epoch(2, true, false, at(1000));
        w.epoch(3, true, false, at(2500));
        assert_eq!(w.run(at(2999)), (Some(Epoch(1)), false));
        assert_eq!(w.run(at(3000)), (None, false), "two seconds after the first epoch that was not shown");
        w.send_keys.on_roster_shown(Epoch(3));
        assert_eq!(w.run(at(3001)), (Some(Epoch(3)), true));
    }

    #[test]
    fn after_a_removal_nothing_is_sealed_under_an_old_epoch() {
        let mut w = World::new();
        w.epoch(2, false, false, at(1000));
        w.epoch(3, false, true, at(1001));
        w.send_keys.on_roster_shown(Epoch(2));
        assert_eq!(w.run(at(1500)), (None, false), "the removed one holds the keys of 1 and 2");
        w.send_keys.on_roster_shown(Epoch(3));
        assert_eq!(w.run(at(1500)), (Some(Epoch(3)), true), "at once, with a key frame");
    }
}
