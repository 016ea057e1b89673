use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use conclave_base::{Epoch, LeafIndex, MeetingId, MemberId, Permission, Secret, SessionId};
use conclave_protocol::payload::{Access, App, CommitEntry, GroupPolicy, LeafInfo, Policy, SeenPolicy};
use conclave_protocol::ws::Class;
use openmls::group::{GroupId, MlsGroup, MlsGroupJoinConfig, PURE_PLAINTEXT_WIRE_FORMAT_POLICY, PublicGroup, QueuedProposal};
use openmls::prelude::{
    Ciphersuite, Extensions, GroupContext, KeyPackage, LeafNode, LeafNodeIndex, LeafNodeParameters, PreSharedKeyProposal, Proposal, Sender,
};
use openmls::schedule::PreSharedKeyId;
use openmls_traits::OpenMlsProvider as _;
use zeroize::Zeroize as _;

use crate::access::{Order, Orderer, context_extensions, initial, is_appointed, ordered, read_policy};
use crate::codec::{encode, entry, export, group_id, largest, session_of};
use crate::config::SUITES;
use crate::device::prove_device;
use crate::floor::is_permitted;
use crate::key_package::lifetime;
use crate::leaf::{capabilities, credential, info_extensions, leaf_extensions, read_checked_member, read_info, read_member};
use crate::provider::{LeafKey, Provider};
use crate::rules::{REMOVED_BY_HOST, session_psk};
use crate::{Change, CommandError, GroupConfig, JoinError, Member, Outgoing, padding, safety_code};

/// Epochs whose messages are still read after the next began: what was under way when a commit took its place in the log.
pub(crate) const PAST_EPOCHS: usize = 2;

/// This client's membership in the MLS group of one session.
pub struct Group {
    pub(crate) mls: MlsGroup,
    pub(crate) provider: Provider,
    pub(crate) key: LeafKey,
    pub(crate) meeting: MeetingId,
    pub(crate) psk: Secret<32>,
    pub(crate) policy: GroupPolicy,
    /// Seed of the host key, if this client has one.
    pub(crate) host: Option<Secret<32>>,
    /// In leaf order.
    pub(crate) members: Vec<Member>,
    /// Rosters of the epochs whose messages can still be read, newest first.
    pub(crate) past: VecDeque<(Epoch, Vec<Member>)>,
    /// "Remove me", of this epoch. Kept outside OpenMLS's own store, which stops application messages while it is not empty.
    pub(crate) leaving: Vec<(LeafNodeIndex, QueuedProposal)>,
    pub(crate) pending: Option<Pending>,
}

/// An own commit on its way to the log.
pub(crate) struct Pending {
    pub(crate) bytes: Vec<u8>,
    pub(crate) change: Change,
    /// Founding and joining entries: OpenMLS is in the new epoch already, and nothing can be sent before the entry is accepted.
    pub(crate) entering: bool,
    /// It takes along what others asked for, of which it says only which it is.
    pub(crate) takes_along: bool,
}

impl Group {
    /// A new group with this client alone, and the entry that founds it: append it with `expected = Seq(0)`.
    /// If the append is refused, somebody else was first: drop the group and use [`crate::ExternalJoin`].
    pub fn create(config: GroupConfig) -> Result<(Self, Outgoing), JoinError> {
        let suite = suite(&config.policy)?;
        let root = Provider::new(&config.seed);
        let session = SessionId::from_bytes(root.draw());
        let id = group_id(&config.meeting, &session);
        let provider = new_provider(&config, &id, root.fork(), suite)?;
        let key = LeafKey::new(&config.signer);
        let policy = founding_policy(&config, &session).ok_or(JoinError::NotAdmitted)?;
        let mut mls = MlsGroup::builder()
            .with_group_id(id)
            .ciphersuite(suite)
            .with_wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .max_past_epochs(PAST_EPOCHS)
            .with_capabilities(capabilities(suite))
            .lifetime(lifetime())
            .with_leaf_node_extensions(leaf_extensions(&config, &key).ok_or(JoinError::Library)?)
            .map_err(|_| JoinError::Library)?
            .with_group_context_extensions(context_extensions(&policy).ok_or(JoinError::Library)?)
            .build(&provider, &key, credential(&key))
            .map_err(|_| JoinError::Library)?;
        // One update before anybody sees the group: only the first leaf of a group has a lifetime, and without it nobody's clock matters. The
        // hashes of this epoch enter those of all later ones: so it is the same one whatever this clock says.
        self_update(&mut mls, &provider, &key).ok_or(JoinError::Library)?;
        let info = export(&mls, &provider, &key, true).ok_or(JoinError::Library)?;
        let outgoing = entry(Class::Commit, None, info);
        let group = Self::entering(&config, mls, provider, key, &outgoing)?;
        Ok((group, outgoing))
    }

