use std::collections::BTreeSet;

use conclave_base::{Codec, Epoch, Machine, MemberId, Polled, Source, Time};

use crate::reports::{FrameReport, Reports};
use crate::send_key_schedule::SendKeySchedule;
use crate::{EpochKeys, Layer, OpenError, Received, Receiver, SFrameContext, SealError, SealedFrame, Track};

#[cfg(test)]
mod tests;

/// What the session says of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ts", derive(serde::Serialize, serde::Deserialize))]
pub enum CryptorInput {
    /// An MLS epoch began.
    Epoch {
        /// Its keys and members.
        keys: EpochKeys,
        /// Somebody joined with it: their decoders need a key frame.
        joined: bool,
        /// Somebody is out with it: nothing is sealed any more with a key that they hold.
        removed: bool,
    },
    /// An MLS epoch began, and MLS gave no key: nothing is sealed.
    EpochWithoutKeys,
    /// The roster of this epoch is on the own screen.
    RosterShown(Epoch),
    /// What the user has on, [`Source::ScreenAudio`] with the screen; in the beginning nothing. Nothing else is sealed, nor what
    /// [`EpochKeys::silenced`] names, whoever has it sent: a media server can ask a client's library to go on with what the user switched off.
    SourcesOn {
        /// [`Source::Microphone`].
        mic: bool,
        /// [`Source::Camera`].
        camera: bool,
        /// [`Source::Screen`].
        screen: bool,
        /// While the microphone is off, each frame that comes from it is replaced by silence of the same size, and that is sealed.
        silence: bool,
        /// From this moment on, nothing at all, unless the session says so again: it may be late, or sleep.
        until: Time,
    },
    /// This client is no member any more: all keys are erased, and what waits is dropped.
    Clear,
    /// The moment of [`Polled::Idle`] has come.
    Timeout,
}

/// What a [`FrameCryptor`] asks of the shell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "ts",
    derive(serde::Serialize, tsify::Tsify),
    serde(tag = "kind", content = "value", rename_all = "camelCase", rename_all_fields = "camelCase")
)]
pub enum CryptorOutput {
    /// A frame that [`FrameCryptor::receive`] did not give back at once is to be decoded now.
    FrameOpened {
        /// Its [`SealedFrame::id`].
        id: u32,
        /// The frame as its owner's encoder made it.
        #[cfg_attr(feature = "ts", serde(with = "serde_bytes"), tsify(type = "Uint8Array<ArrayBuffer>"))]
        frame: Vec<u8>,
    },
    /// A frame that [`FrameCryptor::receive`] did not give back must not be played.
    FrameDropped {
        /// Its [`SealedFrame::id`].
        id: u32,
        /// Why.
        reason: OpenError,
    },
    /// Pictures of this track were lost: ask for a key frame through the media server.
    RequestKeyFrame {
        /// Whose track.
        #[cfg_attr(feature = "ts", serde(serialize_with = "MemberId::serialize_text"), tsify(type = "string"))]
        owner: MemberId,
        /// Which.
        source: Source,
    },
    /// Own video encoders must make a key frame: somebody joined, and the keys that they hold seal from now on.
    GenerateKeyFrame,
    /// For the session.
    Report(
        #[cfg_attr(feature = "ts", serde(serialize_with = "crate::messages::as_bytes"), tsify(type = "Uint8Array<ArrayBuffer>"))]
        FrameReport,
    ),
}

/// Seals and opens all frames of one client. Its session says which keys there are and who is shown on the screen; it may work elsewhere
/// meanwhile: frames never wait for MLS.
///
/// Frames do not go through [`Machine::handle`]: [`Self::seal`] and [`Self::receive`] give most of them back at once. After each of the
/// latter, and of [`Self::request_key_frame`], poll.
#[derive(Debug, Default)]
pub struct FrameCryptor {
    keys: SFrameContext,
    schedule: SendKeySchedule,
    receiver: Receiver,
    reports: Reports,
    sources_on: BTreeSet<Source>,
    /// In place of a microphone that is off, silence is sealed.
    silence: bool,
    on_until: Time,
    generate_key_frame: bool,
    /// The moment of the last input. Frames do not move it: what became due since then is still to be done, and [`Polled::Idle`] must say so.
    now: Time,
}

impl FrameCryptor {
    /// No keys: nothing is sealed or opened.
    pub fn new() -> Self {
        Self::default()
    }

    /// Seals one encoded frame of an own track. On an error the frame must not be sent.
    pub fn seal(&mut self, layer: impl Into<Layer>, codec: Codec, frame: &[u8], now: Time) -> Result<Vec<u8>, SealError> {
        let layer = layer.into();
        if now >= self.on_until {
            return Err(SealError::SourceOff);
        }
        self.switch_keys(now);
        let is_on = self.sources_on.contains(&layer.source) && !self.keys.is_own_silenced(layer.source);
        let stands_in = self.silence && layer.source == Source::Microphone;
        if !is_on && !stands_in {
            return Err(SealError::SourceOff);
        }
        // Of a frame whose source is off nothing is used but its size.
        let sealed = if is_on { self.keys.seal(layer, codec, frame, now) } else { self.keys.seal_silence(layer, frame.len(), now) };
        if sealed == Err(SealError::NoKey) {
            self.schedule.on_frame_lost();
        }
        sealed
    }

