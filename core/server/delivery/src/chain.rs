use conclave_base::Seq;
use conclave_protocol::live::Class;
use sha2::{Digest, Sha256};

/// The chain value after an entry: SHA-256(previous ‖ seq as u64 big-endian ‖ class code ‖ sealed).
pub fn link(previous: &[u8; 32], seq: Seq, class: Class, sealed: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(seq.0.to_be_bytes());
    hash.update([class.code()]);
    hash.update(sealed);
    hash.finalize().into()
}
