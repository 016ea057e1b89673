//! What a member or a joiner with changed code can send. Only for this crate's tests, tests/attacks, tests/kit and tests/sim: no client enables it.
//!
//! The attacker's own group stays as it was: only the entry matters.

use conclave_base::{MeetingId, MemberId, Secret, SessionId};
use conclave_protocol::payload::{App, CommitEntry, DeviceProof, GroupPolicy, LeafInfo, Software};
use conclave_protocol::ws::Class;
use openmls::group::{CommitBuilder, CommitMessageBundle, ExternalCommitBuilder, GroupId, Initial, MlsGroup};
use openmls::prelude::{
    Extension, Extensions, KeyPackage, LeafNode, LeafNodeIndex, LeafNodeParameters, Lifetime, MlsMessageOut, NewSignerBundle,
    PreSharedKeyProposal, Proposal, ProtocolVersion, UnknownExtension,
};
use openmls_traits::OpenMlsProvider as _;

use crate::access::context_extensions;
use crate::codec::{self, encode, group_id};
use crate::group::{join_config, new_provider, psk_id, suite};
use crate::key_package::lifetime;
use crate::leaf::{PSK_PROOF, capabilities, credential, info_extensions, leaf_extensions, read_info};
use crate::provider::LeafKey;
use crate::psk_proof::PskProof;
use crate::{ExternalJoin, Group, Outgoing, OwnKeyPackage, RuleViolation, padding};

const LIBRARY: &str = "OpenMLS builds what an attacker asks for";

/// Removes `victim` without the right to.
pub fn remove(attacker: &mut Group, victim: &MemberId) -> Outgoing {
    let leaf = leaf_of(attacker, victim);
    commit(attacker, |builder| builder.propose_removals([leaf]))
}

/// Asks that `victim` be removed, for another member to commit in good faith.
pub fn propose_remove(attacker: &mut Group, victim: &MemberId) -> Outgoing {
    let leaf = leaf_of(attacker, victim);
    let proposed = attacker.mls.propose_remove_member(&attacker.provider, &attacker.key, leaf).expect(LIBRARY);
    attacker.mls.clear_pending_proposals(attacker.provider.storage()).expect(LIBRARY);
    Outgoing { class: Class::Proposal, bytes: encode(&proposed.0).expect(LIBRARY) }
}

/// The policy as it stands in the group, to be changed.
pub fn policy(group: &Group) -> GroupPolicy {
    group.policy.clone()
}

/// Changes the policy.
pub fn change_policy(attacker: &mut Group, policy: &GroupPolicy) -> Outgoing {
    let extensions = context_extensions(policy).expect(LIBRARY);
    commit(attacker, |builder| builder.propose_group_context_extensions(extensions).expect(LIBRARY))
}

/// What is wrong with a KeyPackage.
#[derive(Debug)]
pub enum Wrong {
    /// Nothing.
    Nothing,
    /// It proves nothing.
    NoProof,
    /// It proves another PSK.
    Psk(Secret<32>),
    /// It was made in this epoch, or says so.
    Epoch(u64),
    /// It was made for another session of the meeting.
    Session(SessionId),
    /// Its leaf is good for a part of time: for some clocks, and not for others.
    Lifetime,
}

/// A KeyPackage of somebody who may not come in, or not by this one.
pub fn key_package(attacker: &ExternalJoin, wrong: &Wrong) -> Vec<u8> {
    let config = &attacker.config;
    let suite = suite(&config.policy).expect(LIBRARY);
    let key = LeafKey::new(&config.signer);
    let psk = if let Wrong::Psk(psk) = wrong { psk } else { &config.psk };
    let epoch = if let Wrong::Epoch(epoch) = wrong { *epoch } else { attacker.epoch().0 };
    let session = if let Wrong::Session(session) = wrong { *session } else { attacker.session() };
    let proof = PskProof::of_key_package(psk, &group_id(&config.meeting, &session), epoch).make(&key.public());
    let proof = Extension::Unknown(PSK_PROOF, UnknownExtension([epoch.to_be_bytes().as_slice(), &proof].concat()));
    let extensions = if matches!(wrong, Wrong::NoProof) { Extensions::empty() } else { Extensions::single(proof).expect(LIBRARY) };
    let package = KeyPackage::builder()
        .key_package_lifetime(if matches!(wrong, Wrong::Lifetime) { Lifetime::init(1, u64::MAX) } else { lifetime() })
        .key_package_extensions(extensions)
        .leaf_node_capabilities(capabilities(suite))
        .leaf_node_extensions(leaf_extensions(config, &key).expect(LIBRARY))
        .build(suite, &attacker.provider.fork(), &key, credential(&key))
        .expect(LIBRARY);
    encode(&package.into_key_package().into()).expect(LIBRARY)
}

