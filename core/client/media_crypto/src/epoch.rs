use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use conclave_base::{Codec, Epoch, LeafIndex, MemberId, Secret, SessionId, Source, Time};
use ed25519_dalek::SigningKey;
use sframe::CipherSuite;
use sframe::frame::{EncryptedFrameView, MediaFrameView, MonotonicCounter};
use sframe::key::{DecryptionKey, EncryptionKey};

use crate::attestation::{Carrier, Digest, Leaf, attach, split};
use crate::clear_prefix::clear_prefix;
use crate::kid::{Kid, MAX_LEAVES};
use crate::replay::{self, Window};
use crate::{AddEpochError, EPOCH_RETENTION, EpochKeys, OpenError, SealError, Track};

pub(crate) const SUITE: CipherSuite = CipherSuite::AesGcm256Sha512;

/// The keys of one epoch: made once, so that no counter ever starts again under the same key.
pub(crate) struct EpochState {
    pub(crate) epoch: Epoch,
    /// When its keys are erased, once it is superseded.
    pub(crate) until: Option<Time>,
    /// Erased when somebody left: what those who stayed need is derived before.
    base_key: Option<Secret<32>>,
    session: SessionId,
    members: BTreeMap<LeafIndex, Leaf>,
    /// Who left since, and has no keys here: their late frames are late, and nobody else's.
    departed: BTreeMap<LeafIndex, MemberId>,
    /// Not played, by the policy of this epoch.
    silenced: BTreeSet<Track>,
    /// Not played since, by that of a later one.
    overruled: BTreeSet<Track>,
    me: LeafIndex,
    /// Erased on drop.
    signer: SigningKey,
    send_keys: BTreeMap<Source, SendKey>,
    receive_keys: BTreeMap<Kid, ReceiveKey>,
}

