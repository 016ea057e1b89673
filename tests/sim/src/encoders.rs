use std::collections::BTreeMap;

use conclave_base::Source;

use crate::dice::Dice;

/// Which sources the user has on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct On {
    pub(crate) mic: bool,
    pub(crate) camera: bool,
    pub(crate) screen: bool,
}

impl On {
    pub(crate) const fn has(self, source: Source) -> bool {
        match source {
            Source::Microphone => self.mic,
            Source::Camera => self.camera,
            Source::Screen | Source::ScreenAudio => self.screen,
        }
    }
}

/// Makes frames that say who made them, and which one each is.
pub(crate) struct Encoders {
    pub(crate) on: On,
    /// Pictures that begin anew with their next frame.
    key_frames: BTreeMap<Source, bool>,
}

/// Of a frame, its number: the rest follows from it.
const NUMBER: std::ops::Range<usize> = 10..18;

impl Encoders {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let on = On { mic: dice.chance(70), camera: dice.chance(30), screen: false };
        Self { on, key_frames: BTreeMap::from([(Source::Camera, true), (Source::Screen, true)]) }
    }

    pub(crate) fn want_key_frame(&mut self, picture: Source) {
        self.key_frames.insert(picture, true);
    }

    pub(crate) fn want_key_frames(&mut self) {
        self.key_frames.values_mut().for_each(|wanted| *wanted = true);
    }

    /// The frame of this number.
    pub(crate) fn encode(&mut self, source: Source, number: u64) -> Vec<u8> {
        let is_key = self.key_frames.get_mut(&source).map(std::mem::take);
        let mut frame = vec![0; NUMBER.end + 4];
        // VP8: the lowest bit is 0 in key frames.
        frame[0] = u8::from(is_key == Some(false));
        frame[NUMBER].copy_from_slice(&number.to_be_bytes());
        frame
    }

    /// It could not be sealed or sent: what follows lacks its beginning.
    pub(crate) fn on_lost(&mut self, source: Source) {
        if let Some(wanted) = self.key_frames.get_mut(&source) {
            *wanted = true;
        }
    }
}

/// Stands for a microphone that is off.
pub(crate) fn is_silence(frame: &[u8]) -> bool {
    frame.strip_prefix(&[0xf8, 0xff, 0xfe]).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
}

/// Which frame this is.
pub(crate) fn number(frame: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(frame.get(NUMBER)?.try_into().ok()?))
}
