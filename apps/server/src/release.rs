//! What proves the page that this server serves, so that whoever checks it need not look elsewhere: the release and its proof, as they lie in a folder.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use axum::extract;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use conclave_protocol::paths;

/// Longest of the two files, bytes: a proof with all signatures that can stand in it.
const MOST: u64 = 512 * 1024;

/// The folder, if the operator named one.
#[derive(Debug, Clone)]
pub(crate) struct ReleaseFolder(Option<PathBuf>);

impl ReleaseFolder {
    /// Fails when a file is missing, so that nobody finds out later.
    pub(crate) fn open(folder: Option<PathBuf>) -> anyhow::Result<Self> {
        for name in [paths::RELEASE, paths::RELEASE_PROOF] {
            if let Some(path) = folder.as_deref().map(|folder| folder.join(name)) {
                read(&path).with_context(|| {
                    format!("{} cannot be served: --release names the folder of a release and its proof", path.display())
                })?;
            }
        }
        Ok(Self(folder))
    }

    /// One of the two files. It is read anew each time: a proof is replaced when the log was cosigned again.
    pub(crate) async fn file(extract::State(Self(folder)): extract::State<Self>, extract::Path(name): extract::Path<String>) -> Response {
        let none = || (StatusCode::NOT_FOUND, "no such file").into_response();
        let (Some(folder), true) = (folder, [paths::RELEASE, paths::RELEASE_PROOF].contains(&name.as_str())) else { return none() };
        let path = folder.join(name);
        match tokio::task::spawn_blocking(move || read(&path)).await {
            Ok(Ok(bytes)) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], bytes).into_response(),
            Ok(Err(_)) | Err(_) => none(),
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    anyhow::ensure!(std::fs::metadata(path)?.len() <= MOST, "it has more than {MOST} bytes");
    Ok(std::fs::read(path)?)
}
