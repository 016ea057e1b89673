use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use conclave_base::{Door, Epoch, MemberId, Permission, Redacted, Seq, SessionId, Source, Time};
use conclave_media_crypto::{CryptorInput, EpochKeys, FrameReport, Track};
use conclave_mls::{Change, Group, Processed, RuleViolation, is_ordered};
use conclave_protocol::payload::{App, Floor};
use conclave_protocol::ws::{Class, LogTime, Refusal};
use ed25519_dalek::SigningKey;

use crate::absence::Absence;
use crate::chat_queue::ChatQueue;
use crate::committer::{AppliedCommit, Committer, Others};
use crate::comparisons::Comparisons;
use crate::context::Context;
use crate::delivery_client::{DeliveryClient, ReadEntry};
use crate::door::{self, AtTheDoor, WaitingList};
use crate::heartbeat::Heartbeat;
use crate::liveness::{Liveness, Peer};
use crate::log_clock::LogClock;
use crate::log_verifier::LogVerifier;
use crate::log_writer::{LogWriter, Sent};
use crate::look_alike::looks_of;
use crate::lost_members::LostMembers;
use crate::media_flags::MediaFlags;
use crate::proof_of_life::ProofOfLife;
use crate::security_monitor::SecurityMonitor;
use crate::snapshot::{self, Comparison, EndReason, Member, NoticeKind, Phase, Recognition, Security, SecurityState};
use crate::{InputError, Output};

/// Whoever has just joined is given this to hear from somebody inside before the screen speaks of it.
const ENTERING: Duration = Duration::from_secs(3);
/// Entries that the server says are there are withheld if none comes for this long.
const WITHHELD: Duration = Duration::from_secs(10);

/// How this client came in.
pub(crate) struct Entered {
    pub(crate) group: Box<Group>,
    /// When what brought it in was sent.
    pub(crate) sent: Time,
    /// See [`conclave_mls::ExternalJoin::witnesses`].
    pub(crate) witnesses: Option<BTreeSet<MemberId>>,
}

/// A place in the group: its keys, who else is there, and what is to be done for the group.
pub(crate) struct Membership {
    pub(crate) group: Box<Group>,
    pub(crate) security: SecurityMonitor,
    pub(crate) liveness: Liveness,
    absence: Absence,
    pub(crate) clock: LogClock,
    life: ProofOfLife,
    lost: LostMembers,
    pub(crate) waiting: WaitingList,
    /// How newcomers came in when that was last told, and who were the hosts.
    door: Door,
    hosts: BTreeSet<MemberId>,
    /// And who might do what.
    floor: Floor,
    pub(crate) committer: Committer,
    /// Who can say whether the group into which this client came is that of the others; `None` if everybody can, or somebody has said so.
    witnesses: Option<BTreeSet<MemberId>>,
    /// Before anybody confirmed this client, there was a snapshot that is of no group or of another one.
    is_group_doubted: bool,
    /// It came to others, and did not found the group.
    came_to_others: bool,
    pub(crate) comparisons: Comparisons,
    /// What the names of members have in common with those that look like them.
    looks: BTreeMap<MemberId, String>,
    /// What members say that they run.
    software: BTreeMap<MemberId, snapshot::Software>,
    heartbeat: Heartbeat,
    /// All members, in the order of joining as far as it is known.
    roster_order: Vec<MemberId>,
    /// Of each member, its place in [`Group::members`].
    places: BTreeMap<MemberId, usize>,
    /// The own media when the roster was last made.
    shown_media: MediaFlags,
    /// Something else that the roster shows may have changed since.
    roster_changed: bool,
    /// When somebody's silence is to be shown, for all that was known then.
    roster_due: Time,
    joined: Time,
    owed_since: Option<Time>,
}

/// Whether this client is still a member.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Outcome {
    /// It is.
    Member,
    /// The server shows most of the others another log.
    Forked,
    /// Its leaf is gone, against its wish and not by a host: it may come back with a new one.
    Lost,
    /// A host sent it back to the door.
    SentBack,
    /// It is over.
    Ended(EndReason),
}

