use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use base::{Epoch, Identity, LeafIndex, MeetingId, Secret};
use openmls::group::{
    MlsGroup, MlsGroupJoinConfig, PURE_PLAINTEXT_WIRE_FORMAT_POLICY, ProcessMessageError, PublicGroup, QueuedProposal,
    StagedCommit,
};
use openmls::prelude::{Ciphersuite, LeafNodeIndex, LeafNodeParameters, ProcessedMessageContent, Sender};
use openmls::schedule::PreSharedKeyId;
use openmls_traits::OpenMlsProvider as _;
use wire::limits::SEALED_MESSAGE;
use wire::live::Class;
use wire::screen::Rule;
use wire::sealed::{App, CommitEntry, Policy};
use zeroize::Zeroize as _;

use crate::leaf::{capabilities, context_extensions, credential, leaf_extensions, read_member, read_policy};
use crate::provider::{LeafKey, Provider};
use crate::rules::{Before, check, check_proposal, rule_of, session_psk};
use crate::setup::SUITES;
use crate::state::{encode, entry, export, group_id, is_current, private_message, public_message, read_snapshot};
use crate::{Change, CommandError, Handled, JoinError, Member, Outgoing, RuleBroken, Setup, code, padding};

/// Epochs whose messages are still read after the next began: what was under way when a commit took its place in the log.
const PAST_EPOCHS: usize = 2;
/// Proposals to leave that are kept per member and epoch.
const LEAVES_PER_MEMBER: usize = 4;
/// What sealing adds to a message: nonce and tag.
const SEAL_BYTES: usize = 12 + 16;

/// This client's membership in the MLS group of one session.
pub struct Group {
    pub(crate) mls: MlsGroup,
    pub(crate) provider: Provider,
    pub(crate) key: LeafKey,
    meeting: MeetingId,
    policy: Policy,
    /// In leaf order.
    members: Vec<Member>,
    /// Rosters of the epochs whose messages can still be read, newest first.
    past: VecDeque<(Epoch, Vec<Member>)>,
    /// "Remove me", of this epoch. Kept outside OpenMLS's own store, which stops application messages while it is not empty.
    leaving: Vec<(LeafNodeIndex, QueuedProposal)>,
    pending: Option<Pending>,
}

/// An own commit on its way to the log.
struct Pending {
    bytes: Vec<u8>,
    change: Change,
    /// Founding and joining entries: OpenMLS is in the new epoch already, and nothing can be sent before the entry is accepted.
    entering: bool,
}

impl Group {
    /// A new group with this client alone, and the entry that founds it: append it with `expected = Seq(0)`.
    /// If the append is refused, somebody else was first: drop the group and use [`crate::Joiner`].
    pub fn found(setup: Setup) -> Result<(Self, Outgoing), JoinError> {
        let suite = suite(&setup.policy)?;
        let provider = new_provider(&setup, &setup.seed, suite)?;
        let key = LeafKey::new(&setup.signer);
        let mut mls = MlsGroup::builder()
            .with_group_id(group_id(&setup))
            .ciphersuite(suite)
            .with_wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .max_past_epochs(PAST_EPOCHS)
            .with_capabilities(capabilities(suite))
            .with_leaf_node_extensions(leaf_extensions(&setup, &key).ok_or(JoinError::Library)?)
            .map_err(|_| JoinError::Library)?
            .with_group_context_extensions(context_extensions(&setup.policy).ok_or(JoinError::Library)?)
            .build(&provider, &key, credential(&key))
            .map_err(|_| JoinError::Library)?;
        // One update before anybody sees the group: only the first leaf of a group has a lifetime, and without it nobody's clock matters.
        self_update(&mut mls, &provider, &key).ok_or(JoinError::Library)?;
        let info = export(&mls, &provider, &key, true).ok_or(JoinError::Library)?;
        let outgoing = entry(Class::Commit, None, info);
        let group = Self::entering(setup.meeting, mls, provider, key, &outgoing)?;
        Ok((group, outgoing))
    }

