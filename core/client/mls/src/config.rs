use std::fmt;

use conclave_base::{MeetingId, Secret};
use conclave_protocol::payload::{Access, Policy, Software};
use conclave_protocol::ws::Class;

/// X-Wing (ML-KEM-768 with X25519), AES-128-GCM, SHA-256, Ed25519: the default. Provisional code point.
pub const SUITE: u16 = 0x004F;
/// X25519, AES-128-GCM, SHA-256, Ed25519: `MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519`, small, for large meetings.
pub const SUITE_CLASSIC: u16 = 0x0001;
/// The suites that a policy may name. No ECDSA: external operations need signatures that cannot be mauled.
pub(crate) const SUITES: [u16; 2] = [SUITE, SUITE_CLASSIC];

/// What one client brings into a session.
#[derive(Clone)]
pub struct GroupConfig {
    /// Which meeting.
    pub meeting: MeetingId,
    /// The MLS external PSK, derived from the link: who lacks it cannot join.
    pub psk: Secret<32>,
    /// The policy that the host signed.
    pub policy: Policy,
    /// What a host ordered in an earlier session of the meeting, as far as this client saw: a host who founds a session orders it again, and
    /// whoever comes to one where less was ordered waits for a host.
    pub access: Option<Access>,
    /// Display name; cleaned before it is used.
    pub name: String,
    /// Seed of the Ed25519 leaf signature key, fresh per session.
    pub signer: Secret<32>,
    /// Seed of the host's Ed25519 key, on the host's device.
    pub host: Option<Secret<32>>,
    /// Seed of this device's Ed25519 key, where its user wants to be known again.
    pub device: Option<Secret<32>>,
    /// What this client tells the others that it is.
    pub software: Option<Software>,
    /// Fresh randomness: seeds what OpenMLS draws through its provider.
    pub seed: Secret<32>,
}

/// No secret, no name.
impl fmt::Debug for GroupConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupConfig").field("meeting", &self.meeting).field("host", &self.host.is_some()).finish_non_exhaustive()
    }
}

/// An entry to be sealed and appended to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Class of the entry.
    pub class: Class,
    /// Content, before it is sealed.
    pub bytes: Vec<u8>,
}
