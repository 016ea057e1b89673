use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use conclave_base::{Door, MemberId, Seq, SessionId, Time};
use conclave_mls::{ExternalJoin, Group, JoinError, Outgoing, OwnKeyPackage};
use conclave_protocol::payload::JoinRequest;
use conclave_protocol::ws::{Class, Entry, LogTime, Refusal};

use crate::context::Context;
use crate::delivery_client::{DeliveryClient, ReadEntry};
use crate::door::{AtTheDoor, KNOCK_EVERY};
use crate::log_verifier::LogVerifier;
use crate::log_writer::Sent;
use crate::membership::Entered;
use crate::snapshot::{EndReason, JoinStep};

/// Who found nobody in a session, or nothing to begin with, waits so long for a snapshot: whoever is there makes one within ten seconds.
const ELSEWHERE: Duration = Duration::from_secs(12);
/// A member that is called gone and not taken out for so many ms of log time, in which members speak, is back.
const BACK: u64 = 3000;

/// One attempt to become a member: reads the log, then creates the group, joins it by external commit or has a member add it.
#[derive(Default)]
pub(crate) struct Joiner {
    external_join: Option<ExternalJoin>,
    commit: Option<OwnCommit>,
    /// After a refusal that was not about the log: not before this moment.
    not_before: Option<Time>,
    /// It found nobody in this session before, and waits for another one.
    avoids: Option<SessionId>,
    /// Since when it has read all of a log in which there is nothing to begin with.
    finds_nothing: Option<Time>,
    /// What it says next at the door, while it may not come in unasked, and when.
    says_at: Option<(Says, Time)>,
    /// Hosts who are called gone, and since when: if nobody is inside any more, nobody takes them out of the group.
    gone: BTreeMap<MemberId, LogTime>,
    asking: Option<Asking>,
    /// Somebody else came in while this client was about to: there is a queue.
    is_overtaken: bool,
    /// Nobody added this client when it asked: it comes in by itself.
    is_alone: bool,
}

/// What who waits at the door says from time to time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// It asks to be let in.
    Knock,
    /// It may not ask. To hear what is said inside is not enough for the server: it says that it is there.
    Ping,
}

/// A KeyPackage of this client, by which a member is to add it.
struct Asking {
    own: OwnKeyPackage,
    since: Time,
    /// Since when nothing was read.
    quiet: Time,
    /// Where it stands in the log.
    asked: Option<LogTime>,
    /// When others were added last, or it asked.
    added: LogTime,
}

impl Asking {
    /// Whether it waits no longer. By the log's time and not by its own: on a machine that is behind, what it waits for may have come, unread.
    fn is_in_vain(&self, read: LogTime) -> bool {
        let waited = |since: LogTime, most: Duration| u128::from(read.0.saturating_sub(since.0)) >= most.as_millis();
        self.asked.is_some_and(|asked| waited(self.added, ADDED) || waited(asked, PATIENCE))
    }
}

/// Above so many inside, newcomers ask to be added; below only those who were overtaken.
const FEW: usize = 20;
/// A member adds who asks within this, or after others were added; else nobody may be there who does. The same if nobody says anything for so long.
const ADDED: Duration = Duration::from_secs(4);
/// After this it comes in by itself, whoever else was added.
const PATIENCE: Duration = Duration::from_secs(12);

/// A group that will be this client's if the entry takes its place in the log.
struct OwnCommit {
    group: Group,
    bytes: Vec<u8>,
    request: u32,
}

/// How far the attempt is.
pub(crate) enum JoinProgress {
    /// Still on the way.
    Pending,
    /// Only a host can let this client in. `hosts`: one is inside, as far as the log says.
    AtTheDoor { locked: bool, hosts: bool },
    /// A host declined, and said this.
    Declined { word: String },
    /// What brings it in has its place in the log.
    Joined(Entered),
    /// It cannot be.
    Failed(EndReason),
}

