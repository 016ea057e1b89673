use std::collections::BTreeSet;
use std::time::Duration;

use conclave_base::{Epoch, MemberId, Time};
use conclave_media_crypto::{Received, Receiver, SealedFrame, Track};

use crate::context::Context;
use crate::membership::Membership;
use crate::{OpenError, Output};

/// From joining to the first subscription. The others seal with keys that this member has only 250 ms after they know it; a key frame that
/// came sooner could not be opened, and the next one may be seconds away.
const FIRST_SUBSCRIPTION: Duration = Duration::from_millis(250);

/// What is received: frames on their way to the decoders, and whose tracks are subscribed to.
#[derive(Default)]
pub(crate) struct Media {
    receiver: Receiver,
    /// The newest epoch; none while this client is no member.
    epoch: Option<Epoch>,
    /// When the members of that epoch are to be subscribed, if they are not yet.
    subscribe_at: Option<Time>,
    subscribed: BTreeSet<MemberId>,
}

impl Media {
    /// Opens a frame, or keeps it until its epoch is known.
    pub(crate) fn receive(
        &mut self,
        track: Track,
        frame: SealedFrame<'_>,
        membership: &mut Membership,
        ctx: &mut Context,
        now: Time,
    ) -> Option<Vec<u8>> {
        let opened = self.receiver.receive(&mut membership.frames, track, frame, now);
        if opened.is_some() {
            membership.on_opened(track);
        } else {
            self.take_received(membership, ctx, now);
        }
        opened
    }

    /// The decoder of a track cannot go on.
    pub(crate) fn request_key_frame(&mut self, track: Track, membership: &mut Membership, ctx: &mut Context, now: Time) {
        self.receiver.request_key_frame(&membership.frames, track, now);
        self.take_received(membership, ctx, now);
    }

    /// Does what is due: frames whose epoch came, or did not come, and who is subscribed.
    pub(crate) fn run(&mut self, membership: &mut Membership, ctx: &mut Context, now: Time) {
        self.receiver.run(&mut membership.frames, now);
        self.take_received(membership, ctx, now);
        let epoch = Some(membership.group.epoch());
        if self.epoch != epoch {
            let wait = if self.epoch.is_none() { FIRST_SUBSCRIPTION } else { Duration::ZERO };
            self.subscribe_at = Some(self.subscribe_at.unwrap_or(now + wait));
            self.epoch = epoch;
        }
        if self.subscribe_at.take_if(|at| now >= *at).is_some() {
            let me = membership.group.me();
            let others: BTreeSet<_> = membership.group.members().iter().map(|m| m.identity).filter(|who| *who != me).collect();
            if self.subscribed != others {
                self.subscribed.clone_from(&others);
                ctx.emit_media(Output::Subscribe(others));
            }
        }
    }

    /// There is no group, so there are no keys: what waits is dropped.
    pub(crate) fn clear(&mut self, ctx: &mut Context) {
        (self.epoch, self.subscribe_at) = (None, None);
        self.receiver.clear();
        while let Some(received) = self.receiver.poll() {
            ctx.emit_media(output(received));
        }
    }

    /// When [`Self::run`] has something to do.
    pub(crate) fn deadline(&self) -> Time {
        self.receiver.deadline().min(self.subscribe_at.unwrap_or(Time::MAX))
    }

    /// Hands on what came out of the receiver, and has the user told of it.
    fn take_received(&mut self, membership: &mut Membership, ctx: &mut Context, now: Time) {
        while let Some(received) = self.receiver.poll() {
            match &received {
                Received::Opened { track, .. } => membership.on_opened(*track),
                Received::Dropped { track, reason, .. } => membership.on_not_opened(*reason, *track, ctx, now),
                Received::RequestKeyFrame(_) => {}
            }
            ctx.emit_media(output(received));
        }
    }
}

/// For a frame that came while there is no group.
pub(crate) const fn dropped(id: u32) -> Output {
    Output::FrameDropped { id, reason: OpenError::EpochUnknown }
}

fn output(received: Received) -> Output {
    match received {
        Received::Opened { id, frame, .. } => Output::FrameOpened { id, frame },
        Received::Dropped { id, reason, .. } => Output::FrameDropped { id, reason },
        Received::RequestKeyFrame(Track { owner, source }) => Output::RequestKeyFrame { owner, source },
    }
}