/// What was sealed.
pub(crate) struct Opened {
    pub(crate) frame: Vec<u8>,
    /// Made up, in place of a microphone that is off.
    pub(crate) off: bool,
    /// What its owner attests with it.
    pub(crate) named: Vec<Digest>,
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
        let EpochKeys { epoch, base_key, session, members, silenced, me, signer } = keys;
        let signer = SigningKey::from_bytes(signer.expose());
        let members: BTreeMap<_, _> = members.into_iter().map(|(leaf, key)| (leaf, Leaf::new(key))).collect();
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
        let base_key = Some(base_key);
        let (departed, receive_keys, overruled) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Ok(Self { epoch, until: None, base_key, session, members, departed, silenced, overruled, me, signer, send_keys, receive_keys })
    }

    /// Who seals with this leaf's keys.
    pub(crate) fn owner(&self, leaf: LeafIndex) -> Option<MemberId> {
        self.members.get(&leaf).map(|leaf| leaf.identity).or_else(|| self.departed.get(&leaf).copied())
    }

    pub(crate) fn is_member(&self, who: &MemberId) -> bool {
        self.members.values().any(|leaf| leaf.identity == *who)
    }

    /// Whether what its owner seals for this track in this epoch is not to be played.
    pub(crate) fn is_silenced(&self, track: &Track) -> bool {
        self.silenced.contains(track)
    }

    /// Whether it is not to be played since: it comes too late, or its owner goes on with keys of before.
    pub(crate) fn is_overruled(&self, track: &Track) -> bool {
        self.overruled.contains(track)
    }

    pub(crate) fn is_own_silenced(&self, source: Source) -> bool {
        self.owner(self.me).is_some_and(|owner| self.silenced.contains(&Track { owner, source }))
    }

    /// Who is silenced in `newer` is not heard any more by what was sealed before.
    pub(crate) fn overrule(&mut self, newer: &Self) {
        self.overruled.extend(newer.silenced.difference(&self.silenced));
    }

    /// A newer epoch began.
    pub(crate) fn superseded(&mut self, now: Time) {
        self.until.get_or_insert(now + EPOCH_RETENTION);
    }

    /// Erases every key of leaves that are not in `newer`, and what such keys could be derived from.
    pub(crate) fn erase_departed(&mut self, newer: &Self) {
        let stays = |leaf: &LeafIndex, who: &Leaf| newer.members.get(leaf) == Some(who);
        if self.members.iter().all(|(leaf, who)| stays(leaf, who)) {
            return;
        }
        self.departed.extend(self.members.extract_if(.., |leaf, who| !stays(leaf, who)).map(|(leaf, who)| (leaf, who.identity)));
        self.receive_keys.retain(|kid, _| self.members.contains_key(&kid.leaf));
        if let Some(base_key) = self.base_key.take() {
            for (leaf, source) in self.members.keys().flat_map(|leaf| Source::ALL.map(|source| (*leaf, source))) {
                let kid = Kid { source, leaf, epoch: Kid::epoch_byte(self.epoch) };
                self.receive_keys.entry(kid).or_insert_with(|| ReceiveKey::derive(kid, &base_key));
            }
        }
    }

    /// The frame attests those that are `named`. `off`: it stands for a microphone that is off.
    pub(crate) fn seal(&mut self, source: Source, prefix: &[u8], frame: &[u8], off: bool, named: &[Digest]) -> Result<Vec<u8>, SealError> {
        let send = self.send_keys.get_mut(&source).ok_or(SealError::NoKey)?;
        let kid = Kid { source, leaf: self.me, epoch: Kid::epoch_byte(self.epoch) };
        let carrier = Carrier { session: &self.session, epoch: self.epoch, kid, counter: send.counter.current() };
        let plain = attach(frame, off, named, &self.signer, carrier);
        send.seal(prefix, &plain)
    }

    /// `kid` is of this epoch and of a member.
    pub(crate) fn open(&mut self, kid: &Kid, counter: u64, codec: Codec, prefix: &[u8], body: &[u8]) -> Result<Opened, OpenError> {
        let receive = match (self.receive_keys.entry(*kid), &self.base_key) {
            (std::collections::btree_map::Entry::Occupied(entry), _) => entry.into_mut(),
            (std::collections::btree_map::Entry::Vacant(entry), Some(base_key)) => entry.insert(ReceiveKey::derive(*kid, base_key)),
            (std::collections::btree_map::Entry::Vacant(_), None) => return Err(OpenError::Expired),
        };
        receive.window.check(counter, replay::width(kid.source))?;
        let view = EncryptedFrameView::try_with_meta_data(body, prefix).map_err(|_| OpenError::NotSFrame)?;
        let mut opened = Vec::new();
        view.decrypt_into(&receive.key, &mut opened).map_err(|_| OpenError::AuthenticationFailed)?;
        let mut frame = opened.split_off(prefix.len());
        let parts = split(&frame, kid.source).ok_or(OpenError::AuthenticationFailed)?;
        let key = self.members.get(&kid.leaf).ok_or(OpenError::WrongSender)?.key;
        let carrier = Carrier { session: &self.session, epoch: self.epoch, kid: *kid, counter };
        // All members can derive this key; only one can sign for it.
        let named = parts.verify(&key, carrier).ok_or(OpenError::WrongSender)?;
        let (length, off) = (parts.frame.len(), parts.off);
        frame.truncate(length);
        receive.window.opened(counter);
        // The prefix is the sender's word; a sender that shows others than it seals would lead packetizers astray.
        if clear_prefix(codec, &frame) != Some(prefix) {
            return Err(OpenError::AuthenticationFailed);
        }
        Ok(Opened { frame, off, named })
    }
}

/// What somebody can do who has a key and keeps no rule.
#[cfg(any(test, feature = "hostile"))]
impl EpochState {
    /// The next frame has this counter.
    pub(crate) fn set_counter(&mut self, source: Source, counter: u64) {
        if let Some(send) = self.send_keys.get_mut(&source) {
            send.counter = MonotonicCounter::with_start_value(counter, u64::MAX - 1);
        }
    }

    /// Seals these bytes as they are.
    pub(crate) fn seal_plain(&mut self, source: Source, prefix: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        self.send_keys.get_mut(&source).ok_or(SealError::NoKey)?.seal(prefix, plain)
    }

    /// What is inside a sealed body, as it was sealed.
    pub(crate) fn open_plain(&self, prefix: &[u8], body: &[u8]) -> Option<Vec<u8>> {
        let (kid, _) = crate::kid::parse(body)?;
        let receive = ReceiveKey::derive(kid, self.base_key.as_ref()?);
        let view = EncryptedFrameView::try_with_meta_data(body, prefix).ok()?;
        let mut opened = Vec::new();
        view.decrypt_into(&receive.key, &mut opened).ok()?;
        Some(opened.split_off(prefix.len()))
    }
}

impl SendKey {
    /// Every call takes a counter of its own.
    fn seal(&mut self, prefix: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let view = MediaFrameView::try_with_meta_data(&mut self.counter, plain, prefix).map_err(|_| SealError::Exhausted)?;
        let mut sealed = Vec::new();
        view.encrypt_into(&self.key, &mut sealed).map_err(|_| SealError::Malformed)?;
        Ok(sealed)
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
