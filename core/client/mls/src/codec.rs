//! The group's public state as it travels: a GroupInfo (RFC 9420, 12.4.3), with the tree in the founding entry and in snapshots.

use conclave_base::{LeafIndex, MeetingId, SessionId};
use conclave_protocol::limits::{SEALED_COMMIT, SEALED_HANDSHAKE, SEALED_MESSAGE};
use conclave_protocol::payload::CommitEntry;
use conclave_protocol::ws::Class;
use openmls::framing::{PrivateMessageIn, PublicMessageIn};
use openmls::group::{GroupId, MlsGroup, ProposalStore, PublicGroup};
use openmls::messages::group_info::VerifiableGroupInfo;
use openmls::prelude::{KeyPackageIn, MlsMessageBodyIn, MlsMessageIn, MlsMessageOut, OpenMlsSignaturePublicKey, Verifiable as _, Welcome};
use openmls_traits::OpenMlsProvider as _;
use openmls_traits::types::SignatureScheme;
use tls_codec::{DeserializeBytes as _, Serialize as _};

use crate::provider::{LeafKey, Provider};
use crate::{Member, Outgoing};

/// What sealing adds to an entry: nonce and tag of AES-GCM.
const SEAL_BYTES: usize = 12 + 16;

/// The MLS group id: the meeting's id and the session's, so that nothing of another meeting or another session fits.
pub(crate) fn group_id(meeting: &MeetingId, session: &SessionId) -> GroupId {
    GroupId::from_slice(&[*meeting.as_bytes(), *session.as_bytes()].concat())
}

/// The session of a group of this meeting; `None` if it is of another meeting.
pub(crate) fn session_of(group: &GroupId, meeting: &MeetingId) -> Option<SessionId> {
    let session = group.as_slice().strip_prefix(meeting.as_bytes())?;
    session.try_into().ok().map(SessionId::from_bytes)
}

/// An entry of the log that carries state: with a commit, or without for the founding entry and snapshots.
pub(crate) fn entry(class: Class, commit: Option<Vec<u8>>, group_info: Vec<u8>) -> Outgoing {
    Outgoing { class, bytes: CommitEntry { commit: commit.map(Into::into), group_info, welcome: None }.encode() }
}

/// Most bytes that an entry of this class may have: what fits once it is sealed. Checked before anything is parsed.
pub(crate) const fn largest(class: Class) -> usize {
    match class {
        Class::Commit => SEALED_COMMIT - SEAL_BYTES,
        Class::Snapshot | Class::Welcome => SEALED_HANDSHAKE - SEAL_BYTES,
        Class::Proposal | Class::Message | Class::JoinRequest | Class::Gone => SEALED_MESSAGE - SEAL_BYTES,
    }
}

pub(crate) fn encode(message: &MlsMessageOut) -> Option<Vec<u8>> {
    message.tls_serialize_detached().ok()
}

pub(crate) fn public_message(bytes: &[u8]) -> Option<PublicMessageIn> {
    if let MlsMessageBodyIn::PublicMessage(message) = body(bytes)? { Some(message) } else { None }
}

pub(crate) fn private_message(bytes: &[u8]) -> Option<PrivateMessageIn> {
    if let MlsMessageBodyIn::PrivateMessage(message) = body(bytes)? { Some(message) } else { None }
}

pub(crate) fn group_info(bytes: &[u8]) -> Option<VerifiableGroupInfo> {
    if let MlsMessageBodyIn::GroupInfo(info) = body(bytes)? { Some(info) } else { None }
}

pub(crate) fn key_package(bytes: &[u8]) -> Option<KeyPackageIn> {
    if let MlsMessageBodyIn::KeyPackage(key_package) = body(bytes)? { Some(key_package) } else { None }
}

pub(crate) fn welcome(bytes: &[u8]) -> Option<Welcome> {
    if let MlsMessageBodyIn::Welcome(welcome) = body(bytes)? { Some(welcome) } else { None }
}

fn body(bytes: &[u8]) -> Option<MlsMessageBodyIn> {
    MlsMessageIn::tls_deserialize_exact_bytes(bytes).ok().map(MlsMessageIn::extract)
}

/// Reads a founding entry or a snapshot: the public group, every leaf's signature and the tree verified, and the GroupInfo.
pub(crate) fn read_snapshot(provider: &Provider, bytes: &[u8]) -> Option<(PublicGroup, VerifiableGroupInfo)> {
    let entry = CommitEntry::decode(bytes).ok()?;
    if entry.commit.is_some() {
        return None;
    }
    let info = group_info(&entry.group_info)?;
    let tree = info.extensions().ratchet_tree()?.ratchet_tree().clone();
    let (group, _) = PublicGroup::from_external(provider.crypto(), provider.storage(), tree, info.clone(), ProposalStore::new()).ok()?;
    Some((group, info))
}

/// This group's own GroupInfo.
pub(crate) fn export(mls: &MlsGroup, provider: &Provider, key: &LeafKey, with_tree: bool) -> Option<Vec<u8>> {
    encode(&mls.export_group_info(provider.crypto(), key, with_tree).ok()?)
}

/// Whether `bytes` is the snapshot that one of `members` makes of this group as it is now.
pub(crate) fn is_own_snapshot(bytes: &[u8], mls: &MlsGroup, provider: &Provider, key: &LeafKey, members: &[Member]) -> bool {
    let entry = CommitEntry::decode(bytes).ok().filter(|entry| entry.commit.is_none());
    entry.is_some_and(|entry| is_current(&entry.group_info, true, mls, provider, key, members))
}

/// Whether `bytes` is the GroupInfo, with the tree or without, that one of `signers` makes of this group as it is now: a joiner will stand on it.
/// Whoever makes it, all but signer and signature is the same, so a member reads no tree and verifies no leaf: a meeting of many would do little else.
pub(crate) fn is_current(bytes: &[u8], with_tree: bool, mls: &MlsGroup, provider: &Provider, key: &LeafKey, signers: &[Member]) -> bool {
    let Some(own) = export(mls, provider, key, with_tree) else { return false };
    let (Some((given, signer)), Some((own, _))) = (split_signer(bytes), split_signer(&own)) else { return false };
    let (Some(by), true) = (signers.iter().find(|m| m.leaf == signer), given == own) else { return false };
    OpenMlsSignaturePublicKey::new(by.key.to_vec().into(), SignatureScheme::ED25519)
        .is_ok_and(|public| group_info(bytes).is_some_and(|info| info.verify_no_out(provider.crypto(), &public).is_ok()))
}

/// A GroupInfo up to its signer, and that one; Ed25519's signature follows (RFC 9420, 12.4.3).
fn split_signer(group_info: &[u8]) -> Option<(&[u8], LeafIndex)> {
    const SIGNATURE: [u8; 2] = [0x40, 64];
    let (rest, _) = group_info.split_last_chunk::<64>()?;
    let (state, signer) = rest.strip_suffix(&SIGNATURE)?.split_last_chunk::<4>()?;
    Some((state, LeafIndex(u32::from_be_bytes(*signer))))
}
