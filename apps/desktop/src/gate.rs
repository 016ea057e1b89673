//! Which requests are answered: those of a page of our own, or of a person who opens one. What another page has the browser ask is not.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// The address that the page has in the browser.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    host: String,
    origin: String,
}

impl Gate {
    pub(crate) fn new(port: u16) -> Self {
        let host = format!("127.0.0.1:{port}");
        Self { origin: format!("http://{host}"), host }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// What is wrong with a request, if anything.
    fn judge(&self, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
        let only = |name| {
            let mut values = headers.get_all(name).iter();
            (values.next().and_then(|value| value.to_str().ok()), values.next().is_some())
        };
        // A name that was made to point to this machine (DNS rebinding) is not ours.
        if only(header::HOST) != (Some(self.host.as_str()), false) {
            return Some((StatusCode::MISDIRECTED_REQUEST, "this is not the address of the desktop program"));
        }
        if headers.contains_key(header::ORIGIN) && only(header::ORIGIN) != (Some(self.origin.as_str()), false) {
            return Some((StatusCode::FORBIDDEN, "another site's page may not ask here"));
        }
        // Another port of this machine is "same-site".
        match headers.get("sec-fetch-site").map(|value| value.as_bytes()) {
            None | Some(b"same-origin" | b"none") => None,
            Some(_) => Some((StatusCode::FORBIDDEN, "another site's page may not ask here")),
        }
    }
}

/// Answers nobody else.
pub(crate) async fn check(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match gate.judge(request.headers()) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn judge(headers: &[(&'static str, &'static str)]) -> Option<u16> {
        let read = |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let mut map = HeaderMap::new();
        for (name, value) in headers.iter().map(read) {
            map.append(name, value);
        }
        Gate::new(4000).judge(&map).map(|(status, _)| status.as_u16())
    }

    #[test]
    fn our_own_page_and_a_person_are_answered() {
        let host = ("host", "127.0.0.1:4000");
        assert_eq!(judge(&[host, ("sec-fetch-site", "none")]), None);
        assert_eq!(judge(&[host, ("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:4000")]), None);
    }

    #[test]
    fn other_names_other_pages_and_other_ports_are_not() {
        let host = ("host", "127.0.0.1:4000");
        for name in ["evil.example:4000", "localhost:4000", "127.0.0.1", "127.0.0.1:4001"] {
            assert_eq!(judge(&[("host", name)]), Some(421), "{name}");
        }
        assert_eq!(judge(&[]), Some(421));
        assert_eq!(judge(&[host, ("host", "evil.example")]), Some(421));
        for site in ["cross-site", "same-site", "anything"] {
            assert_eq!(judge(&[host, ("sec-fetch-site", site)]), Some(403), "{site}");
        }
        for origin in ["https://evil.example", "http://127.0.0.1:4001", "http://localhost:4000", "null"] {
            assert_eq!(judge(&[host, ("origin", origin)]), Some(403), "{origin}");
        }
    }
}
