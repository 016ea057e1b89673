use base::{MeetingId, Secret};
use wire::live::Class;
use wire::sealed::Policy;

/// X-Wing (ML-KEM-768 with X25519), AES-128-GCM, SHA-256, Ed25519: what new meetings use. Provisional code point.
pub const SUITE: u16 = 0x004f;

/// What one client brings into a session.
#[derive(Debug)]
pub struct Setup {
    /// Which meeting.
    pub meeting: MeetingId,
    /// The MLS external PSK, derived from the link: who lacks it cannot join.
    pub psk: Secret<32>,
    /// The policy that the host signed.
    pub policy: Policy,
    /// Display name; cleaned before it is used.
    pub name: String,
    /// Seed of the Ed25519 leaf signature key, fresh per session.
    pub signer: Secret<32>,
    /// Seed of the host's Ed25519 key, on the host's device.
    pub host: Option<Secret<32>>,
    /// Fresh randomness: seeds all that this crate draws.
    pub seed: Secret<32>,
}

/// An entry to be sealed and appended to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Class of the entry.
    pub class: Class,
    /// Content, before it is sealed.
    pub bytes: Vec<u8>,
}
