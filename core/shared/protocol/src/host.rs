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

/// Bytes that the host key signs, so that the server keeps it, sealed, for another device.
pub fn offer_claim(meeting: &MeetingId, offer: &[u8; 16], sealed: &[u8], expires_at: u64) -> Vec<u8> {
    let content = Sha256::digest(sealed);
    [b"conclave/1 offer host key".as_slice(), meeting.as_bytes(), offer, content.as_slice(), &expires_at.to_be_bytes()].concat()
}

/// Bytes that the host key signs, so that the server says what became of all that are kept so, and with `withdraw` erases them first.
pub fn ask_claim(meeting: &MeetingId, withdraw: bool) -> Vec<u8> {
    let label: &[u8] = if withdraw { b"conclave/1 withdraw host keys" } else { b"conclave/1 ask for host keys" };
    [label, meeting.as_bytes()].concat()
}

/// Bytes that the host key signs, so that the server keeps another sealed record.
pub fn update_claim(meeting: &MeetingId, sealed_meta: &[u8]) -> Vec<u8> {
    [b"conclave/1 update meeting".as_slice(), meeting.as_bytes(), Sha256::digest(sealed_meta).as_slice()].concat()
}
