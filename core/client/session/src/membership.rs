use std::collections::BTreeSet;
use std::time::Duration;

use conclave_base::{Epoch, MemberId, Redacted, Time};
use conclave_media_crypto::{CryptorInput, EpochKeys, FrameReport};
use conclave_mls::{Change, Group, Processed, RuleViolation};
use conclave_protocol::payload::App;
use conclave_protocol::ws::{Class, Entry, Refusal};

use crate::InputError;
use crate::chat_queue::ChatQueue;
use crate::committer::{AppliedCommit, Committer};
use crate::comparisons::Comparisons;
use crate::context::Context;
use crate::delivery_client::DeliveryClient;
use crate::heartbeat::Heartbeat;
use crate::liveness::{Liveness, Remover};
use crate::log_writer::{LogWriter, Sent};
use crate::media_flags::MediaFlags;
use crate::security_monitor::SecurityMonitor;
use crate::snapshot::{Comparison, EndReason, Member, NoticeKind, Phase, Security, SecurityState};

/// Commits that the server says are there, and does not send for this long, are withheld.
const WITHHELD: Duration = Duration::from_secs(10);

/// A place in the group: its keys, who else is there, and what is to be done for the group.
pub(crate) struct Membership {
    pub(crate) group: Box<Group>,
    pub(crate) security: SecurityMonitor,
    pub(crate) liveness: Liveness,
    pub(crate) committer: Committer,
    pub(crate) comparisons: Comparisons,
    heartbeat: Heartbeat,
    /// All members, in the order of joining as far as it is known.
    roster_order: Vec<MemberId>,
    joined: Time,
    missing_commits_since: Option<Time>,
}

/// Whether this client is still a member.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Outcome {
    /// It is.
    Member,
    /// Its leaf is gone, against its wish and not by a host: it may come back with a new one.
    Lost,
    /// It is over.
    Ended(EndReason),
}

impl Membership {
    pub(crate) fn new(group: Box<Group>, ctx: &mut Context, now: Time) -> Self {
        let mut membership = Self {
            security: SecurityMonitor::default(),
            liveness: Liveness::new(group.members(), &group.me(), now),
            committer: Committer::new(group.members().len(), ctx, now),
            comparisons: Comparisons::default(),
            heartbeat: Heartbeat::new(ctx.own_media, now),
            roster_order: Vec::new(),
            joined: now,
            missing_commits_since: None,
            group,
        };
        membership.begin_epoch(false, false, ctx);
        membership.comparisons.on_epoch(&membership.group, true, now);
        ctx.screen.phase(Phase::Inside);
        membership.refresh(ctx, now);
        membership
    }

    /// Takes the next entry of the log; `content` is `None` if it did not open, `echo` what it is if it is an own one in flight.
    pub(crate) fn on_entry(&mut self, entry: &Entry, content: Option<&[u8]>, echo: Option<Sent>, ctx: &mut Context, now: Time) -> Outcome {
        if let Some(Sent::Chat(line)) = echo {
            ctx.screen.line_sent(line.id, now);
        }
        if let Some(who) = content.and_then(|content| self.committer.take_removed_by(content))
            && !self.liveness.presumed_gone(Remover::Another, now).contains(&who)
        {
            // It spoke up before the commit took its place: everybody else ignores this commit, so its author does too.
            self.group.discard_pending();
            self.committer.on_commit_ignored(now);
            return Outcome::Member;
        }
        let processed = match content {
            Some(content) => self.process(entry.class, content, now),
            None => Err(RuleViolation::Invalid),
        };
        match processed {
            Ok(Processed::Commit(change)) => return self.on_commit(&change, entry.sealed.len(), ctx, now),
            Ok(Processed::Leaving(who)) => self.liveness.on_leaving(who, now),
            Ok(Processed::App { from, app }) => self.on_app(&from, app, ctx, now),
            Ok(Processed::Snapshot) => self.committer.on_snapshot(),
            Ok(Processed::SnapshotUseless) => self.committer.request_snapshot(now),
            Ok(Processed::Own) => self.liveness.on_echo(now),
            Ok(Processed::Unreadable) => {}
            // Without effect, and no attack: its author did not know yet.
            Err(RuleViolation::RemoveNotAllowed) if entry.class == Class::Commit && self.liveness.has_returned(now) => {}
            Err(rule) => {
                self.security.on_attack(&mut ctx.screen, now);
                if entry.class == Class::Message {
                    self.security.on_undecryptable(now);
                }
                if entry.class == Class::Commit {
                    ctx.screen.notice_rarely(NoticeKind::CommitRefused { rule: rule.into() }, now);
                }
            }
        }
        Outcome::Member
    }

