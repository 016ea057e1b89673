//! The receiver's part: which frames that were played their owner has attested. `docs/design/004-attested-frames.md` says what follows from it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use conclave_base::{Epoch, Time};

use crate::Track;
use crate::attestation::Digest;
use crate::reports::{FrameReport, Proof};

/// So much played without proof is told. Proofs come every half second, and each frame has two chances or more.
pub const UNPROVED: Duration = Duration::from_millis(2200);
/// A frame of which no proof came while so much more was played has none.
const LATE: Duration = Duration::from_secs(2);
/// A picture, or a sound, lasts until the next one, but no longer than this: then the track paused.
const LONGEST: Duration = Duration::from_millis(500);
/// Frames may overtake each other by so much on the way.
const REORDERED: Duration = Duration::from_millis(200);
/// A frame that has no proof, and was played so long before one that its owner sealed earlier, was not its owner's: no line holds up a frame for longer.
const HELD_UP: Duration = Duration::from_secs(5);
/// A proof that leaves a frame out may itself have overtaken the one that names it.
const OVERTAKEN: Duration = Duration::from_millis(600);
/// Frames that are remembered of one track.
const REMEMBERED: usize = 256;
/// Names of frames to come that are remembered of one track: of the layers that its receiver does not get, none ever comes.
const NAMED: usize = 1024;
/// Gaps between the lists that came, each of which is a list that was lost or is late.
const GAPS: usize = 8;
/// Frames without proof that are remembered for longer: as many as a replay window has places ahead.
const OVERDUE: usize = 128;
/// One second without proof is forgotten in so many that were played.
const FORGET: u32 = 10;
/// A track is proved again once so much was played without anything to say against it.
const RECOVERY: Duration = Duration::from_secs(2);

/// All tracks. Of members only, so that the group bounds their number.
#[derive(Debug, Default)]
pub(crate) struct Proofs {
    tracks: BTreeMap<Track, Played>,
    /// What changed and is not told yet.
    out: BTreeMap<Track, Proof>,
}

/// Where a frame stands among all that its owner sealed for a track, in whichever layers: counters begin anew with each epoch.
pub(crate) type Place = (Epoch, u64);

/// What was played of one track.
#[derive(Debug, Default)]
struct Played {
    /// Those of the last [`LATE`], oldest first.
    frames: VecDeque<PlayedFrame>,
    /// Those of before that have no proof. A forger may have taken places that the owner comes to only later.
    overdue: VecDeque<PlayedFrame>,
    /// Named before they came, each with the place of the frame that named it; at most [`NAMED`].
    named: VecDeque<(Digest, Place)>,
    /// What was sealed before this place may have been named, and the name forgotten.
    forgotten: Option<Place>,
    /// What the lists that came speak of, oldest first: whatever has its place there is named, or left out.
    covered: VecDeque<Covered>,
    /// How long the track played: pauses do not count.
    clock: Duration,
    /// When the last frame was played.
    last: Time,
    /// How long frames were played that have no proof, less what is forgotten.
    unproved: Duration,
    state: Proof,
    /// When something was last to be said against it, by [`Self::clock`].
    doubted: Duration,
}

/// From the first frame that a list names up to the one that carries it, or several such where they overlap.
#[derive(Debug, Clone, Copy)]
struct Covered {
    first: Place,
    /// When that was played. By places alone a frame of another layer, of which the media server changed over, could look left out; by times alone
    /// one that the network held up.
    since: Time,
    end: Place,
}

impl Covered {
    /// One for both, if there is no gap between them.
    fn join(&mut self, other: &Self) -> bool {
        let overlaps = self.first <= other.end && other.first <= self.end;
        if overlaps {
            (self.first, self.since) = (self.first, self.since).min((other.first, other.since));
            self.end = self.end.max(other.end);
        }
        overlaps
    }
}

#[derive(Debug)]
struct PlayedFrame {
    digest: Digest,
    place: Place,
    at: Time,
    /// By [`Played::clock`].
    begun: Duration,
    /// Proved, or found out.
    settled: bool,
    /// Since when it is known to be left out.
    left_out: Option<Time>,
}

impl Proofs {
    /// A frame is played, and names these.
    pub(crate) fn on_opened(&mut self, track: Track, place: Place, digest: Digest, named: &[Digest], now: Time) {
        let played = self.tracks.entry(track).or_default();
        let before = played.state;
        played.on_opened(place, digest, named, now);
        if played.state != before {
            self.out.insert(track, played.state);
        }
    }

    /// Keeps what is of these tracks.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Track) -> bool) {
        self.tracks.retain(|track, _| keep(track));
        self.out.retain(|track, _| keep(track));
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.out.is_empty()
    }

    pub(crate) fn poll(&mut self) -> Option<FrameReport> {
        self.out.pop_first().map(|(track, proof)| FrameReport::Proof { track, proof })
    }
}

