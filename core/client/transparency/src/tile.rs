//! Tiles (c2sp.org/tlog-tiles): names of the files that a log publishes, and bundles of entries.
//!
//! A tile of level *l* holds up to 256 hashes: those of leaves at level 0, above that of whole tiles of the level below. It is published when it
//! is full, and before that once for each tree of which it is the right edge.

use std::fmt;

/// Hashes of a full tile, and entries of a full bundle.
pub const TILE_WIDTH: u16 = 256;
/// Levels of the tree that one level of tiles spans.
pub const TILE_HEIGHT: u32 = 8;
/// The level of tiles that holds the root of the largest tree: `2^63 - 1` entries.
const MAX_LEVEL: u8 = 7;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TileKind {
    /// Hashes of this level.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// Names one tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TileId {
    pub(crate) kind: TileKind,
    pub(crate) index: u64,
    pub(crate) width: u16,
}

impl TileId {
    /// The tile of hashes with this number as the tree of `size` entries has it; none if nothing of it is in that tree.
    pub fn of_hashes(size: u64, level: u8, index: u64) -> Option<Self> {
        let hashes = size.checked_shr(u32::from(level) * TILE_HEIGHT)?;
        Some(Self { kind: TileKind::Hashes(level), index, width: width(hashes, index)? })
    }

    /// The bundle of entries with this number as the tree of `size` entries has it; none if nothing of it is in that tree.
    pub fn of_entries(size: u64, index: u64) -> Option<Self> {
        Some(Self { kind: TileKind::Entries, index, width: width(size, index)? })
    }

    /// What the tile holds.
    pub const fn kind(self) -> TileKind {
        self.kind
    }

    /// Its number within its level.
    pub const fn index(self) -> u64 {
        self.index
    }

    /// How many hashes or entries it holds.
    pub const fn width(self) -> u16 {
        self.width
    }

    /// Whether it will never change.
    pub const fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The tile that a path below the log's prefix names, such as `tile/0/x001/234/067.p/8`; none if it is spelled in any other way than
    /// [`fmt::Display`] spells it.
    pub fn from_path(path: &str) -> Option<Self> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let kind = match level {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes(level.parse().ok().filter(|level| *level <= MAX_LEVEL)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok().filter(|width| (1..TILE_WIDTH).contains(width))?),
            None => (rest, TILE_WIDTH),
        };
        let mut index = 0_u64;
        for group in number.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group).parse::<u16>().ok().filter(|digits| *digits < 1000)?;
            index = index.checked_mul(1000)?.checked_add(u64::from(digits))?;
        }
        let tile = Self { kind, index, width };
        (tile.to_string() == path).then_some(tile)
    }
}

/// How many of `count` hashes or entries stand in the tile with this number.
fn width(count: u64, index: u64) -> Option<u16> {
    let before = index.checked_mul(u64::from(TILE_WIDTH))?;
    let width = count.checked_sub(before)?.min(u64::from(TILE_WIDTH));
    u16::try_from(width).ok().filter(|width| *width > 0)
}

/// The path below the log's prefix.
impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Entries => f.write_str("tile/entries")?,
            TileKind::Hashes(level) => write!(f, "tile/{level}")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for (left, group) in groups.iter().enumerate().rev() {
            write!(f, "/{}{group:03}", if left == 0 { "" } else { "x" })?;
        }
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// Why an entry does not fit into a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entry longer than 65,535 bytes")]
pub struct EntryTooLong;

/// Appends an entry to a bundle: a length of two bytes, big-endian, and the entry.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), EntryTooLong> {
    let length = u16::try_from(entry.len()).map_err(|_| EntryTooLong)?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle; none if it does not hold as many as its name says, or anything else.
pub fn entries(tile: TileId, mut bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    for _ in 0..tile.width {
        let (length, rest) = bundle.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        bundle = rest;
    }
    bundle.is_empty().then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let tile = TileId { kind: TileKind::Hashes(0), index: 1_234_067, width: TILE_WIDTH };
        assert_eq!(tile.to_string(), "tile/0/x001/x234/067");
        assert_eq!(TileId::of_hashes(70_000, 1, 1).map(|t| t.to_string()).as_deref(), Some("tile/1/001.p/17"));
        assert_eq!(TileId::of_hashes(70_000, 2, 0).map(|t| t.to_string()).as_deref(), Some("tile/2/000.p/1"));
        assert_eq!(TileId::of_entries(70_000, 273).map(|t| t.to_string()).as_deref(), Some("tile/entries/273.p/112"));
        assert_eq!(TileId::of_hashes(70_000, 0, 274), None);
        assert_eq!(TileId::of_hashes(0, 0, 0), None);
        assert_eq!(TileId::of_hashes(u64::MAX, 8, 0), None, "nothing stands above the root");
    }

    #[test]
    fn a_tile_has_one_path() {
        for right in ["tile/0/000", "tile/7/x999/999.p/255", "tile/entries/x001/x234/067.p/1"] {
            assert_eq!(TileId::from_path(right).map(|t| t.to_string()).as_deref(), Some(right));
        }
        for wrong in [
            "",
            "tile",
            "tile/",
            "tile/0/",
            "tile/0/0",
            "tile/00/000",
            "tile/8/000",
            "tile/+1/000",
            "tile/0/x000/001",
            "tile/0/001/002",
            "tile/0/x001",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/../../log.key",
            "/tile/0/000",
            "tile/0/x18/x446/x744/x073/x709/x551/616",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
            "tile/data/000",
        ] {
            assert_eq!(TileId::from_path(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_bundle_is_as_wide_as_its_name_says() {
        let mut bundle = Vec::new();
        push_entry(&mut bundle, b"one").expect("short");
        push_entry(&mut bundle, b"").expect("short");
        let tile = |size| TileId::of_entries(size, 0).expect("in the tree");
        assert_eq!(entries(tile(2), &bundle), Some(vec![&b"one"[..], b""]));
        assert_eq!(entries(tile(1), &bundle), None);
        assert_eq!(entries(tile(3), &bundle), None);
        assert_eq!(entries(tile(2), &bundle[..4]), None);
        assert_eq!(push_entry(&mut bundle, &[0; 65_536]), Err(EntryTooLong));
    }
}