/// Takes from a newcomer the PSK that its KeyPackage proves.
pub fn forget_psk(attacker: &ExternalJoin, own: &OwnKeyPackage) {
    let suite = suite(&attacker.config.policy).expect(LIBRARY);
    let id = psk_id(attacker.group.group_id(), &own.provider, suite).expect(LIBRARY);
    id.store(&own.provider, &[0; 32]).expect(LIBRARY);
}

/// Adds whoever these KeyPackages are of, without asking whether it may; with the session's PSK beside them or without, and with an order or
/// without.
pub fn add(attacker: &mut Group, key_packages: &[Vec<u8>], with_psk: bool, order: Option<&GroupPolicy>) -> Outgoing {
    let packages: Vec<_> = key_packages.iter().map(|bytes| read(attacker, bytes)).collect();
    let psk = with_psk.then(|| session_psk(attacker));
    let extensions = order.map(|policy| context_extensions(policy).expect(LIBRARY));
    commit(attacker, |builder| {
        let builder = builder.propose_adds(packages).add_proposals(psk);
        match extensions {
            Some(extensions) => builder.propose_group_context_extensions(extensions).expect(LIBRARY),
            None => builder,
        }
    })
}

fn read(attacker: &Group, key_package: &[u8]) -> KeyPackage {
    let package = codec::key_package(key_package).expect("a KeyPackage");
    package.validate(attacker.provider.crypto(), ProtocolVersion::Mls10).expect(LIBRARY)
}

/// Asks that somebody be added, for another member to commit in good faith.
pub fn propose_add(attacker: &mut Group, key_package: &[u8]) -> Outgoing {
    let package = read(attacker, key_package);
    let proposed = attacker.mls.propose_add_member(&attacker.provider, &attacker.key, &package).expect(LIBRARY);
    attacker.mls.clear_pending_proposals(attacker.provider.storage()).expect(LIBRARY);
    Outgoing { class: Class::Proposal, bytes: encode(&proposed.0).expect(LIBRARY) }
}

/// Mixes the PSK into a commit of a member, where it has no place.
pub fn member_psk(attacker: &mut Group) -> Outgoing {
    let psk = session_psk(attacker);
    commit(attacker, |builder| builder.add_proposal(psk))
}

/// Takes another raw name, as long and as strange as wanted.
pub fn rename(attacker: &mut Group, raw: &str) -> Outgoing {
    let leaf = LeafNodeParameters::builder().with_extensions(raw_leaf(raw)).build();
    commit(attacker, |builder| builder.leaf_node_parameters(leaf))
}

/// Joins under a raw name.
pub fn join_called(attacker: &ExternalJoin, raw: &str) -> Outgoing {
    join(attacker, Some(attacker.group.group_id()), true, Some(raw_leaf(raw)), None)
}

/// The proof by which a member shows its device key, as everybody in the group can read it.
pub fn device_proof(group: &Group, who: &MemberId) -> Option<DeviceProof> {
    let leaf = leaf_of(group, who);
    let leaves = group.mls.public_group();
    leaves.treesync().full_leaves().find(|(index, _)| *index == leaf).and_then(|(_, leaf)| read_info(leaf)?.device)
}

/// Joins with this proof of a device key, whosever it is.
pub fn join_wearing(attacker: &ExternalJoin, device: DeviceProof) -> Outgoing {
    join(attacker, Some(attacker.group.group_id()), true, Some(worn(&attacker.config.name, device)), None)
}

/// Shows this proof of a device key from now on, in the place of what it showed before.
pub fn wear(attacker: &mut Group, name: &str, device: DeviceProof) -> Outgoing {
    let leaf = LeafNodeParameters::builder().with_extensions(worn(name, device)).build();
    commit(attacker, |builder| builder.leaf_node_parameters(leaf))
}

