//! The embedded page and the headers that every answer carries.

use std::sync::LazyLock;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use conclave_page::{Bundle, HEADERS};

use crate::clients::Clients;
use crate::listener::Peer;

static READ_HEADERS: LazyLock<Vec<(HeaderName, HeaderValue)>> = LazyLock::new(|| conclave_page::read_headers(HEADERS));

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

/// A file of the page.
pub(crate) async fn file(uri: Uri, headers: HeaderMap) -> Response {
    Bundle::Embedded.answer(uri.path(), &headers)
}
