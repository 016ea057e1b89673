use std::collections::BTreeMap;
use std::fmt;

use conclave_base::{Codec, Epoch, LeafIndex, MemberId, Secret, Source, Time};
use sframe::CipherSuite;
use sframe::frame::{EncryptedFrameView, MediaFrameView, MonotonicCounter};
use sframe::key::{DecryptionKey, EncryptionKey};

use crate::clear_prefix::clear_prefix;
use crate::kid::{Kid, MAX_LEAVES};
use crate::replay::{self, Window};
use crate::{AddEpochError, EPOCH_RETENTION, EpochKeys, OpenError, SealError};

pub(crate) const SUITE: CipherSuite = CipherSuite::AesGcm256Sha512;

/// The keys of one epoch: made once, so that no counter ever starts again under the same key.
pub(crate) struct EpochState {
    pub(crate) epoch: Epoch,
    /// When its keys are erased, once it is superseded.
    pub(crate) until: Option<Time>,
    /// Erased when somebody left: what those who stayed need is derived before.
    base_key: Option<Secret<32>>,
    members: BTreeMap<LeafIndex, MemberId>,
    send_keys: BTreeMap<Source, SendKey>,
    receive_keys: BTreeMap<Kid, ReceiveKey>,
}

struct SendKey {
    key: EncryptionKey,
    counter: MonotonicCounter,
}

struct ReceiveKey {
    key: DecryptionKey,
    window: Window,
}

impl EpochState {
    pub(crate) fn new(keys: EpochKeys) -> Result<Self, AddEpochError> {
        let EpochKeys { epoch, base_key, members, me } = keys;
        let members: BTreeMap<_, _> = members.into_iter().collect();
        if !members.contains_key(&me) || members.keys().any(|leaf| leaf.0 >= MAX_LEAVES) {
            return Err(AddEpochError::Members);
        }
        let send_keys = Source::ALL
            .into_iter()
            .map(|source| {
                let kid = Kid { source, leaf: me, epoch: Kid::epoch_byte(epoch) };
                let key = EncryptionKey::derive_from(SUITE, kid.value(), base_key.expose()).expect("HKDF gives 44 bytes");
                (source, SendKey { key, counter: MonotonicCounter::new(u64::MAX - 1) })
            })
            .collect();
        Ok(Self { epoch, until: None, base_key: Some(base_key), members, send_keys, receive_keys: BTreeMap::new() })
    }

    pub(crate) fn owner(&self, leaf: LeafIndex) -> Option<MemberId> {
        self.members.get(&leaf).copied()
    }

    pub(crate) fn is_member(&self, who: &MemberId) -> bool {
        self.members.values().any(|member| member == who)
    }

    /// A newer epoch began.
    pub(crate) fn superseded(&mut self, now: Time) {
        self.until.get_or_insert(now + EPOCH_RETENTION);
    }

    /// Erases every key of leaves that are not in `newer`, and what such keys could be derived from.
    pub(crate) fn erase_departed(&mut self, newer: &Self) {
        let stays = |leaf: &LeafIndex, who: &MemberId| newer.members.get(leaf) == Some(who);
        if self.members.iter().all(|(leaf, who)| stays(leaf, who)) {
            return;
        }
        self.members.retain(|leaf, who| stays(leaf, who));
        self.receive_keys.retain(|kid, _| self.members.contains_key(&kid.leaf));
        if let Some(base_key) = self.base_key.take() {
            for (leaf, source) in self.members.keys().flat_map(|leaf| Source::ALL.map(|source| (*leaf, source))) {
                let kid = Kid { source, leaf, epoch: Kid::epoch_byte(self.epoch) };
                self.receive_keys.entry(kid).or_insert_with(|| ReceiveKey::derive(kid, &base_key));
            }
        }
    }

    pub(crate) fn seal(&mut self, source: Source, prefix: &[u8], frame: &[u8]) -> Result<Vec<u8>, SealError> {
        let send = self.send_keys.get_mut(&source).ok_or(SealError::NoKey)?;
        let view = MediaFrameView::try_with_meta_data(&mut send.counter, frame, prefix).map_err(|_| SealError::Exhausted)?;
        let mut sealed = Vec::new();
        view.encrypt_into(&send.key, &mut sealed).map_err(|_| SealError::Malformed)?;
        Ok(sealed)
    }

    /// `kid` is of this epoch and of a member.
    pub(crate) fn open(&mut self, kid: &Kid, counter: u64, codec: Codec, prefix: &[u8], body: &[u8]) -> Result<Vec<u8>, OpenError> {
        let receive = match (self.receive_keys.entry(*kid), &self.base_key) {
            (std::collections::btree_map::Entry::Occupied(entry), _) => entry.into_mut(),
            (std::collections::btree_map::Entry::Vacant(entry), Some(base_key)) => entry.insert(ReceiveKey::derive(*kid, base_key)),
            (std::collections::btree_map::Entry::Vacant(_), None) => return Err(OpenError::Expired),
        };
        if !receive.window.is_fresh(counter, replay::width(kid.source)) {
            return Err(OpenError::Replayed);
        }
        let view = EncryptedFrameView::try_with_meta_data(body, prefix).map_err(|_| OpenError::NotSFrame)?;
        let mut opened = Vec::new();
        view.decrypt_into(&receive.key, &mut opened).map_err(|_| OpenError::AuthenticationFailed)?;
        receive.window.opened(counter);
        let frame = opened.split_off(prefix.len());
        // The prefix is the sender's word; a sender that shows others than it seals would lead packetizers astray.
        if clear_prefix(codec, &frame) != Some(prefix) {
            return Err(OpenError::AuthenticationFailed);
        }
        Ok(frame)
    }
}

impl ReceiveKey {
    fn derive(kid: Kid, base_key: &Secret<32>) -> Self {
        let key = DecryptionKey::derive_from(SUITE, kid.value(), base_key.expose()).expect("HKDF gives 44 bytes");
        Self { key, window: Window::default() }
    }
}

/// No key.
impl fmt::Debug for EpochState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EpochState").field("epoch", &self.epoch).field("members", &self.members.len()).finish_non_exhaustive()
    }
}