impl Membership {
    /// This client joined by the newest entry that it read.
    pub(crate) fn new(entered: Entered, log: &LogVerifier, ctx: &mut Context, now: Time) -> Self {
        let Entered { group, sent, witnesses } = entered;
        let mut membership = Self {
            security: SecurityMonitor::default(),
            liveness: Liveness::new(now),
            absence: Absence::new(group.members(), group.epoch(), log.time()),
            clock: LogClock::default(),
            life: ProofOfLife::new(log.position().seq, sent),
            lost: LostMembers::default(),
            waiting: WaitingList::default(),
            door: group.access().door,
            hosts: group.members().iter().filter(|m| m.host).map(|m| m.identity).collect(),
            floor: group.access().floor.clone(),
            committer: Committer::new(group.members().len(), ctx, now),
            witnesses,
            is_group_doubted: false,
            came_to_others: group.members().len() > 1,
            comparisons: Comparisons::default(),
            looks: BTreeMap::new(),
            software: BTreeMap::new(),
            heartbeat: Heartbeat::new(ctx.visible_media(), now),
            roster_order: Vec::new(),
            places: BTreeMap::new(),
            shown_media: ctx.own_media,
            roster_changed: true,
            roster_due: now,
            joined: now,
            owed_since: None,
            group,
        };
        membership.committer.orders.renew(now);
        if let Some(access) = ctx.memory.access()
            && membership.group.is_host()
        {
            membership.committer.orders.carry(access.clone(), &membership.group, now);
        }
        let was_inside = ctx.screen.is_reconnecting();
        membership.begin_epoch(false, false, ctx, now);
        if !was_inside {
            membership.on_entry_by_rules(ctx, now);
        }
        membership.comparisons.on_epoch(&membership.group, true, now);
        membership.tell_changed_keys(ctx, now);
        membership.tell_other_software(ctx, now);
        ctx.screen.phase(Phase::Inside);
        membership.refresh(ctx, now);
        membership
    }

    /// This client came in, and had not been inside: what it may not do, and whether it begins muted.
    fn on_entry_by_rules(&self, ctx: &mut Context, now: Time) {
        for what in ctx.denied().clone() {
            let is_for_all = !self.floor.of(what).everybody;
            let notice =
                if is_for_all { NoticeKind::Floor { what, everybody: false } } else { NoticeKind::Permitted { what, given: false } };
            ctx.screen.notice(notice, now);
        }
        let people = u32::try_from(self.group.members().len()).unwrap_or(u32::MAX);
        if self.floor.mute_above.is_some_and(|above| people > above) && !self.group.is_host() {
            ctx.mute();
            ctx.screen.notice(NoticeKind::MutedOnEntry, now);
        }
    }

    /// Takes the next entry of the log.
    pub(crate) fn on_entry(&mut self, read: ReadEntry, log: &LogVerifier, chat: &mut ChatQueue, ctx: &mut Context, now: Time) -> Outcome {
        let at = read.entry.at;
        self.absence.on_entry(at);
        self.security.on_entry(self.clock.written(at, now), now);
        self.owed_since = None;
        if self.clock.has_stood_still(at, now) {
            self.life.on_standstill(now);
            self.heartbeat.send_now(now);
        }
        let me = self.group.me();
        let outcome = if read.entry.class == Class::Gone {
            self.on_gone(&read.entry.sealed, ctx, now);
            Outcome::Member
        } else {
            self.on_sealed(read, log, chat, ctx, now)
        };
        if !self.liveness.is_away() && self.clock.on_entry(at, now) {
            ctx.screen.notice(NoticeKind::ClockOff, now);
        }
        self.committer.on_absence(&self.absence, &me, now);
        outcome
    }

    /// The server says that the connection of a member has ended. It could end it anyway; what that means is for the members to judge.
    fn on_gone(&mut self, identity: &[u8], ctx: &mut Context, now: Time) {
        match <[u8; 16]>::try_from(identity) {
            Ok(identity) => {
                let who = MemberId::from_bytes(identity);
                self.absence.on_gone(&who);
                self.waiting.remove(&who);
                self.committer.newcomers.remove(&who);
            }
            Err(_) => self.security.on_attack(&mut ctx.screen, now),
        }
    }