impl Played {
    fn on_opened(&mut self, place: Place, digest: Digest, named: &[Digest], now: Time) {
        let step = if self.frames.is_empty() { Duration::ZERO } else { now.since(self.last).min(LONGEST) };
        self.clock += step;
        self.last = now;
        self.unproved = self.unproved.saturating_sub(step / FORGET);
        self.on_named(named, place, now);
        let settled = self.named.iter().position(|(n, _)| *n == digest).map(|at| self.named.remove(at)).is_some();
        self.frames.push_back(PlayedFrame { digest, place, at: now, begun: self.clock, settled, left_out: None });
        let forged = self.take_left_out(now);
        if self.drop_late() || forged {
            self.doubted = self.clock;
        }

        let pending = self.frames.iter().zip(self.frames.iter().skip(1)).filter(|(frame, _)| !frame.settled);
        let pending: Duration = pending.map(|(frame, next)| next.begun - frame.begun).sum();
        if forged {
            self.state = Proof::Forged;
        } else if self.state == Proof::Proved && self.unproved + pending >= UNPROVED {
            (self.state, self.doubted) = (Proof::Unproved, self.clock);
        } else if self.state != Proof::Proved && self.clock >= self.doubted + RECOVERY && pending < LATE / 2 {
            (self.state, self.unproved) = (Proof::Proved, Duration::ZERO);
        }
    }

    /// The owner names frames, in the one at `place`, which has come now. What a layer sends is named without a gap: a frame that was sealed and
    /// played between those that are named and this one is left out.
    fn on_named(&mut self, named: &[Digest], place: Place, now: Time) {
        let mut first: Option<(Place, Time)> = None;
        for digest in named {
            let mut known = self.overdue.iter_mut().chain(&mut self.frames);
            if let Some(frame) = known.rfind(|frame| frame.digest == *digest) {
                frame.settled = true;
                first = Some(first.map_or((frame.place, frame.at), |first| first.min((frame.place, frame.at))));
            } else if !self.named.iter().any(|(named, _)| named == digest) {
                if self.named.len() >= NAMED {
                    self.forgotten = self.forgotten.max(self.named.pop_front().map(|(_, by)| by));
                }
                self.named.push_back((*digest, place));
            }
        }
        let Some((first, since)) = first else { return };
        let mut covered = Covered { first, since, end: place };
        self.covered.retain(|other| !covered.join(other));
        let at = self.covered.partition_point(|other| other.end < covered.first);
        self.covered.insert(at, covered);
        if self.covered.len() > GAPS {
            self.covered.pop_front();
        }
        let (covered, forgotten) = (&self.covered, self.forgotten);
        let is_left_out = |frame: &PlayedFrame| {
            now >= frame.at + REORDERED
                && forgotten.is_none_or(|place| frame.place >= place)
                && covered.iter().any(|list| list.first < frame.place && frame.place < list.end && frame.at >= list.since + REORDERED)
        };
        let is_early = |frame: &PlayedFrame| place < frame.place && now >= frame.at + HELD_UP;
        for frame in self.overdue.iter_mut().chain(&mut self.frames).filter(|frame| is_left_out(frame) || is_early(frame)) {
            frame.left_out.get_or_insert(now);
        }
    }

    /// Whether frames that were left out are named by nobody else either; they are told of once.
    fn take_left_out(&mut self, now: Time) -> bool {
        let mut found = false;
        let is_found = |frame: &PlayedFrame| !frame.settled && frame.left_out.is_some_and(|at| now >= at + OVERTAKEN);
        for frame in self.overdue.iter_mut().chain(&mut self.frames).filter(|frame| is_found(frame)) {
            (frame.settled, found) = (true, true);
        }
        self.overdue.retain(|frame| !frame.settled);
        found
    }

    /// What was played before [`LATE`] and has no proof now will have none. Gives whether there was such.
    fn drop_late(&mut self) -> bool {
        let mut found = false;
        while let (Some(frame), Some(next)) = (self.frames.front(), self.frames.get(1))
            && (self.clock >= frame.begun + LATE || self.frames.len() > REMEMBERED)
        {
            if frame.settled {
                self.frames.pop_front();
                continue;
            }
            (self.unproved, found) = ((self.unproved + (next.begun - frame.begun)).min(UNPROVED), true);
            if self.overdue.len() >= OVERDUE {
                self.overdue.pop_front();
            }
            self.overdue.extend(self.frames.pop_front());
        }
        found
    }
}

#[cfg(test)]
mod tests;
