use std::time::Duration;

use conclave_base::{Door, Epoch, MemberId, Permission, Secret, Time};
use conclave_media_crypto::CryptorInput;
use conclave_protocol::limits::DECLINE_CHARS;
use conclave_protocol::payload::App;

use crate::chat_queue::ChatQueue;
use crate::context::Context;
use crate::delivery_client::{DeliveryClient, Event};
use crate::ending::Ending;
use crate::joining::Joining;
use crate::log_verifier::LogBroken;
use crate::log_writer::{Overdue, Sent};
use crate::membership::{Entered, Membership, Outcome};
use crate::orders::Orders;
use crate::security_monitor::MEDIA_PARTICIPANTS;
use crate::snapshot::{Command, EndReason, JoinStep, NoticeKind, Phase};
use crate::stage::{Stage, Step, unused};
use crate::{Input, InputError, Output};

/// Who is at another node within this has not been away, to its user.
const QUIETLY: Duration = Duration::from_secs(1);

/// A member of the group, connected or on its way back.
pub(crate) struct Joined {
    pub(crate) delivery: DeliveryClient,
    chat: ChatQueue,
    pub(crate) membership: Membership,
    /// Since when it has been on its way to another node, and nothing was told of it.
    sent_away: Option<Time>,
}

impl Joined {
    /// What brought this client in is the newest entry that it has read.
    pub(crate) fn new(
        delivery: DeliveryClient,
        chat: ChatQueue,
        entered: Entered,
        media_participants: Option<Vec<String>>,
        ctx: &mut Context,
        now: Time,
    ) -> Self {
        let mut membership = Membership::new(entered, &delivery.log.verifier, ctx, now);
        if let Some(participants) = media_participants {
            membership.security.on_participants(participants, now);
        }
        Self { delivery, chat, membership, sent_away: None }
    }

    pub(crate) fn handle(mut self: Box<Self>, input: Input, ctx: &mut Context, now: Time) -> Step {
        if self.membership.liveness.on_wake(now) {
            self.membership.security.on_gap(now);
        }
        let event = match input {
            Input::Opened => {
                let done = self.delivery.on_open(Some(self.delivery.log.verifier.position()), ctx);
                return (Stage::Joined(self), done);
            }
            Input::Received(bytes) => self.delivery.on_message(&bytes, ctx, now),
            Input::Closed => self.delivery.on_close(ctx, now),
            Input::Online => {
                self.membership.clock.reset();
                self.delivery.on_online(ctx, now);
                None
            }
            Input::TokenWanted => {
                self.delivery.renew_media_token(ctx);
                None
            }
            Input::FrameReport(report) => {
                self.membership.on_frame_report(&report, ctx, now);
                None
            }
            Input::Command(command) => {
                let done = self.command(command, ctx, now);
                return (Stage::Joined(self), done);
            }
            Input::HttpDone { .. } | Input::HttpFailed | Input::Device(_) | Input::Timeout => return (Stage::Joined(self), unused(&input)),
        };
        (self.on_event(event, ctx, now), Ok(()))
    }

