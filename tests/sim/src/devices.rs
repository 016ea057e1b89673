//! Whose device is known again: every sixth person's, by everybody; every sixth takes a key on once inside, which nobody verified.

use conclave_base::Secret;
use conclave_mls::device_key;
use conclave_session::people::VerifiedPerson;

use crate::dice::Dice;
use crate::world::Someone;

/// What is known of a person's device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Device {
    Guest,
    Verified,
    TakenOnInside,
}

pub(crate) const fn of(person: usize) -> Device {
    match person % 6 {
        1 => Device::Verified,
        4 => Device::TakenOnInside,
        _ => Device::Guest,
    }
}

pub(crate) fn seed(seed: u64, person: usize) -> Secret<32> {
    Dice::new(seed, "device", person as u64).secret()
}

/// Whom everybody verified before.
pub(crate) fn verified(of_world: u64, people: &[Someone]) -> Vec<VerifiedPerson> {
    let verified = people.iter().enumerate().filter(|(n, _)| of(*n) == Device::Verified);
    verified.map(|(n, someone)| VerifiedPerson::new(&device_key(&seed(of_world, n)), someone.name.clone(), 7)).collect()
}
