use base::{Identity, Time};
use wire::screen::{Snapshot, Source};

use crate::{Codec, Config, Input, InputError, OpenError, Output, SealError};

/// One opened link, from the waiting page to the end.
pub struct Meeting {
    snapshot: Snapshot,
}

impl Meeting {
    /// Reads the link and asks the server what it keeps of the meeting. A link that is not whole is [`wire::screen::Over::LinkCut`].
    pub fn new(_config: Config, _now: Time) -> Self {
        Self { snapshot: Snapshot::default() }
    }

    /// Takes one input and does what is due. Then [`Self::poll`] until [`Output::Idle`].
    pub fn handle(&mut self, _input: Input, _now: Time) -> Result<(), InputError> {
        Err(InputError::OutOfTurn)
    }

    /// The next thing that the shell should do.
    pub fn poll(&mut self, _now: Time) -> Output {
        Output::Idle(None)
    }

    /// Everything that the screen needs.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Seals one encoded frame of an own track. On an error the frame must not be sent.
    pub fn seal(&mut self, _source: Source, _codec: Codec, _frame: &[u8], _now: Time) -> Result<Vec<u8>, SealError> {
        Err(SealError::NoKey)
    }

    /// Opens one frame that came on the track `source` of `owner`. On [`OpenError::EpochUnknown`] wait at most 1.5 s for the
    /// epoch and try again; on every other error drop the frame. The user is told by the snapshot.
    pub fn open(&mut self, _owner: &Identity, _source: Source, _codec: Codec, _frame: &[u8], _now: Time) -> Result<Vec<u8>, OpenError> {
        Err(OpenError::EpochUnknown)
    }
}