    /// A group whose first own entry waits for its place.
    pub(crate) fn entering(
        meeting: MeetingId,
        mls: MlsGroup,
        provider: Provider,
        key: LeafKey,
        entry: &Outgoing,
    ) -> Result<Self, JoinError> {
        let policy = read_policy(mls.extensions()).ok_or(JoinError::Policy)?;
        let members = roster(mls.public_group(), &meeting, &policy).ok_or(JoinError::Malformed)?;
        let me = Identity::of_key(&key.public());
        let change = Change {
            epoch: Epoch(mls.epoch().as_u64()),
            by: me,
            joined: members.iter().filter(|m| m.identity == me).cloned().collect(),
            left: Vec::new(),
            removed: Vec::new(),
            out: false,
            snapshot_wanted: false,
        };
        let pending = Some(Pending { bytes: entry.bytes.clone(), change, entering: true });
        Ok(Self { mls, provider, key, meeting, policy, members, past: VecDeque::new(), leaving: Vec::new(), pending })
    }

    /// Takes the opened content of the next entry of the log, own entries too. `gone` are the members whose connection is gone
    /// and who were not heard of for long enough: they may be removed by anybody.
    pub fn handle(&mut self, class: Class, bytes: &[u8], gone: &BTreeSet<Identity>) -> Result<Handled, RuleBroken> {
        if !self.mls.is_active() {
            return Ok(Handled::Unreadable);
        }
        match class {
            Class::Commit => self.handle_commit(bytes, gone),
            Class::Proposal => self.handle_proposal(bytes),
            Class::Message => self.handle_message(bytes),
            Class::Snapshot => Ok(self.handle_snapshot(bytes)),
            Class::Knock | Class::Welcome => Err(Rule::ProposalType),
        }
        .map_err(RuleBroken)
    }

    fn handle_commit(&mut self, bytes: &[u8], gone: &BTreeSet<Identity>) -> Result<Handled, Rule> {
        if self.pending.as_ref().is_some_and(|pending| pending.bytes == bytes) {
            return self.accepted();
        }
        let entry = CommitEntry::decode(bytes).map_err(|_| Rule::Invalid)?;
        let message = public_message(&entry.commit.ok_or(Rule::Invalid)?).ok_or(Rule::Invalid)?;
        let sender = message.sender().clone();

        self.lend_leaving(|_| true);
        let staged = self.mls.process_message(&self.provider, message).map_err(|error| {
            let ProcessMessageError::InvalidCommit(error) = &error else { return Rule::Invalid };
            rule_of(error, sender == Sender::NewMemberCommit)
        });
        let checked = staged.and_then(|message| {
            let ProcessedMessageContent::StagedCommitMessage(staged) = message.into_content() else {
                return Err(Rule::Invalid);
            };
            let change = self.check(&staged, &sender, Some(gone))?;
            Ok((staged, change))
        });
        self.take_leaving_back();

        let (staged, mut change) = checked?;
        self.mls.merge_staged_commit(&self.provider, *staged).map_err(|_| Rule::Invalid)?;
        self.begin_epoch();
        if !change.out {
            let by = self.members.iter().find(|m| m.identity == change.by);
            let current = by.is_some_and(|by| is_current(&entry.group_info, &self.mls, &self.provider, &self.key, by));
            change.snapshot_wanted = !current;
        }
        Ok(Handled::Commit(change))
    }

    /// The pending own commit has its place in the log.
    fn accepted(&mut self) -> Result<Handled, Rule> {
        let pending = self.pending.take().ok_or(Rule::Invalid)?;
        if !pending.entering {
            self.mls.merge_pending_commit(&self.provider).map_err(|_| Rule::Invalid)?;
            self.begin_epoch();
        }
        Ok(Handled::Commit(pending.change))
    }

    fn check(&self, staged: &StagedCommit, sender: &Sender, gone: Option<&BTreeSet<Identity>>) -> Result<Change, Rule> {
        let newcomer = match sender {
            Sender::NewMemberCommit => self.mls.ext_commit_sender_index(staged).ok(),
            Sender::Member(_) | Sender::External(_) | Sender::NewMemberProposal => None,
        };
        check(
            &Before { meeting: &self.meeting, policy: &self.policy, members: &self.members, gone },
            staged,
            sender,
            newcomer,
        )
    }

    /// After a merge: the roster and what belonged to the old epoch.
    fn begin_epoch(&mut self) {
        self.pending = None;
        self.leaving.clear();
        let epoch = self.epoch();
        // Both are well-formed: the rules let nothing else in.
        if let Some(policy) = read_policy(self.mls.extensions()) {
            self.policy = policy;
        }
        if let Some(members) = roster(self.mls.public_group(), &self.meeting, &self.policy) {
            let old = std::mem::replace(&mut self.members, members);
            self.past.push_front((Epoch(epoch.0.saturating_sub(1)), old));
            self.past.truncate(PAST_EPOCHS);
        }
    }