    /// A group whose first own entry waits for its place.
    pub(crate) fn entering(
        config: &GroupConfig,
        mls: MlsGroup,
        provider: Provider,
        key: LeafKey,
        entry: &Outgoing,
    ) -> Result<Self, JoinError> {
        let session = session_of(mls.group_id(), &config.meeting).ok_or(JoinError::OtherMeeting)?;
        let policy = read_policy(mls.extensions(), &config.meeting, &session).ok_or(JoinError::Policy)?;
        let members = roster(mls.public_group(), &config.meeting, &policy).ok_or(JoinError::Malformed)?;
        let me = MemberId::of_key(&key.public());
        let change = Change {
            epoch: Epoch(mls.epoch().as_u64()),
            by: me,
            joined: members.iter().filter(|m| m.identity == me).cloned().collect(),
            left: Vec::new(),
            removed: Vec::new(),
            sent_back: Vec::new(),
            out: false,
            snapshot_wanted: false,
        };
        let mut group = Self::entered(config, mls, provider, key, policy, members);
        group.pending = Some(Pending { bytes: entry.bytes.clone(), change, entering: true, takes_along: false });
        Ok(group)
    }

    /// A group into which a member added this client.
    pub(crate) fn entered(
        config: &GroupConfig,
        mls: MlsGroup,
        provider: Provider,
        key: LeafKey,
        policy: GroupPolicy,
        members: Vec<Member>,
    ) -> Self {
        let (meeting, psk, host) = (config.meeting, config.psk.clone(), config.host.clone());
        Self { mls, provider, key, meeting, psk, policy, host, members, past: VecDeque::new(), leaving: Vec::new(), pending: None }
    }

    /// The pending own commit was refused as stale: drops it. Handle the entries that were missing, then command again.
    /// A group that was to be founded or joined is of no use after this: drop it too.
    pub fn discard_pending(&mut self) {
        self.pending = None;
        // Our store forgets group states: it does not fail.
        let _ = self.mls.clear_pending_commit(self.provider.storage());
    }

    /// Whether an own commit waits for its place in the log.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Asks the others to commit the removal of this client. The proposal is good for this epoch only: ask again after a commit
    /// that was not it.
    pub fn leave(&mut self) -> Result<Outgoing, CommandError> {
        self.require_idle()?;
        let message = self.mls.leave_group(&self.provider, &self.key);
        self.unstage_remove_proposals();
        let bytes = encode(&message.map_err(|_| CommandError::Library)?).ok_or(CommandError::Library)?;
        Ok(Outgoing { class: Class::Proposal, bytes })
    }

    /// As a host, commits what it wants changed.
    pub fn order(&mut self, order: &Order) -> Result<Outgoing, CommandError> {
        let out = |who: &MemberId| order.remove.contains(who) || order.send_back.contains(who);
        if out(&self.me()) {
            return Err(CommandError::NotAllowed);
        }
        let leaf_key = self.key.seed();
        let orderer = match &self.host {
            Some(seed) => Orderer::HostKey(seed),
            None if self.is_host() => Orderer::Appointed(&leaf_key),
            None => return Err(CommandError::NotAllowed),
        };
        let session = self.session().ok_or(CommandError::Library)?;
        let policy = ordered(&self.policy, order, &orderer, &self.members, &self.meeting, &session).ok_or(CommandError::NotAllowed)?;
        let extensions = context_extensions(&policy).ok_or(CommandError::Library)?;
        let leaves: Vec<_> = self.members.iter().filter(|m| out(&m.identity)).map(|m| LeafNodeIndex::new(m.leaf.0)).collect();
        let aad = if leaves.is_empty() { b"".as_slice() } else { REMOVED_BY_HOST };
        self.commit(Content { removed: &leaves, aad, policy: Some(extensions), ..Content::default() }, &BTreeSet::new())
    }

    /// Commits the removal of all who are absent by the log, but for this client.
    pub fn remove_absent(&mut self, absent: &BTreeSet<MemberId>) -> Result<Outgoing, CommandError> {
        let me = self.me();
        let targets = self.members.iter().filter(|m| m.identity != me && absent.contains(&m.identity));
        let leaves: Vec<_> = targets.map(|m| LeafNodeIndex::new(m.leaf.0)).collect();
        if leaves.is_empty() {
            return Err(CommandError::Nothing);
        }
        self.commit(Content { removed: &leaves, ..Content::default() }, absent)
    }

