//! How the server knows a meeting's host.

use conclave_base::MeetingId;
use sha2::{Digest as _, Sha256};

/// First 16 bytes of SHA-256 over a host's Ed25519 public key.
pub fn fingerprint(host_key: &[u8; 32]) -> [u8; 16] {
    let mut first = [0; 16];
    first.copy_from_slice(&Sha256::digest(host_key)[..16]);
    first
}

/// Bytes that the host key signs, so that the server answers for a passphrase by this key or is found out.
pub fn passphrase_claim(meeting: &MeetingId, server_key: &[u8; 32]) -> Vec<u8> {
    [b"conclave/1 passphrase key".as_slice(), meeting.as_bytes(), server_key].concat()
}

/// Bytes that the host key signs, so that the server keeps another sealed record.
pub fn update_claim(meeting: &MeetingId, sealed_meta: &[u8]) -> Vec<u8> {
    [b"conclave/1 update meeting".as_slice(), meeting.as_bytes(), Sha256::digest(sealed_meta).as_slice()].concat()
}