    /// Takes one sealed frame that came on `track`. Gives it back opened if there is nothing else to do; otherwise [`Machine::poll`] says,
    /// now or later, what became of it: [`CryptorOutput::FrameOpened`] or [`CryptorOutput::FrameDropped`]. Frames of a track come out in
    /// the order in which they went in.
    pub fn receive(&mut self, track: Track, frame: SealedFrame<'_>, now: Time) -> Option<Vec<u8>> {
        let id = frame.id;
        let opened = self.receiver.receive(&mut self.keys, track, frame, now)?;
        self.reports.on_opened(track);
        if self.keys.has_report() {
            // There is something else to do.
            self.receiver.hand_over(track, id, opened);
            return None;
        }
        Some(opened)
    }

    /// The decoder of this track cannot go on, or lacks its beginning: asks its owner for a key frame, as for lost frames.
    pub fn request_key_frame(&mut self, track: Track, now: Time) {
        self.receiver.request_key_frame(&self.keys, track, now);
    }

    fn add_epoch(&mut self, keys: EpochKeys, joined: bool, removed: bool, now: Time) {
        let epoch = keys.epoch;
        if self.keys.add_epoch(keys, now).is_ok() {
            self.schedule.on_epoch(epoch, joined, removed, &mut self.keys, now);
            self.reports.on_epoch(|track| self.keys.is_member(&track.owner));
        } else {
            // A group of more leaves than a key id can name: nothing is sealed rather than sealed wrongly.
            self.keys.stop_sealing();
        }
    }

    fn switch_keys(&mut self, now: Time) {
        self.generate_key_frame |= self.schedule.poll(&mut self.keys, now);
    }

    fn output(&mut self, received: Received) -> CryptorOutput {
        match received {
            Received::Opened { track, id, frame } => {
                self.reports.on_opened(track);
                CryptorOutput::FrameOpened { id, frame }
            }
            Received::Dropped { track, id, reason } => {
                // Frames of who has just left are still on their way, and who never was a member is told of as a ghost.
                if self.keys.is_member(&track.owner) {
                    self.reports.on_dropped(track, reason, self.now);
                }
                CryptorOutput::FrameDropped { id, reason }
            }
            Received::RequestKeyFrame(Track { owner, source }) => CryptorOutput::RequestKeyFrame { owner, source },
        }
    }
}

impl Machine for FrameCryptor {
    type Input<'a> = CryptorInput;
    type Output = CryptorOutput;
    type Error = std::convert::Infallible;

    fn handle(&mut self, input: CryptorInput, now: Time) -> Result<(), Self::Error> {
        self.now = now;
        match input {
            CryptorInput::Epoch { keys, joined, removed } => self.add_epoch(keys, joined, removed, now),
            CryptorInput::EpochWithoutKeys => self.keys.stop_sealing(),
            CryptorInput::RosterShown(epoch) => self.schedule.on_roster_shown(epoch),
            CryptorInput::SourcesOn { mic, camera, screen, silence, until } => {
                if now >= std::mem::replace(&mut self.on_until, until) {
                    self.sources_on.clear();
                }
                self.silence = silence;
                let all = [(Source::Microphone, mic), (Source::Camera, camera), (Source::Screen, screen), (Source::ScreenAudio, screen)];
                let before =
                    std::mem::replace(&mut self.sources_on, all.into_iter().filter_map(|(source, on)| on.then_some(source)).collect());
                // Pictures that were not sealed are lost.
                let is_new = |source| self.sources_on.contains(&source) && !before.contains(&source);
                self.generate_key_frame |= [Source::Camera, Source::Screen].into_iter().any(is_new);
            }
            CryptorInput::Clear => {
                self.keys.clear();
                self.schedule = SendKeySchedule::default();
                self.receiver.clear();
                self.reports = Reports::default();
            }
            CryptorInput::Timeout => {}
        }
        self.switch_keys(now);
        self.receiver.run(&mut self.keys, now);
        self.reports.run(now);
        Ok(())
    }

    fn poll(&mut self) -> Polled<CryptorOutput> {
        if std::mem::take(&mut self.generate_key_frame) {
            return Polled::Output(CryptorOutput::GenerateKeyFrame);
        }
        if let Some(received) = self.receiver.poll() {
            return Polled::Output(self.output(received));
        }
        if let Some(report) = self.reports.poll().or_else(|| self.keys.poll_proof()).or_else(|| self.keys.poll_microphone()) {
            return Polled::Output(CryptorOutput::Report(report));
        }
        let times = [self.keys.expire(self.now), self.schedule.deadline(&self.keys, self.now), self.reports.deadline()];
        Polled::Idle(times.into_iter().flatten().fold(self.receiver.deadline(), Time::min))
    }
}