    fn process(&mut self, class: Class, content: &[u8], now: Time) -> Result<Processed, RuleViolation> {
        let mut gone = self.liveness.presumed_gone(Remover::Another, now);
        let processed = self.group.process(class, content, &gone);
        if class == Class::Commit && processed == Err(RuleViolation::RemoveNotAllowed) && self.liveness.is_silent(now) {
            // The others have lost this client: being out is safe, and it comes back.
            gone.insert(self.group.me());
            return self.group.process(class, content, &gone);
        }
        processed
    }

    /// A commit took effect.
    fn on_commit(&mut self, change: &Change, size: usize, ctx: &mut Context, now: Time) -> Outcome {
        let me = self.group.me();
        if change.out {
            // A host's commit looks the same whether it wanted this client out or lost it. Who was silent for so long was lost.
            let lost = self.liveness.is_silent(now);
            let by_host = change.removed.iter().any(|m| m.identity == me);
            return if by_host && !lost { Outcome::Ended(EndReason::Removed) } else { Outcome::Lost };
        }
        let joined = change.joined.iter().any(|m| m.identity != me);
        let lost: BTreeSet<_> =
            change.left.iter().chain(&change.removed).map(|m| m.identity).filter(|who| self.liveness.is_lost(who, now)).collect();
        self.begin_epoch(joined, !change.removed.is_empty(), ctx);
        self.comparisons.on_epoch(&self.group, [&change.joined, &change.left, &change.removed].iter().any(|who| !who.is_empty()), now);
        for seen in change.joined.iter().map(|m| &m.identity).chain([&change.by]) {
            self.liveness.on_seen(seen, now);
        }
        for (who, what) in [
            (&change.joined, (|name| NoticeKind::Joined { name }) as fn(String) -> NoticeKind),
            (&change.left, |name| NoticeKind::Left { name }),
            (&change.removed, |name| NoticeKind::Removed { name }),
        ] {
            for member in who.iter().filter(|m| m.identity != me) {
                let name = member.name.expose().clone();
                ctx.screen.notice(if lost.contains(&member.identity) { NoticeKind::Lost { name } } else { what(name) }, now);
            }
        }
        let members = self.group.members().len();
        self.committer.on_commit(AppliedCommit { change, size, own: change.by == me }, members, ctx, now);
        if joined {
            self.heartbeat.on_join(members, ctx, now);
        }
        Outcome::Member
    }

    /// Keys and roster of the group's epoch.
    fn begin_epoch(&mut self, joined: bool, removed: bool, ctx: &mut Context) {
        let members = self.group.members();
        let all: BTreeSet<_> = members.iter().map(|m| m.identity).collect();
        self.roster_order.retain(|who| all.contains(who));
        for member in members {
            if !self.roster_order.contains(&member.identity) {
                self.roster_order.push(member.identity);
            }
        }
        self.liveness.on_roster(members, &self.group.me());
        self.security.on_epoch(&all);
        self.committer.elect(&self.group);
        let members = members.iter().map(|m| (m.leaf, m.identity)).collect();
        let epoch = self.group.epoch();
        ctx.emit_media_keys(self.group.media_base_key().map_or(CryptorInput::EpochWithoutKeys, |base_key| CryptorInput::Epoch {
            keys: EpochKeys { epoch, base_key, members, me: self.group.leaf() },
            joined,
            removed,
        }));
    }

