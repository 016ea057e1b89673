use std::collections::BTreeSet;

use base::{Epoch, Identity, LeafIndex, Secret};
use wire::live::Class;
use wire::sealed::App;
use wire::screen::Rule;

use crate::{CommandError, Handled, JoinError, Member, Outgoing, RuleBroken, Setup};

/// This client's membership in the MLS group of one session.
#[derive(Debug)]
pub struct Group {
    members: Vec<Member>,
}

impl Group {
    /// A new group with this client alone, and the entry that founds it: append it with `expected = Seq(0)`.
    /// If the append is refused, somebody else was first: drop the group and use [`crate::Joiner`].
    pub fn found(setup: Setup) -> Result<(Self, Outgoing), JoinError> {
        let _ = setup;
        Err(JoinError::Library)
    }

    /// Takes the opened content of the next entry of the log, own entries too. `gone` are the members whose connection is gone
    /// and who were not heard of for long enough: they may be removed by anybody.
    pub fn handle(&mut self, class: Class, bytes: &[u8], gone: &BTreeSet<Identity>) -> Result<Handled, RuleBroken> {
        let _ = (class, bytes, gone, &mut self.members);
        Err(RuleBroken(Rule::Invalid))
    }

    /// The pending own commit was refused as stale: drops it. Handle the entries that were missing, then command again.
    /// A group that [`crate::Joiner::join`] made is of no use after this: drop it.
    pub fn refused(&mut self) {
        self.members.clear();
    }

    /// Whether an own commit waits for its place in the log.
    pub fn pending(&self) -> bool {
        false
    }

    /// Asks the others to commit the removal of this client. The proposal is good for this epoch only: ask again after a commit that was not it.
    pub fn leave(&mut self) -> Result<Outgoing, CommandError> {
        self.members.clear();
        Err(CommandError::Library)
    }

    /// Commits the removal of `identity`: by a host, or of one that is `gone`.
    pub fn remove(&mut self, identity: &Identity, gone: &BTreeSet<Identity>) -> Result<Outgoing, CommandError> {
        let _ = (identity, gone, &mut self.members);
        Err(CommandError::Library)
    }

    /// Commits the removal of everybody who asked to leave in this epoch.
    pub fn commit_pending(&mut self) -> Result<Outgoing, CommandError> {
        self.members.clear();
        Err(CommandError::Library)
    }

    /// Commits fresh keys for this client's path, so that a past compromise ends.
    pub fn update(&mut self) -> Result<Outgoing, CommandError> {
        self.members.clear();
        Err(CommandError::Library)
    }

    /// Seals a message to everybody in the current epoch.
    pub fn application(&mut self, app: &App) -> Result<Outgoing, CommandError> {
        let _ = (app, &mut self.members);
        Err(CommandError::Library)
    }

    /// The group state from which a joiner can start, with the ratchet tree.
    pub fn snapshot(&mut self) -> Result<Outgoing, CommandError> {
        self.members.clear();
        Err(CommandError::Library)
    }

    /// Everybody in the group, by leaf.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// This client's identity.
    pub fn me(&self) -> Identity {
        Identity::of_key(b"")
    }

    /// This client's leaf.
    pub fn leaf(&self) -> LeafIndex {
        LeafIndex(0)
    }

    /// The current epoch.
    pub fn epoch(&self) -> Epoch {
        Epoch(0)
    }

    /// `MLS-Exporter("SFrame 1.0 Base Key", "", 32)` of the current epoch; `None` when out of the group.
    pub fn media_base_key(&self) -> Option<Secret<32>> {
        None
    }

    /// Thirty digits, six groups of five, that are equal for everybody in this epoch of this group, and for nobody else.
    pub fn safety_code(&self) -> [String; 6] {
        Default::default()
    }

    /// SHA-256(epoch authenticator)[..8].
    pub fn authenticator8(&self) -> [u8; 8] {
        [0; 8]
    }

    /// SHA-256 over leaf index (u32 big-endian) and signature key of each member, in leaf order; [..8].
    pub fn roster8(&self) -> [u8; 8] {
        [0; 8]
    }
}
