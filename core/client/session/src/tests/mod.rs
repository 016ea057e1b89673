//! Whole meetings in one process, with a blind server on a true log and a clock that only the test moves.

mod batch;
mod coming;
mod comparing;
mod door;
mod ending;
mod floor;
mod links;
mod log;
mod media;
mod passphrases;
mod people;
mod quietness;
mod recognition;
mod silence;
mod software;
mod world;

use conclave_protocol::limits::PROTOCOL;
use conclave_protocol::payload::Policy;

/// Of a small meeting that has this host.
pub(crate) fn policy(host_key: [u8; 32], suite: u16) -> Policy {
    Policy {
        version: PROTOCOL,
        host_keys: vec![host_key],
        lobby: false,
        passphrase: false,
        hides_speech: true,
        hosts_only: Vec::new(),
        mute_above: None,
        limit: 9,
        suite,
    }
}
