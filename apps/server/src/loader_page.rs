//! The desktop program serves the page from its own machine, at a port of 127.0.0.1, and that page asks here: which browsers let it do only if this
//! server says so (CORS). It may ask what any program may ask, by the same signatures; there are no cookies that it could borrow.

use std::sync::LazyLock;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use conclave_protocol::paths::LOADER_MARK;

/// What such a page may send. No form, and nothing that a browser sends without asking first, has [`LOADER_MARK`].
static ALLOWED: LazyLock<HeaderValue> = LazyLock::new(|| format!("content-type, {LOADER_MARK}").parse().expect("two names of headers"));
/// Seconds for which a browser need not ask again.
const REMEMBER: HeaderValue = HeaderValue::from_static("600");

/// Lets such a page in; whoever else asks is not concerned.
pub(crate) async fn let_in(request: Request, next: Next) -> Response {
    let Some(origin) = origin(request.headers()) else { return next.run(request).await };
    let mut response = if request.method() == Method::OPTIONS {
        let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).and_then(|names| names.to_str().ok()).unwrap_or_default();
        if !asked.split(',').any(|name| name.trim().eq_ignore_ascii_case(LOADER_MARK)) {
            return refused();
        }
        let allowed = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST")),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED.clone()),
            (header::ACCESS_CONTROL_MAX_AGE, REMEMBER),
        ];
        (StatusCode::NO_CONTENT, allowed).into_response()
    } else if is_marked(request.headers()) {
        next.run(request).await
    } else {
        return refused();
    };
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    response
}

/// Whether a request is of such a page: its origin is one, and it says so itself.
pub(crate) fn is_from_one(headers: &HeaderMap) -> bool {
    origin(headers).is_some() && is_marked(headers)
}

/// The origin, if it is a port of 127.0.0.1 and not this server itself.
fn origin(headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let port = origin.to_str().ok()?.strip_prefix("http://127.0.0.1:")?;
    let is_own = headers.get(header::HOST).is_some_and(|host| host.as_bytes() == &origin.as_bytes()["http://".len()..]);
    // Browsers write it without a sign or a zero in front.
    let is_port = port.parse::<u16>().is_ok_and(|number| number.to_string() == port);
    (is_port && !is_own).then(|| origin.clone())
}

fn is_marked(headers: &HeaderMap) -> bool {
    let protocols = headers.get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|names| names.to_str().ok()).unwrap_or_default();
    headers.contains_key(LOADER_MARK) || protocols.split(',').any(|name| name.trim() == LOADER_MARK)
}

fn refused() -> Response {
    (StatusCode::FORBIDDEN, "another site's page may not ask here").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(origin: &str, host: &str) -> bool {
        let head = [(header::ORIGIN, origin), (header::HOST, host)];
        let head = head.map(|(name, value)| (name, HeaderValue::from_str(value).expect("a value")));
        super::origin(&head.into_iter().collect()).is_some()
    }

    #[test]
    fn only_a_port_of_this_very_machine_is_such_an_origin() {
        assert!(of("http://127.0.0.1:41234", "meet.example.org"));
        assert!(!of("http://127.0.0.1:8080", "127.0.0.1:8080"), "the server's own page");
        for other in [
            "null",
            "https://127.0.0.1:41234",
            "http://127.0.0.1",
            "http://127.0.0.1:041234",
            "http://127.0.0.1:+80",
            "http://127.0.0.1:99999",
            "http://127.0.0.1:80.evil.example",
            "http://127.0.0.1.evil.example:80",
            "http://localhost:41234",
            "http://evil.example:41234",
        ] {
            assert!(!of(other, "meet.example.org"), "{other}");
        }
    }
}
