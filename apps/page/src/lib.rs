//! The web page as a bundle of files, and the answers that a browser gets of it: from the server and from the desktop program, the same.
//!
//! Architecture invariant: files in, answers out. Nothing here knows a meeting, a deployment or a release.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use conclave_protocol::paths;
use rust_embed::RustEmbed;

/// With the `.br` files that the web build has made. `memory-serve` would compress again in each build and `ServeDir` reads a disk, so that
/// the choice between the two forms is made here.
#[derive(RustEmbed)]
#[folder = "../web/dist"]
struct Embedded;

/// What the build names the page for unknown addresses.
const NOT_FOUND: &str = "404.html";
/// What every answer says beside its body. It is one of the page's files, so that a release names it as it names them.
pub const HEADERS: &str = include_str!("../../web/public/headers.txt");

/// The files of a page.
#[derive(Debug)]
pub enum Bundle {
    /// Those with which this program was built.
    Embedded,
    /// Others, by name, such as those of a newer release.
    Files(BTreeMap<String, Bytes>),
}

impl Bundle {
    /// A file by its name, such as `index.html`.
    pub fn get(&self, name: &str) -> Option<Bytes> {
        match self {
            Self::Embedded => Embedded::get(name).map(|file| match file.data {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            }),
            Self::Files(files) => files.get(name).cloned(),
        }
    }

    /// The answer to a GET of this path. Three of the files are the page, each drawn as what its address is before the script is there: the start
    /// page, a meeting's, and the one for every address that is neither.
    pub fn answer(&self, path: &str, headers: &HeaderMap) -> Response {
        let name = match path {
            "/" => "index.html",
            paths::MEETING_PAGE => "meeting.html",
            path => path.trim_start_matches('/'),
        };
        if let Some(file) = self.get(name) {
            return self.file(StatusCode::OK, name, file, headers);
        }
        // What a script asks for, no person reads.
        let is_for_scripts = ["assets/", "api/"].iter().any(|folder| name.starts_with(folder));
        match self.get(NOT_FOUND) {
            Some(page) if !is_for_scripts => self.file(StatusCode::NOT_FOUND, NOT_FOUND, page, headers),
            Some(_) => (StatusCode::NOT_FOUND, "no such file").into_response(),
            None => {
                let what = "this build has no web page in it: build it with `cargo xtask web`, then build this program again";
                (StatusCode::NOT_FOUND, what).into_response()
            }
        }
    }

    fn file(&self, status: StatusCode, name: &str, bytes: Bytes, headers: &HeaderMap) -> Response {
        // Names under assets/ hold a hash of the content.
        let cache = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        let kind = mime_guess::from_path(name).first_or_octet_stream();
        let head = [(header::CONTENT_TYPE, kind.essence_str()), (header::CACHE_CONTROL, cache)];
        // Nothing is compressed while somebody waits: the build leaves a brotli form beside each file that gets smaller by it.
        let vary = [(header::VARY, "accept-encoding")];
        match self.get(&format!("{name}.br")) {
            Some(small) if accepts_brotli(headers) => (status, head, vary, [(header::CONTENT_ENCODING, "br")], small).into_response(),
            Some(_) => (status, head, vary, bytes).into_response(),
            None => (status, head, bytes).into_response(),
        }
    }
}

/// What a file such as [`HEADERS`] says, line by line.
pub fn read_headers(text: &str) -> Vec<(HeaderName, HeaderValue)> {
    let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
    lines.filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?))).collect()
}

/// Whether the client accepts brotli (RFC 9110, section 12.5.3).
pub fn accepts_brotli(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    let mut encodings = named.map(|e| e.split_once(';').unwrap_or((e, "")));
    encodings
        .any(|(name, weight)| name.trim().eq_ignore_ascii_case("br") && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
}
