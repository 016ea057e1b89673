use conclave_base::{Codec, Machine, MemberId, Polled, Source, Time};
use conclave_media_crypto::{SealedFrame, Track};

use crate::context::Context;
use crate::look_up::LookUp;
use crate::media::{self, Media};
use crate::rng::Rng;
use crate::snapshot::{EndReason, Snapshot};
use crate::stage::Stage;
use crate::{Config, Input, InputError, MeetingLink, Output, SealError};

/// One opened link, from the waiting page to the end.
pub struct Session {
    stage: Stage,
    media: Media,
    ctx: Context,
    /// The moment of the last input. Frames do not move it: what became due since then is still to be done, and [`Polled::Idle`] must say so.
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
        Self { stage, media: Media::default(), ctx, now }
    }

    /// Everything that the screen needs.
    pub fn snapshot(&self) -> &Snapshot {
        &self.ctx.screen.snapshot
    }

    /// Seals one encoded frame of an own track. On an error the frame must not be sent. Then [`Self::poll`].
    pub fn seal(&mut self, source: Source, codec: Codec, frame: &[u8], now: Time) -> Result<Vec<u8>, SealError> {
        let Stage::Joined(joined) = &mut self.stage else { return Err(SealError::NoKey) };
        joined.seal(source, codec, frame, &mut self.ctx, now)
    }

    /// Takes one sealed frame that came on the track `source` of `owner`. Gives it back opened if there is nothing else to do; otherwise
    /// [`Self::poll`] says, now or later, what became of it: [`Output::FrameOpened`] or [`Output::FrameDropped`]. Frames of a track come
    /// out in the order in which they went in. The user is told of refusals by the snapshot.
    pub fn receive(&mut self, owner: MemberId, source: Source, frame: SealedFrame<'_>, now: Time) -> Option<Vec<u8>> {
        let Stage::Joined(joined) = &mut self.stage else {
            self.ctx.emit_media(media::dropped(frame.id));
            return None;
        };
        self.media.receive(Track { owner, source }, frame, &mut joined.membership, &mut self.ctx, now)
    }

    /// The decoder of this track cannot go on: asks its owner for a key frame, as for lost frames. Then [`Self::poll`].
    pub fn request_key_frame(&mut self, owner: MemberId, source: Source, now: Time) {
        if let Stage::Joined(joined) = &mut self.stage {
            self.media.request_key_frame(Track { owner, source }, &mut joined.membership, &mut self.ctx, now);
        }
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
        match &mut self.stage {
            Stage::Joined(joined) => self.media.run(&mut joined.membership, &mut self.ctx, now),
            Stage::LookUp(_) | Stage::NeedsPassphrase(_) | Stage::Prejoin(_) | Stage::Joining(_) | Stage::Ended => {
                self.media.clear(&mut self.ctx)
            }
        }
        done
    }

    fn poll(&mut self) -> Polled<Output> {
        if let Some(output) = self.ctx.next_output() {
            return Polled::Output(output);
        }
        if let Some(update) = self.ctx.screen.take_update() {
            return Polled::Output(Output::Update(Box::new(update)));
        }
        Polled::Idle(self.stage.deadline(self.now).unwrap_or(Time::MAX).min(self.media.deadline()))
    }
}
