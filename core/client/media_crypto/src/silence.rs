//! What is sealed in place of a microphone that is off, in a meeting that hides speech: nothing that the microphone gave.

use std::collections::{BTreeMap, BTreeSet};

use conclave_base::MemberId;

use crate::reports::FrameReport;

/// One Opus frame of 20 ms (RFC 6716, section 3.1: CELT, full band, mono) whose first coded symbol says "silence" (section 4.3).
const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];

/// Silence, in as many bytes as the encoder made of the sound: a CELT decoder that has read "silence" reads no further.
pub(crate) fn of_size(size: usize) -> Vec<u8> {
    let mut frame = SILENCE.to_vec();
    frame.resize(size, 0);
    frame
}

/// Which members have their microphones on, as their frames of sound say. Of members only, so that the group bounds it.
#[derive(Debug, Default)]
pub(crate) struct Microphones {
    on: BTreeMap<MemberId, bool>,
    untold: BTreeSet<MemberId>,
}

impl Microphones {
    /// A frame of this member's sound was opened.
    pub(crate) fn on_opened(&mut self, owner: MemberId, on: bool) {
        if self.on.insert(owner, on) != Some(on) {
            self.untold.insert(owner);
        }
    }

    /// Keeps those of members.
    pub(crate) fn retain(&mut self, is_member: impl Fn(&MemberId) -> bool) {
        self.on.retain(|who, _| is_member(who));
        self.untold.retain(|who| self.on.contains_key(who));
    }

    pub(crate) fn is_told(&self) -> bool {
        self.untold.is_empty()
    }

    pub(crate) fn poll(&mut self) -> Option<FrameReport> {
        let owner = self.untold.pop_first()?;
        Some(FrameReport::Microphone { owner, on: self.on.get(&owner).copied().unwrap_or_default() })
    }
}
