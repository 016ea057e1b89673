use std::cell::RefCell;
use std::collections::BTreeMap;

use openmls_traits::storage::{CURRENT_VERSION as V, StorageProvider, traits};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// OpenMLS could not be given what it stored, or could not store it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("value not storable")]
pub(crate) struct StoreError;

type Stored<T> = Result<T, StoreError>;

/// What OpenMLS reads back while a group is in memory: the PSK, the HPKE private keys of its own leaf and path, and the KeyPackage of who waits
/// for a Welcome. Erased when deleted, replaced or dropped. A session is never loaded from a disk, so all else that OpenMLS offers to store is
/// forgotten.
#[derive(Default)]
pub(crate) struct Store(RefCell<BTreeMap<Vec<u8>, Zeroizing<Vec<u8>>>>);

/// First byte of a key in the map: what it is of.
const PSK: u8 = 0;
const KEY_PAIR: u8 = 1;
const EPOCH_KEY_PAIRS: u8 = 2;
const KEY_PACKAGE: u8 = 3;

impl Store {
    fn put(&self, kind: u8, key: &impl Serialize, value: &impl Serialize) -> Stored<()> {
        // Sized beforehand: a buffer that grows would leave copies behind.
        let size = postcard::experimental::serialized_size(value).map_err(|_| StoreError)?;
        let mut bytes = Zeroizing::new(vec![0; size]);
        postcard::to_slice(value, &mut bytes).map_err(|_| StoreError)?;
        self.0.borrow_mut().insert(place(kind, key)?, bytes);
        Ok(())
    }

    fn get<T: DeserializeOwned>(&self, kind: u8, key: &impl Serialize) -> Stored<Option<T>> {
        let map = self.0.borrow();
        map.get(&place(kind, key)?).map(|bytes| postcard::from_bytes(bytes).map_err(|_| StoreError)).transpose()
    }

    fn delete(&self, kind: u8, key: &impl Serialize) -> Stored<()> {
        self.0.borrow_mut().remove(&place(kind, key)?);
        Ok(())
    }
}

fn place(kind: u8, key: &impl Serialize) -> Stored<Vec<u8>> {
    postcard::to_stdvec(&(kind, key)).map_err(|_| StoreError)
}

/// Methods that take a value and keep nothing, or delete what was never kept.
macro_rules! forget {
    ($($name:ident <$($generic:ident),*> ($($value:ident),*);)*) => {$(
        fn $name<$($generic: traits::$generic<V>),*>(&self, $(_: &$value),*) -> Stored<()> {
            Ok(())
        }
    )*};
}

/// Methods that would give back what [`forget!`] did not keep.
macro_rules! absent {
    ($($name:ident <$($generic:ident),*> ($key:ident) -> $what:ident<$($value:ty),*>;)*) => {$(
        fn $name<$($generic: traits::$generic<V>),*>(&self, _: &$key) -> Stored<$what<$($value),*>> {
            Ok($what::default())
        }
    )*};
}

impl StorageProvider<V> for Store {
    type Error = StoreError;

    fn write_psk<PskId: traits::PskId<V>, PskBundle: traits::PskBundle<V>>(&self, id: &PskId, psk: &PskBundle) -> Stored<()> {
        self.put(PSK, id, psk)
    }

    fn psk<PskBundle: traits::PskBundle<V>, PskId: traits::PskId<V>>(&self, id: &PskId) -> Stored<Option<PskBundle>> {
        self.get(PSK, id)
    }

    fn delete_psk<PskId: traits::PskId<V>>(&self, id: &PskId) -> Stored<()> {
        self.delete(PSK, id)
    }

    fn write_encryption_key_pair<EncryptionKey: traits::EncryptionKey<V>, HpkeKeyPair: traits::HpkeKeyPair<V>>(
        &self,
        public: &EncryptionKey,
        pair: &HpkeKeyPair,
    ) -> Stored<()> {
        self.put(KEY_PAIR, public, pair)
    }

    fn encryption_key_pair<HpkeKeyPair: traits::HpkeKeyPair<V>, EncryptionKey: traits::EncryptionKey<V>>(
        &self,
        public: &EncryptionKey,
    ) -> Stored<Option<HpkeKeyPair>> {
        self.get(KEY_PAIR, public)
    }

    fn delete_encryption_key_pair<EncryptionKey: traits::EncryptionKey<V>>(&self, public: &EncryptionKey) -> Stored<()> {
        self.delete(KEY_PAIR, public)
    }

    fn write_encryption_epoch_key_pairs<GroupId: traits::GroupId<V>, EpochKey: traits::EpochKey<V>, HpkeKeyPair: traits::HpkeKeyPair<V>>(
        &self,
        group: &GroupId,
        epoch: &EpochKey,
        leaf: u32,
        pairs: &[HpkeKeyPair],
    ) -> Stored<()> {
        self.put(EPOCH_KEY_PAIRS, &(group, epoch, leaf), &pairs)
    }

    fn encryption_epoch_key_pairs<GroupId: traits::GroupId<V>, EpochKey: traits::EpochKey<V>, HpkeKeyPair: traits::HpkeKeyPair<V>>(
        &self,
        group: &GroupId,
        epoch: &EpochKey,
        leaf: u32,
    ) -> Stored<Vec<HpkeKeyPair>> {
        Ok(self.get(EPOCH_KEY_PAIRS, &(group, epoch, leaf))?.unwrap_or_default())
    }