    fn command(&mut self, command: Command, ctx: &mut Context, now: Time) -> Result<(), InputError> {
        let membership = &mut self.membership;
        match command {
            Command::Chat { text } => {
                let me = membership.group.me();
                if !membership.group.may(&me, Permission::Chat) {
                    return Err(InputError::NotPermitted);
                }
                let name = membership.name_of(&me).unwrap_or_default();
                self.chat.type_line(&text, &me, name, ctx, now)?;
            }
            Command::Remove { identity, open } => self.put_out(&identity, true, open, now)?,
            Command::SendBack { identity } => self.put_out(&identity, false, false, now)?,
            Command::SetDoor { door } => self.order(|orders, _| orders.set_door(door))?,
            Command::Admit { identities } => {
                let who: Vec<MemberId> =
                    identities.iter().map(|one| one.parse()).collect::<Result<_, _>>().map_err(|_| InputError::NoMember)?;
                if !who.iter().all(|one| membership.waiting.contains(one)) {
                    return Err(InputError::NoMember);
                }
                self.order(|orders, _| who.into_iter().for_each(|one| orders.admit(one)))?;
            }
            Command::Decline { identity, word } => {
                let who: MemberId = identity.parse().map_err(|_| InputError::NoMember)?;
                if !membership.group.is_host() {
                    return Err(InputError::NotHost);
                }
                if !membership.waiting.contains(&who) {
                    return Err(InputError::NoMember);
                }
                if word.chars().count() > DECLINE_CHARS {
                    return Err(InputError::Text);
                }
                membership.decline(who, &word, &mut self.delivery.log, ctx, now)?;
            }
            Command::Appoint { identity } => {
                let who = self.other(&identity)?;
                if !self.membership.group.appoints() {
                    return Err(InputError::NotHost);
                }
                self.order(|orders, _| orders.appoint(who))?;
            }
            Command::Mute { identity } => {
                let who = identity.map(|identity| self.other(&identity)).transpose()?;
                self.mute(who, ctx, now)?;
            }
            Command::PermitEverybody { what, everybody } => self.order(|orders, _| orders.permit_everybody(what, everybody))?,
            Command::Permit { identity, what, given } => {
                let who = self.other(&identity)?;
                self.order(|orders, _| orders.permit(who, what, given))?;
            }
            Command::MuteAbove { people } => self.order(|orders, _| orders.set_mute_above(people))?,
            Command::Limit { people } => {
                if !(1..=membership.group.policy().limit).contains(&people) {
                    return Err(InputError::OutOfRange);
                }
                self.order(|orders, _| orders.set_limit(people))?;
            }
            Command::Compare { identity, code, same } => {
                let who: MemberId = identity.parse().map_err(|_| InputError::NoMember)?;
                membership.compare(who, &code, same, ctx, now)?;
            }
            Command::ShowPersonCode { identity } => ctx.people.show_code(membership.person(&identity)?)?,
            Command::ComparePerson { identity, code, same } => membership.compare_person(&identity, &code, same, ctx, now)?,
            Command::KeepCompared { identity } => membership.keep_compared(&identity, ctx, now)?,
            Command::AnswerChange { identity } => ctx.people.answer(membership.person(&identity)?.identity),
            Command::ForgetPerson { key } => {
                let change = ctx.people.forget_text(&key).ok_or(InputError::NoMember)?;
                ctx.emit(Output::People(change));
            }
            Command::Shown { epoch } => {
                if Epoch(epoch) > membership.group.epoch() {
                    return Err(InputError::OutOfTurn);
                }
                ctx.emit(Output::Cryptor(CryptorInput::RosterShown(Epoch(epoch))));
            }
            Command::MediaPeers { identities } => {
                if identities.len() > MEDIA_PARTICIPANTS {
                    return Err(InputError::Busy);
                }
                membership.security.on_participants(identities, now);
            }
            Command::SetTitle { .. } | Command::Passphrase { .. } | Command::Join { .. } | Command::Leave | Command::Media { .. } => {
                return Err(InputError::OutOfTurn);
            }
        }
        Ok(())
    }

    /// The user wants to be known again by this device key: the own leaf is to show it.
    pub(crate) fn set_device(&mut self, device: Option<Secret<32>>) {
        self.delivery.config.set_device(device.clone());
        self.membership.committer.device = device;
    }

    /// Another member by its identity.
    fn other(&self, identity: &str) -> Result<MemberId, InputError> {
        let who: MemberId = identity.parse().map_err(|_| InputError::NoMember)?;
        if !self.membership.group.is_host() {
            return Err(InputError::NotHost);
        }
        let is_other = who != self.membership.group.me() && self.membership.name_of(&who).is_some();
        if is_other { Ok(who) } else { Err(InputError::NoMember) }
    }

    /// As a host, orders somebody out, for good or back to the door. An open door is closed with it, unless it is to stay `open`.
    fn put_out(&mut self, identity: &str, barred: bool, open: bool, now: Time) -> Result<(), InputError> {
        let who = self.other(identity)?;
        self.order(|orders, door| {
            orders.remove(who, barred, now);
            if door == Door::Open && !open {
                orders.close_door();
            }
        })
    }