impl Joiner {
    /// Takes the next entry of the log.
    pub(crate) fn on_entry(&mut self, read: &ReadEntry, delivery: &DeliveryClient, ctx: &mut Context, now: Time) -> JoinProgress {
        let class = read.entry.class;
        self.watch_hosts(&read.entry);
        self.watch_request(read, now);
        let Some(content) = &read.content else { return JoinProgress::Pending };
        if let Some((_, sent)) = read.echo
            && let Some(mut own) = self.commit.take_if(|own| class == Class::Commit && own.bytes == *content)
        {
            let witnesses = self.external_join.as_ref().and_then(|join| join.witnesses().cloned());
            return match own.group.process(class, content, &BTreeSet::new()) {
                Ok(_) => JoinProgress::Joined(Entered { group: Box::new(own.group), sent, witnesses }),
                Err(_) => JoinProgress::Failed(EndReason::Refused),
            };
        }
        match &mut self.external_join {
            Some(external_join) if class == Class::JoinRequest => {
                let said = delivery.read_join_request(content, external_join.members(), &external_join.session());
                if let Some(AtTheDoor::Declined { who, word }) = said
                    && who == external_join.me()
                    && matches!(self.says_at, Some((Says::Knock, _)))
                {
                    return JoinProgress::Declined { word };
                }
            }
            Some(external_join) if class == Class::Snapshot && self.avoids == Some(external_join.session()) => {
                let other = ExternalJoin::new(delivery.group_config(ctx), content);
                if let Some(other) = other.ok().filter(|other| Some(other.session()) != self.avoids) {
                    (*external_join, self.avoids, self.not_before) = (other, None, None);
                    self.gone.clear();
                }
            }
            Some(external_join) => {
                let people = external_join.members().len();
                // Every member ignores the same broken entries.
                let _ = external_join.apply(class, content);
                // Who asks was not inside when it began to.
                if let Some(Asking { own, since, .. }) = self.asking.take_if(|_| external_join.is_inside()) {
                    // If it does not open, this client comes in as who returns to that leaf.
                    self.is_alone = true;
                    if let Ok(group) = external_join.enter(own, content) {
                        let witnesses = external_join.witnesses().cloned();
                        return JoinProgress::Joined(Entered { group: Box::new(group), sent: since, witnesses });
                    }
                }
                if let Some(asking) = &mut self.asking
                    && external_join.members().len() > people
                {
                    asking.added = read.entry.at;
                }
            }
            None if matches!(class, Class::Commit | Class::Snapshot) => match ExternalJoin::new(delivery.group_config(ctx), content) {
                Ok(external_join) => self.external_join = Some(external_join),
                Err(error) => return on_error(error),
            },
            None => {}
        }
        JoinProgress::Pending
    }

    /// Whoever asked sees where that stands, and whether it waits in vain.
    fn watch_request(&mut self, read: &ReadEntry, now: Time) {
        let Some(asking) = &mut self.asking else { return };
        let at = read.entry.at;
        asking.quiet = now;
        if read.entry.class == Class::JoinRequest && read.echo.is_some() && asking.asked.is_none() {
            (asking.asked, asking.added) = (Some(at), at);
        }
        // Unless this entry is what it waits for.
        if read.entry.class != Class::Commit && asking.is_in_vain(at) {
            (self.asking, self.is_alone) = (None, true);
        }
    }

    fn watch_hosts(&mut self, entry: &Entry) {
        match (entry.class, <[u8; 16]>::try_from(entry.sealed.as_slice())) {
            (Class::Gone, Ok(identity)) => {
                let who = MemberId::from_bytes(identity);
                let members = self.external_join.as_ref().map_or(&[][..], ExternalJoin::members);
                if members.iter().any(|m| m.host && m.identity == who) {
                    self.gone.insert(who, entry.at);
                }
            }
            // Whoever came with it is told again who is gone.
            (Class::Commit, _) => self.gone.clear(),
            (Class::Message, _) => self.gone.retain(|_, since| entry.at.0 < since.0.saturating_add(BACK)),
            (Class::Gone | Class::Proposal | Class::JoinRequest | Class::Welcome | Class::Snapshot, _) => {}
        }
    }

    /// Creates the group or joins it as soon as the log was read.
    pub(crate) fn poll(&mut self, delivery: &mut DeliveryClient, ctx: &mut Context, now: Time) -> JoinProgress {
        let verifier = &delivery.log.verifier;
        if self.commit.is_some() || !verifier.has_all_commits() || self.not_before.is_some_and(|at| now < at) {
            return JoinProgress::Pending;
        }
        self.not_before = None;
        if let Some(external_join) = &self.external_join
            && let Some(astray) = ctx.memory.astray.take()
            && external_join.session() == astray
        {
            (self.avoids, self.not_before) = (Some(astray), Some(now + ELSEWHERE));
            return JoinProgress::Pending;
        }
        let made = match &self.external_join {
            Some(external_join) if ctx.memory.is_rolled_back(external_join) => return JoinProgress::Failed(EndReason::LogBroken),
            Some(external_join) if !external_join.is_admitted() => return self.wait(delivery, ctx, now),
            Some(external_join) if self.asks(external_join) => return self.ask(delivery, ctx, now),
            Some(external_join) => external_join.join(),
            // Somebody with the link may have appended what is no commit; without this, nobody would ever come in.
            None if verifier.last_commit() != Seq(0) && now < *self.finds_nothing.get_or_insert(now) + ELSEWHERE => {
                return JoinProgress::Pending;
            }
            None => Group::create(delivery.founding_config(ctx)),
        };
        let (group, Outgoing { class, bytes }) = match made {
            Ok(made) => made,
            // Only a host founds this session.
            Err(JoinError::NotAdmitted) => return JoinProgress::AtTheDoor { locked: false, hosts: false },
            Err(error) => return on_error(error),
        };
        self.says_at = None;
        ctx.screen.joining(JoinStep::Committing);
        if let Some(request) = delivery.log.append(class, &bytes, Sent::Commit, ctx, now) {
            self.commit = Some(OwnCommit { group, bytes, request });
        }
        JoinProgress::Pending
    }