    fn on_sealed(&mut self, read: ReadEntry, log: &LogVerifier, chat: &mut ChatQueue, ctx: &mut Context, now: Time) -> Outcome {
        let ReadEntry { entry, content, echo } = read;
        let in_flight = echo.is_some();
        let sent = echo.map(|(sent, at)| {
            self.life.on_echo(entry.seq, at);
            sent
        });
        if entry.class == Class::JoinRequest {
            self.on_join_request(content.as_deref(), in_flight, ctx, now);
            return Outcome::Member;
        }
        let processed = match &content {
            // Who may be removed matters to commits alone.
            Some(content) if entry.class == Class::Commit => self.group.process(entry.class, content, &self.absence.removable()),
            Some(content) => self.group.process(entry.class, content, &BTreeSet::new()),
            None => Err(RuleViolation::Invalid),
        };
        if let Some(Sent::Chat(line)) = sent {
            let epoch = if let Ok(Processed::Own { epoch }) = processed { Some(epoch) } else { None };
            // All judge a line by what holds at its place in the log.
            if !self.group.may(&self.group.me(), Permission::Chat) {
                ctx.screen.line_not_taken(line.id, now);
            } else if epoch.is_some_and(|epoch| self.absence.is_for_all(epoch)) {
                ctx.screen.line_sent(line.id, now);
            } else {
                chat.put_back([Sent::Chat(line)]);
            }
        }
        if matches!(entry.class, Class::Commit | Class::Proposal) && matches!(processed, Ok(Processed::Unreadable) | Err(_)) {
            self.committer.on_ineffective(entry.class, entry.sealed.len(), now);
            if in_flight && entry.class == Class::Commit {
                self.committer.on_commit_ignored(now);
            }
        }
        match processed {
            Ok(Processed::Commit(change)) => return self.on_commit(&change, entry.sealed.len(), ctx, now),
            Ok(Processed::Leaving(who)) => {
                self.absence.on_gone(&who);
                self.liveness.on_leaving(who, now);
            }
            Ok(Processed::App { from, epoch, app }) => {
                self.absence.on_heard(&from, epoch);
                if let App::Heartbeat { seq, chain_hash, .. } = &app
                    && let Some(same) = log.is_same_log(*seq, *chain_hash)
                {
                    self.on_read_by(&from, *seq, same, ctx, now);
                }
                let was_away = self.liveness.away_since(&from, now).is_some();
                self.on_app(&from, epoch, app, entry.at, ctx, now);
                if was_away && !self.liveness.is_away() {
                    self.answer(from, now);
                }
                if self.liveness.is_forked() {
                    return Outcome::Forked;
                }
            }
            Ok(Processed::Snapshot) => self.committer.on_snapshot(),
            // The others are in another group than this newcomer, whom nobody in its own has confirmed: it begins again from there.
            Ok(Processed::SnapshotUseless { of_group: true }) if self.may_be_astray() => return Outcome::Lost,
            Ok(Processed::SnapshotUseless { .. }) => {
                // Perhaps by somebody hostile; or the others are elsewhere, which time will tell.
                self.is_group_doubted |= self.may_be_astray() || self.was_left_alone();
                self.committer.request_snapshot(now);
            }
            Ok(Processed::Own { epoch }) if in_flight => self.absence.on_heard(&self.group.me(), epoch),
            // A word of this client that it did not just say.
            Ok(Processed::Own { .. }) => {
                self.security.on_attack(&mut ctx.screen, now);
                self.security.on_undecryptable(now);
            }
            Ok(Processed::Unreadable) => {}
            // Of the group of the others, which is perhaps not the one into which this client came.
            Err(RuleViolation::Invalid | RuleViolation::NoPsk)
                if self.may_be_astray() && matches!(entry.class, Class::Commit | Class::Message) => {}
            Err(rule) => {
                self.security.on_attack(&mut ctx.screen, now);
                if entry.class == Class::Message {
                    self.security.on_undecryptable(now);
                }
                if entry.class == Class::Commit {
                    self.committer.request_snapshot(now);
                    ctx.screen.notice_rarely(NoticeKind::CommitRefused { rule: rule.into() }, now);
                }
            }
        }
        Outcome::Member
    }

    /// Nobody in the group into which this client came has confirmed it yet.
    fn may_be_astray(&self) -> bool {
        !self.life.is_confirmed() && self.group.members().len() > 1
    }

    /// Whom it found in the group was taken out, and never confirmed it.
    fn was_left_alone(&self) -> bool {
        !self.life.is_confirmed() && self.came_to_others && self.group.members().len() == 1
    }

    /// Another member stands in the epoch in which this client stands. Who came in as this client did may be wrong about the group with it.
    fn on_confirmed(&mut self, by: &MemberId, ctx: &mut Context) {
        if let Some(witnesses) = &self.witnesses {
            let me = self.group.me();
            let any = self.group.members().iter().any(|m| m.identity != me && witnesses.contains(&m.identity));
            if any && !witnesses.contains(by) {
                return;
            }
            self.witnesses = None;
        }
        self.life.on_confirmed();
        ctx.memory.on_confirmed(&self.group);
    }

    /// Whether a snapshot said that the others are in another group, and nobody in this one said otherwise in time. Whom nobody is left to answer
    /// goes by what it hears from elsewhere, and cannot read.
    pub(crate) fn is_astray(&self, now: Time) -> bool {
        let is_elsewhere = self.may_be_astray() || self.was_left_alone() && self.security.is_undecryptable(now);
        self.is_group_doubted && is_elsewhere && now >= self.joined + ENTERING
    }

    /// The session of its group.
    pub(crate) fn session(&self) -> Option<SessionId> {
        self.group.session()
    }

    /// Somebody asks to be let in, or a host declines it.
    fn on_join_request(&mut self, content: Option<&[u8]>, own: bool, ctx: &mut Context, now: Time) {
        let request = content.zip(self.group.session());
        let request = request.and_then(|(content, session)| door::read(content, self.group.members(), &self.group.meeting(), &session));
        match request {
            Some(AtTheDoor::Knocks { who, name, seen }) => {
                if let Some(seen) = seen
                    && self.group.is_host()
                    && is_ordered(&seen, self.group.policy(), &self.group.meeting())
                {
                    self.committer.orders.carry(seen.policy.access, &self.group, now);
                }
                let access = self.group.access();
                let expected = access.door == Door::Ask && !access.barred.contains(&who) && self.name_of(&who).is_none();
                if expected && self.waiting.on_knock(who, name.clone(), now) && self.group.is_host() {
                    ctx.screen.notice_rarely(NoticeKind::Knocked { name }, now);
                }
            }
            Some(AtTheDoor::Declined { who, .. }) => self.waiting.on_declined(who),
            Some(AtTheDoor::Asks { who, key_package }) if !self.places.contains_key(&who) => {
                self.committer.newcomers.on_asked(who, key_package, now);
            }
            Some(AtTheDoor::Asks { .. }) => {}
            // Somebody with the link writes nonsense: what it says is shown nowhere.
            None if !own => self.security.on_attack(&mut ctx.screen, now),
            None => {}
        }
    }