fn worn(name: &str, device: DeviceProof) -> Extensions<LeafNode> {
    info_extensions(&LeafInfo { name: conclave_base::Redacted::new(name.to_owned()), host: None, device: Some(device), software: None })
        .expect(LIBRARY)
}

/// Joins with this raw word of what it runs.
pub fn join_saying(attacker: &ExternalJoin, software: Software) -> Outgoing {
    join(attacker, Some(attacker.group.group_id()), true, Some(saying(&attacker.config.name, software)), None)
}

/// Says from now on that it runs this, in the place of what it said before.
pub fn say(attacker: &mut Group, name: &str, software: Software) -> Outgoing {
    let leaf = LeafNodeParameters::builder().with_extensions(saying(name, software)).build();
    commit(attacker, |builder| builder.leaf_node_parameters(leaf))
}

fn saying(name: &str, software: Software) -> Extensions<LeafNode> {
    let name = conclave_base::Redacted::new(name.to_owned());
    info_extensions(&LeafInfo { name, host: None, device: None, software: Some(software) }).expect(LIBRARY)
}

fn raw_leaf(name: &str) -> Extensions<LeafNode> {
    info_extensions(&LeafInfo { name: conclave_base::Redacted::new(name.to_owned()), host: None, device: None, software: None })
        .expect(LIBRARY)
}

/// Takes another signature key, and with it another identity.
pub fn change_key(attacker: &mut Group, new: &Secret<32>) -> Outgoing {
    let key = LeafKey::new(new);
    let provider = &attacker.provider;
    let bundle = attacker
        .mls
        .commit_builder()
        .load_psks(provider.storage())
        .expect(LIBRARY)
        .create_group_info(true)
        .use_ratchet_tree_extension(false)
        .build_with_new_signer(
            provider.rand(),
            provider.crypto(),
            &attacker.key,
            NewSignerBundle { signer: &key, credential_with_key: credential(&key) },
            |_| true,
        )
        .expect(LIBRARY)
        .stage_commit(provider)
        .expect(LIBRARY);
    attacker.mls.clear_pending_commit(attacker.provider.storage()).expect(LIBRARY);
    outgoing(bundle)
}

/// Says `app` in the name of `victim`: sealed with the victim's ratchet, which every member can derive, and signed with the key that
/// the attacker has. `victim` stands for what the attacker knows of it, which is all but its signature key.
pub fn speak_as(victim: &mut Group, attacker: &Secret<32>, app: &App) -> Outgoing {
    let plain = padding::pad(app.encode());
    let sealed = victim.mls.create_message(&victim.provider, &LeafKey::new(attacker), &plain).expect(LIBRARY);
    Outgoing { class: Class::Message, bytes: encode(&sealed).expect(LIBRARY) }
}

/// Joins whether or not a host admitted it.
pub fn join_unasked(attacker: &ExternalJoin) -> Outgoing {
    join(attacker, Some(attacker.group.group_id()), true, None, None)
}

/// Joins without the PSK proposal.
pub fn join_without_psk(attacker: &ExternalJoin) -> Outgoing {
    join(attacker, None, true, None, None)
}

/// Joins with a PSK proposal, but for the PSK of another meeting.
pub fn join_with_foreign_psk(attacker: &ExternalJoin, foreign: &MeetingId) -> Outgoing {
    join(attacker, Some(&group_id(foreign, &attacker.session())), true, None, None)
}

/// Joins with a PSK proposal, but for the PSK of another session of the meeting.
pub fn join_with_psk_of_another_session(attacker: &ExternalJoin, other: &SessionId) -> Outgoing {
    join(attacker, Some(&group_id(&attacker.config.meeting, other)), true, None, None)
}

/// Joins again under the same key without removing the old leaf.
pub fn join_twice(attacker: &ExternalJoin) -> Outgoing {
    join(attacker, Some(attacker.group.group_id()), false, None, None)
}

