use std::time::Duration;

use conclave_base::{Secret, Time};

use crate::chat_queue::ChatQueue;
use crate::context::Context;
use crate::delivery_client::{DeliveryClient, Event};
use crate::joined::Joined;
use crate::joiner::{JoinProgress, Joiner};
use crate::log_verifier::LogVerifier;
use crate::screen::millis;
use crate::security_monitor::MEDIA_PARTICIPANTS;
use crate::snapshot::{Command, EndReason, JoinStep, Phase};
use crate::stage::{Stage, Step, unused};
use crate::{Input, InputError, Output};

/// Connections that may fail in a row before a client that was not inside yet gives up.
const ATTEMPTS: u32 = 4;
/// From admission to a place in the group.
const JOINING: Duration = Duration::from_secs(20);
/// After the server was busy.
const RETRY: Duration = Duration::from_millis(750);
/// From the media token to a place in the group. Then the media connection ends before the others call it a ghost: they see it later than
/// the token came, and wait for [`crate::security_monitor::GHOST_GRACE`].
const EARLY_MEDIA: Duration = Duration::from_secs(4);

/// On the way into the group. The media connection is built meanwhile; without keys of the group nothing is sealed or opened.
pub(crate) struct Joining {
    delivery: DeliveryClient,
    chat: ChatQueue,
    joiner: Joiner,
    /// The attempt ends then.
    deadline: Option<Time>,
    /// The media layer has a token for the leaf to come, and must disconnect then.
    media_until: Option<Time>,
    /// Who is connected to the media server.
    media_participants: Option<Vec<String>>,
    /// Since when only a host can let this client in.
    at_the_door: Option<Time>,
}

impl Joining {
    pub(crate) fn new(delivery: DeliveryClient, chat: ChatQueue) -> Self {
        Self { delivery, chat, joiner: Joiner::default(), deadline: None, media_until: None, media_participants: None, at_the_door: None }
    }

    /// The leaf to come is to show this device key. One that is on its way already shows it later.
    pub(crate) fn set_device(&mut self, device: Option<Secret<32>>) {
        self.delivery.config.set_device(device);
    }

    pub(crate) fn handle(mut self: Box<Self>, input: Input, ctx: &mut Context, now: Time) -> Step {
        let event = match input {
            Input::Opened => {
                let done = self.delivery.on_open(None, ctx);
                return (Stage::Joining(self), done);
            }
            Input::Received(bytes) => self.delivery.on_message(&bytes, ctx, now),
            Input::Closed => self.delivery.on_close(ctx, now),
            Input::Online => {
                self.delivery.on_online(ctx, now);
                None
            }
            Input::TokenWanted => {
                self.delivery.renew_media_token(ctx);
                None
            }
            // Whoever was inside types on.
            Input::Command(Command::Chat { text }) if ctx.screen.is_reconnecting() => {
                let config = &self.delivery.config;
                let done = self.chat.type_line(&text, &config.identity(), config.name(), ctx, now);
                return (Stage::Joining(self), done);
            }
            Input::Command(Command::MediaPeers { identities }) => {
                if identities.len() > MEDIA_PARTICIPANTS {
                    return (Stage::Joining(self), Err(InputError::Busy));
                }
                self.media_participants = Some(identities);
                None
            }
            Input::HttpDone { .. } | Input::HttpFailed | Input::Command(_) | Input::Device(_) | Input::FrameReport(_) | Input::Timeout => {
                return (Stage::Joining(self), unused(&input));
            }
        };
        (self.on_event(event, ctx, now), Ok(()))
    }