    fn on_app(&mut self, from: &MemberId, app: App, ctx: &mut Context, now: Time) {
        self.liveness.on_seen(from, now);
        match app {
            App::Chat { text } => {
                let text = clean_text(text.expose());
                if let (Some(text), Some(name)) = (text, self.name_of(from)) {
                    ctx.screen.line_received(from.to_text(), name, text, now);
                }
            }
            App::State { mic, camera, screen, speaking } => {
                if let Some(peer) = self.liveness.get_mut(from) {
                    peer.media = MediaFlags { mic, camera, screen, speaking: speaking && mic };
                }
            }
            App::Heartbeat { epoch, authenticator, roster } => {
                let fits = if Epoch(epoch) == self.group.epoch() {
                    Some(authenticator == self.group.authenticator8() && roster == self.group.roster8())
                } else {
                    // A member that stays behind is withheld entries; one that was just overtaken is not.
                    self.committer.is_settled(now).then_some(false)
                };
                self.liveness.on_heartbeat(from, fits, now);
            }
            App::Comparison { with, authenticator, same } => {
                // What others found with each other is theirs.
                if let Some(name) = self.name_of(from).filter(|_| with == self.group.me())
                    && self.comparisons.on_finding(*from, Redacted::new(name.clone()), authenticator, same, now)
                {
                    ctx.screen.notice_rarely(NoticeKind::CodeDiffers { name, by_me: false }, now);
                }
            }
        }
    }

    /// The append `request` was refused.
    pub(crate) fn on_refused(&mut self, request: u32, sent: Sent, why: Refusal, chat: &mut ChatQueue, now: Time) {
        match sent {
            Sent::Commit => {
                if self.committer.on_commit_refused(request, why, now) {
                    self.group.discard_pending();
                }
            }
            Sent::Snapshot => self.committer.on_snapshot_refused(now),
            Sent::Comparison(_) => {
                self.comparisons.put_back([&sent]);
                self.comparisons.pause(now);
            }
            Sent::Chat(_) => {
                chat.put_back([sent]);
                chat.pause(now);
            }
            Sent::Other => {}
        }
    }

    /// The user compared the code with a member.
    pub(crate) fn compare(&mut self, who: MemberId, code: &[String], same: bool, ctx: &mut Context, now: Time) -> Result<(), InputError> {
        let name = self.name_of(&who).filter(|_| who != self.group.me()).ok_or(InputError::NoMember)?;
        // Who is behind may have another code than the others by now.
        if self.liveness.is_away() {
            return Err(InputError::OutOfTurn);
        }
        self.comparisons.compare(who, Redacted::new(name.clone()), code, same, now)?;
        if !same {
            ctx.screen.notice_rarely(NoticeKind::CodeDiffers { name, by_me: true }, now);
        }
        Ok(())
    }

    /// The connection is back and everything that came meanwhile was read.
    pub(crate) fn on_caught_up(&mut self, ctx: &mut Context, now: Time) {
        self.liveness.on_caught_up(now);
        if self.committer.on_reconnect() {
            self.group.discard_pending();
        }
        self.heartbeat.send_now(now);
        ctx.screen.phase(Phase::Inside);
    }

    /// Asks the others to commit the removal of this client.
    pub(crate) fn leave(&mut self, log: &mut LogWriter, ctx: &mut Context) {
        // A commit in flight may or may not count: then the others notice by silence.
        self.group.discard_pending();
        if let Ok(request) = self.group.leave() {
            log.append(request.class, &request.bytes, Sent::Other, ctx);
        }
    }

    /// Does what is due.
    pub(crate) fn run(&mut self, delivery: &mut DeliveryClient, chat: &mut ChatQueue, ctx: &mut Context, now: Time) {
        self.heartbeat.watch_own_media(ctx.own_media, now);
        let group = &mut *self.group;
        let is_member = |who: &MemberId| group.members().iter().any(|m| m.identity == *who);
        self.security.detect_ghosts(|who| is_member(who) || delivery.config.is_previous(who), &mut ctx.screen, now);
        self.security.expire(is_member, &mut ctx.screen, now);
        let log = &mut delivery.log;
        if log.live {
            chat.poll(group, self.joined, log, ctx, now);
            self.heartbeat.poll(group, log, ctx, now);
            self.comparisons.poll(group, log, ctx, now);
            if log.verifier.has_all_commits() {
                self.committer.poll(group, &self.liveness, log, ctx, now);
            }
        }
        self.refresh(ctx, now);
    }

