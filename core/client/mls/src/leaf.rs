//! What a leaf carries: a name, proofs of holding a host key or a device key, and what its client says that it is.

use conclave_base::{LeafIndex, MeetingId, MemberId, Redacted};
use conclave_protocol::payload::{GroupPolicy, LeafInfo};
use openmls::prelude::{
    BasicCredential, Capabilities, Ciphersuite, Credential, CredentialType, CredentialWithKey, Extension, ExtensionType, Extensions,
    LeafNode, LeafNodeIndex, ProtocolVersion, UnknownExtension,
};

use crate::access::{is_appointed, is_host_proof, prove_host};
use crate::device::{is_device_proof, prove_device};
use crate::provider::LeafKey;
use crate::{GroupConfig, Member, clean_name, clean_software};

/// GroupContext extension with the [`GroupPolicy`].
pub(crate) const POLICY: u16 = 0xF0C0;
/// LeafNode extension with the [`LeafInfo`].
pub(crate) const LEAF_INFO: u16 = 0xF0C1;
/// KeyPackage extension with the proof that its owner has the PSK.
pub(crate) const PSK_PROOF: u16 = 0xF0C2;
/// Largest [`LeafInfo`], encoded: a name of four-byte characters, both proofs and a site fit.
const LEAF_INFO_BYTES: usize = 1024;

pub(crate) fn capabilities(suite: Ciphersuite) -> Capabilities {
    Capabilities::builder()
        .versions(vec![ProtocolVersion::Mls10])
        .ciphersuites(vec![suite])
        .extensions(vec![ExtensionType::Unknown(POLICY), ExtensionType::Unknown(LEAF_INFO), ExtensionType::Unknown(PSK_PROOF)])
        .proposals(Vec::new())
        .credentials(vec![CredentialType::Basic])
        .build()
}

/// The credential says nothing: who a member is, is its signature key, and what it is called stands in the leaf info.
pub(crate) fn credential(key: &LeafKey) -> CredentialWithKey {
    CredentialWithKey { credential: BasicCredential::new(Vec::new()).into(), signature_key: key.public().as_slice().into() }
}

/// The leaf extensions of this client; `None` only if OpenMLS refuses them.
pub(crate) fn leaf_extensions(config: &GroupConfig, key: &LeafKey) -> Option<Extensions<LeafNode>> {
    let host = config.host.as_ref().map(|seed| prove_host(seed, &config.meeting, &key.public()));
    let device = config.device.as_ref().map(|seed| prove_device(seed, &config.meeting, &key.public()));
    info_extensions(&LeafInfo {
        name: Redacted::new(clean_name(&config.name)),
        host,
        device,
        software: config.software.as_ref().map(clean_software),
    })
}

pub(crate) fn info_extensions(info: &LeafInfo) -> Option<Extensions<LeafNode>> {
    Extensions::single(Extension::Unknown(LEAF_INFO, UnknownExtension(info.encode()))).ok()
}

/// What a leaf says of itself.
pub(crate) fn read_info(leaf: &LeafNode) -> Option<LeafInfo> {
    let bytes = &leaf.extensions().unknown(LEAF_INFO)?.0;
    if bytes.len() > LEAF_INFO_BYTES {
        return None;
    }
    LeafInfo::decode(bytes).ok()
}

/// Reads a leaf as a member; `None` if it is not well-formed.
pub(crate) fn read_member(meeting: &MeetingId, group: &GroupPolicy, index: LeafNodeIndex, leaf: &LeafNode) -> Option<Member> {
    let proof = read_info(leaf)?.device;
    let member = read_checked_member(meeting, group, index, leaf)?;
    proof.is_none_or(|proof| is_device_proof(&proof, meeting, &member.key)).then_some(member)
}

/// The same of a leaf whose device proof was found good when it came in: at 200 members, to compute that anew in each epoch is felt.
pub(crate) fn read_checked_member(meeting: &MeetingId, group: &GroupPolicy, index: LeafNodeIndex, leaf: &LeafNode) -> Option<Member> {
    let key: [u8; 32] = leaf.signature_key().as_slice().try_into().ok()?;
    if !is_empty_basic(leaf.credential()) || leaf.extensions().iter().count() != 1 {
        return None;
    }
    let info = read_info(leaf)?;
    Some(Member {
        leaf: LeafIndex(index.u32()),
        identity: MemberId::of_key(&key),
        key,
        name: Redacted::new(clean_name(info.name.expose())),
        host: is_appointed(&group.access, &key) || info.host.is_some_and(|proof| is_host_proof(&proof, &group.policy, meeting, &key)),
        device: info.device.map(|proof| proof.key),
        software: info.software.as_ref().map(clean_software),
    })
}

fn is_empty_basic(credential: &Credential) -> bool {
    credential.credential_type() == CredentialType::Basic && credential.serialized_content().is_empty()
}

/// What a host key signs to make the member with this leaf key a host.
pub(crate) fn host_claim(meeting: &MeetingId, leaf_key: &[u8; 32]) -> Vec<u8> {
    [b"conclave/1 host leaf".as_slice(), meeting.as_bytes(), leaf_key].concat()
}
