//! The rules of docs/protocol.md, section 4, that every member checks on every commit. OpenMLS checks the rest of RFC 9420.

use std::collections::BTreeSet;

use conclave_base::{Epoch, MeetingId, MemberId, Secret};
use conclave_protocol::limits::{BATCH, KEY_PACKAGE_EPOCHS};
use conclave_protocol::payload::{Access, GroupPolicy};
use openmls::group::{ExternalCommitValidationError, GroupId, ProposalValidationError, StageCommitError};
use openmls::prelude::{KeyPackage, LeafNode, LeafNodeIndex, PreSharedKeyProposal, Proposal, Sender, StagedCommit};
use openmls::schedule::{ExternalPsk, PreSharedKeyId, Psk};
use tls_codec::{DeserializeBytes as _, Serialize as _};

use crate::access::{lets_in, read_policy};
use crate::codec::session_of;
use crate::key_package::{lifetime, read_proof};
use crate::leaf::read_member;
use crate::psk_proof::PskProof;
use crate::{Change, Member, RuleViolation};

/// The PSK of the session with this group, by its public name.
pub(crate) fn session_psk(group: &GroupId) -> Psk {
    Psk::External(ExternalPsk::new([b"conclave/1 session".as_slice(), group.as_slice()].concat()))
}

/// The group before a commit, as the rules see it.
pub(crate) struct Before<'a> {
    pub(crate) meeting: &'a MeetingId,
    pub(crate) group: &'a GroupId,
    pub(crate) policy: &'a GroupPolicy,
    pub(crate) psk: &'a Secret<32>,
    pub(crate) epoch: u64,
    /// Of the group as it is now.
    pub(crate) proof: PskProof,
    /// In leaf order.
    pub(crate) members: &'a [Member],
    /// Who may be removed by anybody, by the log. `None` when it cannot be known: a joiner trusts that the members knew.
    pub(crate) absent: Option<&'a BTreeSet<MemberId>>,
}

/// `authenticated_data` of a commit by which a host removes whom it wants out. Without it a host removes as everybody does: who is absent.
pub(crate) const REMOVED_BY_HOST: &[u8] = b"conclave/1 removed by host";

/// What the commit does, or the first rule that it breaks. `aad` is what its sender signed with it, `newcomer` the leaf that an external
/// commit takes.
pub(crate) fn check(
    before: &Before<'_>,
    staged: &StagedCommit,
    sender: &Sender,
    aad: &[u8],
    newcomer: Option<LeafNodeIndex>,
) -> Result<Change, RuleViolation> {
    let by = Committer::of(before, staged, sender, newcomer)?;
    let ordered = check_types(before, staged, &by)?;
    let access = &ordered.as_ref().unwrap_or(before.policy).access;
    if let Committer::Newcomer(member) = &by
        && !before.proof.holds(&member.key, aad)
    {
        return Err(RuleViolation::NoPsk);
    }

    let mut change = Change {
        epoch: Epoch(staged.epoch().as_u64()),
        by: by.member().identity,
        joined: Vec::new(),
        left: Vec::new(),
        removed: Vec::new(),
        sent_back: Vec::new(),
        out: staged.self_removed(),
        snapshot_wanted: false,
    };
    for queued in staged.remove_proposals() {
        let target = before.at(queued.remove_proposal().removed().u32()).ok_or(RuleViolation::Invalid)?;
        match before.why_removed(target, queued.sender(), aad, &by).ok_or(RuleViolation::RemoveNotAllowed)? {
            Removal::Left => change.left.push(target.clone()),
            Removal::ByHost if access.barred.contains(&target.identity) => change.removed.push(target.clone()),
            Removal::ByHost => change.sent_back.push(target.clone()),
            Removal::Returned => {}
        }
    }
    if let Committer::Newcomer(member) = by {
        let twin = before.members.iter().any(|m| m.identity == member.identity);
        if twin && staged.remove_proposals().next().is_none() {
            return Err(RuleViolation::DuplicateKey);
        }
        if !lets_in(access, &member.identity, member.host || twin) {
            return Err(RuleViolation::NotAdmitted);
        }
        let inside = before.members.len() + 1 - staged.remove_proposals().count();
        // Who comes back is inside already, for all that the limit says now.
        if !twin && inside > limit(before.policy, member.host) {
            return Err(RuleViolation::Invalid);
        }
        change.joined.push(member);
    } else {
        change.joined = before.added(staged, sender, access)?;
    }
    Ok(change)
}

