use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use conclave_base::{MemberId, Time};

use crate::{OpenError, Track};

/// Between two reports of one refusal: a flood of frames is told of ten times a second.
const PAUSE: Duration = Duration::from_millis(100);
/// Frames that come too late, or whose keys are not here, come from a sender that is behind, or are ahead of this client's log, for this long: a machine
/// that is slow, or a line that is, makes both, and for a while others seal with keys that a newcomer never had. Commits that are withheld show in the log.
const LATE_GRACE: Duration = Duration::from_secs(5);
/// After this long without one they count anew.
const LATE_APART: Duration = Duration::from_secs(10);

/// What became of frames, for whoever tells the user. The owner of the track was a member then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ts", derive(serde::Serialize, serde::Deserialize))]
pub enum FrameReport {
    /// Frames were not opened.
    Refused {
        /// Where they came.
        track: Track,
        /// Why.
        reason: OpenError,
        /// How many since the last such report.
        count: u32,
    },
    /// Whether what is played is its owner's is another matter than before.
    Proof {
        /// Where it comes.
        track: Track,
        /// From now on.
        proof: Proof,
    },
    /// A member switched the microphone on or off, as the frames of its sound say; or the first of them came.
    Microphone {
        /// Who.
        owner: MemberId,
        /// From now on.
        on: bool,
    },
}

/// Whether frames that were played are their owner's: every member can derive the keys that they are sealed with, and its owner alone can sign for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "ts", derive(serde::Serialize, serde::Deserialize))]
pub enum Proof {
    /// They are, but for what was played just now.
    #[default]
    Proved,
    /// More than [`crate::UNPROVED`] was played lately for which the owner's signature did not come: it was lost or kept back, or they are somebody else's.
    Unproved,
    /// The owner signed for what came before and after a frame, and not for that one: another member made it.
    Forged,
}

/// What is refused on each track, counted. Of members' tracks only, so that the group bounds them.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    refusals: BTreeMap<(Track, OpenError), Refusals>,
    /// The first and the last of the frames that came too late or without their keys, with none between that opened.
    late: BTreeMap<Track, (Time, Time)>,
    /// One for each refusal and track at most in a [`PAUSE`]; the caller drains it after each call.
    out: VecDeque<FrameReport>,
}

#[derive(Debug)]
struct Refusals {
    reported: Time,
    /// Frames since then.
    count: u32,
}

impl Reports {
    /// A frame was opened.
    pub(crate) fn on_opened(&mut self, track: Track) {
        if !self.late.is_empty() {
            self.late.remove(&track);
        }
    }

    /// A frame was not.
    pub(crate) fn on_dropped(&mut self, track: Track, reason: OpenError, now: Time) {
        if matches!(reason, OpenError::TooLate | OpenError::Expired | OpenError::EpochUnknown) {
            let (first, last) = self.late.entry(track).or_insert((now, now));
            if now >= *last + LATE_APART {
                *first = now;
            }
            *last = now;
            if now < *first + LATE_GRACE {
                return;
            }
        }
        let refusals = self.refusals.entry((track, reason)).or_insert(Refusals { reported: Time::ZERO, count: 0 });
        refusals.count = refusals.count.saturating_add(1);
        self.out.extend(refusals.take_report(track, reason, now));
    }

    /// An epoch began: what waited for its keys starts anew. Keeps what is of these tracks.
    pub(crate) fn on_epoch(&mut self, keep: impl Fn(&Track) -> bool) {
        self.late.clear();
        self.refusals.retain(|(track, _), _| keep(track));
    }

    /// Reports what is due.
    pub(crate) fn run(&mut self, now: Time) {
        self.out.extend(self.refusals.iter_mut().filter_map(|((track, reason), refusals)| refusals.take_report(*track, *reason, now)));
    }

    pub(crate) fn poll(&mut self) -> Option<FrameReport> {
        self.out.pop_front()
    }

    /// When [`Self::run`] has something to report.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.refusals.values().filter_map(Refusals::due).min()
    }
}

impl Refusals {
    fn due(&self) -> Option<Time> {
        (self.count > 0).then(|| self.reported + PAUSE)
    }

    /// Tells of these frames if it is time.
    fn take_report(&mut self, track: Track, reason: OpenError, now: Time) -> Option<FrameReport> {
        self.due().filter(|due| now >= *due)?;
        self.reported = now;
        Some(FrameReport::Refused { track, reason, count: std::mem::take(&mut self.count) })
    }
}
