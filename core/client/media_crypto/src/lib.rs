//! Seals and opens media frames: SFrame (RFC 9605) with keys from the MLS group, one set per epoch.
//!
//! ```text
//!  encoder -> FrameCryptor::seal -> SFrameContext::seal -> clear prefix ‖ SFrame header ‖ ciphertext ‖ tag -> network
//!  network -> FrameCryptor::receive -> Receiver::receive -> SFrameContext::open -> decoder
//!                 ^ CryptorInput::Epoch(EpochKeys),  |  a frame of an epoch to come waits, and with it
//!  session -------+ once per MLS epoch               |  all that follows on its track
//!          <- CryptorOutput::Report <----------------+
//! ```
//!
//! Underneath the [`FrameCryptor`]:
//! - [`SFrameContext`]: the keys of each epoch. [`Receiver`]: order, frames that wait, key frames.
//! - `send_key_schedule`: nothing is sealed under an epoch whose roster is not on the own screen; a screen that does not report stops
//!   the media after two seconds, and a removal stops it at once until the new roster is shown.
//! - `attester` and `proofs`: every sender signs with its leaf key what it sealed, inside its frames, and receivers say whose frames have no proof: whoever is in
//!   the group can derive all keys that seal, and nobody else's signature key.
//! - `silence`: what is sealed in place of a microphone that is off, where nobody is to see that it is off.
//! - `reports`: what was not opened, for the session. `messages`: both ways in bytes, where a browser's worker runs each.
//!
//! The order of work of [`SFrameContext::open`]: the header is parsed; its key id names exactly one key; that key's leaf must be the owner of
//! the track and its source the track's; the replay window is asked; the AEAD opens; only then the window moves and the frame
//! is handed out, unless the policy of its epoch, or of one after it, silences its owner. There is no trial decryption and no key is ratcheted.
//!
//! ```
//! use conclave_base::{Codec, Epoch, LeafIndex, MemberId, Secret, SessionId, Source, Time};
//! use conclave_media_crypto::{EpochKeys, SFrameContext, Track};
//! use ed25519_dalek::SigningKey;
//!
//! let (amara, bela) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
//! let [first, second] = [&amara, &bela].map(|key| key.verifying_key().to_bytes());
//! let keys = |me, key: &SigningKey| EpochKeys {
//!     epoch: Epoch(1),
//!     base_key: Secret::new([7; 32]),
//!     session: SessionId::from_bytes([3; 16]),
//!     members: vec![(LeafIndex(0), first), (LeafIndex(1), second)],
//!     silenced: [].into(),
//!     me: LeafIndex(me),
//!     signer: Secret::new(key.to_bytes()),
//! };
//! let (mut sender, mut receiver) = (SFrameContext::new(), SFrameContext::new());
//! sender.add_epoch(keys(0, &amara), Time::ZERO)?;
//! receiver.add_epoch(keys(1, &bela), Time::ZERO)?;
//! sender.seal_with(Epoch(1))?;
//!
//! let sealed = sender.seal(Source::Microphone, Codec::Opus, b"sound", Time::ZERO)?;
//! let track = Track { owner: MemberId::of_key(&first), source: Source::Microphone };
//! assert_eq!(receiver.open(track, Codec::Opus, &sealed, Time::ZERO)?, b"sound");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Architecture invariant: this crate knows no MLS, no RTP and no transport. It is the only user of the `sframe` crate.
//! Architecture invariant: no setting and no feature makes [`SFrameContext::seal`] return an unsealed frame.

#![warn(missing_docs)]

mod attestation;
mod attester;
mod clear_prefix;
mod epoch;
mod error;
mod frame_cryptor;
#[cfg(any(test, feature = "hostile"))]
pub mod hostile;
mod kid;
#[cfg(feature = "ts")]
pub mod messages;
mod proofs;
mod receiver;
mod replay;
mod reports;
mod send_key_schedule;
mod silence;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use conclave_base::{Codec, Epoch, LeafIndex, MemberId, Secret, SessionId, Source, Time};

pub use error::{AddEpochError, OpenError, SealError};
pub use frame_cryptor::{CryptorInput, CryptorOutput, FrameCryptor};
pub use proofs::UNPROVED;
pub use receiver::{EPOCH_WAIT, KEY_FRAME_PAUSE, Received, Receiver, SealedFrame};
pub use reports::{FrameReport, Proof};

use attestation::Digest;
use attester::Attester;
use clear_prefix::clear_prefix;
use epoch::{EpochState, Opened};
use kid::Kid;
use proofs::Proofs;
use silence::Microphones;