    /// As a host, does not let `who` in.
    pub(crate) fn decline(&self, who: MemberId, word: &str, log: &mut LogWriter, ctx: &mut Context, now: Time) -> Result<(), InputError> {
        let host = SigningKey::from_bytes(self.group.signature_key().expose());
        let session = self.group.session().ok_or(InputError::OutOfTurn)?;
        let request = door::decline(who, word, &host, &self.group.meeting(), &session);
        let sent = log.append(Class::JoinRequest, &request.encode(), Sent::Other, ctx, now);
        sent.map(|_| ()).ok_or(InputError::Busy)
    }

    /// `who` has read the entry `seq`, of the same log or of another.
    fn on_read_by(&mut self, who: &MemberId, seq: Seq, same: bool, ctx: &mut Context, now: Time) {
        if let Some(sent) = self.life.sent_up_to(seq).filter(|_| same) {
            self.life.on_answer(sent);
            self.liveness.on_answer(who, sent);
        }
        if self.liveness.on_log(who, same) {
            ctx.screen.notice_rarely(NoticeKind::LogForked, now);
        }
    }

    /// `who` waits for a word of another member: one of those says it, if possible at once.
    fn answer(&mut self, who: MemberId, now: Time) {
        let others = Others { absence: &self.absence, liveness: &self.liveness };
        self.heartbeat.confirm(who, self.committer.turn_to_answer(&who, &self.group, others, now));
    }

    /// A commit took effect.
    fn on_commit(&mut self, change: &Change, size: usize, ctx: &mut Context, now: Time) -> Outcome {
        let me = self.group.me();
        if change.out {
            let by_host = change.removed.iter().any(|m| m.identity == me);
            let sent_back = change.sent_back.iter().any(|m| m.identity == me);
            return match (by_host, sent_back) {
                (true, _) => Outcome::Ended(EndReason::Removed),
                (false, true) => Outcome::SentBack,
                (false, false) => Outcome::Lost,
            };
        }
        let was_alone = self.roster_order.len() <= 1;
        // Whoever comes back by the same key is there already, or was a moment ago.
        let known = |who: &MemberId| self.places.contains_key(who) || self.lost.contains(who);
        let new: Vec<_> = change.joined.iter().filter(|m| m.identity != me && !known(&m.identity)).collect();
        for member in &new {
            ctx.screen.notice(NoticeKind::Joined { name: member.name.expose().clone() }, now);
            let appointed = self.group.access().appointed.iter().any(|host| host.leaf_key == member.key);
            if member.host && !appointed && self.group.appoints() {
                ctx.screen.notice(NoticeKind::HostElsewhere { name: member.name.expose().clone() }, now);
            }
        }
        for member in change.left.iter().filter(|m| m.identity != me) {
            // Whoever reloaded a page is there already, under another key.
            let replaced = self.group.members().iter().any(|other| other.name == member.name);
            if !self.liveness.is_lost(&member.identity) {
                self.lost.add_left(member, now);
            } else if !self.liveness.is_known(&member.identity, now) {
                // Gone before this client came, for all that it knows: nothing to tell.
            } else if replaced {
                ctx.screen.notice(NoticeKind::Lost { name: member.name.expose().clone() }, now);
            } else {
                self.lost.add(member, now);
            }
        }
        for member in change.removed.iter().filter(|m| m.identity != me) {
            ctx.screen.notice(NoticeKind::Removed { name: member.name.expose().clone() }, now);
        }
        for member in &change.sent_back {
            ctx.screen.notice(NoticeKind::SentBack { name: member.name.expose().clone() }, now);
        }
        self.lost.on_joined(&change.joined);
        self.on_access(change, ctx, now);
        let joined = change.joined.iter().any(|m| m.identity != me);
        let put_out = !change.removed.is_empty() || !change.sent_back.is_empty();
        self.begin_epoch(joined, put_out, ctx, now);
        if !change.joined.is_empty() {
            self.absence.on_join(change.epoch);
        }
        self.absence.on_heard(&change.by, change.epoch);
        self.comparisons.on_epoch(&self.group, put_out || !change.joined.is_empty() || !change.left.is_empty(), now);
        self.tell_changed_keys(ctx, now);
        self.tell_other_software(ctx, now);
        for seen in change.joined.iter().map(|m| &m.identity).chain([&change.by]) {
            self.liveness.on_seen(seen, now);
        }
        let members = self.group.members().len();
        self.committer.on_commit(AppliedCommit { change, size, own: change.by == me }, &self.group, ctx, now);
        self.absence.on_commit();
        if let Some(witnesses) = &mut self.witnesses {
            change.joined.iter().for_each(|m| _ = witnesses.remove(&m.identity));
        }
        if change.by != me {
            // It built upon the epoch in which this client stood.
            self.on_confirmed(&change.by, ctx);
            if was_alone {
                self.life.on_company();
            }
        }
        if joined {
            self.heartbeat.on_join(members, ctx, now);
            if let Some(first) = change.joined.first() {
                self.answer(first.identity, now);
            }
        }
        Outcome::Member
    }

