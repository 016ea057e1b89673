use std::collections::BTreeSet;
use std::fmt;

use conclave_base::{Epoch, MemberId, SessionId};
use conclave_protocol::payload::{Access, CommitEntry, GroupPolicy, SeenPolicy};
use conclave_protocol::ws::Class;
use openmls::group::{ExternalCommitBuilder, PublicGroup, PublicProcessMessageError, QueuedRemoveProposal, StagedCommit};
use openmls::messages::group_info::VerifiableGroupInfo;
use openmls::prelude::{LeafNodeParameters, PreSharedKeyProposal, ProcessedMessageContent, QueuedProposal, Sender};
use openmls_traits::OpenMlsProvider as _;

use crate::access::{lets_in, read_policy};
use crate::codec::{encode, entry, group_info, largest, public_message, read_snapshot, session_of};
use crate::group::{join_config, new_provider, psk_id, roster, roster_after, suite};
use crate::leaf::{capabilities, credential, leaf_extensions};
use crate::provider::{LeafKey, Provider};
use crate::psk_proof::PskProof;
use crate::rules::{Before, check, check_proposal, limit, rule_of};
use crate::{Group, GroupConfig, JoinError, Member, Outgoing, RuleViolation};

/// Follows the public side of the group from a snapshot to the head of the log, then joins.
///
/// It checks what can be checked without the group's secrets: also that each newcomer had the PSK. Whether one that had it lied in the
/// confirmation tag, and whether a member that a non-host removed was gone, only the members know: a joiner that was led astray by a member
/// notices by heartbeats that do not fit, of those who can know ([`Self::witnesses`]).
pub struct ExternalJoin {
    pub(crate) config: GroupConfig,
    pub(crate) session: SessionId,
    pub(crate) provider: Provider,
    pub(crate) group: PublicGroup,
    /// Of the newest epoch, if a member attached a fitting one.
    pub(crate) info: Option<VerifiableGroupInfo>,
    members: Vec<Member>,
    policy: GroupPolicy,
    /// Somebody was taken out, or left: the members may have ignored that.
    on_trust: bool,
    /// Who was inside when a removal was first taken on the word of somebody else than a host, and is since; but for its author and those of later ones.
    witnesses: Option<BTreeSet<MemberId>>,
    /// Somebody asked for something that the next commit may take along.
    is_asked: bool,
}

impl ExternalJoin {
    /// Starts from the opened content of the founding entry or of a snapshot.
    pub fn new(config: GroupConfig, bytes: &[u8]) -> Result<Self, JoinError> {
        suite(&config.policy)?;
        let provider = Provider::new(&config.seed);
        let (group, info) = read_snapshot(&provider, bytes).ok_or(JoinError::Malformed)?;
        let session = session_of(group.group_id(), &config.meeting).ok_or(JoinError::OtherMeeting)?;
        let policy = read_policy(group.group_context().extensions(), &config.meeting, &session).ok_or(JoinError::Policy)?;
        // Whoever founded the group had to use the policy that the host signed; and what was ordered since, a host signed for this session.
        if policy.policy != config.policy || u16::from(group.ciphersuite()) != policy.policy.suite {
            return Err(JoinError::Policy);
        }
        let members = roster(&group, &config.meeting, &policy).ok_or(JoinError::Malformed)?;
        Ok(Self { config, session, provider, group, info: Some(info), members, policy, on_trust: false, witnesses: None, is_asked: false })
    }

    /// Takes the opened content of the next entry. A broken rule means that the entry is ignored, as every member does.
    pub fn apply(&mut self, class: Class, bytes: &[u8]) -> Result<(), RuleViolation> {
        if bytes.len() > largest(class) {
            return Err(RuleViolation::Invalid);
        }
        match class {
            Class::Commit => self.apply_commit(bytes),
            Class::Proposal => self.apply_proposal(bytes),
            Class::Snapshot => {
                self.apply_snapshot(bytes);
                Ok(())
            }
            Class::Message | Class::JoinRequest | Class::Welcome | Class::Gone => Ok(()),
        }
    }

