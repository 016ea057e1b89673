use std::collections::BTreeSet;
use std::slice;

use conclave_base::{Epoch, MemberId};
use conclave_protocol::payload::{App, CommitEntry};
use conclave_protocol::ws::Class;
use openmls::group::{ProcessMessageError, StagedCommit};
use openmls::prelude::{ProcessedMessageContent, Sender};
use zeroize::Zeroize as _;

use crate::access::{context_extensions, read_policy};
use crate::codec::{is_current, is_own_snapshot, largest, private_message, public_message, read_snapshot};
use crate::group::{PAST_EPOCHS, roster_after};
use crate::psk_proof::PskProof;
use crate::rules::{Before, check, check_proposal, rule_of};
use crate::{Change, Group, Processed, RuleViolation, padding};

/// Proposals to leave that are kept per member and epoch.
const LEAVES_PER_MEMBER: usize = 4;

/// Entries of the log: staged, held against the rules, and only then merged.
impl Group {
    /// Takes the opened content of the next entry of the log, own entries too. `absent` are the members, this
    /// one perhaps among them, who by the log may be removed by anybody at this entry.
    pub fn process(&mut self, class: Class, bytes: &[u8], absent: &BTreeSet<MemberId>) -> Result<Processed, RuleViolation> {
        if !self.mls.is_active() {
            return Ok(Processed::Unreadable);
        }
        if bytes.len() > largest(class) {
            return Err(RuleViolation::Invalid);
        }
        match class {
            Class::Commit => self.process_commit(bytes, absent),
            Class::Proposal => self.process_proposal(bytes),
            Class::Message => self.process_message(bytes),
            Class::Snapshot => {
                let snapshot = self.process_snapshot(bytes);
                if snapshot == Processed::Snapshot {
                    self.on_snapshot();
                }
                Ok(snapshot)
            }
            Class::JoinRequest | Class::Welcome | Class::Gone => Err(RuleViolation::ProposalType),
        }
    }

    fn process_commit(&mut self, bytes: &[u8], absent: &BTreeSet<MemberId>) -> Result<Processed, RuleViolation> {
        if self.pending.as_ref().is_some_and(|pending| pending.bytes == bytes) {
            return self.on_accepted();
        }
        let entry = CommitEntry::decode(bytes).map_err(|_| RuleViolation::Invalid)?;
        let message = public_message(&entry.commit.ok_or(RuleViolation::Invalid)?).ok_or(RuleViolation::Invalid)?;
        let sender = message.sender().clone();
        // Somebody was led astray, which to OpenMLS is an error to be logged; the same with messages. And an own commit that is no longer pending.
        if message.epoch() != self.mls.epoch() || sender == Sender::Member(self.mls.own_leaf_index()) {
            return Err(RuleViolation::Invalid);
        }

        self.stage_remove_proposals(|_| true);
        let staged = self.mls.process_message(&self.provider, message).map_err(|error| {
            let ProcessMessageError::InvalidCommit(error) = &error else { return RuleViolation::Invalid };
            rule_of(error, sender == Sender::NewMemberCommit)
        });
        let checked = staged.and_then(|message| {
            let aad = message.aad().to_vec();
            let ProcessedMessageContent::StagedCommitMessage(staged) = message.into_content() else {
                return Err(RuleViolation::Invalid);
            };
            let change = self.check(&staged, &sender, &aad, absent)?;
            Ok((staged, change))
        });
        self.unstage_remove_proposals();

        let (staged, mut change) = checked?;
        self.mls.merge_staged_commit(&self.provider, *staged).map_err(|_| RuleViolation::Invalid)?;
        self.begin_epoch(&change.by);
        if !change.out {
            let by = self.members.iter().find(|m| m.identity == change.by);
            let current =
                by.is_some_and(|by| is_current(&entry.group_info, false, &self.mls, &self.provider, &self.key, slice::from_ref(by)));
            change.snapshot_wanted = !current;
        }
        Ok(Processed::Commit(change))
    }

    /// The pending own commit has its place in the log.
    fn on_accepted(&mut self) -> Result<Processed, RuleViolation> {
        let pending = self.pending.take().ok_or(RuleViolation::Invalid)?;
        if !pending.entering {
            self.mls.merge_pending_commit(&self.provider).map_err(|_| RuleViolation::Invalid)?;
            self.begin_epoch(&pending.change.by);
        }
        Ok(Processed::Commit(pending.change))
    }

    pub(crate) fn check(
        &self,
        staged: &StagedCommit,
        sender: &Sender,
        aad: &[u8],
        absent: &BTreeSet<MemberId>,
    ) -> Result<Change, RuleViolation> {
        let newcomer = match sender {
            Sender::NewMemberCommit => self.mls.ext_commit_sender_index(staged).ok(),
            Sender::Member(_) | Sender::External(_) | Sender::NewMemberProposal => None,
        };
        check(&self.before(Some(absent)).ok_or(RuleViolation::Invalid)?, staged, sender, aad, newcomer)
    }

