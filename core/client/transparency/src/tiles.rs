//! A tree in tiles: growing it, its hash, and proofs of it.
//!
//! Nothing here checks where tiles come from: what they give is worth what the checkpoint is worth to which it leads.

use std::collections::BTreeMap;

use crate::merkle::{Hash, MAX_SIZE};
use crate::tile::{TILE_HEIGHT, TILE_WIDTH, TileId, TileKind};

/// Why something cannot be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TilesError {
    /// Fetch this tile, [`Tiles::insert`] it, and ask again.
    #[error("tile missing: {0}")]
    Missing(TileId),
    /// The tree has no such entry, or is not as large.
    #[error("not in the tree")]
    OutOfRange,
    /// A tile is not of hashes, or its length is not that of its name.
    #[error("malformed tile")]
    Malformed,
}

/// The tiles of hashes that are at hand: of a whole log, or only what one proof needs.
#[derive(Debug, Default, Clone)]
pub struct Tiles {
    /// By level and index; each as wide as the widest that came.
    tiles: BTreeMap<(u8, u64), Vec<Hash>>,
}

impl Tiles {
    /// Takes a tile as it is published.
    pub fn insert(&mut self, tile: TileId, bytes: &[u8]) -> Result<(), TilesError> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        let TileKind::Hashes(level) = tile.kind else { return Err(TilesError::Malformed) };
        if !rest.is_empty() || hashes.len() != usize::from(tile.width) {
            return Err(TilesError::Malformed);
        }
        let held = self.tiles.entry((level, tile.index)).or_default();
        if held.len() < hashes.len() {
            *held = hashes.iter().copied().map(Hash).collect();
        }
        Ok(())
    }

    /// A tile as it is to be published; none if it is not at hand in this width.
    pub fn bytes(&self, tile: TileId) -> Option<Vec<u8>> {
        let TileKind::Hashes(level) = tile.kind else { return None };
        let hashes = self.tiles.get(&(level, tile.index))?.get(..usize::from(tile.width))?;
        Some(hashes.iter().flat_map(|hash| hash.0).collect())
    }

    /// Adds a leaf behind the first `size`; gives the tiles that are to be published for it. Needs the tiles of the tree's right edge.
    pub fn append(&mut self, size: u64, leaf: Hash) -> Result<Vec<TileId>, TilesError> {
        if size >= MAX_SIZE {
            return Err(TilesError::OutOfRange);
        }
        // First all that can fail, so that nothing is half done.
        let mut edge = Vec::new();
        for (level, hashes) in (0_u8..).map_while(|level| Some((level, size.checked_shr(u32::from(level) * TILE_HEIGHT)?))) {
            let index = hashes / u64::from(TILE_WIDTH);
            let width = usize::try_from(hashes % u64::from(TILE_WIDTH)).map_err(|_| TilesError::OutOfRange)?;
            if width > 0 && self.tiles.get(&(level, index)).is_none_or(|held| held.len() < width) {
                return Err(TileId::of_hashes(size, level, index).map_or(TilesError::OutOfRange, TilesError::Missing));
            }
            edge.push((level, index, width));
            if width + 1 < usize::from(TILE_WIDTH) {
                break;
            }
        }
        let mut hash = leaf;
        let mut changed = Vec::new();
        for (level, index, width) in edge {
            let tile = self.tiles.entry((level, index)).or_default();
            tile.truncate(width);
            tile.push(hash);
            if tile.len() == usize::from(TILE_WIDTH) {
                hash = root_of(tile);
            }
            changed.extend(TileId::of_hashes(size + 1, level, index));
        }
        Ok(changed)
    }

    /// The hash of the tree of the first `size` entries.
    pub fn root(&self, size: u64) -> Result<Hash, TilesError> {
        if size == 0 { Ok(Hash::of_empty_tree()) } else { self.range(size, 0, size) }
    }

    /// The proof that the entry at `index` is in the tree of `size` entries (RFC 9162, section 2.1.3.1).
    pub fn inclusion(&self, size: u64, index: u64) -> Result<Vec<Hash>, TilesError> {
        if index >= size || size > MAX_SIZE {
            return Err(TilesError::OutOfRange);
        }
        let (mut low, mut high) = (0, size);
        let mut path = Vec::new();
        while high - low > 1 {
            let middle = low + left_half(high - low);
            if index < middle {
                path.push(self.range(size, middle, high)?);
                high = middle;
            } else {
                path.push(self.range(size, low, middle)?);
                low = middle;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// The proof that the tree of `new` entries begins with that of `old` ones (RFC 9162, section 2.1.4.1).
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, TilesError> {
        if old > new || new > MAX_SIZE {
            return Err(TilesError::OutOfRange);
        }
        let mut path = Vec::new();
        if old == 0 || old == new {
            return Ok(path);
        }
        let (mut low, mut high) = (0, new);
        while old != high {
            let middle = low + left_half(high - low);
            if old <= middle {
                path.push(self.range(new, middle, high)?);
                high = middle;
            } else {
                path.push(self.range(new, low, middle)?);
                low = middle;
            }
        }
        // What is left of the old tree; if that is all of it, whoever checks has its hash.
        if low > 0 {
            path.push(self.range(new, low, high)?);
        }
        path.reverse();
        Ok(path)
    }

    /// Hash over the leaves from `low` to before `high`, which are a subtree of the tree of `size` entries.
    fn range(&self, size: u64, low: u64, high: u64) -> Result<Hash, TilesError> {
        let count = high - low;
        if count.is_power_of_two() {
            return self.node(size, count.trailing_zeros(), low);
        }
        let middle = low + left_half(count);
        // Each half is at most as deep as its count has bits.
        Ok(Hash::of_node(self.range(size, low, middle)?, self.range(size, middle, high)?))
    }

    /// The full subtree of `2^height` leaves that begins at `low`.
    fn node(&self, size: u64, height: u32, low: u64) -> Result<Hash, TilesError> {
        let level = u8::try_from(height / TILE_HEIGHT).map_err(|_| TilesError::OutOfRange)?;
        let first = low >> (u32::from(level) * TILE_HEIGHT);
        let index = first / u64::from(TILE_WIDTH);
        let offset = usize::try_from(first % u64::from(TILE_WIDTH)).map_err(|_| TilesError::OutOfRange)?;
        let hashes = self.tiles.get(&(level, index)).and_then(|tile| tile.get(offset..offset + (1 << (height % TILE_HEIGHT))));
        hashes.map(root_of).ok_or_else(|| TileId::of_hashes(size, level, index).map_or(TilesError::OutOfRange, TilesError::Missing))
    }
}

/// The largest power of two that is smaller than `count`, which is two at least.
const fn left_half(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// Hash over as many hashes as a power of two.
fn root_of(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => Hash::of_empty_tree(),
        [one] => *one,
        more => {
            let (left, right) = more.split_at(more.len() / 2);
            Hash::of_node(root_of(left), root_of(right))
        }
    }
}