    fn apply_commit(&mut self, bytes: &[u8]) -> Result<(), RuleViolation> {
        let entry = CommitEntry::decode(bytes).map_err(|_| RuleViolation::Invalid)?;
        let message = public_message(&entry.commit.ok_or(RuleViolation::Invalid)?).ok_or(RuleViolation::Invalid)?;
        let sender = message.sender().clone();
        // As in a group: OpenMLS would log an error.
        if message.epoch() != self.group.group_context().epoch() {
            return Err(RuleViolation::Invalid);
        }
        let processed = self.group.process_message(self.provider.crypto(), message).map_err(|error| {
            let PublicProcessMessageError::InvalidCommit(error) = &error else { return RuleViolation::Invalid };
            rule_of(error, sender == Sender::NewMemberCommit)
        })?;
        let aad = processed.aad().to_vec();
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            return Err(RuleViolation::Invalid);
        };
        let newcomer = match sender {
            Sender::NewMemberCommit => self.group.ext_commit_sender_index(&staged).ok(),
            Sender::Member(_) | Sender::External(_) | Sender::NewMemberProposal => None,
        };
        let before = Before {
            meeting: &self.config.meeting,
            group: self.group.group_id(),
            policy: &self.policy,
            psk: &self.config.psk,
            epoch: self.epoch().0,
            proof: self.psk_proof().ok_or(RuleViolation::Invalid)?,
            members: &self.members,
            absent: None,
        };
        let change = check(&before, &staged, &sender, &aad, newcomer)?;
        self.on_trust |= !change.left.is_empty();
        if change.left.len() > wishes(&staged) {
            let inside = || self.members.iter().map(|m| m.identity).collect();
            self.witnesses.get_or_insert_with(inside).remove(&change.by);
        }
        if let Some(witnesses) = &mut self.witnesses {
            change.joined.iter().for_each(|m| _ = witnesses.remove(&m.identity));
        }