    fn delete_encryption_epoch_key_pairs<GroupId: traits::GroupId<V>, EpochKey: traits::EpochKey<V>>(
        &self,
        group: &GroupId,
        epoch: &EpochKey,
        leaf: u32,
    ) -> Stored<()> {
        self.delete(EPOCH_KEY_PAIRS, &(group, epoch, leaf))
    }

    fn write_key_package<HashReference: traits::HashReference<V>, KeyPackage: traits::KeyPackage<V>>(
        &self,
        reference: &HashReference,
        key_package: &KeyPackage,
    ) -> Stored<()> {
        self.put(KEY_PACKAGE, reference, key_package)
    }

    fn key_package<HashReference: traits::HashReference<V>, KeyPackage: traits::KeyPackage<V>>(
        &self,
        reference: &HashReference,
    ) -> Stored<Option<KeyPackage>> {
        self.get(KEY_PACKAGE, reference)
    }

    fn delete_key_package<HashReference: traits::HashReference<V>>(&self, reference: &HashReference) -> Stored<()> {
        self.delete(KEY_PACKAGE, reference)
    }

    forget! {
        write_mls_join_config<GroupId, MlsGroupJoinConfig>(GroupId, MlsGroupJoinConfig);
        append_own_leaf_node<GroupId, LeafNode>(GroupId, LeafNode);
        queue_proposal<GroupId, ProposalRef, QueuedProposal>(GroupId, ProposalRef, QueuedProposal);
        write_tree<GroupId, TreeSync>(GroupId, TreeSync);
        write_interim_transcript_hash<GroupId, InterimTranscriptHash>(GroupId, InterimTranscriptHash);
        write_context<GroupId, GroupContext>(GroupId, GroupContext);
        write_confirmation_tag<GroupId, ConfirmationTag>(GroupId, ConfirmationTag);
        write_group_state<GroupState, GroupId>(GroupId, GroupState);
        write_message_secrets<GroupId, MessageSecrets>(GroupId, MessageSecrets);
        write_resumption_psk_store<GroupId, ResumptionPskStore>(GroupId, ResumptionPskStore);
        write_own_leaf_index<GroupId, LeafNodeIndex>(GroupId, LeafNodeIndex);
        write_group_epoch_secrets<GroupId, GroupEpochSecrets>(GroupId, GroupEpochSecrets);
        write_signature_key_pair<SignaturePublicKey, SignatureKeyPair>(SignaturePublicKey, SignatureKeyPair);
        remove_proposal<GroupId, ProposalRef>(GroupId, ProposalRef);
        delete_own_leaf_nodes<GroupId>(GroupId);
        delete_group_config<GroupId>(GroupId);
        delete_tree<GroupId>(GroupId);
        delete_confirmation_tag<GroupId>(GroupId);
        delete_group_state<GroupId>(GroupId);
        delete_context<GroupId>(GroupId);
        delete_interim_transcript_hash<GroupId>(GroupId);
        delete_message_secrets<GroupId>(GroupId);
        delete_all_resumption_psk_secrets<GroupId>(GroupId);
        delete_own_leaf_index<GroupId>(GroupId);
        delete_group_epoch_secrets<GroupId>(GroupId);
        clear_proposal_queue<GroupId, ProposalRef>(GroupId);
        delete_signature_key_pair<SignaturePublicKey>(SignaturePublicKey);
    }

    absent! {
        mls_group_join_config<GroupId, MlsGroupJoinConfig>(GroupId) -> Option<MlsGroupJoinConfig>;
        own_leaf_nodes<GroupId, LeafNode>(GroupId) -> Vec<LeafNode>;
        queued_proposal_refs<GroupId, ProposalRef>(GroupId) -> Vec<ProposalRef>;
        queued_proposals<GroupId, ProposalRef, QueuedProposal>(GroupId) -> Vec<(ProposalRef, QueuedProposal)>;
        tree<GroupId, TreeSync>(GroupId) -> Option<TreeSync>;
        group_context<GroupId, GroupContext>(GroupId) -> Option<GroupContext>;
        interim_transcript_hash<GroupId, InterimTranscriptHash>(GroupId) -> Option<InterimTranscriptHash>;
        confirmation_tag<GroupId, ConfirmationTag>(GroupId) -> Option<ConfirmationTag>;
        group_state<GroupState, GroupId>(GroupId) -> Option<GroupState>;
        message_secrets<GroupId, MessageSecrets>(GroupId) -> Option<MessageSecrets>;
        resumption_psk_store<GroupId, ResumptionPskStore>(GroupId) -> Option<ResumptionPskStore>;
        own_leaf_index<GroupId, LeafNodeIndex>(GroupId) -> Option<LeafNodeIndex>;
        group_epoch_secrets<GroupId, GroupEpochSecrets>(GroupId) -> Option<GroupEpochSecrets>;
        signature_key_pair<SignaturePublicKey, SignatureKeyPair>(SignaturePublicKey) -> Option<SignatureKeyPair>;
    }
}
