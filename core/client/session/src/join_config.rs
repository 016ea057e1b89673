use std::collections::VecDeque;

use conclave_base::{MemberId, Secret};
use conclave_mls::GroupConfig;
use conclave_protocol::payload::Policy;
use ed25519_dalek::SigningKey;

use crate::keys::Keys;
use crate::rng::Rng;

/// Own identities of before that are remembered.
const PREVIOUS_IDS: usize = 32;

/// What this client brings into a session, each time that it joins the group.
pub(crate) struct JoinConfig {
    policy: Policy,
    name: String,
    host: Option<Secret<32>>,
    /// Seed of the leaf signature key; fresh for every leaf.
    signer: Secret<32>,
    /// Identities that this client had before: the media server may still have them.
    previous_ids: VecDeque<MemberId>,
}

impl JoinConfig {
    pub(crate) fn new(policy: Policy, name: String, host: Option<Secret<32>>, rng: &mut Rng) -> Self {
        Self { policy, name, host, signer: rng.secret(), previous_ids: VecDeque::new() }
    }

    /// The next leaf is another one: keys and counters are never resumed.
    pub(crate) fn renew_leaf(&mut self, rng: &mut Rng) {
        if self.previous_ids.len() >= PREVIOUS_IDS {
            self.previous_ids.pop_front();
        }
        self.previous_ids.push_back(self.identity());
        self.signer = rng.secret();
    }

    pub(crate) fn leaf_key(&self) -> SigningKey {
        SigningKey::from_bytes(self.signer.expose())
    }

    /// The identity of the present leaf, or of the one to come.
    pub(crate) fn identity(&self) -> MemberId {
        MemberId::of_key(&self.leaf_key().verifying_key().to_bytes())
    }

    /// Whether this client was called so before.
    pub(crate) fn is_previous(&self, who: &MemberId) -> bool {
        self.previous_ids.contains(who)
    }

    pub(crate) fn is_host(&self) -> bool {
        self.host.is_some()
    }

    pub(crate) fn group_config(&self, keys: &Keys, rng: &mut Rng) -> GroupConfig {
        GroupConfig {
            meeting: keys.meeting,
            psk: keys.psk.clone(),
            policy: self.policy.clone(),
            name: self.name.clone(),
            signer: self.signer.clone(),
            host: self.host.clone(),
            seed: rng.secret(),
        }
    }
}
