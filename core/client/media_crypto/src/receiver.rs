use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use conclave_base::{Codec, Epoch, Time};

use crate::{OpenError, SFrameContext, Track};

#[cfg(test)]
mod tests;

/// How long a frame waits for the keys of its epoch: the commit is on its way, and what is heard later than this is of no use.
pub const EPOCH_WAIT: Duration = Duration::from_millis(1500);
/// Pause between two requests for a key frame of one track.
pub const KEY_FRAME_PAUSE: Duration = Duration::from_millis(500);
/// Frames of one track that wait: more than [`EPOCH_WAIT`] at 60 a second.
const MAX_WAITING: usize = 128;
/// Bytes of one track that wait: [`EPOCH_WAIT`] at 20 Mbit/s.
const MAX_WAITING_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of all tracks that wait.
const MAX_ALL_WAITING_BYTES: usize = 64 * 1024 * 1024;

/// A received frame, still sealed.
#[derive(Debug, Clone, Copy)]
pub struct SealedFrame<'a> {
    /// The caller's name for it, by which [`Received`] tells what became of it.
    pub id: u32,
    /// What it is.
    pub codec: Codec,
    /// Whether the transport lost nothing between the frame before it and this one.
    pub contiguous: bool,
    /// The frame as it came.
    pub bytes: &'a [u8],
}

/// What became of frames that [`Receiver::receive`] did not give back at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// To be decoded now.
    Opened {
        /// Where it came.
        track: Track,
        /// [`SealedFrame::id`].
        id: u32,
        /// The frame as its owner's encoder made it.
        frame: Vec<u8>,
    },
    /// Must not be played.
    Dropped {
        /// Where it came.
        track: Track,
        /// [`SealedFrame::id`].
        id: u32,
        /// Why.
        reason: OpenError,
    },
    /// Pictures were lost: ask the track's owner for a key frame (RFC 4585, section 6.3.1: picture loss indication).
    RequestKeyFrame(Track),
}

/// Opens the frames of all tracks in their order. A frame of an epoch that is not known yet waits for the commit, at most
/// [`EPOCH_WAIT`], and no later frame of its track overtakes it. When pictures were lost, a key frame is asked for until one opens.
///
/// Tracks are of members only, so that the group bounds their number; what waits is bounded in frames and bytes.
#[derive(Debug, Default)]
pub struct Receiver {
    tracks: BTreeMap<Track, TrackState>,
    /// Sum over all tracks.
    waiting_bytes: usize,
    /// The newest epoch when frames were last tried.
    epoch: Option<Epoch>,
    /// Bounded by what waited, one request a track and one frame, since the caller drains it after each call.
    out: VecDeque<Received>,
}

#[derive(Debug, Default)]
struct TrackState {
    /// Oldest first. The first is of an unknown epoch.
    waiting: VecDeque<WaitingFrame>,
    waiting_bytes: usize,
    /// Waiting did not help: until a frame opens or an epoch begins, none waits.
    gave_up: bool,
    /// What comes next cannot be decoded without a key frame.
    needs_key_frame: bool,
    /// When a key frame was last asked for.
    requested: Option<Time>,
}

#[derive(Debug)]
struct WaitingFrame {
    since: Time,
    id: u32,
    codec: Codec,
    contiguous: bool,
    bytes: Vec<u8>,
}

impl Receiver {
    /// Takes one frame that came on `track`. Gives it back opened if there is nothing else to do; otherwise [`Self::poll`] tells what
    /// became of it, now or later.
    pub fn receive(&mut self, keys: &mut SFrameContext, track: Track, frame: SealedFrame<'_>, now: Time) -> Option<Vec<u8>> {
        let SealedFrame { id, codec, contiguous, bytes } = frame;
        if !self.tracks.contains_key(&track) && !keys.is_member(&track.owner) {
            self.out.push_back(Received::Dropped { track, id, reason: OpenError::WrongSender });
            return None;
        }
        // A decoder of pictures begins with a key frame.
        let state =
            self.tracks.entry(track).or_insert_with(|| TrackState { needs_key_frame: !track.source.is_audio(), ..Default::default() });
        if state.waiting.is_empty() {
            match keys.open(track, codec, bytes, now) {
                Ok(frame) => {
                    state.on_opened(track, codec, contiguous, &frame);
                    if !state.is_request_due(now) {
                        return Some(frame);
                    }
                    self.out.push_back(Received::Opened { track, id, frame });
                    self.out.push_back(Received::RequestKeyFrame(track));
                    return None;
                }
                Err(OpenError::EpochUnknown) if !state.gave_up => {}
                Err(reason) => {
                    state.drop_frame(track, id, reason, &mut self.out, now);
                    return None;
                }
            }
        }
        let size = bytes.len();
        if state.waiting.len() >= MAX_WAITING
            || state.waiting_bytes + size > MAX_WAITING_BYTES
            || self.waiting_bytes + size > MAX_ALL_WAITING_BYTES
        {
            state.drop_frame(track, id, OpenError::EpochUnknown, &mut self.out, now);
            return None;
        }
        state.waiting.push_back(WaitingFrame { since: now, id, codec, contiguous, bytes: bytes.to_vec() });
        state.waiting_bytes += size;
        self.waiting_bytes += size;
        self.waiting_bytes -= state.advance(keys, track, false, &mut self.out, now);
        None
    }

