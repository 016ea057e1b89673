use axum::http::{HeaderMap, HeaderValue, header};

use crate::{HEADERS, accepts_brotli};

#[test]
fn brotli_is_sent_to_a_client_that_accepts_it() {
    let accepts = |value: &'static str| accepts_brotli(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]));
    assert!(accepts("gzip, deflate, br, zstd") && accepts("BR;q=0.5"));
    assert!(!accepts("gzip") && !accepts("br;q=0, gzip") && !accepts("brotli") && !accepts_brotli(&HeaderMap::new()));
}

#[test]
fn the_policy_allows_no_inline_code_and_no_foreign_host() {
    let csp = HEADERS.lines().find_map(|line| line.strip_prefix("content-security-policy: ")).expect("a policy");
    assert!(!csp.contains("unsafe-inline") && !csp.contains("'unsafe-eval'") && !csp.contains("http"));
    assert!(csp.contains("default-src 'none'") && csp.contains("require-trusted-types-for 'script'"));
}
