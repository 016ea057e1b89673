//! One program for one user and folder: who starts it again has the first one open another window.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use conclave_base::hex;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

/// Longest message, bytes: an address.
const MOST: u64 = 8 * 1024;
/// Windows that are asked for and not open yet.
const WAITING: usize = 8;
/// For one message.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the first one answers once it has taken an address.
const TAKEN: &[u8] = b"taken";

/// Gives `address` to the one that runs, if one does.
pub(crate) async fn hand_over(folder: &Path, address: &str) -> anyhow::Result<bool> {
    let Ok(mut stream) = UnixStream::connect(socket_of(folder)?).await else { return Ok(false) };
    let exchange = async {
        stream.write_all(address.as_bytes()).await?;
        stream.shutdown().await?;
        let mut answer = Vec::new();
        stream.take(MOST).read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = tokio::time::timeout(PATIENCE, exchange).await.ok().and_then(Result::ok);
    anyhow::ensure!(
        answer.as_deref() == Some(TAKEN),
        "the program that runs already did not take the address: end it, and start this one again"
    );
    Ok(true)
}

/// Takes the addresses of those who are started later. Whoever calls this has the folder's lock, so that no other one listens.
pub(crate) fn listen(folder: &Path) -> anyhow::Result<mpsc::Receiver<String>> {
    let path = socket_of(folder)?;
    // Of one that was killed.
    drop(fs::remove_file(&path));
    let listener = UnixListener::bind(&path).with_context(|| format!("cannot listen at {}", path.display()))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    let user = fs::metadata("/proc/self")?.uid();
    let (given, taken) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if !stream.peer_cred().is_ok_and(|peer| peer.uid() == user) {
                continue;
            }
            let mut text = String::new();
            let (reading, mut writing) = stream.split();
            let mut reading = reading.take(MOST);
            let read = tokio::time::timeout(PATIENCE, reading.read_to_string(&mut text)).await;
            if matches!(read, Ok(Ok(_))) && given.try_send(text).is_ok() {
                // Whoever did not wait for it does not miss it.
                drop(writing.write_all(TAKEN).await);
            }
        }
    });
    Ok(taken)
}

/// Where nobody else looks; named after the folder, since each has a program of its own.
fn socket_of(folder: &Path) -> anyhow::Result<PathBuf> {
    let Some(runtime) = std::env::var_os("XDG_RUNTIME_DIR") else { return Ok(folder.join("instance")) };
    let whole = fs::canonicalize(folder)?;
    let digest = Sha256::digest(whole.as_os_str().as_encoded_bytes());
    let name = hex::encode(&digest[..8]);
    Ok(PathBuf::from(runtime).join(format!("conclave-desktop-{name}")))
}
