use conclave_base::{Secret, Time};

use crate::context::Context;
use crate::ending::Ending;
use crate::joined::Joined;
use crate::joining::Joining;
use crate::look_up::LookUp;
use crate::media_flags::MediaFlags;
use crate::needs_passphrase::NeedsPassphrase;
use crate::prejoin::Prejoin;
use crate::snapshot::{Command, EndReason};
use crate::{Input, InputError};

/// Where a session stands. Each stage takes an input and gives the stage that follows, often itself.
pub(crate) enum Stage {
    /// Asks what the server keeps of the meeting.
    LookUp(Box<LookUp>),
    /// The record does not open without a passphrase, or with another one.
    NeedsPassphrase(Box<NeedsPassphrase>),
    /// Waits for a name.
    Prejoin(Box<Prejoin>),
    /// On the way into the group.
    Joining(Box<Joining>),
    /// A member of the group.
    Joined(Box<Joined>),
    Ended,
}

/// The stage that follows, and whether the input made sense.
pub(crate) type Step = (Stage, Result<(), InputError>);

impl Stage {
    pub(crate) fn handle(self, input: Input, ctx: &mut Context, now: Time) -> Step {
        match (self, input) {
            // The own media is the same in every stage.
            (stage, Input::Command(Command::Media { mic, camera, screen })) => {
                let permitted = ctx.set_own_media(MediaFlags { mic, camera, screen });
                let (stage, done) = stage.handle(Input::Timeout, ctx, now);
                (stage, if permitted { done } else { Err(InputError::NotPermitted) })
            }
            (stage, Input::Device(device)) => stage.set_device(device, ctx, now),
            (stage, Input::Command(Command::Leave)) => (stage.leave(ctx, now), Ok(())),
            (Self::LookUp(stage), input) => stage.handle(input, ctx, now),
            (Self::NeedsPassphrase(stage), input) => stage.handle(input, ctx, now),
            (Self::Prejoin(stage), input) => stage.handle(input, ctx, now),
            (Self::Joining(stage), input) => stage.handle(input, ctx, now),
            (Self::Joined(stage), input) => stage.handle(input, ctx, now),
            (Self::Ended, input) => (Self::Ended, unused(&input)),
        }
    }

    /// Before this client is inside, as the user likes. Whoever is inside, or was, has been seen with the key.
    fn set_device(mut self, device: Option<Secret<32>>, ctx: &mut Context, now: Time) -> Step {
        match &mut self {
            Self::LookUp(_) | Self::NeedsPassphrase(_) | Self::Prejoin(_) => {}
            Self::Joining(_) | Self::Joined(_) | Self::Ended if device.is_none() => return (self, Err(InputError::OutOfTurn)),
            Self::Joining(joining) => joining.set_device(device.clone()),
            Self::Joined(joined) => joined.set_device(device.clone()),
            Self::Ended => {}
        }
        ctx.set_device(device);
        let (stage, _) = self.handle(Input::Timeout, ctx, now);
        (stage, Ok(()))
    }

    fn leave(self, ctx: &mut Context, now: Time) -> Self {
        match self {
            Self::Joined(stage) => stage.leave(ctx, now),
            Self::Joining(stage) => stage.end(EndReason::Left, ctx),
            Self::LookUp(_) | Self::NeedsPassphrase(_) | Self::Prejoin(_) | Self::Ended => Self::end(EndReason::Left, ctx),
        }
    }

    /// Does what is due.
    pub(crate) fn run(self, ctx: &mut Context, now: Time) -> Self {
        match self {
            Self::LookUp(stage) => stage.run(ctx, now),
            Self::Joining(stage) => stage.run(ctx, now),
            Self::Joined(stage) => stage.run(ctx, now),
            Self::NeedsPassphrase(stage) => stage.run(ctx, now),
            Self::Prejoin(_) | Self::Ended => self,
        }
    }

    /// When [`Self::run`] has something to do again, after `now`.
    pub(crate) fn deadline(&self, ending: &Ending, now: Time) -> Option<Time> {
        match self {
            Self::LookUp(stage) => stage.deadline(),
            Self::Joining(stage) => stage.deadline(),
            Self::Joined(stage) => stage.deadline(ending, now),
            Self::NeedsPassphrase(stage) => stage.deadline(),
            Self::Prejoin(_) | Self::Ended => None,
        }
    }

    pub(crate) fn end(reason: EndReason, ctx: &mut Context) -> Self {
        ctx.screen.set(|s| &mut s.security, Default::default());
        ctx.screen.over(reason);
        Self::Ended
    }
}

/// For an input that a stage has no use for: late news of the network and the clock is ignored, the rest is out of turn.
pub(crate) fn unused(input: &Input) -> Result<(), InputError> {
    match input {
        Input::Received(_) | Input::Closed | Input::TokenWanted | Input::FrameReport(_) | Input::Online | Input::Timeout => Ok(()),
        Input::HttpDone { .. } | Input::HttpFailed | Input::Opened | Input::Command(_) | Input::Device(_) => Err(InputError::OutOfTurn),
    }
}