/// How long an epoch's keys are kept for late packets, once a newer epoch was added.
pub const EPOCH_RETENTION: Duration = Duration::from_secs(10);
/// Epochs kept at once; more come only from somebody who floods the group with commits.
const MAX_EPOCHS: usize = 64;
/// Largest frame before sealing, in bytes.
pub const MAX_FRAME: usize = 8 * 1024 * 1024;

/// What [`SFrameContext::add_epoch`] needs of an MLS epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ts", derive(serde::Serialize, serde::Deserialize))]
pub struct EpochKeys {
    /// Which epoch.
    pub epoch: Epoch,
    /// `MLS-Exporter("SFrame 1.0 Base Key", "", 32)` (RFC 9605, 5.2).
    #[cfg_attr(feature = "ts", serde(with = "messages::secret"))]
    pub base_key: Secret<32>,
    /// The session whose group it is.
    pub session: SessionId,
    /// Everybody in the group, this client too, by the signature keys of their leaves: each attests its frames with its own.
    pub members: Vec<(LeafIndex, [u8; 32])>,
    /// What the group's policy does not let be played of its members, whoever seals it.
    pub silenced: BTreeSet<Track>,
    /// This client's leaf.
    pub me: LeafIndex,
    /// Seed of this client's signature key (Ed25519).
    #[cfg_attr(feature = "ts", serde(with = "messages::secret"))]
    pub signer: Secret<32>,
}

/// One stream of an own track, which a receiver gets whole or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Layer {
    /// Which track.
    pub source: Source,
    /// Which of its simulcast layers; any number that is another one for each.
    pub number: u32,
}

impl From<Source> for Layer {
    /// The only layer of a track.
    fn from(source: Source) -> Self {
        Self { source, number: 0 }
    }
}

/// The track that a frame came on, as the transport says: the frame must have been sealed by `owner` for `context`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "ts", derive(serde::Serialize, serde::Deserialize))]
pub struct Track {
    /// Whose track.
    pub owner: MemberId,
    /// Which of the owner's tracks.
    pub source: Source,
}

/// All media keys of one client in one session.
#[derive(Debug, Default)]
pub struct SFrameContext {
    /// Newest last; at most [`MAX_EPOCHS`].
    epochs: VecDeque<EpochState>,
    sealing: Option<Epoch>,
    attester: Attester,
    proofs: Proofs,
    microphones: Microphones,
}

impl SFrameContext {
    /// No keys: nothing can be sealed or opened.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens with this epoch's keys at once. Leaves that are no longer in it lose all their keys at once; older epochs go on
    /// opening for [`EPOCH_RETENTION`]. Sealing stays as it is until [`Self::seal_with`].
    ///
    /// Epochs only rise: the keys and counters of an epoch are made once and never again.
    pub fn add_epoch(&mut self, keys: EpochKeys, now: Time) -> Result<(), AddEpochError> {
        if self.newest().is_some_and(|newest| keys.epoch <= newest) {
            return Err(AddEpochError::NotNewer);
        }
        let state = EpochState::new(keys)?;
        self.expire(now);
        for old in &mut self.epochs {
            old.superseded(now);
            old.erase_departed(&state);
            old.overrule(&state);
        }
        // A key id names exactly one key: two epochs with one low byte never stand side by side.
        self.epochs.retain(|old| Kid::epoch_byte(old.epoch) != Kid::epoch_byte(state.epoch));
        if self.epochs.len() >= MAX_EPOCHS {
            self.epochs.pop_front();
        }
        self.proofs.retain(|track| state.is_member(&track.owner));
        self.microphones.retain(|who| state.is_member(who));
        self.epochs.push_back(state);
        Ok(())
    }

    /// Seals with this epoch from now on. It only moves forward.
    pub fn seal_with(&mut self, epoch: Epoch) -> Result<(), SealError> {
        if self.sealing.is_some_and(|current| epoch < current) || !self.epochs.iter().any(|e| e.epoch == epoch) {
            return Err(SealError::NoKey);
        }
        self.sealing = Some(epoch);
        Ok(())
    }

    /// Seals nothing until the next [`Self::seal_with`].
    pub fn stop_sealing(&mut self) {
        self.sealing = None;
    }

    /// The epoch that seals, if its keys are still there.
    pub fn sealing(&self) -> Option<Epoch> {
        self.sealing.filter(|epoch| self.epochs.iter().any(|e| e.epoch == *epoch))
    }

    /// Seals one encoded frame of an own track. Twice a second it carries a signature over those before it.
    pub fn seal(&mut self, layer: impl Into<Layer>, codec: Codec, frame: &[u8], now: Time) -> Result<Vec<u8>, SealError> {
        self.seal_or_stand_in(layer.into(), codec, frame, false, now)
    }