    fn handle_proposal(&mut self, bytes: &[u8]) -> Result<Handled, Rule> {
        let message = public_message(bytes).ok_or(Rule::Invalid)?;
        if message.epoch() < self.mls.epoch() {
            // A commit was faster. Who still wants to leave asks again.
            return Ok(Handled::Unreadable);
        }
        let processed = self.mls.process_message(&self.provider, message).map_err(|_| Rule::Invalid)?;
        let sender = processed.sender().clone();
        let ProcessedMessageContent::ProposalMessage(proposal) = processed.into_content() else {
            return Err(Rule::ProposalType);
        };
        let leaf = check_proposal(proposal.proposal(), &sender)?;
        let who = self.members.iter().find(|m| m.leaf.0 == leaf.u32()).ok_or(Rule::Invalid)?.identity;
        if self.leaving.iter().filter(|(other, _)| *other == leaf).count() >= LEAVES_PER_MEMBER {
            return Err(Rule::Invalid);
        }
        if !self.leaving.iter().any(|(_, known)| known.proposal_reference_ref() == proposal.proposal_reference_ref()) {
            self.leaving.push((leaf, *proposal));
        }
        Ok(Handled::Leaving(who))
    }

    fn handle_message(&mut self, bytes: &[u8]) -> Result<Handled, Rule> {
        let message = private_message(bytes).ok_or(Rule::Invalid)?;
        let epoch = Epoch(message.epoch().as_u64());
        if epoch < self.epoch() && !self.past.iter().any(|(past, _)| *past == epoch) {
            return Ok(Handled::Unreadable);
        }
        let processed = self.mls.process_message(&self.provider, message).map_err(|_| Rule::Invalid)?;
        let sender = processed.sender().clone();
        match (processed.into_content(), sender) {
            (ProcessedMessageContent::OwnPrivateMessage, _) => Ok(Handled::Own),
            (ProcessedMessageContent::ApplicationMessage(message), Sender::Member(leaf)) => {
                let then =
                    self.past.iter().find(|(past, _)| *past == epoch).map_or(&self.members, |(_, members)| members);
                let from = then.iter().find(|m| m.leaf.0 == leaf.u32()).ok_or(Rule::Invalid)?.identity;
                if !self.members.iter().any(|m| m.identity == from) {
                    return Ok(Handled::Unreadable);
                }
                let mut plain = message.into_bytes();
                let app = padding::unpad(&plain).and_then(|content| App::decode(content).ok());
                plain.zeroize();
                Ok(Handled::App { from, app: app.ok_or(Rule::Invalid)? })
            }
            _ => Err(Rule::Invalid),
        }
    }

    fn handle_snapshot(&self, bytes: &[u8]) -> Handled {
        // A store of its own: reading a snapshot writes what it holds into the store.
        let provider = Provider::new(&self.provider.fork());
        let current = read_snapshot(&provider, bytes).is_some_and(|(group, info)| {
            let own = export(&self.mls, &self.provider, &self.key, false).as_deref().and_then(crate::state::group_info);
            group.group_context() == self.mls.public_group().group_context()
                && group.confirmation_tag() == self.mls.confirmation_tag()
                && own.is_some_and(|own| own.extensions().external_pub() == info.extensions().external_pub())
        });
        if current { Handled::Snapshot } else { Handled::SnapshotUseless }
    }

    /// The pending own commit was refused as stale: drops it. Handle the entries that were missing, then command again.
    /// A group that was to be founded or joined is of no use after this: drop it too.
    pub fn refused(&mut self) {
        self.pending = None;
        // Our store forgets group states: it does not fail.
        let _ = self.mls.clear_pending_commit(self.provider.storage());
    }

    /// Whether an own commit waits for its place in the log.
    pub fn pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Asks the others to commit the removal of this client. The proposal is good for this epoch only: ask again after a commit
    /// that was not it.
    pub fn leave(&mut self) -> Result<Outgoing, CommandError> {
        self.idle()?;
        let message = self.mls.leave_group(&self.provider, &self.key);
        self.take_leaving_back();
        let bytes = encode(&message.map_err(|_| CommandError::Library)?).ok_or(CommandError::Library)?;
        Ok(Outgoing { class: Class::Proposal, bytes })
    }

