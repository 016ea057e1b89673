use base::Identity;
use wire::live::Class;
use wire::screen::Rule;

use crate::{Group, JoinError, Member, Outgoing, RuleBroken, Setup};

/// Follows the public side of the group from a snapshot to the head of the log, then joins.
#[derive(Debug)]
pub struct Joiner {
    setup: Setup,
}

impl Joiner {
    /// Starts from the opened content of the founding entry or of a snapshot.
    pub fn new(setup: Setup, bytes: &[u8]) -> Result<Self, JoinError> {
        let _ = bytes;
        Ok(Self { setup })
    }

    /// Takes the opened content of the next entry. A broken rule means that the entry is ignored, as every member does.
    pub fn apply(&mut self, class: Class, bytes: &[u8]) -> Result<(), RuleBroken> {
        let _ = (class, bytes, &mut self.setup);
        Err(RuleBroken(Rule::Invalid))
    }

    /// Joins at the state reached: the group as it will be, and the commit to append. Pass its own entry to [`Group::handle`] when it comes
    /// back from the log. If the append is refused, drop the group, apply what was missing, and join again.
    pub fn join(&mut self) -> Result<(Group, Outgoing), JoinError> {
        let _ = &mut self.setup;
        Err(JoinError::NoState)
    }

    /// Everybody in the group now, by leaf.
    pub fn members(&self) -> &[Member] {
        &[]
    }

    /// The identity that this client will have.
    pub fn me(&self) -> Identity {
        Identity::of_key(self.setup.signer.reveal())
    }
}