    /// Whether others asked to leave in this epoch.
    pub fn is_leave_pending(&self) -> bool {
        let me = self.mls.own_leaf_index();
        self.leaving.iter().any(|(leaf, _)| *leaf != me)
    }

    /// Commits the removal of everybody else who asked to leave in this epoch.
    pub fn commit_pending(&mut self) -> Result<Outgoing, CommandError> {
        if !self.is_leave_pending() {
            return Err(CommandError::Nothing);
        }
        self.commit(Content::default(), &BTreeSet::new())
    }

    /// Commits fresh keys for this client's path, so that a past compromise ends. Takes requests to leave along.
    pub fn update(&mut self) -> Result<Outgoing, CommandError> {
        self.commit(Content::default(), &BTreeSet::new())
    }

    /// The same, with a leaf that from now on proves that this client holds the device key of this seed. A leaf that proves another one keeps it.
    pub fn update_with_device(&mut self, device: &Secret<32>) -> Result<Outgoing, CommandError> {
        let info = self.mls.own_leaf_node().and_then(read_info).ok_or(CommandError::Library)?;
        let device = Some(prove_device(device, &self.meeting, &self.key.public()));
        let leaf = info_extensions(&LeafInfo { device, ..info }).ok_or(CommandError::Library)?;
        self.commit(Content { leaf: Some(leaf), ..Content::default() }, &BTreeSet::new())
    }

    /// The device key that this client's leaf proves.
    pub fn own_device(&self) -> Option<[u8; 32]> {
        let me = self.leaf();
        self.members.iter().find(|m| m.leaf == me)?.device
    }

    pub(crate) fn commit(&mut self, content: Content<'_>, absent: &BTreeSet<MemberId>) -> Result<Outgoing, CommandError> {
        self.require_idle()?;
        let me = self.mls.own_leaf_index();
        let Content { removed, aad, .. } = content;
        // Whoever also asked to leave is removed by name.
        let takes_along = self.stage_remove_proposals(|leaf| leaf != me && !removed.contains(&leaf));
        self.mls.set_aad(aad.to_vec());
        let built = build_commit(&mut self.mls, &self.provider, &self.key, content);
        self.unstage_remove_proposals();
        let built = built.ok_or(CommandError::Library)?;

        // What the others will refuse is not sent.
        let checked = self.mls.pending_commit().map(|staged| self.check(staged, &Sender::Member(me), aad, absent));
        let Some(Ok(change)) = checked else {
            self.discard_pending();
            return Err(CommandError::NotAllowed);
        };
        let outgoing = Outgoing { class: Class::Commit, bytes: built.encode() };
        self.pending = Some(Pending { bytes: outgoing.bytes.clone(), change, entering: false, takes_along });
        Ok(outgoing)
    }

    /// Seals a message to everybody in the current epoch.
    pub fn application(&mut self, app: &App) -> Result<Outgoing, CommandError> {
        self.require_member()?;
        let mut plain = padding::pad(app.encode());
        let sealed = self.mls.create_message(&self.provider, &self.key, &plain);
        plain.zeroize();
        let bytes = encode(&sealed.map_err(|_| CommandError::Library)?).ok_or(CommandError::Library)?;
        if bytes.len() > largest(Class::Message) {
            return Err(CommandError::TooLarge);
        }
        Ok(Outgoing { class: Class::Message, bytes })
    }

    /// The group state from which a joiner can start, with the ratchet tree.
    pub fn snapshot(&self) -> Result<Outgoing, CommandError> {
        self.require_member()?;
        let info = export(&self.mls, &self.provider, &self.key, true).ok_or(CommandError::Library)?;
        Ok(entry(Class::Snapshot, None, info))
    }

    /// A member whose entry into the group has its place in the log.
    fn require_member(&self) -> Result<(), CommandError> {
        if !self.mls.is_active() {
            return Err(CommandError::NotMember);
        }
        if self.pending.as_ref().is_some_and(|pending| pending.entering) { Err(CommandError::Pending) } else { Ok(()) }
    }

    /// A member without a commit under way.
    fn require_idle(&self) -> Result<(), CommandError> {
        self.require_member()?;
        if self.pending.is_some() { Err(CommandError::Pending) } else { Ok(()) }
    }

    /// Gives OpenMLS the proposals to leave that `which` picks, for one commit. Gives whether there are any.
    pub(crate) fn stage_remove_proposals(&mut self, which: impl Fn(LeafNodeIndex) -> bool) -> bool {
        let mut any = false;
        for (_, proposal) in self.leaving.iter().filter(|(leaf, _)| which(*leaf)) {
            any = true;
            // Our store forgets proposals: it does not fail.
            let _ = self.mls.store_pending_proposal(self.provider.storage(), proposal.clone());
        }
        any
    }