    /// What a commit changed of who may come in, and who is a host.
    fn on_access(&mut self, change: &Change, ctx: &mut Context, now: Time) {
        for member in &change.joined {
            self.waiting.remove(&member.identity);
        }
        let door = self.group.access().door;
        if std::mem::replace(&mut self.door, door) != door {
            ctx.screen.notice(NoticeKind::Door { door }, now);
        }
        let me = self.group.me();
        let hosts = self.group.members().iter().filter(|m| m.host);
        for member in hosts.clone().filter(|m| !self.hosts.contains(&m.identity) && !change.joined.contains(m)) {
            ctx.screen.notice(NoticeKind::Appointed { name: member.name.expose().clone(), me: member.identity == me }, now);
        }
        self.hosts = hosts.map(|m| m.identity).collect();
        let floor = std::mem::replace(&mut self.floor, self.group.access().floor.clone());
        for what in Permission::ALL {
            let (before, after) = (floor.of(what), self.floor.of(what));
            if before.everybody != after.everybody {
                ctx.screen.notice(NoticeKind::Floor { what, everybody: after.everybody }, now);
            } else if before.includes(&me) != after.includes(&me) && !self.group.is_host() {
                ctx.screen.notice(NoticeKind::Permitted { what, given: after.includes(&me) }, now);
            }
        }
    }

    /// Keys and roster of the group's epoch.
    fn begin_epoch(&mut self, joined: bool, removed: bool, ctx: &mut Context, now: Time) {
        let members = self.group.members();
        let all: BTreeSet<_> = members.iter().map(|m| m.identity).collect();
        let before = std::mem::replace(&mut self.places, members.iter().enumerate().map(|(place, m)| (m.identity, place)).collect());
        self.roster_order.retain(|who| all.contains(who));
        self.roster_order.extend(members.iter().map(|m| m.identity).filter(|who| !before.contains_key(who)));
        self.roster_changed = true;
        self.looks.retain(|who, _| all.contains(who));
        for member in members {
            self.looks.entry(member.identity).or_insert_with(|| looks_of(member.name.expose()));
        }
        self.software = ctx.software.compare(members);
        ctx.memory.on_epoch(&self.group);
        if !self.may_be_astray() {
            ctx.memory.on_confirmed(&self.group);
        }
        ctx.set_hides_speech(self.group.policy().hides_speech);
        self.liveness.on_roster(members, &self.group.me());
        self.absence.on_roster(members);
        self.security.on_epoch(&all, now);
        self.committer.elect(&self.group);
        let me = self.group.me();
        ctx.set_denied(members.iter().filter(|m| m.identity == me).flat_map(|m| self.group.denied(m)).collect());
        let tracks = |m: &conclave_mls::Member| {
            let owner = m.identity;
            self.group.denied(m).flat_map(sources_of).map(move |source| Track { owner, source: *source }).collect::<Vec<_>>()
        };
        let silenced = members.iter().flat_map(tracks).collect();
        let members = members.iter().map(|m| (m.leaf, m.key)).collect();
        let keys = self.group.media_base_key().zip(self.group.session()).map(|(base_key, session)| EpochKeys {
            epoch: self.group.epoch(),
            base_key,
            session,
            members,
            silenced,
            me: self.group.leaf(),
            signer: self.group.signature_key(),
        });
        ctx.emit_media_keys(keys.map_or(CryptorInput::EpochWithoutKeys, |keys| CryptorInput::Epoch { keys, joined, removed }));
    }