    /// Frames were not opened: the user is told.
    pub(crate) fn on_frame_report(&mut self, report: &FrameReport, ctx: &mut Context, now: Time) {
        // Who left meanwhile is told of no more.
        let Some(name) = self.name_of(&report.track.owner) else { return };
        self.security.on_frame_report(report, &name, &mut ctx.screen, now);
    }

    /// Whether the server keeps back commits that it said are there.
    pub(crate) fn is_withheld(&mut self, log: &LogWriter, now: Time) -> bool {
        let missing = log.live && !log.verifier.has_all_commits();
        if !missing {
            self.missing_commits_since = None;
        }
        missing && now >= *self.missing_commits_since.get_or_insert(now) + WITHHELD
    }

    /// When [`Self::run`] has something to do again, after `now`.
    pub(crate) fn deadline(&self, log: &LogWriter, chat: &ChatQueue, now: Time) -> Option<Time> {
        let withheld = self.missing_commits_since.map(|since| since + WITHHELD);
        let mut deadlines = vec![withheld];
        if log.live {
            deadlines.extend(self.heartbeat.deadlines());
            deadlines.extend(self.comparisons.deadlines());
            deadlines.push(chat.deadline(&self.group, self.joined));
            if log.verifier.has_all_commits() {
                deadlines.extend(self.committer.deadlines(&self.group, &self.liveness, now));
            }
        }
        // What is due already and could not be done now waits for an input.
        let own = deadlines.into_iter().flatten().filter(|at| *at > now).min();
        [self.security.deadline(now), self.liveness.deadline(now), own].into_iter().flatten().min()
    }

    /// Writes roster, security and codes into the snapshot.
    fn refresh(&self, ctx: &mut Context, now: Time) {
        let me = self.group.me();
        let members: Vec<Member> = self
            .roster_order
            .iter()
            .filter_map(|who| self.group.members().iter().find(|m| m.identity == *who))
            .map(|m| {
                let MediaFlags { mic, camera, screen, speaking } = self.liveness.get(&m.identity).map_or(ctx.own_media, |peer| peer.media);
                Member {
                    identity: m.identity.to_text(),
                    name: m.name.expose().clone(),
                    me: m.identity == me,
                    host: m.host,
                    mic,
                    camera,
                    screen,
                    speaking,
                    away_since: self.liveness.away_since(&m.identity, now),
                    refusal: self.security.refusal(&m.identity, now),
                    comparison: self.comparisons.with(&m.identity),
                }
            })
            .collect();
        let differs = |member: &Member| matches!(member.comparison, Comparison::Differs { .. });
        let state = if self.liveness.is_split() || self.security.is_undecryptable(now) {
            SecurityState::Split
        } else if members.iter().any(differs) {
            SecurityState::CodeDiffers
        } else if self.security.is_attacked(now) {
            SecurityState::Attacked
        } else {
            SecurityState::Secure
        };
        let people = u32::try_from(members.len()).unwrap_or(u32::MAX);
        ctx.screen.set(|s| &mut s.security, Security { state, people });
        ctx.screen.set(|s| &mut s.members, members);
        ctx.screen.set(|s| &mut s.safety_code, self.comparisons.code());
        ctx.screen.set(|s| &mut s.comparable, !self.liveness.is_away() && self.comparisons.is_readable(now));
        ctx.screen.set(|s| &mut s.epoch, self.group.epoch().0);
    }

    pub(crate) fn name_of(&self, who: &MemberId) -> Option<String> {
        self.group.members().iter().find(|m| m.identity == *who).map(|m| m.name.expose().clone())
    }
}

/// A chat text fit to be shown: within its limit, with no control characters but line breaks; `None` if nothing is left.
pub(crate) fn clean_text(text: &str) -> Option<String> {
    if text.chars().count() > conclave_protocol::limits::CHAT_CHARS {
        return None;
    }
    let hidden = |c: &char| c.is_control() && *c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let text: String = text.chars().filter(|c| !hidden(c)).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
