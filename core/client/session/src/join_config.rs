use conclave_base::{MemberId, Secret};
use conclave_mls::{GroupConfig, clean_name};
use conclave_protocol::payload::{Access, Policy, Software};
use ed25519_dalek::SigningKey;

use crate::keys::Keys;
use crate::rng::Rng;

/// What this client brings into a session, each time that it joins the group.
pub(crate) struct JoinConfig {
    policy: Policy,
    name: String,
    host: Option<Secret<32>>,
    /// Seed of the leaf signature key: the same for every leaf of this session, which makes them one person.
    signer: Secret<32>,
    /// Seed of the device key that the leaf shows.
    device: Option<Secret<32>>,
    /// What the leaf says that this client is.
    software: Option<Software>,
}

impl JoinConfig {
    pub(crate) fn new(policy: Policy, name: String, host: Option<Secret<32>>, signer: Option<Secret<32>>, rng: &mut Rng) -> Self {
        Self { policy, name, host, signer: signer.unwrap_or_else(|| rng.secret()), device: None, software: None }
    }

    pub(crate) fn with_device(self, device: Option<Secret<32>>) -> Self {
        Self { device, ..self }
    }

    pub(crate) fn with_software(self, software: Option<Software>) -> Self {
        Self { software, ..self }
    }

    pub(crate) fn set_device(&mut self, device: Option<Secret<32>>) {
        self.device = device;
    }

    pub(crate) fn leaf_key(&self) -> SigningKey {
        SigningKey::from_bytes(self.signer.expose())
    }

    /// The identity of this client's leaf, present or to come.
    pub(crate) fn identity(&self) -> MemberId {
        MemberId::of_key(&self.leaf_key().verifying_key().to_bytes())
    }

    /// What the others call this client.
    pub(crate) fn name(&self) -> String {
        clean_name(&self.name)
    }

    /// Whether this device has the host key.
    pub(crate) fn is_host(&self) -> bool {
        self.host.is_some()
    }

    pub(crate) fn group_config(&self, keys: &Keys, access: Option<Access>, rng: &mut Rng) -> GroupConfig {
        GroupConfig {
            meeting: keys.meeting,
            psk: keys.psk.clone(),
            policy: self.policy.clone(),
            access,
            name: self.name.clone(),
            signer: self.signer.clone(),
            host: self.host.clone(),
            device: self.device.clone(),
            software: self.software.clone(),
            seed: rng.secret(),
        }
    }
}