    /// Commits the removal of `identity`: by a host, or of one that is `gone`.
    pub fn remove(&mut self, identity: &Identity, gone: &BTreeSet<Identity>) -> Result<Outgoing, CommandError> {
        let target = self.members.iter().find(|m| m.identity == *identity).ok_or(CommandError::Unknown)?;
        if *identity == self.me() {
            return Err(CommandError::NotAllowed);
        }
        let leaf = LeafNodeIndex::new(target.leaf.0);
        self.commit(Some(leaf), gone)
    }

    /// Commits the removal of everybody else who asked to leave in this epoch.
    pub fn commit_pending(&mut self) -> Result<Outgoing, CommandError> {
        let me = self.mls.own_leaf_index();
        if self.leaving.iter().all(|(leaf, _)| *leaf == me) {
            return Err(CommandError::Nothing);
        }
        self.commit(None, &BTreeSet::new())
    }

    /// Commits fresh keys for this client's path, so that a past compromise ends. Takes requests to leave along.
    pub fn update(&mut self) -> Result<Outgoing, CommandError> {
        self.commit(None, &BTreeSet::new())
    }

    fn commit(&mut self, removed: Option<LeafNodeIndex>, gone: &BTreeSet<Identity>) -> Result<Outgoing, CommandError> {
        self.idle()?;
        let me = self.mls.own_leaf_index();
        // Whoever also asked to leave is removed by name.
        self.lend_leaving(|leaf| leaf != me && Some(leaf) != removed);
        let built = build_commit(&mut self.mls, &self.provider, &self.key, removed);
        self.take_leaving_back();
        let (commit, group_info) = built.ok_or(CommandError::Library)?;

        // What the others will refuse is not sent.
        let checked = self.mls.pending_commit().map(|staged| self.check(staged, &Sender::Member(me), Some(gone)));
        let Some(Ok(change)) = checked else {
            self.refused();
            return Err(CommandError::NotAllowed);
        };
        let outgoing = entry(Class::Commit, Some(commit), group_info);
        self.pending = Some(Pending { bytes: outgoing.bytes.clone(), change, entering: false });
        Ok(outgoing)
    }

    /// Seals a message to everybody in the current epoch.
    pub fn application(&mut self, app: &App) -> Result<Outgoing, CommandError> {
        self.inside()?;
        let mut plain = padding::pad(app.encode());
        let sealed = self.mls.create_message(&self.provider, &self.key, &plain);
        plain.zeroize();
        let bytes = encode(&sealed.map_err(|_| CommandError::Library)?).ok_or(CommandError::Library)?;
        if bytes.len() > SEALED_MESSAGE - SEAL_BYTES {
            return Err(CommandError::TooLarge);
        }
        Ok(Outgoing { class: Class::Message, bytes })
    }

    /// The group state from which a joiner can start, with the ratchet tree.
    pub fn snapshot(&self) -> Result<Outgoing, CommandError> {
        self.inside()?;
        let info = export(&self.mls, &self.provider, &self.key, true).ok_or(CommandError::Library)?;
        Ok(entry(Class::Snapshot, None, info))
    }

    /// A member whose entry into the group has its place in the log.
    fn inside(&self) -> Result<(), CommandError> {
        if !self.mls.is_active() {
            return Err(CommandError::NotMember);
        }
        if self.pending.as_ref().is_some_and(|pending| pending.entering) { Err(CommandError::Pending) } else { Ok(()) }
    }

    /// A member without a commit under way.
    fn idle(&self) -> Result<(), CommandError> {
        self.inside()?;
        if self.pending.is_some() { Err(CommandError::Pending) } else { Ok(()) }
    }

    /// Gives OpenMLS the proposals to leave that `which` picks, for one commit.
    fn lend_leaving(&mut self, which: impl Fn(LeafNodeIndex) -> bool) {
        for (_, proposal) in self.leaving.iter().filter(|(leaf, _)| which(*leaf)) {
            // Our store forgets proposals: it does not fail.
            let _ = self.mls.store_pending_proposal(self.provider.storage(), proposal.clone());
        }
    }

    fn take_leaving_back(&mut self) {
        let _ = self.mls.clear_pending_proposals(self.provider.storage());
    }

    #[cfg(any(test, feature = "hostile"))]
    pub(crate) fn meeting(&self) -> &MeetingId {
        &self.meeting
    }

