//! A witness's folder: its key, the logs that it looks at, and below `state/` the last checkpoint of each that it cosigned.
//!
//! A log whose state is gone is not looked at any more: a witness that began anew would cosign a fork.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use conclave_transparency::{Algorithm, Cosigned, Hash, MAX_NOTE, SignedCheckpoint, SigningKey, VerifierKey, Witness};

use super::key_file;
use conclave_device::files::{self, FolderLock};

/// Stands in the state of a log of which nothing was cosigned yet.
const NOTHING: &[u8] = b"nothing cosigned yet\n";
/// Longest list of logs, bytes.
const MAX_LOGS: usize = 256 * 1024;

pub(crate) struct WitnessFolder {
    folder: PathBuf,
    witness: Witness,
    _lock: FolderLock,
}

impl WitnessFolder {
    /// Makes the folder and the key.
    pub(crate) fn init(folder: &Path, name: &str, algorithm: Algorithm) -> anyhow::Result<SigningKey> {
        files::make_folder(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let _lock = FolderLock::take(folder)?;
        let key = key_file::create(&folder.join("key"), name, algorithm)?;
        files::write(&folder.join("logs"), b"")?;
        Ok(key)
    }

    /// Looks at one more log, of which nothing was seen yet.
    pub(crate) fn add(folder: &Path, log: &VerifierKey) -> anyhow::Result<()> {
        let _lock = FolderLock::take(folder)?;
        let mut logs = read_logs(folder)?;
        ensure!(!logs.iter().any(|known| known.name() == log.name()), "{} is looked at already", log.name());
        // The state comes first: a log that is listed and has none would look like one whose state is lost.
        let state = state_path(folder, log.name());
        ensure!(!state.exists(), "{} was looked at before: what it was then is in {}", log.name(), state.display());
        files::write(&state, NOTHING)?;
        logs.push(log.clone());
        files::write(&folder.join("logs"), logs.iter().map(|log| format!("{log}\n")).collect::<String>().as_bytes())
    }

    /// Goes on from where the folder says.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let lock = FolderLock::take(folder)?;
        let mut witness = Witness::new(key_file::read(&folder.join("key"))?, read_logs(folder)?);
        for origin in witness.origins().map(str::to_owned).collect::<Vec<_>>() {
            let path = state_path(folder, &origin);
            let why = || format!("what was cosigned of {origin} is lost: without {} a fork could not be told", path.display());
            let state = files::read(&path, MAX_NOTE).with_context(why)?;
            if state != NOTHING {
                witness.restore(&state).with_context(why)?;
                ensure!(witness.latest(&origin).is_some(), why());
            }
        }
        Ok(Self { folder: folder.to_owned(), witness, _lock: lock })
    }

    pub(crate) const fn witness(&self) -> &Witness {
        &self.witness
    }

    /// After this, and not before, the answer may leave.
    pub(crate) fn store(&mut self, cosigned: &Cosigned) -> anyhow::Result<()> {
        let checkpoint = cosigned.checkpoint();
        files::write(&state_path(&self.folder, checkpoint.checkpoint().origin()), checkpoint.to_string().as_bytes())?;
        self.witness.stored(cosigned);
        Ok(())
    }

    /// Keeps what proves that a log signed two trees of one size: the first such pair of each log.
    pub(crate) fn keep_fork(&self, cosigned: &SignedCheckpoint, request: &str) -> anyhow::Result<()> {
        let path = self.folder.join("forks").join(hashed(cosigned.checkpoint().origin()));
        if path.exists() {
            return Ok(());
        }
        files::write(&path, format!("cosigned by this witness:\n\n{cosigned}\nasked to cosign:\n\n{request}").as_bytes())
    }
}

fn read_logs(folder: &Path) -> anyhow::Result<Vec<VerifierKey>> {
    let path = folder.join("logs");
    let text = String::from_utf8(files::read(&path, MAX_LOGS)?).with_context(|| format!("{} is no text", path.display()))?;
    text.lines().map(|line| line.parse::<VerifierKey>().with_context(|| format!("{}: {line} is no key", path.display()))).collect()
}

/// As c2sp.org/tlog-witness names a log in addresses.
pub(crate) fn hashed(origin: &str) -> String {
    Hash::of_bytes(origin.as_bytes()).to_string()
}

fn state_path(folder: &Path, origin: &str) -> PathBuf {
    folder.join("state").join(hashed(origin))
}
