//! What is signed to be let in: the bytes, so that both sides agree on them.

use conclave_base::MeetingId;

/// Bytes that the admission key (derived from the link) signs. `nonce` is the server's fresh challenge.
pub fn admission(meeting: &MeetingId, nonce: &[u8; 32]) -> Vec<u8> {
    labelled(b"conclave/1 admission", meeting, nonce)
}

/// Bytes that the member's leaf signature key signs, so that nobody else with the link can take its identity.
pub fn identity(meeting: &MeetingId, nonce: &[u8; 32]) -> Vec<u8> {
    labelled(b"conclave/1 identity", meeting, nonce)
}

/// Bytes that the admission key signs to show that a passphrase was right. `blinded` is what stood in the try.
pub fn passphrase(meeting: &MeetingId, blinded: &[u8; 32]) -> Vec<u8> {
    labelled(b"conclave/1 right passphrase", meeting, blinded)
}

fn labelled(label: &[u8], meeting: &MeetingId, nonce: &[u8; 32]) -> Vec<u8> {
    [label, meeting.as_bytes(), nonce].concat()
}
