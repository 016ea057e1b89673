//! Coming in by a KeyPackage that a member adds, together with others who come at the same moment (docs/design/010-batched-joins.md).

use std::collections::BTreeSet;

use conclave_base::MemberId;
use conclave_protocol::limits::BATCH;
use conclave_protocol::payload::CommitEntry;
use conclave_protocol::ws::Class;
use openmls::group::StagedWelcome;
use openmls::prelude::{Extension, Extensions, KeyPackage, LeafNodeIndex, Lifetime, MlsMessageOut, ProtocolVersion, UnknownExtension};
use openmls_traits::OpenMlsProvider as _;

use crate::access::read_policy;
use crate::codec::{encode, key_package, largest, welcome};
use crate::group::{Content, join_config, new_provider, roster, suite};
use crate::leaf::{PSK_PROOF, capabilities, credential, leaf_extensions};
use crate::provider::{LeafKey, Provider};
use crate::psk_proof::PskProof;
use crate::rules::limit;
use crate::{CommandError, ExternalJoin, Group, JoinError, Outgoing};

/// The whole of time: of nobody's clock hangs whether a leaf is good, and so all judge it alike.
pub(crate) fn lifetime() -> Lifetime {
    Lifetime::init(0, u64::MAX)
}

/// The epoch in which a KeyPackage was made, and the proof that its owner has the PSK.
pub(crate) fn read_proof(key_package: &KeyPackage) -> Option<(u64, &[u8])> {
    if key_package.extensions().iter().count() != 1 {
        return None;
    }
    let (epoch, proof) = key_package.extensions().unknown(PSK_PROOF)?.0.split_first_chunk()?;
    Some((u64::from_be_bytes(*epoch), proof))
}

/// The identity of whom a KeyPackage would bring in, if it is a good one; `None` if it cannot be read.
pub fn identity_of(bytes: &[u8]) -> Option<MemberId> {
    let key = key_package(bytes)?.unverified_credential().signature_key;
    key.as_slice().try_into().ok().map(|key: &[u8; 32]| MemberId::of_key(key))
}

/// A KeyPackage of this client, with the keys for the Welcome that answers it.
pub struct OwnKeyPackage {
    pub(crate) provider: Provider,
    key: LeafKey,
    /// What a member needs to add this client.
    pub bytes: Vec<u8>,
}

/// Somebody whom a member may add.
pub struct Newcomer(KeyPackage);

impl ExternalJoin {
    /// A KeyPackage by which a member can add this client, in the epoch reached or soon after it.
    pub fn key_package(&self) -> Result<OwnKeyPackage, JoinError> {
        self.require_place()?;
        let suite = suite(&self.config.policy)?;
        let group = self.group.group_id();
        let provider = new_provider(&self.config, group, self.provider.fork(), suite)?;
        let key = LeafKey::new(&self.config.signer);
        let epoch = self.epoch().0;
        let proof = PskProof::of_key_package(&self.config.psk, group, epoch).make(&key.public());
        let proof = UnknownExtension([epoch.to_be_bytes().as_slice(), &proof].concat());
        let bundle = KeyPackage::builder()
            .key_package_lifetime(lifetime())
            .key_package_extensions(Extensions::single(Extension::Unknown(PSK_PROOF, proof)).map_err(|_| JoinError::Library)?)
            .leaf_node_capabilities(capabilities(suite))
            .leaf_node_extensions(leaf_extensions(&self.config, &key).ok_or(JoinError::Library)?)
            .build(suite, &provider, &key, credential(&key))
            .map_err(|_| JoinError::Library)?;
        let bytes = encode(&MlsMessageOut::from(bundle.into_key_package())).ok_or(JoinError::Library)?;
        Ok(OwnKeyPackage { provider, key, bytes })
    }

    /// Comes in by the Welcome of the commit that was applied last. If it does not open, the leaf that was added is of no use, and this client can
    /// still join as who returns to it.
    pub fn enter(&self, own: OwnKeyPackage, entry: &[u8]) -> Result<Group, JoinError> {
        let OwnKeyPackage { provider, key, .. } = own;
        let entry = CommitEntry::decode(entry).map_err(|_| JoinError::Malformed)?;
        let welcome = entry.welcome.and_then(|bytes| welcome(&bytes)).ok_or(JoinError::NoState)?;
        let tree = self.group.export_ratchet_tree().into();
        let staged = StagedWelcome::new_from_welcome(&provider, &join_config(), welcome, Some(tree)).map_err(|_| JoinError::NoState)?;
        // All that was checked was checked of the state reached by the log.
        if staged.group_context() != self.group.group_context() {
            return Err(JoinError::NoState);
        }
        let mls = staged.into_group(&provider).map_err(|_| JoinError::Library)?;
        let policy = read_policy(mls.extensions(), &self.config.meeting, &self.session).ok_or(JoinError::Policy)?;
        let members = roster(mls.public_group(), &self.config.meeting, &policy).ok_or(JoinError::Malformed)?;
        Ok(Group::entered(&self.config, mls, provider, key, policy, members))
    }
}

impl Group {
    /// Whom this KeyPackage brings in, if all members will let this one add it now.
    pub fn may_add(&self, bytes: &[u8]) -> Option<Newcomer> {
        if bytes.len() > largest(Class::JoinRequest) {
            return None;
        }
        let key_package = key_package(bytes)?.validate(self.provider.crypto(), ProtocolVersion::Mls10).ok()?;
        let suits = key_package.ciphersuite() == self.mls.ciphersuite();
        let may = suits && self.before(None)?.addable(&key_package, LeafNodeIndex::new(0), &self.policy.access).is_ok();
        may.then_some(Newcomer(key_package))
    }

    /// Adds as many of them as there is room for, in one commit and with one Welcome, and takes requests to leave along.
    pub fn add(&mut self, newcomers: Vec<Newcomer>) -> Result<Outgoing, CommandError> {
        let mut added: Vec<_> = newcomers.into_iter().map(|Newcomer(key_package)| key_package).collect();
        added.truncate(limit(&self.policy, false).saturating_sub(self.members.len()).min(BATCH));
        while !added.is_empty() {
            let outgoing = self.commit(Content { added: added.clone(), ..Content::default() }, &BTreeSet::new())?;
            if outgoing.bytes.len() <= largest(Class::Commit) {
                return Ok(outgoing);
            }
            self.discard_pending();
            added.truncate(added.len() / 2);
        }
        Err(CommandError::Nothing)
    }
}