    /// As a host, has microphones switched off: of `who`, or of all who are no hosts. Where they need a host's word to speak, they lose it.
    fn mute(&mut self, who: Option<MemberId>, ctx: &mut Context, now: Time) -> Result<(), InputError> {
        let membership = &mut self.membership;
        if !membership.group.is_host() {
            return Err(InputError::NotHost);
        }
        let speak = &membership.group.access().floor.speak;
        let is_host = |who: &MemberId| membership.group.members().iter().any(|m| m.identity == *who && m.host);
        if speak.everybody || who.as_ref().is_some_and(is_host) {
            let app = App::Mute { who: who.into_iter().collect() };
            let sent = self.delivery.log.append_app(&mut membership.group, &app, Sent::Other, ctx, now);
            return if sent { Ok(()) } else { Err(InputError::Busy) };
        }
        let out = speak.except.iter().copied().filter(|one| who.is_none_or(|who| who == *one)).collect::<Vec<_>>();
        self.order(|orders, _| out.into_iter().for_each(|one| orders.permit(one, Permission::Speak, false)))
    }

    /// As a host, orders something, given how newcomers come in now.
    fn order(&mut self, what: impl FnOnce(&mut Orders, Door)) -> Result<(), InputError> {
        let membership = &mut self.membership;
        if !membership.group.is_host() {
            return Err(InputError::NotHost);
        }
        what(&mut membership.committer.orders, membership.group.access().door);
        Ok(())
    }

    fn on_event(mut self: Box<Self>, event: Option<Event>, ctx: &mut Context, now: Time) -> Stage {
        match event {
            Some(Event::Admitted { stale: true, .. }) => return self.rejoin(ctx, now),
            Some(Event::Admitted { claim, stale: false }) => match self.delivery.log.verifier.on_return(claim) {
                Ok(()) => {
                    self.delivery.emit_media_token(ctx);
                    self.catch_up(ctx, now);
                }
                Err(LogBroken) => return self.end(EndReason::LogBroken, ctx),
            },
            Some(Event::Entry(read)) => {
                match self.membership.on_entry(read, &self.delivery.log.verifier, &mut self.chat, ctx, now) {
                    Outcome::Member => self.catch_up(ctx, now),
                    Outcome::Lost => return self.rejoin(ctx, now),
                    Outcome::SentBack => return self.to_the_door(ctx, now),
                    // Once it may help to begin anew: then all read one log. A server that goes on cannot be helped.
                    Outcome::Forked if ctx.may_heal(now) => {
                        self.membership.show_position(&mut self.delivery.log, ctx, now);
                        return self.rejoin(ctx, now);
                    }
                    Outcome::Forked => return self.end(EndReason::LogBroken, ctx),
                    Outcome::Ended(reason) => return self.end(reason, ctx),
                }
            }
            Some(Event::Refused { request, sent: Some(sent), why }) => {
                self.membership.on_refused(request, sent, why, &mut self.chat, now);
            }
            Some(Event::MediaDisconnected(who)) => self.membership.liveness.on_media_disconnected(&who, now),
            Some(Event::TokenRenewed) => self.delivery.emit_media_token(ctx),
            Some(Event::Disconnected { sent_away, .. }) => {
                self.membership.liveness.on_away(now);
                if sent_away {
                    self.sent_away = Some(now);
                    ctx.screen.sent_away();
                } else {
                    self.tell_away(ctx, now);
                }
            }
            Some(Event::Ended(reason)) => return self.end(reason, ctx),
            Some(Event::Refused { sent: None, .. }) | None => {}
        }
        Stage::Joined(self)
    }

    /// The connection broke, now or when the server sent this client away.
    fn tell_away(&mut self, ctx: &mut Context, now: Time) {
        ctx.screen.reconnecting(self.sent_away.take().unwrap_or(now));
    }

