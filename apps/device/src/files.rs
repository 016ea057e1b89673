//! Files that outlive the process and the machine's power: written whole, or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// Replaces a file. When this returns, a crash of any kind leaves the new contents; while it runs, the old or the new ones.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_all(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

fn write_all(path: &Path, bytes: &[u8]) -> io::Result<()> {
    make_folder(folder_of(path))?;
    // One process holds the folder's lock, so that nobody else writes to this name.
    replace(path, bytes, 0o666)
}

/// The same, in a folder that is there, with these rights but for what the process never gives.
pub fn replace(path: &Path, bytes: &[u8], rights: u32) -> io::Result<()> {
    let new = path.with_added_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(rights).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(folder_of(path))?.sync_all()
}

/// A bare name stands in the folder where the process works.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a folder, with those above it, each known to the one above when this returns.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder_of(folder);
    make_folder(above)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => File::open(above)?.sync_all(),
    }
}

/// Reads a file of this size at most.
pub fn read(path: &Path, most: usize) -> anyhow::Result<Vec<u8>> {
    let size = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    if usize::try_from(size).is_ok_and(|size| size <= most) {
        fs::read(path).with_context(|| format!("cannot read {}", path.display()))
    } else {
        bail!("{} has {size} bytes, more than the {most} that it may have", path.display())
    }
}

/// Lets one process at a time work in a folder; gone when it ends, however it ends.
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Fails when another process has it.
    pub fn take(folder: &Path) -> anyhow::Result<Self> {
        let path: PathBuf = folder.join("lock");
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("cannot open {}: make the folder with `init` first", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(fs::TryLockError::WouldBlock) => bail!("another process works in {}: end it first", folder.display()),
            Err(fs::TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }
}
