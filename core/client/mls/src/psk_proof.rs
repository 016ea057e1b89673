use conclave_base::Secret;
use hkdf::hmac::{Hmac, KeyInit as _, Mac as _};
use openmls::prelude::{GroupContext, GroupId};
use sha2::Sha256;
use tls_codec::Serialize as _;

/// Keeps the key apart from whatever else is made of the PSK.
const LABEL: &[u8] = b"conclave/1 newcomer";
/// No GroupContext begins so.
const KEY_PACKAGE: &[u8] = b"conclave/1 key package";

/// How a newcomer shows that it has the PSK to whoever cannot check the confirmation tag of its commit: those who come after it, who have no
/// secret of the group yet (docs/design/006-psk-of-newcomers.md). For one state of the group, which the commit leaves.
pub(crate) struct PskProof(Hmac<Sha256>);

impl PskProof {
    /// `None` only if the library fails.
    pub(crate) fn new(psk: &Secret<32>, before: &GroupContext) -> Option<Self> {
        Some(Self::of_bytes(psk, &before.tls_serialize_detached().ok()?))
    }

    /// The same for a newcomer that a member is to add, who does not know in which epoch: good for a while from this one on.
    pub(crate) fn of_key_package(psk: &Secret<32>, group: &GroupId, epoch: u64) -> Self {
        Self::of_bytes(psk, &[KEY_PACKAGE, group.as_slice(), &epoch.to_be_bytes()].concat())
    }

    pub(crate) fn of_bytes(psk: &Secret<32>, before: &[u8]) -> Self {
        let key = Secret::<32>::new(mac(psk.expose()).chain_update(LABEL).finalize().into_bytes().into());
        Self(mac(key.expose()).chain_update(before))
    }

    /// `authenticated_data` of the commit by which the leaf with this signature key comes in.
    pub(crate) fn make(&self, newcomer: &[u8; 32]) -> Vec<u8> {
        self.0.clone().chain_update(newcomer).finalize().into_bytes().to_vec()
    }

    pub(crate) fn holds(&self, newcomer: &[u8; 32], aad: &[u8]) -> bool {
        self.0.clone().chain_update(newcomer).verify_slice(aad).is_ok()
    }
}

fn mac(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}
