//! The embedded page and the headers that every answer carries.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../web/dist"]
struct Bundle;

/// No inline code, no foreign host, no policy for unsafe sinks but ours. Old Safari does not take 'self' for WebSockets; it is too old for the rest as well.
const CSP: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; \
    font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types conclave";

const HEADERS: &[(&str, &str)] = &[
    ("content-security-policy", CSP),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    (
        "permissions-policy",
        "camera=(self), microphone=(self), display-capture=(self), speaker-selection=(self), geolocation=(), usb=(), serial=(), payment=(), browsing-topics=()",
    ),
];

/// Puts the headers on every answer, errors included.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A file of the bundle; every other path is the page, whose own script says what a link lacks.
pub(crate) async fn file(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let (path, file) = match Bundle::get(path) {
        Some(file) => (path, file),
        None if path.starts_with("assets/") || path.starts_with("api/") => return (StatusCode::NOT_FOUND, "no such file").into_response(),
        None => match Bundle::get("index.html") {
            Some(file) => ("index.html", file),
            None => {
                return (
                    StatusCode::NOT_FOUND,
                    "this build has no web page in it: build it with `cargo xtask web`, then build the server again",
                )
                    .into_response();
            }
        },
    };
    // Names under assets/ hold a hash of the content.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    ([(header::CONTENT_TYPE, file.metadata.mimetype().to_owned()), (header::CACHE_CONTROL, cache.to_owned())], file.data).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_no_inline_code_and_no_foreign_host() {
        assert!(!CSP.contains("unsafe-inline") && !CSP.contains("'unsafe-eval'") && !CSP.contains("http"));
        assert!(CSP.contains("default-src 'none'") && CSP.contains("require-trusted-types-for 'script'"));
    }
}