    fn on_app(&mut self, from: &MemberId, epoch: Epoch, app: App, at: LogTime, ctx: &mut Context, now: Time) {
        self.liveness.on_seen(from, now);
        match app {
            // Its author says it again, to whoever came in meanwhile too.
            App::Chat { .. } if !self.absence.is_for_all(epoch) => {}
            App::Chat { id, text } => {
                let text =
                    clean_text(text.expose()).filter(|_| ctx.memory.lines.is_new(*from, id) && self.group.may(from, Permission::Chat));
                if let (Some(text), Some(name)) = (text, self.name_of(from)) {
                    ctx.screen.line_received(from.to_text(), name, text, now);
                }
            }
            App::State { mic, camera, screen } => {
                let hides_speech = self.group.policy().hides_speech;
                self.liveness.on_media(from, |peer| peer.on_state(MediaFlags { mic, camera, screen }, hides_speech));
            }
            App::Heartbeat { epoch, authenticator, roster, mic, .. } => {
                self.liveness.on_media(from, |peer| peer.on_beat(mic));
                let fits = if Epoch(epoch) == self.group.epoch() {
                    Some(authenticator == self.group.authenticator8() && roster == self.group.roster8())
                } else {
                    // A member that stays behind is withheld entries; one that was just overtaken is not.
                    self.committer.is_settled(now).then_some(false)
                };
                if fits == Some(true) {
                    self.on_confirmed(from, ctx);
                    self.heartbeat.on_confirmed(from);
                }
                self.liveness.on_heartbeat(from, fits, at);
            }
            App::Mute { who } => {
                let (me, host) = (self.group.me(), self.hosts.contains(from));
                let is_meant = who.contains(&me) || who.is_empty() && !self.group.is_host();
                if let Some(by) = self.name_of(from).filter(|_| host && is_meant)
                    && ctx.mute()
                {
                    ctx.screen.notice(NoticeKind::Muted { by }, now);
                }
            }
            App::Comparison { with, authenticator, same } => {
                self.roster_changed = true;
                // What others found with each other is theirs.
                if let Some(name) = self.name_of(from).filter(|_| with == self.group.me())
                    && self.comparisons.on_finding(*from, Redacted::new(name.clone()), authenticator, same, now)
                {
                    ctx.screen.notice_rarely(NoticeKind::CodeDiffers { name, by_me: false }, now);
                }
            }
        }
    }

    /// Who was a member with this client last, or was lost a moment before. Of whoever was taken out together with it, the group no longer knows.
    pub(crate) fn roster(&self) -> impl Iterator<Item = MemberId> {
        self.roster_order.iter().copied().chain(self.lost.identities())
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
        self.roster_changed = true;
        if !same {
            ctx.screen.notice_rarely(NoticeKind::CodeDiffers { name, by_me: true }, now);
        }
        Ok(())
    }

    /// Another member by its identity.
    pub(crate) fn person(&self, identity: &str) -> Result<&conclave_mls::Member, InputError> {
        let who: MemberId = identity.parse().map_err(|_| InputError::NoMember)?;
        self.member(&who).filter(|_| who != self.group.me()).ok_or(InputError::NoMember)
    }

    /// The user compared the person code with a member.
    pub(crate) fn compare_person(&self, who: &str, code: &[String], same: bool, ctx: &mut Context, now: Time) -> Result<(), InputError> {
        let member = self.person(who)?;
        let done = ctx.people.compare(member, code, same, now);
        if let Some(change) = Self::or_full(done, ctx, now)? {
            ctx.emit(Output::People(change));
        }
        if !same {
            ctx.screen.notice_rarely(NoticeKind::CodeDiffers { name: member.name.expose().clone(), by_me: true }, now);
        }
        Ok(())
    }

    /// The user verifies a member with whom both found the same safety code: that stands for both leaf keys, and each of these for its device key.
    pub(crate) fn keep_compared(&self, who: &str, ctx: &mut Context, now: Time) -> Result<(), InputError> {
        let member = self.person(who)?;
        if !matches!(self.comparisons.with(&member.identity), Comparison::Both { .. }) {
            return Err(InputError::OutOfTurn);
        }
        let done = ctx.people.verify(member, now);
        let change = Self::or_full(done, ctx, now)?;
        ctx.emit(Output::People(change));
        Ok(())
    }

    /// That no more people can be kept, the user is told.
    fn or_full<T>(done: Result<T, InputError>, ctx: &mut Context, now: Time) -> Result<T, InputError> {
        if matches!(done, Err(InputError::TooMany)) {
            ctx.screen.notice_rarely(NoticeKind::PeopleFull, now);
        }
        done
    }

    /// What is known of a member by its device key.
    fn recognition(&self, member: &conclave_mls::Member, ctx: &Context) -> Recognition {
        if member.identity == self.group.me() {
            return Recognition::Guest;
        }
        let looks = self.looks.get(&member.identity).map_or("", String::as_str);
        ctx.people.recognise(member, looks, &self.comparisons.with(&member.identity))
    }

    /// Who goes by the name of somebody verified, and is not: the user is told.
    fn tell_changed_keys(&self, ctx: &mut Context, now: Time) {
        for member in self.group.members() {
            let recognition = self.recognition(member, ctx);
            if let Some(notice) = ctx.people.tell_change(member, &recognition) {
                ctx.screen.notice(notice, now);
            }
        }
    }

    /// Who says that it runs something else than the others, or something that is not logged: the user is told.
    fn tell_other_software(&self, ctx: &mut Context, now: Time) {
        for member in self.group.members() {
            let shown = self.software.get(&member.identity);
            if let Some(notice) = shown.and_then(|shown| ctx.software.tell(member, &self.group.me(), shown)) {
                ctx.screen.notice(notice, now);
            }
        }
    }

    /// The connection is back and everything that came meanwhile was read.
    pub(crate) fn on_caught_up(&mut self, ctx: &mut Context, now: Time) {
        self.liveness.on_caught_up(now);
        self.security.on_gap(now);
        self.clock.reset();
        if self.committer.on_reconnect() {
            self.group.discard_pending();
        }
        self.heartbeat.send_now(now);
        ctx.screen.phase(Phase::Inside);
    }

