//! A log's folder: its key, and below `public/` what everybody may fetch.
//!
//! A checkpoint is signed when everything of its tree is on the disk, and is on the disk before anybody gets it. So whatever moment the process
//! dies in, no two checkpoints that contradict each other ever left it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use conclave_transparency::{
    Algorithm, Checkpoint, Hash, LogProof, MAX_NOTE, SignedCheckpoint, SigningKey, TILE_WIDTH, TileId, Tiles, TilesError, push_entry,
};

use super::key_file;
use conclave_device::files::{self, FolderLock};

/// Longest bundle of entries, bytes.
const MAX_BUNDLE: usize = TILE_WIDTH as usize * (2 + 65_535);

pub(crate) struct LogFolder {
    folder: PathBuf,
    key: SigningKey,
    checkpoint: SignedCheckpoint,
    tiles: Tiles,
    _lock: FolderLock,
}

impl LogFolder {
    /// Makes the folder, the key, and the checkpoint of the empty tree.
    pub(crate) fn init(folder: &Path, origin: &str) -> anyhow::Result<SigningKey> {
        files::make_folder(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let _lock = FolderLock::take(folder)?;
        let empty = Checkpoint::new(origin, 0, Hash::of_empty_tree()).context("a log's name has 1 to 255 bytes")?;
        let key = key_file::create(&folder.join("key"), origin, Algorithm::Ed25519)?;
        let signed = empty.signed(std::slice::from_ref(&key), 0);
        files::write(&public(folder, "checkpoint"), signed.to_string().as_bytes())?;
        Ok(key)
    }

    /// Opens what [`Self::init`] made, if the tiles are those of the checkpoint.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let lock = FolderLock::take(folder)?;
        let key = key_file::read(&folder.join("key"))?;
        let path = public(folder, "checkpoint");
        let checkpoint = SignedCheckpoint::parse(&files::read(&path, MAX_NOTE)?).ok();
        let ours = |checkpoint: &SignedCheckpoint| checkpoint.verify(key.verifier()).is_ok_and(|time| time.is_some());
        let checkpoint = checkpoint.filter(ours).with_context(|| format!("{} is not signed by this log's key", path.display()))?;
        let mut log = Self { folder: folder.to_owned(), key, checkpoint, tiles: Tiles::default(), _lock: lock };
        let tree = log.checkpoint.checkpoint();
        let (size, root) = (tree.size(), tree.root());
        ensure!(log.with_tiles(|tiles| tiles.root(size))? == root, "the tiles in {} are not those of its checkpoint", folder.display());
        Ok(log)
    }

    pub(crate) const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    pub(crate) const fn key(&self) -> &SigningKey {
        &self.key
    }

    fn size(&self) -> u64 {
        self.checkpoint.checkpoint().size()
    }

    /// Computes something of the tree; tiles that it lacks are read.
    fn with_tiles<T>(&mut self, compute: impl Fn(&mut Tiles) -> Result<T, TilesError>) -> anyhow::Result<T> {
        loop {
            match compute(&mut self.tiles) {
                Ok(computed) => return Ok(computed),
                Err(TilesError::Missing(tile)) => {
                    let bytes = files::read(&public(&self.folder, &tile.to_string()), usize::from(TILE_WIDTH) * 32)?;
                    self.tiles.insert(tile, &bytes).with_context(|| format!("in {}", self.folder.display()))?;
                    // What is asked for again would be asked for for ever.
                    ensure!(self.tiles.bytes(tile).is_some(), "{tile} is not as wide as its name");
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Where an entry stands, if it is there.
    pub(crate) fn find(&mut self, entry: &[u8]) -> anyhow::Result<Option<u64>> {
        let (size, leaf) = (self.size(), Hash::of_leaf(entry));
        for index in 0..size.div_ceil(u64::from(TILE_WIDTH)) {
            let Some(tile) = TileId::of_hashes(size, 0, index) else { break };
            let hashes = self.with_tiles(|tiles| tiles.bytes(tile).ok_or(TilesError::Missing(tile)))?;
            if let Some(place) = hashes.chunks_exact(32).position(|hash| hash == leaf.0) {
                return Ok(Some(index * u64::from(TILE_WIDTH) + u64::try_from(place)?));
            }
        }
        Ok(None)
    }

    /// Adds an entry, signs the tree that it makes, and stores both.
    pub(crate) fn append(&mut self, entry: &[u8]) -> anyhow::Result<u64> {
        let size = self.size();
        let index = size / u64::from(TILE_WIDTH);
        let mut bundle = Vec::new();
        // A full bundle is the last of its number, and the next begins empty.
        if let Some(tile) = TileId::of_entries(size, index) {
            bundle = files::read(&public(&self.folder, &tile.to_string()), MAX_BUNDLE)?;
        }
        push_entry(&mut bundle, entry)?;
        let tile = TileId::of_entries(size + 1, index).context("the log is full")?;
        files::write(&public(&self.folder, &tile.to_string()), &bundle)?;
        let leaf = Hash::of_leaf(entry);
        for tile in self.with_tiles(|tiles| tiles.append(size, leaf))? {
            let bytes = self.tiles.bytes(tile).context("a tile that was just made")?;
            files::write(&public(&self.folder, &tile.to_string()), &bytes)?;
        }
        let root = self.with_tiles(|tiles| tiles.root(size + 1))?;
        let grown = Checkpoint::new(self.checkpoint.checkpoint().origin(), size + 1, root)?;
        self.publish(grown.signed(std::slice::from_ref(&self.key), 0))?;
        Ok(size)
    }

    /// Stores a checkpoint of this log, for everybody to fetch.
    pub(crate) fn publish(&mut self, checkpoint: SignedCheckpoint) -> anyhow::Result<()> {
        let text = checkpoint.to_string();
        // What nobody could read, this log included, is not published.
        ensure!(SignedCheckpoint::parse(text.as_bytes()).is_ok(), "too many cosignatures for one checkpoint");
        files::write(&public(&self.folder, "checkpoint"), text.as_bytes())?;
        self.checkpoint = checkpoint;
        Ok(())
    }

    /// From a size to now.
    pub(crate) fn consistency(&mut self, old: u64) -> anyhow::Result<Vec<Hash>> {
        let size = self.size();
        if old > size {
            bail!("somebody saw {old} entries, and the log has {size}: it lost some, and must not go on under this key");
        }
        self.with_tiles(|tiles| tiles.consistency(old, size))
    }

    /// That an entry is in the tree, and who signed the tree.
    pub(crate) fn proof(&mut self, index: u64) -> anyhow::Result<LogProof> {
        let size = self.size();
        let path = self.with_tiles(|tiles| tiles.inclusion(size, index))?;
        Ok(LogProof::new(index, path, self.checkpoint.clone()))
    }
}

/// A file that everybody may fetch.
pub(crate) fn public(folder: &Path, name: &str) -> PathBuf {
    folder.join("public").join(name)
}
