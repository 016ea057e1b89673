//! What hosts order. Each is a step of the script; who is no host by its own screen is offered nothing of it, and does nothing.

use conclave_base::{Door, Permission};

use crate::action::Person;

/// How many of those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Few {
    /// Who waits longest.
    One,
    /// All but who waits longest.
    Several,
    /// All.
    All,
}

/// Everything that a host orders by the page. A person one above all is the hostile member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// How newcomers come in.
    Door(Door),
    /// Lets in who waits.
    Admit(Few),
    /// Lets not in who waits longest.
    Decline,
    /// Puts somebody out for good; newcomers ask from now on.
    Remove(Person),
    /// Puts somebody out for good, and leaves an open door open.
    RemoveOnly(Person),
    /// Sends somebody back to the door.
    SendBack(Person),
    /// Asks somebody, or all who are no hosts, to be quiet.
    Mute(Option<Person>),
    /// Lets everybody do something, or only hosts.
    Everybody(Permission, bool),
    /// Lets somebody do something, or not.
    Permit(Person, Permission, bool),
    /// Newcomers begin muted.
    MuteAbove(Option<u32>),
    /// So many may be inside.
    Limit(u32),
    /// Makes somebody a host. To hand over is to appoint and to leave.
    Appoint(Person),
    /// Ends it for all: locks, and puts everybody else out.
    End,
}