    /// A snapshot stands in the log, and who begins with it does not know what was asked for before. So nobody does any more: an own commit under way
    /// that takes it along will be ignored. Who wanted to leave is absent by the log, and is removed as such.
    pub(crate) fn on_snapshot(&mut self) {
        self.leaving.clear();
        if self.pending.as_ref().is_some_and(|pending| pending.takes_along) {
            self.discard_pending();
        }
    }

    pub(crate) fn unstage_remove_proposals(&mut self) {
        let _ = self.mls.clear_pending_proposals(self.provider.storage());
    }

    /// Everybody in the group, by leaf.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// This client's identity.
    pub fn me(&self) -> MemberId {
        MemberId::of_key(&self.key.public())
    }

    /// This client's leaf.
    pub fn leaf(&self) -> LeafIndex {
        LeafIndex(self.mls.own_leaf_index().u32())
    }

    /// The meeting whose group it is.
    pub fn meeting(&self) -> MeetingId {
        self.meeting
    }

    /// Whether this client can make others hosts: it holds the host key.
    pub fn appoints(&self) -> bool {
        self.host.is_some()
    }

    /// The session whose group it is.
    pub fn session(&self) -> Option<SessionId> {
        session_of(self.mls.group_id(), &self.meeting)
    }

    /// The current epoch.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.mls.epoch().as_u64())
    }

    /// The policy that the host of the link signed.
    pub fn policy(&self) -> &Policy {
        &self.policy.policy
    }

    /// Who may come in.
    pub fn access(&self) -> &Access {
        &self.policy.access
    }

    /// What this member may not do now.
    pub fn denied(&self, member: &Member) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(|what| !is_permitted(&self.access().floor, member, *what))
    }

    /// Whether this member may do it now.
    pub fn may(&self, who: &MemberId, what: Permission) -> bool {
        self.members.iter().find(|m| m.identity == *who).is_some_and(|member| is_permitted(&self.access().floor, member, what))
    }

    /// The policy in force, as a later session is shown it.
    pub fn seen_policy(&self) -> Option<SeenPolicy> {
        self.session().map(|session| SeenPolicy { session, policy: self.policy.clone() })
    }

    /// Whether this client is a host now.
    pub fn is_host(&self) -> bool {
        self.host.is_some() || is_appointed(&self.policy.access, &self.key.public())
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

    /// Seed of this client's leaf signature key (Ed25519), with which it attests its media too. Whatever else signs with it begins its message with a label
    /// of its own; MLS does (RFC 9420, section 5.1.2).
    pub fn signature_key(&self) -> Secret<32> {
        self.key.seed()
    }

    /// Thirty digits, six groups of five, that are equal for everybody in this epoch of this group, and for nobody else.
    pub fn safety_code(&self) -> [String; 6] {
        safety_code::safety_code(self.mls.epoch_authenticator().as_slice())
    }

    /// SHA-256(epoch authenticator)[..8].
    pub fn authenticator8(&self) -> [u8; 8] {
        safety_code::authenticator8(self.mls.epoch_authenticator().as_slice())
    }

    /// SHA-256 over leaf index (u32 big-endian) and signature key of each member, in leaf order; [..8].
    pub fn roster8(&self) -> [u8; 8] {
        safety_code::roster8(&self.members)
    }
}

/// No key, no name: only where it stands.
impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("epoch", &self.epoch()).field("members", &self.members.len()).finish_non_exhaustive()
    }
}

/// What holds in a session that this client founds; `None` if only a host may found it.
fn founding_policy(config: &GroupConfig, session: &SessionId) -> Option<GroupPolicy> {
    let initial = initial(config.policy.clone());
    if !config.policy.lobby && config.access.is_none() {
        return Some(initial);
    }
    let key = LeafKey::new(&config.signer).public();
    let orderer = match (&config.host, &config.access) {
        (Some(seed), _) => Orderer::HostKey(seed),
        (None, Some(access)) if is_appointed(access, &key) => Orderer::Appointed(&config.signer),
        (None, _) => return None,
    };
    let order = Order { carried: config.access.clone(), ..Order::default() };
    ordered(&initial, &order, &orderer, &[], &config.meeting, session)
}

/// The suite that the policy names, if this client speaks it.
pub(crate) fn suite(policy: &Policy) -> Result<Ciphersuite, JoinError> {
    if SUITES.contains(&policy.suite) { policy.suite.try_into().map_err(|_| JoinError::Suite) } else { Err(JoinError::Suite) }
}

