//! What the program keeps between starts, in a folder of its user's own.

use std::fs::{self, DirBuilder};
use std::net::Ipv4Addr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use conclave_base::Secret;
use conclave_device::files::{self, FolderLock};
use conclave_device::identity::Identity;
use conclave_device::{passphrase, system};
use hkdf::Hkdf;
use sha2::Sha256;
use tokio::net::TcpListener;

/// From which ports one is drawn: below those that systems give to whoever connects.
const PORTS: std::ops::Range<u16> = 10_240..32_768;
/// Longest small file, bytes.
const MOST: usize = 4096;

/// The folder.
pub(crate) struct State {
    folder: PathBuf,
}

impl State {
    pub(crate) fn open(folder: Option<PathBuf>) -> anyhow::Result<Self> {
        let home = || std::env::home_dir().map(|home| home.join(".local/state"));
        let folder = folder.or_else(|| Some(std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).or_else(home)?.join("conclave")));
        let folder = folder.context("there is no home folder: name a folder with --state")?;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.with_context(|| format!("cannot make {}: name another folder with --state", folder.display()))?;
        Ok(Self { folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn lock(&self) -> anyhow::Result<FolderLock> {
        FolderLock::take(&self.folder)
    }

    /// The port of this installation, bound: drawn once, so that the browser knows the page again.
    pub(crate) async fn listener(&self) -> anyhow::Result<TcpListener> {
        let path = self.folder.join("port");
        if let Some(text) = self.read("port")? {
            let port: u16 = text.trim().parse().ok().with_context(|| format!("{} holds no port: remove it", path.display()))?;
            return TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| {
                format!(
                    "port {port}, at which this installation serves its page, is taken by another program: end that one. If you do not know it, it may \
                     be waiting for your browser; remove {} to use another port, and what the page kept is not found there",
                    path.display()
                )
            });
        }
        for _ in 0..64 {
            let drawn = PORTS.start + u16::from_be_bytes(system::random()?) % (PORTS.end - PORTS.start);
            if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, drawn)).await {
                self.write("port", &drawn.to_string())?;
                return Ok(listener);
            }
        }
        bail!("no port of this machine is free: end some programs")
    }

    /// The meeting server of last time.
    pub(crate) fn server(&self) -> anyhow::Result<Option<String>> {
        self.read("server")
    }

    pub(crate) fn set_server(&self, server: &str) -> anyhow::Result<()> {
        self.write("server", server)
    }

    /// By which the page seals what it keeps. It comes of the seed in a file that the keyring's passphrase opens, or the one in the file `given`.
    pub(crate) async fn key(&self, given: Option<&Path>) -> anyhow::Result<Secret<32>> {
        let path = self.folder.join("identity");
        let passphrase = passphrase::of(&path, given).await?;
        let seed = Identity::open(&path, &passphrase)?.device();
        let mut key = [0; 32];
        let expanded = Hkdf::<Sha256>::new(None, seed.expose()).expand(b"conclave desktop, what the page keeps", &mut key);
        expanded.ok().context("32 bytes are what SHA-256 gives")?;
        Ok(Secret::new(key))
    }

    fn read(&self, name: &str) -> anyhow::Result<Option<String>> {
        let path = self.folder.join(name);
        if !path.exists() {
            return Ok(None);
        }
        let text = String::from_utf8(files::read(&path, MOST)?);
        Ok(Some(text.ok().with_context(|| format!("{} is no text: remove it", path.display()))?))
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.folder.join(name);
        files::replace(&path, text.as_bytes(), 0o600).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Removes what another program could have left in a browser's profile while it had our port: scripts that stay between the browser and us, and copies of
/// files.
pub(crate) fn forget_scripts(profile: &Path) -> anyhow::Result<()> {
    for name in ["Service Worker", "Cache", "Code Cache"] {
        match fs::remove_dir_all(profile.join("Default").join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot clear {}: close the browser that uses it", profile.display()));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