    /// The others learn where this client has read: so that those too who read another log know it.
    pub(crate) fn show_position(&mut self, log: &mut LogWriter, ctx: &mut Context, now: Time) {
        self.heartbeat.send(&mut self.group, log, ctx, now);
    }

    /// Asks the others to commit the removal of this client.
    pub(crate) fn leave(&mut self, log: &mut LogWriter, ctx: &mut Context, now: Time) {
        // A commit in flight may or may not count: then the server's word that this client left has to do.
        self.group.discard_pending();
        if let Ok(request) = self.group.leave() {
            log.append(request.class, &request.bytes, Sent::Other, ctx, now);
        }
    }

    /// Does what is due.
    pub(crate) fn run(&mut self, delivery: &mut DeliveryClient, chat: &mut ChatQueue, ctx: &mut Context, now: Time) {
        self.heartbeat.watch_own_media(ctx.visible_media(), now);
        ctx.set_may_speak(self.life.given_until(self.group.members().len()).filter(|until| now < *until));
        for name in self.lost.expire(now) {
            ctx.screen.notice(NoticeKind::Lost { name }, now);
        }
        for name in self.lost.expire_left(now) {
            ctx.screen.notice(NoticeKind::Left { name }, now);
        }
        self.waiting.expire(now);
        self.committer.newcomers.expire(now);
        for who in self.committer.orders.take_overdue(now) {
            if let Some(name) = self.name_of(&who) {
                ctx.screen.notice(NoticeKind::NotRemoved { name }, now);
            }
        }
        let group = &mut *self.group;
        // Who reads no log cannot know who came in meanwhile.
        if !self.liveness.is_away() {
            self.security.detect_ghosts(&mut ctx.screen, now);
        }
        self.security.expire(&mut ctx.screen, now);
        let log = &mut delivery.log;
        if log.live {
            chat.poll(group, self.joined, log, ctx, now);
            self.heartbeat.poll(group, log, ctx, now);
            self.comparisons.poll(group, log, ctx, now);
            if log.verifier.has_all_commits() {
                let others = Others { absence: &self.absence, liveness: &self.liveness };
                self.committer.poll(group, others, log, ctx, now);
            }
        }
        self.refresh(ctx, now);
    }

    /// What became of frames, and what they say beside their sound: the user is told.
    pub(crate) fn on_frame_report(&mut self, report: &FrameReport, ctx: &mut Context, now: Time) {
        // Who left meanwhile is told of no more.
        let (FrameReport::Refused { track: Track { owner, .. }, .. }
        | FrameReport::Proof { track: Track { owner, .. }, .. }
        | FrameReport::Microphone { owner, .. }) = report;
        let Some(name) = self.name_of(owner) else { return };
        match report {
            FrameReport::Refused { track, reason, count } => {
                self.security.on_refused(*track, *reason, *count, &name, &mut ctx.screen, now);
            }
            FrameReport::Proof { track, proof } => self.security.on_proof(*track, *proof, &name, &mut ctx.screen, now),
            FrameReport::Microphone { owner, on } => {
                self.liveness.on_media(owner, |peer| peer.on_frame(*on));
            }
        }
    }

    /// Whether the server keeps back entries that it said are there.
    pub(crate) fn is_withheld(&mut self, delivery: &DeliveryClient, now: Time) -> bool {
        let owed = delivery.is_owed();
        if !owed {
            self.owed_since = None;
        }
        owed && now >= *self.owed_since.get_or_insert(now) + WITHHELD
    }

