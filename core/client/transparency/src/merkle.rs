//! Merkle trees with SHA-256 (RFC 9162, section 2.1; the same as in RFC 6962): hashing, and checking proofs.

use std::fmt;

use conclave_base::hex;
use sha2::{Digest as _, Sha256};

/// Most entries of a tree: `2^63 - 1`.
pub const MAX_SIZE: u64 = i64::MAX as u64;
/// Most hashes of a proof: one for each level of the largest tree.
pub const MAX_PATH: usize = 63;

/// SHA-256 of a leaf, a node or a tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Of an entry.
    pub fn of_leaf(entry: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
    }

    /// Of two halves.
    pub fn of_node(left: Self, right: Self) -> Self {
        Self(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
    }

    /// Of the tree without entries.
    pub fn of_empty_tree() -> Self {
        Self::of_bytes(&[])
    }

    /// SHA-256 of a file, which is neither leaf nor node.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("proof does not lead to the tree's hash")]
pub struct NotProved;

/// Checks that the entry with hash `leaf` stands at `index` of the tree (RFC 9162, section 2.1.3.2).
pub fn verify_inclusion(leaf: Hash, index: u64, size: u64, path: &[Hash], root: Hash) -> Result<(), NotProved> {
    if index >= size {
        return Err(NotProved);
    }
    let (mut fnode, mut snode) = (index, size - 1);
    let mut hash = leaf;
    for sibling in path {
        if snode == 0 {
            return Err(NotProved);
        }
        if fnode & 1 == 1 || fnode == snode {
            hash = Hash::of_node(*sibling, hash);
            (fnode, snode) = up_to_a_right_child(fnode, snode);
        } else {
            hash = Hash::of_node(hash, *sibling);
        }
        (fnode, snode) = (fnode >> 1, snode >> 1);
    }
    if snode == 0 && hash == root { Ok(()) } else { Err(NotProved) }
}

/// Checks that the tree of `new` entries begins with the tree of `old` ones (RFC 9162, section 2.1.4.2). Every tree begins with the empty one.
pub fn verify_consistency(old: (u64, Hash), new: (u64, Hash), path: &[Hash]) -> Result<(), NotProved> {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    let trivial = match old_size {
        0 => Some(old_root == Hash::of_empty_tree() && (new_size != 0 || new_root == old_root)),
        _ if old_size == new_size => Some(old_root == new_root),
        _ if old_size > new_size => Some(false),
        _ => None,
    };
    if let Some(consistent) = trivial {
        return if consistent && path.is_empty() { Ok(()) } else { Err(NotProved) };
    }
    // The tree of a power of two is a node of the larger one, and the proof leaves it out.
    let start = if old_size.is_power_of_two() { Some(&old_root) } else { None };
    let mut path = start.into_iter().chain(path);
    let first = *path.next().ok_or(NotProved)?;
    let (mut fnode, mut snode) = (old_size - 1, new_size - 1);
    while fnode & 1 == 1 {
        (fnode, snode) = (fnode >> 1, snode >> 1);
    }
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in path {
        if snode == 0 {
            return Err(NotProved);
        }
        if fnode & 1 == 1 || fnode == snode {
            old_hash = Hash::of_node(*sibling, old_hash);
            new_hash = Hash::of_node(*sibling, new_hash);
            (fnode, snode) = up_to_a_right_child(fnode, snode);
        } else {
            new_hash = Hash::of_node(new_hash, *sibling);
        }
        (fnode, snode) = (fnode >> 1, snode >> 1);
    }
    if snode == 0 && old_hash == old_root && new_hash == new_root { Ok(()) } else { Err(NotProved) }
}

/// Skips the levels at which a node on the right edge has no sibling.
const fn up_to_a_right_child(mut fnode: u64, mut snode: u64) -> (u64, u64) {
    while fnode & 1 == 0 && fnode != 0 {
        (fnode, snode) = (fnode >> 1, snode >> 1);
    }
    (fnode, snode)
}