/// Follows the group without the PSK: of no newcomer can the attacker check whether it had it, but what the members took shows by what comes
/// after it. Here it is told by the PSK.
pub fn follow(attacker: &mut ExternalJoin, psk: &Secret<32>, class: Class, bytes: &[u8]) -> Result<(), RuleViolation> {
    let own = std::mem::replace(&mut attacker.config.psk, psk.clone());
    let followed = attacker.apply(class, bytes);
    attacker.config.psk = own;
    followed
}

/// Joins with the right PSK, and this as proof of it.
pub fn join_with_proof(attacker: &ExternalJoin, proof: &[u8]) -> Outgoing {
    join(attacker, Some(attacker.group.group_id()), true, None, Some(proof))
}

fn leaf_of(group: &Group, member: &MemberId) -> LeafNodeIndex {
    let member = group.members().iter().find(|m| m.identity == *member).expect("the victim is a member");
    LeafNodeIndex::new(member.leaf.0)
}

fn session_psk(group: &Group) -> Proposal {
    let id = psk_id(group.mls.group_id(), &group.provider, group.mls.ciphersuite()).expect(LIBRARY);
    Proposal::PreSharedKey(Box::new(PreSharedKeyProposal::new(id)))
}

fn commit(
    attacker: &mut Group,
    with: impl for<'a> FnOnce(CommitBuilder<'a, Initial, &'a mut MlsGroup>) -> CommitBuilder<'a, Initial, &'a mut MlsGroup>,
) -> Outgoing {
    let provider = &attacker.provider;
    let bundle = with(attacker.mls.commit_builder().force_self_update(true))
        .load_psks(provider.storage())
        .expect(LIBRARY)
        .create_group_info(true)
        .use_ratchet_tree_extension(false)
        .build(provider.rand(), provider.crypto(), &attacker.key, |_| true)
        .expect(LIBRARY)
        .stage_commit(provider)
        .expect(LIBRARY);
    attacker.mls.clear_pending_commit(attacker.provider.storage()).expect(LIBRARY);
    outgoing(bundle)
}

fn join(
    attacker: &ExternalJoin,
    psk_of: Option<&GroupId>,
    replace_twin: bool,
    leaf: Option<Extensions<LeafNode>>,
    proof: Option<&[u8]>,
) -> Outgoing {
    let config = &attacker.config;
    let suite = suite(&config.policy).expect(LIBRARY);
    let provider = new_provider(config, attacker.group.group_id(), attacker.provider.fork(), suite).expect(LIBRARY);
    let key = LeafKey::new(&config.signer);
    let leaf = LeafNodeParameters::builder()
        .with_capabilities(capabilities(suite))
        .with_extensions(leaf.or_else(|| leaf_extensions(config, &key)).expect(LIBRARY))
        .build();
    let psk = psk_of.map(|group| {
        let id = psk_id(group, &provider, suite).expect(LIBRARY);
        id.store(&provider, config.psk.expose()).expect(LIBRARY);
        PreSharedKeyProposal::new(id)
    });
    let proof = proof.map_or_else(|| attacker.psk_proof().expect(LIBRARY).make(&key.public()), <[u8]>::to_vec);
    let (_, bundle) = ExternalCommitBuilder::new()
        .with_aad(proof)
        .with_ratchet_tree(attacker.group.export_ratchet_tree().into())
        .with_config(join_config())
        .build_group(&provider, attacker.info.clone().expect("the attacker has state"), credential(&key))
        .expect(LIBRARY)
        .add_psk_proposals(psk)
        .leaf_node_parameters(leaf)
        .load_psks(provider.storage())
        .expect(LIBRARY)
        .create_group_info(true)
        .use_ratchet_tree_extension(false)
        .build(provider.rand(), provider.crypto(), &key, |queued| replace_twin || !matches!(queued.proposal(), Proposal::Remove(_)))
        .expect(LIBRARY)
        .finalize(&provider)
        .expect(LIBRARY);
    outgoing(bundle)
}

fn outgoing(bundle: CommitMessageBundle) -> Outgoing {
    let (commit, welcome, info) = bundle.into_messages();
    let encode = |message: &MlsMessageOut| encode(message).expect(LIBRARY);
    let welcome = welcome.map(|welcome| encode(&welcome).into());
    let content = CommitEntry { commit: Some(encode(&commit).into()), group_info: encode(&info.expect("it was asked for")), welcome };
    Outgoing { class: Class::Commit, bytes: content.encode() }
}