/// How many may be inside when somebody comes in. What hosts order does not hold for hosts: a place may be taken by somebody who is gone, with nobody
/// left to take that out.
pub(crate) fn limit(policy: &GroupPolicy, host: bool) -> usize {
    let limit = if host { policy.policy.limit } else { policy.access.floor.limit };
    usize::try_from(limit).unwrap_or(usize::MAX)
}

enum Committer {
    Member(Member),
    Newcomer(Member),
}

impl Committer {
    fn of(before: &Before<'_>, staged: &StagedCommit, sender: &Sender, newcomer: Option<LeafNodeIndex>) -> Result<Self, RuleViolation> {
        let read = |index, leaf: &LeafNode| read_member(before.meeting, before.policy, index, leaf).ok_or(RuleViolation::LeafMalformed);
        match (sender, staged.update_path_leaf_node()) {
            (Sender::Member(index), leaf) => {
                let old = before.at(index.u32()).ok_or(RuleViolation::Invalid)?;
                if let Some(leaf) = leaf {
                    // The transport knows a member by its key, and people know it by its name and by its device: all stay, and a device may be added.
                    // What it says that it runs does not change either while it runs.
                    let new = read(*index, leaf)?;
                    let same_device = old.device.is_none() || new.device == old.device;
                    if new.key != old.key || new.name != old.name || new.software != old.software || !same_device {
                        return Err(RuleViolation::LeafMalformed);
                    }
                }
                Ok(Self::Member(old.clone()))
            }
            (Sender::NewMemberCommit, Some(leaf)) => Ok(Self::Newcomer(read(newcomer.ok_or(RuleViolation::Invalid)?, leaf)?)),
            (Sender::NewMemberCommit, None) | (Sender::External(_) | Sender::NewMemberProposal, _) => Err(RuleViolation::Invalid),
        }
    }

    fn member(&self) -> &Member {
        match self {
            Self::Member(member) | Self::Newcomer(member) => member,
        }
    }
}

/// Rules (a) and (e): which proposals may stand in whose commit. Gives the policy that a host ordered, if one did.
fn check_types(before: &Before<'_>, staged: &StagedCommit, by: &Committer) -> Result<Option<GroupPolicy>, RuleViolation> {
    let external = matches!(by, Committer::Newcomer(_));
    let mut psks = 0;
    let mut add = false;
    let mut ordered = None;
    for queued in staged.queued_proposals() {
        match queued.proposal() {
            Proposal::Remove(_) => {}
            Proposal::ExternalInit(_) if external => {}
            Proposal::PreSharedKey(psk) => {
                if !is_session_psk(psk, before.group) {
                    return Err(RuleViolation::NoPsk);
                }
                psks += 1;
            }
            Proposal::Add(_) => add = true,
            Proposal::GroupContextExtensions(change) => {
                let session = session_of(before.group, before.meeting).ok_or(RuleViolation::Invalid)?;
                let new = read_policy(change.extensions(), before.meeting, &session).ok_or(RuleViolation::PolicyNotAllowed)?;
                // An order that a host gave once cannot be given again by somebody else, nor in its place in an earlier state.
                if !by.member().host || new.policy != before.policy.policy || new.access.order <= before.policy.access.order {
                    return Err(RuleViolation::PolicyNotAllowed);
                }
                ordered = Some(new);
            }
            Proposal::ExternalInit(_) | Proposal::Update(_) | Proposal::ReInit(_) | Proposal::SelfRemove | Proposal::Custom(_) => {
                return Err(RuleViolation::ProposalType);
            }
        }
    }
    match (external || add, psks) {
        (true, 0) => Err(RuleViolation::NoPsk),
        _ if add && (external || ordered.is_some()) => Err(RuleViolation::ProposalType),
        (true, 1) | (false, 0) => Ok(ordered),
        _ => Err(RuleViolation::ProposalType),
    }
}

