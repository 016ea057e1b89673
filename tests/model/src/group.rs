//! The MLS group, symbolically: an epoch is its session, its parent, its roster and who was given the path secret.

use crate::log::Age;
use crate::state::MEMBERS;

/// Leaves that one member may have, one after the other.
pub(crate) const LEAVES: usize = 2;

/// Index into [`Epochs`].
pub(crate) type EpochId = u8;

/// One leaf of a member: a returning client is a new leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Leaf(u8);

impl Leaf {
    pub(crate) fn new(member: usize, number: u8) -> Self {
        Self(u8::try_from(member * LEAVES).unwrap_or(u8::MAX) + number)
    }

    pub(crate) fn member(self) -> usize {
        usize::from(self.0) / LEAVES
    }
}

/// A set of leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) struct Roster(u8);

impl Roster {
    pub(crate) fn with(self, leaf: Leaf) -> Self {
        Self(self.0 | 1 << leaf.0)
    }

    /// Without any leaf of `member`.
    pub(crate) fn without(self, member: usize) -> Self {
        Self(self.0 & !(0b11 << (member * LEAVES)))
    }

    pub(crate) fn has(self, leaf: Leaf) -> bool {
        self.0 & 1 << leaf.0 != 0
    }

    pub(crate) fn leaf_of(self, member: usize) -> Option<Leaf> {
        (0..2).map(|number| Leaf::new(member, number)).find(|leaf| self.has(*leaf))
    }

    pub(crate) fn members(self) -> impl Iterator<Item = usize> {
        (0..MEMBERS).filter(move |member| self.leaf_of(*member).is_some())
    }

    pub(crate) fn is_of_one(self) -> bool {
        self.0.is_power_of_two()
    }
}

/// An epoch, and the commit that begins it, whether or not anybody ever applies that.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Epoch {
    pub(crate) session: u8,
    pub(crate) number: u8,
    pub(crate) parent: Option<EpochId>,
    pub(crate) roster: Roster,
    /// Who made it; none of those that a run begins with.
    pub(crate) by: Option<Leaf>,
    /// Whether a new path secret was sealed to the roster.
    pub(crate) path: bool,
    /// Whether it needs the absence of whom it removes, since who made it is no host.
    pub(crate) if_absent: Option<u8>,
    /// Whether somebody applied it, so that the server can have a snapshot of it.
    pub(crate) applied: bool,
    /// Ticks since each member was in it.
    pub(crate) here: [Age; MEMBERS],
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Epochs(pub(crate) Vec<Epoch>);

impl Epochs {
    pub(crate) fn get(&self, id: EpochId) -> &Epoch {
        &self.0[usize::from(id)]
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = EpochId> + use<> {
        0..u8::try_from(self.0.len()).unwrap_or(u8::MAX)
    }

    /// Whether `ancestor` is `id` or came before it.
    pub(crate) fn is_ancestor(&self, ancestor: EpochId, mut id: EpochId) -> bool {
        loop {
            if id == ancestor {
                return true;
            }
            match self.get(id).parent {
                Some(parent) => id = parent,
                None => return false,
            }
        }
    }

    /// Whether `member` can compute the keys of an epoch: it made it; or it has those of the epoch before, and a leaf to which the path
    /// secret was sealed. Nobody forgets anything.
    pub(crate) fn knows(&self, member: usize, id: EpochId) -> bool {
        let epoch = self.get(id);
        if epoch.by.is_some_and(|leaf| leaf.member() == member) {
            return true;
        }
        let Some(parent) = epoch.parent else { return epoch.roster.leaf_of(member).is_some() };
        let opens_path = epoch.roster.leaf_of(member).is_some_and(|leaf| self.get(parent).roster.has(leaf));
        self.knows(member, parent) && (opens_path || !epoch.path)
    }
}