    /// Whether others come at this moment, whom a member adds together with this client.
    fn asks(&self, external_join: &ExternalJoin) -> bool {
        let several = self.is_overtaken || external_join.members().len() > FEW;
        several && !self.is_alone && !external_join.is_inside()
    }

    /// Asks to be added, and waits for that.
    fn ask(&mut self, delivery: &mut DeliveryClient, ctx: &mut Context, now: Time) -> JoinProgress {
        let (None, Some(external_join)) = (&self.asking, &self.external_join) else {
            let is_unheard = |asking: &Asking| now >= asking.quiet + ADDED || asking.asked.is_none() && now >= asking.since + PATIENCE;
            if self.asking.take_if(|asking| is_unheard(asking)).is_some() {
                self.is_alone = true;
            }
            return JoinProgress::Pending;
        };
        let own = match external_join.key_package() {
            Ok(own) => own,
            Err(error) => return on_error(error),
        };
        self.says_at = None;
        ctx.screen.joining(JoinStep::Committing);
        let request = JoinRequest::KeyPackage(own.bytes.clone().into()).encode();
        if delivery.log.append(Class::JoinRequest, &request, Sent::Other, ctx, now).is_some() {
            self.asking = Some(Asking { own, since: now, quiet: now, asked: None, added: LogTime(0) });
        } else {
            self.is_alone = true;
        }
        JoinProgress::Pending
    }

    /// Asks to be let in, from time to time.
    fn wait(&mut self, delivery: &mut DeliveryClient, ctx: &mut Context, now: Time) -> JoinProgress {
        let Some(external_join) = &self.external_join else { return JoinProgress::Pending };
        self.asking = None;
        ctx.memory.on_door(external_join);
        let access = external_join.access();
        if access.barred.contains(&external_join.me()) {
            return JoinProgress::Failed(EndReason::Removed);
        }
        let locked = access.door == Door::Locked;
        let says = if locked { Says::Ping } else { Says::Knock };
        if self.says_at.is_none_or(|(said, at)| said != says || now >= at) {
            match says {
                Says::Knock => delivery.knock(&external_join.session(), access.order, ctx, now),
                Says::Ping => delivery.ping(ctx),
            }
            self.says_at = Some((says, now + KNOCK_EVERY));
        }
        let hosts = external_join.members().iter().any(|m| m.host && !self.gone.contains_key(&m.identity));
        JoinProgress::AtTheDoor { locked, hosts }
    }

    /// The server refused `request`.
    pub(crate) fn on_refused(&mut self, request: u32, why: Refusal, verifier: &LogVerifier, retry: Time) -> JoinProgress {
        if self.commit.take_if(|own| own.request == request).is_none() {
            return JoinProgress::Pending;
        }
        self.is_overtaken |= matches!(why, Refusal::Stale { .. });
        match why {
            Refusal::Stale { .. } if !verifier.has_all_commits() => JoinProgress::Pending,
            // Or the server contradicts itself.
            Refusal::Stale { .. } | Refusal::Busy => {
                self.not_before = Some(retry);
                JoinProgress::Pending
            }
            Refusal::TooLarge => JoinProgress::Failed(EndReason::Refused),
        }
    }

    /// Whether it may come in, and what brings it in is on the way to the log.
    pub(crate) fn is_committing(&self) -> bool {
        self.commit.is_some() || self.asking.is_some()
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        let added = self.asking.as_ref().map(|asking| asking.quiet + ADDED);
        let founds = self.finds_nothing.filter(|_| self.external_join.is_none() && self.commit.is_none()).map(|since| since + ELSEWHERE);
        [self.not_before, self.says_at.map(|(_, at)| at), added, founds].into_iter().flatten().min()
    }
}

fn on_error(error: JoinError) -> JoinProgress {
    match error {
        JoinError::Suite => JoinProgress::Failed(EndReason::Version),
        JoinError::Policy => JoinProgress::Failed(EndReason::HostMismatch),
        JoinError::Full => JoinProgress::Failed(EndReason::Full),
        // A later commit or snapshot may help; if none does, the attempt ends by its deadline.
        JoinError::Malformed | JoinError::OtherMeeting | JoinError::NotAdmitted | JoinError::NoState | JoinError::Library => {
            JoinProgress::Pending
        }
    }
}