fn is_session_psk(proposal: &PreSharedKeyProposal, group: &GroupId) -> bool {
    // OpenMLS has no accessor for the id; a PreSharedKey proposal (RFC 9420, 12.1.4) is just that.
    proposal
        .tls_serialize_detached()
        .ok()
        .and_then(|bytes| PreSharedKeyId::tls_deserialize_exact_bytes(&bytes).ok())
        .is_some_and(|id| *id.psk() == session_psk(group))
}

enum Removal {
    Left,
    ByHost,
    Returned,
}

impl Before<'_> {
    fn at(&self, leaf: u32) -> Option<&Member> {
        self.members.binary_search_by_key(&leaf, |m| m.leaf.0).ok().map(|i| &self.members[i])
    }

    /// Whom a member adds by KeyPackage: each held against the same rules as who comes in by itself.
    fn added(&self, staged: &StagedCommit, sender: &Sender, access: &Access) -> Result<Vec<Member>, RuleViolation> {
        let removed: BTreeSet<_> = staged.remove_proposals().map(|queued| queued.remove_proposal().removed().u32()).collect();
        // Who is added takes the first leaves that are free (RFC 9420, section 12.1.1).
        let mut free = (0..).filter(|leaf| self.at(*leaf).is_none() || removed.contains(leaf)).map(LeafNodeIndex::new);
        let mut added: Vec<Member> = Vec::new();
        for queued in staged.add_proposals() {
            if queued.sender() != sender || added.len() >= BATCH {
                return Err(RuleViolation::ProposalType);
            }
            let leaf = free.next().ok_or(RuleViolation::Invalid)?;
            let member = self.addable(queued.add_proposal().key_package(), leaf, access)?;
            if added.iter().any(|other| other.identity == member.identity) {
                return Err(RuleViolation::DuplicateKey);
            }
            added.push(member);
        }
        let inside = self.members.len() + added.len() - removed.len();
        if !added.is_empty() && inside > limit(self.policy, false) {
            return Err(RuleViolation::Invalid);
        }
        Ok(added)
    }

    /// Whether the owner of a KeyPackage may be added at this leaf, but for the limit.
    pub(crate) fn addable(&self, key_package: &KeyPackage, leaf: LeafNodeIndex, access: &Access) -> Result<Member, RuleViolation> {
        let member = read_member(self.meeting, self.policy, leaf, key_package.leaf_node()).ok_or(RuleViolation::LeafMalformed)?;
        if *key_package.life_time() != lifetime() {
            return Err(RuleViolation::LeafMalformed);
        }
        let (since, proof) = read_proof(key_package).ok_or(RuleViolation::NoPsk)?;
        let is_fresh = since <= self.epoch && self.epoch - since <= KEY_PACKAGE_EPOCHS;
        if !is_fresh || !PskProof::of_key_package(self.psk, self.group, since).holds(&member.key, proof) {
            return Err(RuleViolation::NoPsk);
        }
        // Who returns removes its old leaf itself, with a signature by the same key.
        if self.members.iter().any(|m| m.identity == member.identity) {
            return Err(RuleViolation::DuplicateKey);
        }
        if lets_in(access, &member.identity, member.host) { Ok(member) } else { Err(RuleViolation::NotAdmitted) }
    }

    /// Rules (c) and (d): why `target` may be removed on the word of `proposer`; `None` if it may not.
    fn why_removed(&self, target: &Member, proposer: &Sender, aad: &[u8], by: &Committer) -> Option<Removal> {
        let proposer = match (proposer, by) {
            (Sender::NewMemberCommit, Committer::Newcomer(new)) => {
                return (new.key == target.key).then_some(Removal::Returned);
            }
            (Sender::Member(index), Committer::Member(_)) => self.at(index.u32())?,
            _ => return None,
        };
        if proposer.identity == target.identity {
            Some(Removal::Left)
        } else if aad == REMOVED_BY_HOST {
            proposer.host.then_some(Removal::ByHost)
        } else {
            self.absent.is_none_or(|absent| absent.contains(&target.identity)).then_some(Removal::Left)
        }
    }
}