    /// Seals silence in place of an encoded frame of so many bytes, and says to whoever opens it that the microphone is off. Nobody else can tell.
    pub fn seal_silence(&mut self, layer: impl Into<Layer>, size: usize, now: Time) -> Result<Vec<u8>, SealError> {
        self.seal_or_stand_in(layer.into(), Codec::Opus, &silence::of_size(size.min(MAX_FRAME)), true, now)
    }

    fn seal_or_stand_in(&mut self, layer: Layer, codec: Codec, frame: &[u8], off: bool, now: Time) -> Result<Vec<u8>, SealError> {
        self.expire(now);
        if frame.len() > MAX_FRAME {
            return Err(SealError::Malformed);
        }
        let prefix = clear_prefix(codec, frame).ok_or(SealError::Malformed)?;
        let key_frame = codec.is_key_frame(frame) == Some(true);
        let sealing = self.sealing.ok_or(SealError::NoKey)?;
        let state = self.epochs.iter_mut().find(|e| e.epoch == sealing).ok_or(SealError::NoKey)?;
        let named = self.attester.due(layer, key_frame, now);
        let sealed = state.seal(layer.source, prefix, frame, off, &named)?;
        self.attester.on_sealed(layer, Digest::of(&sealed), key_frame, !named.is_empty(), now);
        Ok(sealed)
    }

    /// Opens one frame that came on `track`. The frame is handed out only if `track.owner` sealed it for `track.source`, it
    /// was not opened before, and no byte of it was altered.
    pub fn open(&mut self, track: Track, codec: Codec, sealed: &[u8], now: Time) -> Result<Vec<u8>, OpenError> {
        self.expire(now);
        let prefix = clear_prefix(codec, sealed).ok_or(OpenError::NotSFrame)?;
        let body = &sealed[prefix.len()..];
        let (kid, counter) = kid::parse(body).ok_or(OpenError::NotSFrame)?;
        if kid.source != track.source {
            return Err(OpenError::WrongSender);
        }
        let Some(state) = self.epochs.iter_mut().find(|e| Kid::epoch_byte(e.epoch) == kid.epoch) else {
            return Err(self.missing_epoch_error(kid.epoch));
        };
        if state.owner(kid.leaf) != Some(track.owner) {
            return Err(OpenError::WrongSender);
        }
        let Opened { mut frame, off, named } = state.open(&kid, counter, codec, prefix, body)?;
        if off {
            // What stands for a microphone that is off is silence, whatever its owner put there.
            frame = silence::of_size(frame.len());
        } else if state.is_silenced(&track) {
            return Err(OpenError::Silenced);
        } else if state.is_overruled(&track) {
            return Err(OpenError::Expired);
        }
        self.proofs.on_opened(track, (state.epoch, counter), Digest::of(sealed), &named, now);
        if track.source == Source::Microphone {
            self.microphones.on_opened(track.owner, !off);
        }
        Ok(frame)
    }

    pub(crate) fn has_report(&self) -> bool {
        !self.proofs.is_quiet() || !self.microphones.is_told()
    }

    /// Whether the frames that were opened are their owners', where that changed.
    pub fn poll_proof(&mut self) -> Option<FrameReport> {
        self.proofs.poll()
    }

    /// Whether members have their microphones on, where that changed.
    pub fn poll_microphone(&mut self) -> Option<FrameReport> {
        self.microphones.poll()
    }

    /// Erases the keys of epochs that had their time; says when the next epoch will.
    pub fn expire(&mut self, now: Time) -> Option<Time> {
        self.epochs.retain(|e| e.until.is_none_or(|until| now < until));
        self.epochs.iter().filter_map(|e| e.until).min()
    }

    /// Erases everything.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The newest epoch that was added.
    pub fn newest(&self) -> Option<Epoch> {
        self.epochs.back().map(|e| e.epoch)
    }

    /// Whether this is a member in the newest epoch.
    pub fn is_member(&self, who: &MemberId) -> bool {
        self.epochs.back().is_some_and(|e| e.is_member(who))
    }

    /// Whether the group's policy lets nobody play what this client would seal of this source: as it is now, or as those have it who open that.
    pub(crate) fn is_own_silenced(&self, source: Source) -> bool {
        let sealing = self.epochs.iter().find(|e| Some(e.epoch) == self.sealing);
        self.epochs.back().into_iter().chain(sealing).any(|e| e.is_own_silenced(source))
    }

    /// The low byte tells past from future, if the newest epoch is less than half a round away.
    fn missing_epoch_error(&self, byte: u8) -> OpenError {
        match self.newest() {
            Some(newest) if Kid::epoch_byte(newest).wrapping_sub(byte) < 128 => OpenError::Expired,
            Some(_) | None => OpenError::EpochUnknown,
        }
    }
}