    /// Everybody in the group, by leaf.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// This client's identity.
    pub fn me(&self) -> Identity {
        Identity::of_key(&self.key.public())
    }

    /// This client's leaf.
    pub fn leaf(&self) -> LeafIndex {
        LeafIndex(self.mls.own_leaf_index().u32())
    }

    /// The current epoch.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.mls.epoch().as_u64())
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// `MLS-Exporter("SFrame 1.0 Base Key", "", 32)` of the current epoch (RFC 9605, 5.2); `None` when out of the group.
    pub fn media_base_key(&self) -> Option<Secret<32>> {
        if !self.mls.is_active() {
            return None;
        }
        let mut exported = self.mls.export_secret(self.provider.crypto(), "SFrame 1.0 Base Key", b"", 32).ok()?;
        let key = exported.as_slice().try_into().ok().map(Secret::new);
        exported.zeroize();
        key
    }

    /// Thirty digits, six groups of five, that are equal for everybody in this epoch of this group, and for nobody else.
    pub fn safety_code(&self) -> [String; 6] {
        code::safety_code(self.mls.epoch_authenticator().as_slice())
    }

    /// SHA-256(epoch authenticator)[..8].
    pub fn authenticator8(&self) -> [u8; 8] {
        code::authenticator8(self.mls.epoch_authenticator().as_slice())
    }

    /// SHA-256 over leaf index (u32 big-endian) and signature key of each member, in leaf order; [..8].
    pub fn roster8(&self) -> [u8; 8] {
        code::roster8(&self.members)
    }
}

/// No key, no name: only where it stands.
impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("epoch", &self.epoch())
            .field("members", &self.members.len())
            .finish_non_exhaustive()
    }
}

/// The suite that the policy names, if this client speaks it.
pub(crate) fn suite(policy: &Policy) -> Result<Ciphersuite, JoinError> {
    if SUITES.contains(&policy.suite) {
        policy.suite.try_into().map_err(|_| JoinError::Suite)
    } else {
        Err(JoinError::Suite)
    }
}

/// A provider that knows the session's PSK.
pub(crate) fn new_provider(setup: &Setup, seed: &Secret<32>, suite: Ciphersuite) -> Result<Provider, JoinError> {
    let provider = Provider::new(seed);
    psk_id(&setup.meeting, &provider, suite)?.store(&provider, setup.psk.reveal()).map_err(|_| JoinError::Library)?;
    Ok(provider)
}

/// The session's PSK with a fresh nonce.
pub(crate) fn psk_id(
    meeting: &MeetingId,
    provider: &Provider,
    suite: Ciphersuite,
) -> Result<PreSharedKeyId, JoinError> {
    PreSharedKeyId::new(suite, provider.rand(), session_psk(meeting)).map_err(|_| JoinError::Library)
}

/// How this client takes part: handshakes in the clear inside the envelope, messages of the last epochs readable.
pub(crate) fn join_config() -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder()
        .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
        .max_past_epochs(PAST_EPOCHS)
        .build()
}

/// Everybody in the tree, in leaf order; `None` if a leaf is not well-formed.
pub(crate) fn roster(group: &PublicGroup, meeting: &MeetingId, policy: &Policy) -> Option<Vec<Member>> {
    group.treesync().full_leaves().map(|(index, leaf)| read_member(meeting, policy, index, leaf)).collect()
}

fn self_update(mls: &mut MlsGroup, provider: &Provider, key: &LeafKey) -> Option<()> {
    build_commit(mls, provider, key, None)?;
    mls.merge_pending_commit(provider).ok()
}

/// A pending commit with fresh path keys: its PublicMessage, and the GroupInfo of the epoch that it begins.
fn build_commit(
    mls: &mut MlsGroup,
    provider: &Provider,
    key: &LeafKey,
    removed: Option<LeafNodeIndex>,
) -> Option<(Vec<u8>, Vec<u8>)> {
    let bundle = mls
        .commit_builder()
        .propose_removals(removed)
        .force_self_update(true)
        .leaf_node_parameters(LeafNodeParameters::default())
        .load_psks(provider.storage())
        .ok()?
        .create_group_info(true)
        .use_ratchet_tree_extension(false)
        .build(provider.rand(), provider.crypto(), key, |_| true)
        .ok()?
        .stage_commit(provider)
        .ok()?;
    let (commit, _, info) = bundle.into_contents();
    Some((encode(&commit)?, encode(&info?.into())?))
}
