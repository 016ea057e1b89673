//! Device keys: what lasts from one meeting to the next, where leaf keys are fresh in each.

use conclave_base::{MeetingId, Secret};
use conclave_protocol::payload::DeviceProof;
use ed25519_dalek::{Signer as _, SigningKey};

use crate::access::is_signed_by;

/// What a device key signs to say that the member with this leaf key is its owner, in this meeting. In another one, or over another leaf, it says
/// nothing: so a member who has seen it cannot wear it.
fn device_claim(meeting: &MeetingId, leaf_key: &[u8; 32]) -> Vec<u8> {
    [b"conclave/1 device leaf".as_slice(), meeting.as_bytes(), leaf_key].concat()
}

pub(crate) fn prove_device(device: &Secret<32>, meeting: &MeetingId, leaf_key: &[u8; 32]) -> DeviceProof {
    let device = SigningKey::from_bytes(device.expose());
    DeviceProof { key: device.verifying_key().to_bytes(), signature: device.sign(&device_claim(meeting, leaf_key)).to_bytes() }
}

pub(crate) fn is_device_proof(proof: &DeviceProof, meeting: &MeetingId, leaf_key: &[u8; 32]) -> bool {
    is_signed_by(&proof.key, &device_claim(meeting, leaf_key), &proof.signature)
}

/// The public half of a device key with this seed.
pub fn device_key(seed: &Secret<32>) -> [u8; 32] {
    SigningKey::from_bytes(seed.expose()).verifying_key().to_bytes()
}
