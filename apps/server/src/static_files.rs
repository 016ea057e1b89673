//! The embedded page and the headers that every answer carries.

use std::sync::LazyLock;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use conclave_protocol::paths;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::clients::Clients;
use crate::listener::Peer;

/// With the `.br` files that the web build has made. `memory-serve` would compress again in each build and `ServeDir` reads a disk, so that
/// the choice between the two forms is made here.
#[derive(RustEmbed)]
#[folder = "../web/dist"]
struct Bundle;

/// What the build names the page for unknown addresses.
const NOT_FOUND: &str = "404.html";

/// What every answer says beside its body. It is one of the page's files, so that a release names it as it names them.
pub(crate) const HEADERS: &str = include_str!("../../web/public/headers.txt");

static READ_HEADERS: LazyLock<Vec<(HeaderName, HeaderValue)>> = LazyLock::new(|| {
    let lines = HEADERS.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
    lines.filter_map(|(name, value)| Some((name.parse().ok()?, HeaderValue::from_static(value)))).collect()
});

/// For browsers that came by TLS: they come by TLS from now on, whatever a link says.
const STAY_WITH_TLS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Puts the headers on every answer, errors included.
pub(crate) async fn headers(State(clients): State<Clients>, Extension(peer): Extension<Peer>, request: Request, next: Next) -> Response {
    let is_tls = clients.proxies().is_tls(peer.address, request.headers());
    let mut response = next.run(request).await;
    if is_tls {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, STAY_WITH_TLS);
    }
    for (name, value) in READ_HEADERS.iter() {
        response.headers_mut().entry(name).or_insert(value.clone());
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A file of the bundle. Three of them are the page, each drawn as what its address is before the script is there: the start page, a meeting's,
/// and the one for every address that is neither.
pub(crate) async fn file(uri: Uri, headers: HeaderMap) -> Response {
    let path = match uri.path() {
        "/" => "index.html",
        paths::MEETING_PAGE => "meeting.html",
        path => path.trim_start_matches('/'),
    };
    if let Some(file) = Bundle::get(path) {
        return answer(StatusCode::OK, path, file, &headers);
    }
    // What a script asks for, no person reads.
    let is_for_scripts = ["assets/", "api/"].iter().any(|folder| path.starts_with(folder));
    match Bundle::get(NOT_FOUND) {
        Some(page) if !is_for_scripts => answer(StatusCode::NOT_FOUND, NOT_FOUND, page, &headers),
        Some(_) => (StatusCode::NOT_FOUND, "no such file").into_response(),
        None => {
            let what = "this build has no web page in it: build it with `cargo xtask web`, then build the server again";
            (StatusCode::NOT_FOUND, what).into_response()
        }
    }
}

fn answer(status: StatusCode, path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    // Names under assets/ hold a hash of the content.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let head = [(header::CONTENT_TYPE, file.metadata.mimetype().to_owned()), (header::CACHE_CONTROL, cache.to_owned())];
    // Nothing is compressed while somebody waits: the build leaves a brotli form beside each file that gets smaller by it.
    let vary = [(header::VARY, "accept-encoding")];
    match Bundle::get(&format!("{path}.br")) {
        Some(small) if accepts_brotli(headers) => (status, head, vary, [(header::CONTENT_ENCODING, "br")], small.data).into_response(),
        Some(_) => (status, head, vary, file.data).into_response(),
        None => (status, head, file.data).into_response(),
    }
}

/// Whether the client accepts brotli (RFC 9110, section 12.5.3).
pub(crate) fn accepts_brotli(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    let mut encodings = named.map(|e| e.split_once(';').unwrap_or((e, "")));
    encodings
        .any(|(name, weight)| name.trim().eq_ignore_ascii_case("br") && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
}