    /// Once everything that came while this client was away is read, it takes part again.
    fn catch_up(&mut self, ctx: &mut Context, now: Time) {
        let log = &mut self.delivery.log;
        if self.membership.liveness.is_away() && log.verifier.has_head() {
            log.live = true;
            self.sent_away = None;
            let lost = log.discard_in_flight();
            self.membership.comparisons.put_back(&lost);
            self.chat.put_back(lost);
            self.membership.on_caught_up(ctx, now);
        }
    }

    /// Out of the group, but with every right to come back: under a new leaf, since this one's keys may have been in use.
    fn rejoin(mut self: Box<Self>, ctx: &mut Context, now: Time) -> Stage {
        self.chat.on_rejoin(self.membership.roster());
        self.tell_away(ctx, now);
        ctx.memory.orders = std::mem::take(&mut self.membership.committer.orders);
        self.chat.put_back(self.delivery.rejoin(ctx, now));
        Stage::Joining(Box::new(Joining::new(self.delivery, self.chat)))
    }

    /// A host sent this client back: it asks again, as whoever comes for the first time.
    fn to_the_door(mut self: Box<Self>, ctx: &mut Context, now: Time) -> Stage {
        ctx.memory.orders = Orders::default();
        ctx.screen.phase(Phase::Joining { step: JoinStep::Connecting });
        ctx.screen.outside();
        // It was for those who are inside, from whom this client is parted.
        self.chat.put_back(self.delivery.rejoin(ctx, now));
        self.chat.refuse(ctx, now);
        Stage::Joining(Box::new(Joining::new(self.delivery, ChatQueue::default())))
    }

    pub(crate) fn leave(mut self: Box<Self>, ctx: &mut Context, now: Time) -> Stage {
        self.membership.leave(&mut self.delivery.log, ctx, now);
        self.end(EndReason::Left, ctx)
    }

    fn end(mut self: Box<Self>, reason: EndReason, ctx: &mut Context) -> Stage {
        self.delivery.leave(ctx);
        Stage::end(reason, ctx)
    }

    pub(crate) fn run(mut self: Box<Self>, ctx: &mut Context, now: Time) -> Stage {
        if let Some(event) = self.delivery.poll(ctx, now) {
            let stage = self.on_event(Some(event), ctx, now);
            let Stage::Joined(joined) = stage else { return stage };
            self = joined;
        }
        if self.sent_away.is_some_and(|since| now >= since + QUIETLY) {
            self.tell_away(ctx, now);
        }
        // The server has ended the session, or will not have this client back in it: whoever comes now begins another.
        if ctx.ending.is_over(now) && !self.delivery.log.live {
            return self.end(EndReason::TimeOver, ctx);
        }
        ctx.ending.run(&mut ctx.screen, now);
        self.membership.run(&mut self.delivery, &mut self.chat, ctx, now);
        if self.membership.is_astray(now) {
            ctx.memory.astray = self.membership.session();
            return self.rejoin(ctx, now).run(ctx, now);
        }
        // Commits that are kept back are a matter of their own.
        if self.delivery.log.verifier.has_all_commits()
            && let Some(overdue) = self.delivery.log.overdue(now)
        {
            if overdue == Overdue::Undelivered {
                ctx.screen.notice_rarely(NoticeKind::Undelivered, now);
            }
            let event = self.delivery.give_up(ctx, now);
            return self.on_event(Some(event), ctx, now);
        }
        if self.membership.is_withheld(&self.delivery, now) {
            return self.end(EndReason::LogBroken, ctx);
        }
        Stage::Joined(self)
    }

    pub(crate) fn deadline(&self, ending: &Ending, now: Time) -> Option<Time> {
        let own = self.membership.deadline(&self.delivery.log, &self.chat, now);
        // While the server goes on, nothing is due after the end.
        let ending = ending.deadline().filter(|at| *at > now);
        let told = self.sent_away.map(|since| since + QUIETLY);
        [own, told, ending, self.delivery.deadline(), self.delivery.log.deadline()].into_iter().flatten().min()
    }
}
