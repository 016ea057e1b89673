//! What somebody seals who has an epoch's base key and keeps no rule, for the suites that attack. No client enables it.

use conclave_base::{Codec, Source};

use crate::attestation::Digest;
use crate::clear_prefix::clear_prefix;
use crate::epoch::EpochState;
use crate::{AddEpochError, EpochKeys, OpenError, SealError, Track, kid};

/// The counter of a sealed frame.
pub fn counter(codec: Codec, sealed: &[u8]) -> Option<u64> {
    let prefix = clear_prefix(codec, sealed)?;
    kid::parse(&sealed[prefix.len()..]).map(|(_, counter)| counter)
}

/// A member with the leaf of [`EpochKeys::me`], which need not be its own: every member can derive every leaf's keys.
#[derive(Debug)]
pub struct Impersonator {
    epoch: EpochState,
}

impl Impersonator {
    /// With these keys.
    pub fn new(keys: EpochKeys) -> Result<Self, AddEpochError> {
        Ok(Self { epoch: EpochState::new(keys)? })
    }

    /// Seals a frame that attests nothing, under any counter.
    pub fn seal(&mut self, source: Source, codec: Codec, frame: &[u8], counter: u64) -> Result<Vec<u8>, SealError> {
        let prefix = clear_prefix(codec, frame).ok_or(SealError::Malformed)?;
        self.epoch.set_counter(source, counter);
        self.epoch.seal(source, prefix, frame, false, &[])
    }

    /// Seals a frame that says that its microphone is off, whatever is in it, under any counter.
    pub fn pretend_off(&mut self, source: Source, codec: Codec, frame: &[u8], counter: u64) -> Result<Vec<u8>, SealError> {
        let prefix = clear_prefix(codec, frame).ok_or(SealError::Malformed)?;
        self.epoch.set_counter(source, counter);
        self.epoch.seal(source, prefix, frame, true, &[])
    }

    /// Seals a frame that attests one that nobody has, by the signature key of [`EpochKeys::signer`], under any counter.
    pub fn sign(&mut self, source: Source, codec: Codec, frame: &[u8], counter: u64) -> Result<Vec<u8>, SealError> {
        let prefix = clear_prefix(codec, frame).ok_or(SealError::Malformed)?;
        self.epoch.set_counter(source, counter);
        self.epoch.seal(source, prefix, frame, false, &[Digest::of(frame)])
    }

    /// Seals a frame that attests these sealed ones, by the signature key of [`EpochKeys::signer`], under any counter.
    pub fn attest(&mut self, source: Source, codec: Codec, frame: &[u8], attested: &[Vec<u8>], counter: u64) -> Result<Vec<u8>, SealError> {
        let prefix = clear_prefix(codec, frame).ok_or(SealError::Malformed)?;
        self.epoch.set_counter(source, counter);
        let named: Vec<_> = attested.iter().map(|sealed| Digest::of(sealed)).collect();
        self.epoch.seal(source, prefix, frame, false, &named)
    }

    /// Seals what is inside a sealed frame of that leaf anew, under any counter: with all that it attests.
    pub fn copy(&mut self, source: Source, codec: Codec, sealed: &[u8], counter: u64) -> Result<Vec<u8>, SealError> {
        let prefix = clear_prefix(codec, sealed).ok_or(SealError::Malformed)?;
        let plain = self.epoch.open_plain(prefix, &sealed[prefix.len()..]).ok_or(SealError::Malformed)?;
        self.epoch.set_counter(source, counter);
        self.epoch.seal_plain(source, prefix, &plain)
    }

    /// Opens a frame of a member and believes it.
    pub fn open(&mut self, track: Track, codec: Codec, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let prefix = clear_prefix(codec, sealed).ok_or(OpenError::NotSFrame)?;
        let body = &sealed[prefix.len()..];
        let (kid, counter) = kid::parse(body).ok_or(OpenError::NotSFrame)?;
        if kid.source != track.source || self.epoch.owner(kid.leaf) != Some(track.owner) {
            return Err(OpenError::WrongSender);
        }
        self.epoch.open(&kid, counter, codec, prefix, body).map(|opened| opened.frame)
    }
}