    fn on_event(mut self: Box<Self>, event: Option<Event>, ctx: &mut Context, now: Time) -> Stage {
        match event {
            Some(Event::Admitted { claim, .. }) => {
                self.deadline = Some(now + JOINING);
                ctx.ending.reset(&mut ctx.screen);
                self.delivery.log.verifier = LogVerifier::of_newcomer(claim);
                self.delivery.log.live = true;
                ctx.screen.joining(JoinStep::CatchingUp);
                self.delivery.emit_media_token(ctx);
                self.media_until = Some(now + EARLY_MEDIA);
            }
            Some(Event::Entry(read)) => {
                let progress = self.joiner.on_entry(&read, &self.delivery, ctx, now);
                return self.on_progress(progress, ctx, now);
            }
            Some(Event::Refused { request, why, .. }) => {
                let progress = self.joiner.on_refused(request, why, &self.delivery.log.verifier, now + RETRY);
                return self.on_progress(progress, ctx, now);
            }
            Some(Event::TokenRenewed) => {
                if self.media_until.is_some() {
                    self.delivery.emit_media_token(ctx);
                }
            }
            Some(Event::Disconnected { failed, .. }) => {
                self.delivery.log.discard_in_flight();
                self.disconnect_media(ctx);
                (self.joiner, self.deadline) = (Joiner::default(), None);
                if failed >= ATTEMPTS && self.at_the_door.is_none() && !ctx.screen.is_reconnecting() {
                    return self.end(EndReason::Unreachable, ctx);
                }
            }
            Some(Event::Ended(reason)) => return self.end(reason, ctx),
            Some(Event::MediaDisconnected(_)) | None => {}
        }
        Stage::Joining(self)
    }

    fn on_progress(mut self: Box<Self>, progress: JoinProgress, ctx: &mut Context, now: Time) -> Stage {
        match progress {
            JoinProgress::Pending => {
                // Let in.
                if self.joiner.is_committing() && self.at_the_door.take().is_some() {
                    self.deadline = Some(now + JOINING);
                }
                Stage::Joining(self)
            }
            JoinProgress::AtTheDoor { locked, hosts } => {
                let since = *self.at_the_door.get_or_insert(now);
                self.deadline = None;
                // Whoever is not let in has nothing to seek there, and would be told of as a ghost.
                self.disconnect_media(ctx);
                ctx.screen.outside();
                ctx.screen.phase(Phase::AtTheDoor { since: millis(since), locked, hosts });
                Stage::Joining(self)
            }
            JoinProgress::Declined { word } => {
                ctx.screen.set(|s| &mut s.declined, word);
                self.end(EndReason::Declined, ctx)
            }
            JoinProgress::Failed(reason) => self.end(reason, ctx),
            JoinProgress::Joined(entered) => {
                if self.media_until.is_none() {
                    self.delivery.emit_media_token(ctx);
                }
                Stage::Joined(Box::new(Joined::new(self.delivery, self.chat, entered, self.media_participants, ctx, now)))
            }
        }
    }

    fn disconnect_media(&mut self, ctx: &mut Context) {
        if self.media_until.take().is_some() {
            self.media_participants = None;
            ctx.emit(Output::MediaDisconnect);
        }
    }

    pub(crate) fn end(mut self: Box<Self>, reason: EndReason, ctx: &mut Context) -> Stage {
        self.delivery.leave(ctx);
        Stage::end(reason, ctx)
    }

    pub(crate) fn run(mut self: Box<Self>, ctx: &mut Context, now: Time) -> Stage {
        if let Some(event) = self.delivery.poll(ctx, now) {
            return self.on_event(Some(event), ctx, now);
        }
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            let event = self.delivery.give_up(ctx, now);
            return self.on_event(Some(event), ctx, now);
        }
        if self.media_until.is_some_and(|until| now >= until) {
            self.disconnect_media(ctx);
        }
        if !self.delivery.log.live {
            return Stage::Joining(self);
        }
        let progress = self.joiner.poll(&mut self.delivery, ctx, now);
        self.on_progress(progress, ctx, now)
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        [self.deadline, self.media_until, self.joiner.deadline(), self.delivery.deadline()].into_iter().flatten().min()
    }
}
