use std::collections::BTreeSet;
use std::time::Duration;

use conclave_base::{Seq, Time};
use conclave_mls::{ExternalJoin, Group, JoinError, Outgoing};
use conclave_protocol::ws::{Class, Refusal};

use crate::context::Context;
use crate::delivery_client::{DeliveryClient, ReadEntry};
use crate::log_verifier::LogVerifier;
use crate::log_writer::Sent;
use crate::snapshot::{EndReason, JoinStep};

/// A snapshot that is of no use is answered by members with one that is, within this.
const ANSWER: Duration = Duration::from_secs(3);
/// Whoever was led astray gives the others so long to answer what it read, before it joins.
const SETTLED: Duration = Duration::from_secs(1);

/// One attempt to become a member: reads the log, then creates the group or joins it by external commit.
#[derive(Default)]
pub(crate) struct Joiner {
    external_join: Option<ExternalJoin>,
    commit: Option<OwnCommit>,
    /// After a refusal that was not about the log: not before this moment.
    not_before: Option<Time>,
    /// When the log was read, by a client that was led astray before.
    read: Option<Time>,
    /// Why nobody comes in, by what the log says now, and when that counts: whoever has the link can append a snapshot that says anything.
    obstacle: Option<(EndReason, Time)>,
}

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
    /// The own commit, sent at that moment, has its place in the log.
    Joined { group: Box<Group>, sent: Time },
    /// It cannot be.
    Failed(EndReason),
}

impl Joiner {
    /// Takes the next entry of the log.
    pub(crate) fn on_entry(&mut self, read: &ReadEntry, delivery: &DeliveryClient, ctx: &mut Context, now: Time) -> JoinProgress {
        let class = read.entry.class;
        let Some(content) = &read.content else { return JoinProgress::Pending };
        if let Some((_, sent)) = read.echo
            && let Some(mut own) = self.commit.take_if(|own| class == Class::Commit && own.bytes == *content)
        {
            return match own.group.process(class, content, &BTreeSet::new()) {
                Ok(_) => JoinProgress::Joined { group: Box::new(own.group), sent },
                Err(_) => JoinProgress::Failed(EndReason::Refused),
            };
        }
        match &mut self.external_join {
            Some(external_join) => {
                // Every member ignores the same broken entries.
                let _ = external_join.apply(class, content);
                if external_join.take_corrected() {
                    self.commit = None;
                }
            }
            None if matches!(class, Class::Commit | Class::Snapshot) => match ExternalJoin::new(delivery.group_config(ctx), content) {
                Ok(external_join) => self.external_join = Some(external_join),
                Err(error) => self.on_error(error, now),
            },
            None => {}
        }
        JoinProgress::Pending
    }

    /// Creates the group or joins it as soon as the log was read.
    pub(crate) fn poll(&mut self, delivery: &mut DeliveryClient, ctx: &mut Context, now: Time) -> JoinProgress {
        let verifier = &delivery.log.verifier;
        if let Some((reason, at)) = self.obstacle
            && now >= at
        {
            return JoinProgress::Failed(reason);
        }
        if self.commit.is_some() || !verifier.has_all_commits() || self.not_before.is_some_and(|at| now < at) {
            return JoinProgress::Pending;
        }
        if ctx.memory.was_astray(now) && now < *self.read.get_or_insert(now) + SETTLED {
            self.not_before = self.read.map(|read| read + SETTLED);
            return JoinProgress::Pending;
        }
        self.not_before = None;
        let made = match &self.external_join {
            Some(external_join) if ctx.memory.is_rolled_back(external_join) => {
                self.meet_obstacle(EndReason::LogBroken, now);
                return JoinProgress::Pending;
            }
            Some(external_join) => external_join.join(),
            None if verifier.last_commit() == Seq(0) => Group::create(delivery.group_config(ctx)),
            None => return JoinProgress::Pending,
        };
        let (group, Outgoing { class, bytes }) = match made {
            Ok(made) => made,
            Err(error) => {
                self.on_error(error, now);
                return JoinProgress::Pending;
            }
        };
        self.obstacle = None;
        ctx.screen.joining(JoinStep::Committing);
        if let Some(request) = delivery.log.append(class, &bytes, Sent::Commit, ctx, now) {
            self.commit = Some(OwnCommit { group, bytes, request });
        }
        JoinProgress::Pending
    }

    /// The server refused `request`.
    pub(crate) fn on_refused(&mut self, request: u32, why: Refusal, verifier: &LogVerifier, retry: Time) -> JoinProgress {
        if self.commit.take_if(|own| own.request == request).is_none() {
            return JoinProgress::Pending;
        }
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

    fn on_error(&mut self, error: JoinError, now: Time) {
        match error {
            JoinError::Suite => self.meet_obstacle(EndReason::Version, now),
            JoinError::Policy => self.meet_obstacle(EndReason::HostMismatch, now),
            JoinError::Full => self.meet_obstacle(EndReason::Full, now),
            // A later commit or snapshot may help; if none does, the attempt ends by its deadline.
            JoinError::Malformed | JoinError::OtherMeeting | JoinError::NoState | JoinError::Library => {}
        }
    }

    /// By the log, nobody comes in. The reason may change until it counts; when it does, not.
    fn meet_obstacle(&mut self, reason: EndReason, now: Time) {
        let at = self.obstacle.map_or(now + ANSWER, |(_, at)| at);
        self.obstacle = Some((reason, at));
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        [self.not_before, self.obstacle.map(|(_, at)| at)].into_iter().flatten().min()
    }
}