    /// The group as it is now, for the rules.
    pub(crate) fn before<'a>(&'a self, absent: Option<&'a BTreeSet<MemberId>>) -> Option<Before<'a>> {
        Some(Before {
            meeting: &self.meeting,
            group: self.mls.group_id(),
            policy: &self.policy,
            psk: &self.psk,
            epoch: self.epoch().0,
            proof: PskProof::new(&self.psk, self.mls.public_group().group_context())?,
            members: &self.members,
            absent,
        })
    }

    /// After a merge: the roster and what belonged to the old epoch.
    fn begin_epoch(&mut self, by: &MemberId) {
        self.pending = None;
        self.leaving.clear();
        let epoch = self.epoch();
        // Both are well-formed: the rules let nothing else in.
        let mut before = self.members.as_slice();
        if context_extensions(&self.policy).as_ref() != Some(self.mls.extensions())
            && let Some(session) = self.session()
            && let Some(policy) = read_policy(self.mls.extensions(), &self.meeting, &session)
        {
            self.policy = policy;
            // Who is a host may be another.
            before = &[];
        }
        if let Some(members) = roster_after(before, by, self.mls.public_group(), &self.meeting, &self.policy) {
            let old = std::mem::replace(&mut self.members, members);
            self.past.push_front((Epoch(epoch.0.saturating_sub(1)), old));
            self.past.truncate(PAST_EPOCHS);
        }
    }

    fn process_proposal(&mut self, bytes: &[u8]) -> Result<Processed, RuleViolation> {
        let message = public_message(bytes).ok_or(RuleViolation::Invalid)?;
        if message.epoch() < self.mls.epoch() {
            // A commit was faster. Who still wants to leave asks again.
            return Ok(Processed::Unreadable);
        }
        let processed = self.mls.process_message(&self.provider, message).map_err(|_| RuleViolation::Invalid)?;
        let sender = processed.sender().clone();
        let ProcessedMessageContent::ProposalMessage(proposal) = processed.into_content() else {
            return Err(RuleViolation::ProposalType);
        };
        let leaf = check_proposal(proposal.proposal(), &sender)?;
        let who = self.members.iter().find(|m| m.leaf.0 == leaf.u32()).ok_or(RuleViolation::Invalid)?.identity;
        if self.leaving.iter().filter(|(other, _)| *other == leaf).count() >= LEAVES_PER_MEMBER {
            return Err(RuleViolation::Invalid);
        }
        if !self.leaving.iter().any(|(_, known)| known.proposal_reference_ref() == proposal.proposal_reference_ref()) {
            self.leaving.push((leaf, *proposal));
        }
        Ok(Processed::Leaving(who))
    }

    fn process_message(&mut self, bytes: &[u8]) -> Result<Processed, RuleViolation> {
        let message = private_message(bytes).ok_or(RuleViolation::Invalid)?;
        let epoch = Epoch(message.epoch().as_u64());
        if epoch < self.epoch() && !self.past.iter().any(|(past, _)| *past == epoch) {
            return Ok(Processed::Unreadable);
        }
        if epoch > self.epoch() {
            return Err(RuleViolation::Invalid);
        }
        let processed = self.mls.process_message(&self.provider, message).map_err(|_| RuleViolation::Invalid)?;
        let sender = processed.sender().clone();
        match (processed.into_content(), sender) {
            (ProcessedMessageContent::OwnPrivateMessage, _) => Ok(Processed::Own { epoch }),
            (ProcessedMessageContent::ApplicationMessage(message), Sender::Member(leaf)) => {
                let then = self.past.iter().find(|(past, _)| *past == epoch).map_or(&self.members, |(_, members)| members);
                let from = then.iter().find(|m| m.leaf.0 == leaf.u32()).ok_or(RuleViolation::Invalid)?.identity;
                if !self.members.iter().any(|m| m.identity == from) {
                    return Ok(Processed::Unreadable);
                }
                let mut plain = message.into_bytes();
                let app = padding::unpad(&plain).and_then(|content| App::decode(content).ok());
                plain.zeroize();
                Ok(Processed::App { from, epoch, app: app.ok_or(RuleViolation::Invalid)? })
            }
            _ => Err(RuleViolation::Invalid),
        }
    }

    fn process_snapshot(&self, bytes: &[u8]) -> Processed {
        if is_own_snapshot(bytes, &self.mls, &self.provider, &self.key, &self.members) {
            return Processed::Snapshot;
        }
        // A store of its own: reading a snapshot writes what it holds into the store.
        let provider = self.provider.fork();
        let group = read_snapshot(&provider, bytes).map(|(group, _)| group);
        Processed::SnapshotUseless { of_group: group.is_some_and(|group| group.group_id() == self.mls.group_id()) }
    }
}
