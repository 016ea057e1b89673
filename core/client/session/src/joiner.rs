use std::collections::BTreeSet;

use conclave_base::{Seq, Time};
use conclave_mls::{ExternalJoin, Group, JoinError, Outgoing};
use conclave_protocol::ws::{Class, Refusal};

use crate::context::Context;
use crate::delivery_client::{DeliveryClient, ReadEntry};
use crate::log_verifier::LogVerifier;
use crate::log_writer::Sent;
use crate::snapshot::{EndReason, JoinStep};

/// One attempt to become a member: reads the log, then creates the group or joins it by external commit.
#[derive(Default)]
pub(crate) struct Joiner {
    external_join: Option<ExternalJoin>,
    commit: Option<OwnCommit>,
    /// After a refusal that was not about the log: not before this moment.
    not_before: Option<Time>,
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
    pub(crate) fn on_entry(&mut self, read: &ReadEntry, delivery: &DeliveryClient, ctx: &mut Context) -> JoinProgress {
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
            }
            None if matches!(class, Class::Commit | Class::Snapshot) => match ExternalJoin::new(delivery.group_config(ctx), content) {
                Ok(external_join) => self.external_join = Some(external_join),
                Err(error) => return on_error(error),
            },
            None => {}
        }
        JoinProgress::Pending
    }

    /// Creates the group or joins it as soon as the log was read.
    pub(crate) fn poll(&mut self, delivery: &mut DeliveryClient, ctx: &mut Context, now: Time) -> JoinProgress {
        let verifier = &delivery.log.verifier;
        if self.commit.is_some() || !verifier.has_all_commits() || self.not_before.is_some_and(|at| now < at) {
            return JoinProgress::Pending;
        }
        self.not_before = None;
        let made = match &self.external_join {
            Some(external_join) if ctx.memory.is_rolled_back(external_join) => return JoinProgress::Failed(EndReason::LogBroken),
            Some(external_join) => external_join.join(),
            None if verifier.last_commit() == Seq(0) => Group::create(delivery.group_config(ctx)),
            None => return JoinProgress::Pending,
        };
        let (group, Outgoing { class, bytes }) = match made {
            Ok(made) => made,
            Err(error) => return on_error(error),
        };
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

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.not_before
    }
}

fn on_error(error: JoinError) -> JoinProgress {
    match error {
        JoinError::Suite => JoinProgress::Failed(EndReason::Version),
        JoinError::Policy => JoinProgress::Failed(EndReason::HostMismatch),
        JoinError::Full => JoinProgress::Failed(EndReason::Full),
        // A later commit or snapshot may help; if none does, the attempt ends by its deadline.
        JoinError::Malformed | JoinError::OtherMeeting | JoinError::NoState | JoinError::Library => JoinProgress::Pending,
    }
}