        self.group.merge_commit(self.provider.storage(), *staged).map_err(|_| RuleViolation::Invalid)?;
        let extensions = self.group.group_context().extensions();
        let policy = read_policy(extensions, &self.config.meeting, &self.session).ok_or(RuleViolation::Invalid)?;
        let before = if policy == self.policy { self.members.as_slice() } else { &[] };
        let members = roster_after(before, &change.by, &self.group, &self.config.meeting, &policy);
        self.members = members.ok_or(RuleViolation::LeafMalformed)?;
        self.policy = policy;
        self.is_asked = false;
        self.info = group_info(&entry.group_info).filter(|info| info.group_context() == self.group.group_context());
        Ok(())
    }

    fn apply_proposal(&mut self, bytes: &[u8]) -> Result<(), RuleViolation> {
        let message = public_message(bytes).ok_or(RuleViolation::Invalid)?;
        if message.epoch() != self.group.group_context().epoch() {
            return Ok(());
        }
        let processed = self.group.process_message(self.provider.crypto(), message).map_err(|_| RuleViolation::Invalid)?;
        let sender = processed.sender().clone();
        let ProcessedMessageContent::ProposalMessage(proposal) = processed.into_content() else {
            return Err(RuleViolation::ProposalType);
        };
        check_proposal(proposal.proposal(), &sender)?;
        let proposal: QueuedProposal = *proposal;
        self.is_asked = true;
        self.group.add_proposal(self.provider.storage(), proposal).map_err(|_| RuleViolation::Invalid)
    }

    /// A snapshot of the epoch reached repairs a commit that brought no usable GroupInfo, and ends what was asked for before, as for the members. Another state is where the members stand if they
    /// ignored a removal that this client took on trust: it begins anew from there.
    fn apply_snapshot(&mut self, bytes: &[u8]) {
        if self.info.is_some() && !self.on_trust && !self.is_asked {
            return;
        }
        let config = GroupConfig { seed: self.provider.seed(), ..self.config.clone() };
        let Ok(other) = Self::new(config, bytes) else { return };
        if other.group.group_context() == self.group.group_context() {
            *self = Self { on_trust: self.on_trust, witnesses: self.witnesses.take(), ..other };
        } else if self.on_trust && other.session == self.session {
            *self = other;
        }
    }

    /// Joins at the state reached by external commit (RFC 9420, 12.4.3.2): the group as it will be, and the commit to append. Pass its own entry to [`Group::process`] when it
    /// comes back from the log. If the append is refused, drop the group, apply what was missing, and join again.
    pub fn join(&self) -> Result<(Group, Outgoing), JoinError> {
        self.require_place()?;
        let info = self.info.clone().ok_or(JoinError::NoState)?;
        let suite = suite(&self.config.policy)?;
        let provider = new_provider(&self.config, self.group.group_id(), self.provider.fork(), suite)?;
        let key = LeafKey::new(&self.config.signer);
        let extensions = leaf_extensions(&self.config, &key).ok_or(JoinError::Library)?;
        let leaf = LeafNodeParameters::builder().with_capabilities(capabilities(suite)).with_extensions(extensions).build();
        let psk = PreSharedKeyProposal::new(psk_id(self.group.group_id(), &provider, suite)?);

        let proof = self.psk_proof().ok_or(JoinError::Library)?.make(&key.public());

        let (mls, bundle) = ExternalCommitBuilder::new()
            .with_aad(proof)
            .with_ratchet_tree(self.group.export_ratchet_tree().into())
            .with_config(join_config())
            .build_group(&provider, info, credential(&key))
            .map_err(|_| JoinError::NoState)?
            .add_psk_proposal(psk)
            .leaf_node_parameters(leaf)
            .load_psks(provider.storage())
            .map_err(|_| JoinError::Library)?
            .create_group_info(true)
            .use_ratchet_tree_extension(false)
            .build(provider.rand(), provider.crypto(), &key, |_| true)
            .map_err(|_| JoinError::Library)?
            .finalize(&provider)
            .map_err(|_| JoinError::Library)?;
        let (commit, _, info) = bundle.into_contents();
        let commit = encode(&commit).ok_or(JoinError::Library)?;
        let info = info.and_then(|info| encode(&info.into())).ok_or(JoinError::Library)?;
        let outgoing = entry(Class::Commit, Some(commit), info);
        let group = Group::entering(&self.config, mls, provider, key, &outgoing)?;
        Ok((group, outgoing))
    }

    /// There is a place for this client, and it may have it.
    pub(crate) fn require_place(&self) -> Result<(), JoinError> {
        if !self.is_admitted() {
            return Err(JoinError::NotAdmitted);
        }
        let is_full = self.members.len() >= limit(&self.policy, self.config.host.is_some());
        if is_full && !self.is_inside() { Err(JoinError::Full) } else { Ok(()) }
    }

    pub(crate) fn psk_proof(&self) -> Option<PskProof> {
        PskProof::new(&self.config.psk, self.group.group_context())
    }

    /// Who can confirm to whoever joins now that it is in the group of the others; `None` if every member can. If this client took a removal on trust
    /// that does not count, so did others who came after it, and they know no better.
    pub fn witnesses(&self) -> Option<&BTreeSet<MemberId>> {
        self.witnesses.as_ref()
    }

    /// Everybody in the group now, by leaf.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Who may come in.
    pub fn access(&self) -> &Access {
        &self.policy.access
    }

    /// The policy in force, as a later session is shown it.
    pub fn seen_policy(&self) -> SeenPolicy {
        SeenPolicy { session: self.session, policy: self.policy.clone() }
    }

    /// Whether this client may come in: as every member will judge it.
    pub fn is_admitted(&self) -> bool {
        let me = self.me();
        let host = self.config.host.is_some();
        let seen = self.config.access.as_ref().map_or(0, |access| access.order);
        // A session in which less was ordered than this client has seen: nobody but a host can know who is meant to be inside.
        (host || self.policy.access.order >= seen) && lets_in(&self.policy.access, &me, host || self.has(&me))
    }

    /// Whether a leaf with this client's key is in the group: of before, or because a member added it.
    pub fn is_inside(&self) -> bool {
        self.has(&self.me())
    }

    fn has(&self, who: &MemberId) -> bool {
        self.members.iter().any(|m| m.identity == *who)
    }

    /// The session whose group it follows.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The epoch reached.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.group.group_context().epoch().as_u64())
    }

    /// The identity that this client will have.
    pub fn me(&self) -> MemberId {
        MemberId::of_key(&LeafKey::new(&self.config.signer).public())
    }
}

/// How many it takes out at their own wish.
fn wishes(staged: &StagedCommit) -> usize {
    let is_wish = |queued: &QueuedRemoveProposal<'_>| *queued.sender() == Sender::Member(queued.remove_proposal().removed());
    staged.remove_proposals().filter(is_wish).count()
}

/// No key, no name: only where it stands.
impl fmt::Debug for ExternalJoin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalJoin")
            .field("epoch", &self.group.group_context().epoch())
            .field("members", &self.members.len())
            .finish_non_exhaustive()
    }
}