/// Whether a proposal that stands alone in the log may be kept for the next commit: only "remove me".
pub(crate) fn check_proposal(proposal: &Proposal, sender: &Sender) -> Result<LeafNodeIndex, RuleViolation> {
    match (proposal, sender) {
        (Proposal::Remove(remove), Sender::Member(index)) if remove.removed() == *index => Ok(*index),
        (Proposal::Remove(_), _) => Err(RuleViolation::RemoveNotAllowed),
        (Proposal::GroupContextExtensions(_), _) => Err(RuleViolation::PolicyNotAllowed),
        (
            Proposal::Add(_)
            | Proposal::Update(_)
            | Proposal::PreSharedKey(_)
            | Proposal::ReInit(_)
            | Proposal::ExternalInit(_)
            | Proposal::SelfRemove
            | Proposal::Custom(_),
            _,
        ) => Err(RuleViolation::ProposalType),
    }
}

/// Which of our rules OpenMLS found broken first, if it is one of ours.
#[expect(clippy::wildcard_enum_match_arm, reason = "what else OpenMLS finds wrong has no rule of its own")]
pub(crate) fn rule_of(error: &StageCommitError, external: bool) -> RuleViolation {
    match error {
        StageCommitError::ProposalValidationError(ProposalValidationError::DuplicateSignatureKey) => RuleViolation::DuplicateKey,
        StageCommitError::ExternalCommitValidation(ExternalCommitValidationError::InvalidRemoveProposal) => RuleViolation::RemoveNotAllowed,
        StageCommitError::ExternalCommitValidation(ExternalCommitValidationError::InvalidInlineProposals) => RuleViolation::ProposalType,
        StageCommitError::LeafNodeValidation(_) => RuleViolation::LeafMalformed,
        StageCommitError::PskError(_) => RuleViolation::NoPsk,
        // The newcomer mixed in another PSK than ours, or made the tag up: without the PSK nobody can tell which.
        StageCommitError::ConfirmationTagMismatch if external => RuleViolation::NoPsk,
        _ => RuleViolation::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use conclave_base::{LeafIndex, Redacted};

    use super::*;

    fn member(n: u8) -> Member {
        let key = [n; 32];
        Member {
            leaf: LeafIndex(n.into()),
            identity: MemberId::of_key(&key),
            key,
            name: Redacted::new(String::new()),
            host: false,
            device: None,
            software: None,
        }
    }

    /// OpenMLS refuses it too, and cannot be made to build it.
    #[test]
    fn a_newcomer_removes_its_own_old_leaf_and_no_other() {
        let policy = crate::access::initial(crate::tests::policy());
        let meeting = MeetingId::from_bytes([0; 16]);
        let everybody = BTreeSet::from([member(0).identity, member(1).identity]);
        let members = [member(0), member(1)];
        let group = GroupId::from_slice(&[0; 32]);
        let psk = Secret::new([0; 32]);
        let proof = PskProof::of_bytes(&psk, b"");
        let absent = Some(&everybody);
        let before = Before { meeting: &meeting, group: &group, policy: &policy, psk: &psk, epoch: 1, proof, members: &members, absent };
        let returned = Committer::Newcomer(Member { leaf: LeafIndex(2), ..member(1) });
        assert!(matches!(before.why_removed(&members[1], &Sender::NewMemberCommit, b"", &returned), Some(Removal::Returned)));
        assert!(before.why_removed(&members[0], &Sender::NewMemberCommit, b"", &returned).is_none());
    }
}
