use conclave_base::{Codec, Machine, MemberId, Polled, Source, Time};

use crate::context::Context;
use crate::look_up::LookUp;
use crate::rng::Rng;
use crate::snapshot::{EndReason, Snapshot};
use crate::stage::Stage;
use crate::{Config, Input, InputError, MeetingLink, OpenError, Output, SealError};

/// One opened link, from the waiting page to the end.
pub struct Session {
    stage: Stage,
    ctx: Context,
    /// The moment of the last input.
    now: Time,
}

impl Session {
    /// Reads the link and asks the server what it keeps of the meeting. A link that is not whole is [`EndReason::LinkCut`].
    pub fn new(config: Config, now: Time) -> Self {
        let Config { link, host, passphrase, seed } = config;
        let mut ctx = Context::new(Rng::new(&seed));
        let stage = match MeetingLink::parse(link.expose()) {
            Ok(link) => LookUp::start(link, host, passphrase, &mut ctx),
            Err(_) => Stage::end(EndReason::LinkCut, &mut ctx),
        };
        Self { stage, ctx, now }
    }

    /// Everything that the screen needs.
    pub fn snapshot(&self) -> &Snapshot {
        &self.ctx.screen.snapshot
    }

    /// Seals one encoded frame of an own track. On an error the frame must not be sent. Then [`Self::poll`].
    pub fn seal(&mut self, source: Source, codec: Codec, frame: &[u8], now: Time) -> Result<Vec<u8>, SealError> {
        let Stage::Joined(joined) = &mut self.stage else { return Err(SealError::NoKey) };
        self.now = now;
        joined.seal(source, codec, frame, &mut self.ctx, now)
    }

    /// Opens one frame that came on the track `source` of `owner`. On [`OpenError::EpochUnknown`] wait at most 1.5 s for the
    /// epoch and try again; on every other error drop the frame. The user is told by the snapshot: [`Self::poll`] after an error.
    pub fn open(&mut self, owner: &MemberId, source: Source, codec: Codec, frame: &[u8], now: Time) -> Result<Vec<u8>, OpenError> {
        let Stage::Joined(joined) = &mut self.stage else { return Err(OpenError::EpochUnknown) };
        self.now = now;
        joined.open((*owner, source), codec, frame, &mut self.ctx, now)
    }
}

impl Machine for Session {
    type Input<'a> = Input;
    type Output = Output;
    type Error = InputError;

    fn handle(&mut self, input: Input, now: Time) -> Result<(), InputError> {
        self.now = now;
        let stage = std::mem::replace(&mut self.stage, Stage::Ended);
        let (stage, done) = stage.handle(input, &mut self.ctx, now);
        self.stage = stage.run(&mut self.ctx, now);
        done
    }

    fn poll(&mut self) -> Polled<Output> {
        if let Some(output) = self.ctx.next_output() {
            return Polled::Output(output);
        }
        if self.ctx.screen.take_changed() {
            return Polled::Output(Output::SnapshotChanged);
        }
        Polled::Idle(self.stage.deadline(self.now).unwrap_or(Time::MAX))
    }
}