/// A provider that knows the PSK of the session with this group.
pub(crate) fn new_provider(config: &GroupConfig, group: &GroupId, provider: Provider, suite: Ciphersuite) -> Result<Provider, JoinError> {
    psk_id(group, &provider, suite)?.store(&provider, config.psk.expose()).map_err(|_| JoinError::Library)?;
    Ok(provider)
}

/// The session's PSK with a fresh nonce.
pub(crate) fn psk_id(group: &GroupId, provider: &Provider, suite: Ciphersuite) -> Result<PreSharedKeyId, JoinError> {
    PreSharedKeyId::new(suite, provider.rand(), session_psk(group)).map_err(|_| JoinError::Library)
}

/// How this client takes part: handshakes in the clear inside the envelope, messages of the last epochs readable.
pub(crate) fn join_config() -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder().wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY).max_past_epochs(PAST_EPOCHS).build()
}

/// Everybody after a commit by `by` that the rules let pass, in leaf order, where all that stays of the members `before` is what they were: a leaf
/// changes by its own member's commit alone. Every leaf was well-formed before, or was found so by the rules.
pub(crate) fn roster_after(
    before: &[Member],
    by: &MemberId,
    group: &PublicGroup,
    meeting: &MeetingId,
    policy: &GroupPolicy,
) -> Option<Vec<Member>> {
    let known = |leaf: u32, key: &[u8]| {
        let member = before.binary_search_by_key(&leaf, |m| m.leaf.0).ok().map(|i| &before[i]);
        member.filter(|m| m.key == key && m.identity != *by).cloned()
    };
    let leaves = group.treesync().full_leaves();
    leaves
        .map(|(index, leaf)| {
            known(index.u32(), leaf.signature_key().as_slice()).or_else(|| read_checked_member(meeting, policy, index, leaf))
        })
        .collect()
}

/// Everybody in the tree, in leaf order; `None` if a leaf is not well-formed.
pub(crate) fn roster(group: &PublicGroup, meeting: &MeetingId, policy: &GroupPolicy) -> Option<Vec<Member>> {
    group.treesync().full_leaves().map(|(index, leaf)| read_member(meeting, policy, index, leaf)).collect()
}

fn self_update(mls: &mut MlsGroup, provider: &Provider, key: &LeafKey) -> Option<()> {
    build_commit(mls, provider, key, Content::default())?;
    mls.merge_pending_commit(provider).ok()
}

/// What a commit holds beside fresh path keys.
#[derive(Default)]
pub(crate) struct Content<'a> {
    pub(crate) removed: &'a [LeafNodeIndex],
    pub(crate) aad: &'a [u8],
    pub(crate) policy: Option<Extensions<GroupContext>>,
    pub(crate) added: Vec<KeyPackage>,
    /// What this client's leaf says from now on; as before, if `None`.
    pub(crate) leaf: Option<Extensions<LeafNode>>,
}

/// A pending commit with its PublicMessage, the GroupInfo of the epoch that it begins, and the Welcome for whom it adds.
fn build_commit(mls: &mut MlsGroup, provider: &Provider, key: &LeafKey, content: Content<'_>) -> Option<CommitEntry> {
    let Content { removed, policy, added, leaf, .. } = content;
    let leaf = leaf.map_or_else(LeafNodeParameters::default, |leaf| LeafNodeParameters::builder().with_extensions(leaf).build());
    // Who is added shows by entering that it has the PSK.
    let psk = (!added.is_empty()).then(|| psk_id(mls.group_id(), provider, mls.ciphersuite()).ok());
    let psk = psk.map(|id| id.map(|id| Proposal::PreSharedKey(Box::new(PreSharedKeyProposal::new(id)))));
    let builder = mls.commit_builder().propose_removals(removed.iter().copied()).propose_adds(added);
    let builder = match psk {
        Some(psk) => builder.add_proposal(psk?),
        None => builder,
    };
    let builder = match policy {
        Some(policy) => builder.propose_group_context_extensions(policy).ok()?,
        None => builder,
    };
    let bundle = builder
        .force_self_update(true)
        .leaf_node_parameters(leaf)
        .load_psks(provider.storage())
        .ok()?
        .create_group_info(true)
        .use_ratchet_tree_extension(false)
        .build(provider.rand(), provider.crypto(), key, |_| true)
        .ok()?
        .stage_commit(provider)
        .ok()?;
    let (commit, welcome, info) = bundle.into_messages();
    let welcome = match welcome {
        Some(welcome) => Some(encode(&welcome)?.into()),
        None => None,
    };
    Some(CommitEntry { commit: Some(encode(&commit)?.into()), group_info: encode(&info?)?, welcome })
}
