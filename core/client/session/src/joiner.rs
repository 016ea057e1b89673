use crate::snapshot::{EndReason, JoinStep};
use conclave_base::{Secret, Seq, Time};
use conclave_mls::{ExternalJoin, Group, GroupConfig, JoinError, Outgoing};
use conclave_protocol::payload::Policy;
use conclave_protocol::ws::{Class, Refusal};
use std::collections::BTreeSet;

use crate::keys::Keys;
use crate::log_writer::{Desk, Sent};

/// What this client brings into a session, each time that it enters the group.
pub(crate) struct Ticket {
    pub(crate) policy: Policy,
    pub(crate) name: String,
    /// Seed of the leaf signature key; fresh for every leaf.
    pub(crate) signer: Secret<32>,
    pub(crate) host: Option<Secret<32>>,
}

impl Ticket {
    fn setup(&self, keys: &Keys, desk: &mut Desk) -> GroupConfig {
        GroupConfig {
            meeting: keys.meeting,
            psk: keys.psk.clone(),
            policy: self.policy.clone(),
            name: self.name.clone(),
            signer: self.signer.clone(),
            host: self.host.clone(),
            seed: desk.chance.secret(),
        }
    }
}

/// On the way into the group: reads the log, then founds the group or joins it by external commit.
#[derive(Default)]
pub(crate) struct Entering {
    joiner: Option<ExternalJoin>,
    attempt: Option<Attempt>,
    /// After a refusal that was not about the log: not before this moment.
    not_before: Option<Time>,
}

/// A group that will be ours if the entry takes its place in the log.
struct Attempt {
    group: Group,
    bytes: Vec<u8>,
    request: u32,
}

/// What became of it.
pub(crate) enum Entered {
    /// Still on the way.
    NotYet,
    /// In.
    Inside(Box<Group>),
    /// It cannot be.
    Over(EndReason),
}

impl Entering {
    /// Takes the next entry of the log; `content` is `None` if it did not open.
    pub(crate) fn entry(&mut self, class: Class, content: Option<&[u8]>, ticket: &Ticket, keys: &Keys, desk: &mut Desk) -> Entered {
        let Some(content) = content else { return Entered::NotYet };
        if let Some(mut attempt) = self.attempt.take_if(|attempt| class == Class::Commit && attempt.bytes == content) {
            return match attempt.group.process(class, content, &BTreeSet::new()) {
                Ok(_) => Entered::Inside(Box::new(attempt.group)),
                Err(_) => Entered::Over(EndReason::Refused),
            };
        }
        match &mut self.joiner {
            Some(joiner) => {
                // Every member ignores the same broken entries.
                let _ = joiner.apply(class, content);
            }
            None if matches!(class, Class::Commit | Class::Snapshot) => match ExternalJoin::new(ticket.setup(keys, desk), content) {
                Ok(joiner) => self.joiner = Some(joiner),
                Err(error) => return refused(error),
            },
            None => {}
        }
        Entered::NotYet
    }

    /// Founds or joins as soon as the log was read.
    pub(crate) fn step(&mut self, ticket: &Ticket, keys: &Keys, desk: &mut Desk, now: Time) -> Entered {
        if self.attempt.is_some() || !desk.chain.has_all_commits() || self.not_before.is_some_and(|at| now < at) {
            return Entered::NotYet;
        }
        self.not_before = None;
        let made = match &self.joiner {
            Some(joiner) => joiner.join(),
            None if desk.chain.last_commit() == Seq(0) => Group::create(ticket.setup(keys, desk)),
            None => return Entered::NotYet,
        };
        let (group, Outgoing { class, bytes }) = match made {
            Ok(made) => made,
            Err(error) => return refused(error),
        };
        desk.screen.joining(JoinStep::Committing);
        if let Some(request) = desk.append(class, &bytes, Sent::Commit) {
            self.attempt = Some(Attempt { group, bytes, request });
        }
        Entered::NotYet
    }

    /// The server refused `request`.
    pub(crate) fn refused(&mut self, request: u32, why: Refusal, retry: Time) -> Entered {
        if self.attempt.take_if(|attempt| attempt.request == request).is_none() {
            return Entered::NotYet;
        }
        match why {
            Refusal::Stale { .. } => Entered::NotYet,
            Refusal::Busy => {
                self.not_before = Some(retry);
                Entered::NotYet
            }
            Refusal::TooLarge => Entered::Over(EndReason::Refused),
        }
    }

    pub(crate) fn due(&self) -> Option<Time> {
        self.not_before
    }
}

fn refused(error: JoinError) -> Entered {
    match error {
        JoinError::Suite => Entered::Over(EndReason::Version),
        JoinError::Policy => Entered::Over(EndReason::HostMismatch),
        JoinError::Full => Entered::Over(EndReason::Full),
        // A later commit or snapshot may help; if none does, the attempt ends by its deadline.
        JoinError::Malformed | JoinError::OtherMeeting | JoinError::NoState | JoinError::Library => Entered::NotYet,
    }
}