    /// When [`Self::run`] has something to do again, after `now`.
    pub(crate) fn deadline(&self, log: &LogWriter, chat: &ChatQueue, now: Time) -> Option<Time> {
        let withheld = self.owed_since.map(|since| since + WITHHELD);
        let mut deadlines = vec![withheld];
        if log.live {
            deadlines.extend(self.heartbeat.deadlines());
            deadlines.extend(self.comparisons.deadlines());
            deadlines.push(chat.deadline(&self.group, self.joined));
            if log.verifier.has_all_commits() {
                let others = Others { absence: &self.absence, liveness: &self.liveness };
                deadlines.extend(self.committer.deadlines(&self.group, others, now));
            }
        }
        // What is due already and could not be done now waits for an input.
        let own = deadlines.into_iter().flatten().filter(|at| *at > now).min();
        let life = self.life.deadline(self.group.members().len(), now);
        let unsure = Some(self.joined + ENTERING).filter(|at| *at > now);
        let removal = self.committer.orders.deadline();
        [
            self.security.deadline(now),
            self.liveness.deadline(now),
            self.lost.deadline(),
            self.waiting.deadline(),
            removal,
            life,
            unsure,
            own,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The roster as it is shown.
    fn roster_shown(&self, ctx: &Context, now: Time) -> Vec<Member> {
        let me = self.group.me();
        self.roster_order
            .iter()
            .filter_map(|who| self.member(who))
            .map(|m| {
                let MediaFlags { mic, camera, screen } = self.liveness.get(&m.identity).map_or(ctx.own_media, Peer::media);
                let denied: Vec<_> = self.group.denied(m).collect();
                Member {
                    identity: m.identity.to_text(),
                    name: m.name.expose().clone(),
                    me: m.identity == me,
                    host: m.host,
                    mic: mic && !denied.contains(&Permission::Speak),
                    camera,
                    screen: screen && !denied.contains(&Permission::Share),
                    denied,
                    away_since: self.liveness.away_since(&m.identity, now),
                    refusal: self.security.refusal(&m.identity, now),
                    doubt: self.security.doubt(&m.identity),
                    comparison: self.comparisons.with(&m.identity),
                    recognition: self.recognition(m, ctx),
                    software: self.software.get(&m.identity).cloned(),
                    person_code: ctx.people.code(m).map(|code| code.to_vec()),
                    looks: self.looks.get(&m.identity).cloned().unwrap_or_default(),
                }
            })
            .collect()
    }

    /// Makes the roster anew if something of it may have changed: most inputs change nothing, and in a large meeting it is long.
    fn refresh_roster(&mut self, ctx: &mut Context, now: Time) {
        let changed = [
            std::mem::take(&mut self.roster_changed),
            self.liveness.take_changed(),
            self.security.take_changed(),
            ctx.people.take_changed(),
            std::mem::replace(&mut self.shown_media, ctx.own_media) != ctx.own_media,
            now >= self.roster_due,
        ];
        if changed.contains(&true) {
            let members = self.roster_shown(ctx, now);
            ctx.screen.set(|s| &mut s.members, members);
            self.roster_due = self.liveness.deadline(now).unwrap_or(Time::MAX);
        }
        debug_assert_eq!(ctx.screen.snapshot.members, self.roster_shown(ctx, now), "something changed of which nothing was told");
    }

    /// Writes roster, security and codes into the snapshot.
    fn refresh(&mut self, ctx: &mut Context, now: Time) {
        self.refresh_roster(ctx, now);
        let members = &ctx.screen.snapshot.members;
        let differs = |member: &Member| {
            matches!(member.comparison, Comparison::Differs { .. }) || matches!(member.recognition, Recognition::Differs { .. })
        };
        let changed = |member: &Member| matches!(member.recognition, Recognition::Changed { answered: false, .. });
        let verified = |member: &&Member| {
            matches!(member.recognition, Recognition::Verified { .. }) || matches!(member.comparison, Comparison::Both { .. })
        };
        let state = if self.liveness.is_split() || self.security.is_undecryptable(now) {
            SecurityState::Split
        } else if members.iter().any(differs) {
            SecurityState::CodeDiffers
        } else if members.iter().any(changed) {
            SecurityState::KeyChanged
        } else if members.iter().any(|member| member.doubt.is_some()) {
            SecurityState::Unproved
        } else if self.security.is_attacked(now) {
            SecurityState::Attacked
        } else if (self.is_group_doubted || now >= self.joined + ENTERING) && !self.life.is_given(members.len(), now) {
            SecurityState::Unsure
        } else if self.lost.are_many(members.len()) {
            SecurityState::Parted
        } else {
            SecurityState::Secure
        };
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        let (people, verified) = (count(members.len()), count(members.iter().filter(verified).count()));
        ctx.screen.set(|s| &mut s.security, Security { state, people, verified });
        ctx.screen.set(|s| &mut s.lost, self.lost.list());
        let access = self.group.access();
        let is_host = self.group.is_host();
        ctx.screen.set(|s| &mut s.host, is_host);
        ctx.screen.set(|s| &mut s.appoints, self.group.appoints());
        ctx.screen.set(|s| &mut s.door, access.door);
        let floor = snapshot::Floor {
            hosts_only: Permission::ALL.into_iter().filter(|what| !self.floor.of(*what).everybody).collect(),
            mute_above: self.floor.mute_above,
            limit: self.floor.limit,
            most: self.group.policy().limit,
        };
        ctx.screen.set(|s| &mut s.floor, floor);
        ctx.screen.set(|s| &mut s.waiting, if is_host { self.waiting.list(&access.admitted) } else { Vec::new() });
        ctx.screen.set(|s| &mut s.safety_code, self.comparisons.code());
        ctx.screen.set(|s| &mut s.comparable, !self.liveness.is_away() && self.comparisons.is_readable(now));
        ctx.screen.set(|s| &mut s.epoch, self.group.epoch().0);
    }

    pub(crate) fn name_of(&self, who: &MemberId) -> Option<String> {
        self.member(who).map(|m| m.name.expose().clone())
    }

    fn member(&self, who: &MemberId) -> Option<&conclave_mls::Member> {
        self.places.get(who).and_then(|place| self.group.members().get(*place))
    }
}

/// What is not played of whom hosts do not let do this.
const fn sources_of(what: Permission) -> &'static [Source] {
    match what {
        Permission::Speak => &[Source::Microphone],
        Permission::Share => &[Source::Screen, Source::ScreenAudio],
        Permission::Chat => &[],
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