    /// Opens what waited for an epoch that came, gives up what waited for too long, and forgets the tracks of those who left.
    pub fn run(&mut self, keys: &mut SFrameContext, now: Time) {
        let newest = keys.newest();
        let began = newest != self.epoch;
        if began {
            self.epoch = newest;
            let left: Vec<_> = self.tracks.keys().filter(|track| !keys.is_member(&track.owner)).copied().collect();
            left.iter().for_each(|track| self.forget(track));
        }
        if !began && self.waiting_bytes == 0 {
            return;
        }
        for (track, state) in &mut self.tracks {
            state.gave_up &= !began;
            self.waiting_bytes -= state.advance(keys, *track, began, &mut self.out, now);
        }
    }

    /// The decoder of this track cannot go on, or lacks its beginning: a key frame is asked for as for lost pictures.
    pub fn request_key_frame(&mut self, keys: &SFrameContext, track: Track, now: Time) {
        if track.source.is_audio() || !keys.is_member(&track.owner) {
            return;
        }
        let state = self.tracks.entry(track).or_default();
        state.needs_key_frame = true;
        if state.is_request_due(now) {
            self.out.push_back(Received::RequestKeyFrame(track));
        }
    }

    /// Drops all that waits: the keys are gone.
    pub fn clear(&mut self) {
        while let Some(track) = self.tracks.keys().next().copied() {
            self.forget(&track);
        }
    }

    /// Hands this frame out by [`Self::poll`].
    pub(crate) fn hand_over(&mut self, track: Track, id: u32, frame: Vec<u8>) {
        self.out.push_back(Received::Opened { track, id, frame });
    }

    /// What became of a frame, or what to ask for; in order.
    pub fn poll(&mut self) -> Option<Received> {
        self.out.pop_front()
    }

    /// When [`Self::run`] gives something up; [`Time::MAX`] is never.
    pub fn deadline(&self) -> Time {
        if self.waiting_bytes == 0 {
            return Time::MAX;
        }
        self.tracks.values().filter_map(|state| Some(state.waiting.front()?.since + EPOCH_WAIT)).min().unwrap_or(Time::MAX)
    }

    fn forget(&mut self, track: &Track) {
        let Some(state) = self.tracks.remove(track) else { return };
        self.waiting_bytes -= state.waiting_bytes;
        let dropped = |frame: WaitingFrame| Received::Dropped { track: *track, id: frame.id, reason: OpenError::EpochUnknown };
        self.out.extend(state.waiting.into_iter().map(dropped));
    }
}

impl TrackState {
    /// Takes frames off the front until one has to wait on. `retry`: their epoch may have come. Gives how many bytes were taken.
    fn advance(&mut self, keys: &mut SFrameContext, track: Track, mut retry: bool, out: &mut VecDeque<Received>, now: Time) -> usize {
        let before = self.waiting_bytes;
        while let Some(frame) = self.waiting.front() {
            let is_late = now >= frame.since + EPOCH_WAIT;
            if !retry && !is_late {
                break;
            }
            let opened = keys.open(track, frame.codec, &frame.bytes, now);
            if opened == Err(OpenError::EpochUnknown) && !is_late && !self.gave_up {
                break;
            }
            let Some(WaitingFrame { id, codec, contiguous, bytes, .. }) = self.waiting.pop_front() else { break };
            self.waiting_bytes -= bytes.len();
            match opened {
                Ok(frame) => {
                    self.on_opened(track, codec, contiguous, &frame);
                    out.push_back(Received::Opened { track, id, frame });
                    if self.is_request_due(now) {
                        out.push_back(Received::RequestKeyFrame(track));
                    }
                }
                Err(reason) => {
                    self.gave_up |= reason == OpenError::EpochUnknown;
                    self.drop_frame(track, id, reason, out, now);
                }
            }
            // What stood behind it may be of another epoch.
            retry = true;
        }
        before - self.waiting_bytes
    }

    fn on_opened(&mut self, track: Track, codec: Codec, contiguous: bool, frame: &[u8]) {
        self.gave_up = false;
        if !track.source.is_audio() {
            self.needs_key_frame = codec.is_key_frame(frame) != Some(true) && (self.needs_key_frame || !contiguous);
        }
    }

    fn drop_frame(&mut self, track: Track, id: u32, reason: OpenError, out: &mut VecDeque<Received>, now: Time) {
        // What was played already, or would be played too late, is not missing now.
        self.needs_key_frame |= !matches!(reason, OpenError::Replayed | OpenError::TooLate) && !track.source.is_audio();
        out.push_back(Received::Dropped { track, id, reason });
        if self.is_request_due(now) {
            out.push_back(Received::RequestKeyFrame(track));
        }
    }

    /// Whether a key frame is to be asked for now; then it counts as asked for.
    fn is_request_due(&mut self, now: Time) -> bool {
        let due = self.needs_key_frame && self.requested.is_none_or(|at| now >= at + KEY_FRAME_PAUSE);
        if due {
            self.requested = Some(now);
        }
        due
    }
}
