use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue};

use crate::addresses::{FORWARDED_FOR, Network, Proxies, block};

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn forwarded(lines: &[&str]) -> HeaderMap {
    lines.iter().map(|line| (FORWARDED_FOR.parse().expect("a name"), HeaderValue::from_str(line).expect("a value"))).collect()
}

fn proxies(networks: &[&str]) -> Proxies {
    Proxies(networks.iter().map(|text| text.parse().expect("a network")).collect())
}

#[test]
fn a_block_holds_all_that_one_customer_has() {
    assert_eq!(block(ip("192.0.2.1")), block(ip("192.0.2.254")));
    assert_ne!(block(ip("192.0.2.1")), block(ip("192.0.3.1")));
    assert_eq!(block(ip("::ffff:192.0.2.1")), block(ip("192.0.2.9")));
    assert_eq!(block(ip("2001:db8:1:200::1")), block(ip("2001:db8:1:2ff:ffff::2")));
    assert_ne!(block(ip("2001:db8:1:200::1")), block(ip("2001:db8:1:300::1")));
}

#[test]
fn only_a_named_proxy_says_who_its_client_is() {
    let headers = forwarded(&["198.51.100.7"]);
    assert_eq!(proxies(&[]).client(ip("127.0.0.1"), &headers), ip("127.0.0.1"));
    assert_eq!(proxies(&["10.0.0.0/8"]).client(ip("127.0.0.1"), &headers), ip("127.0.0.1"));
    assert_eq!(proxies(&["127.0.0.1"]).client(ip("::ffff:127.0.0.1"), &headers), ip("198.51.100.7"));
    assert_eq!(proxies(&["127.0.0.1"]).client(ip("127.0.0.1"), &HeaderMap::new()), ip("127.0.0.1"));
}

#[test]
fn what_a_client_claims_of_itself_does_not_count() {
    let proxies = proxies(&["127.0.0.1", "10.0.0.0/8"]);
    // The client sent the first, and our two proxies added the others.
    let headers = forwarded(&["203.0.113.9, 198.51.100.7, 10.1.2.3"]);
    assert_eq!(proxies.client(ip("127.0.0.1"), &headers), ip("198.51.100.7"));
    let headers = forwarded(&["203.0.113.9", "198.51.100.7"]);
    assert_eq!(proxies.client(ip("127.0.0.1"), &headers), ip("198.51.100.7"));
    for nonsense in ["unknown", "", "203.0.113.9, _hidden"] {
        assert_eq!(proxies.client(ip("10.0.0.1"), &forwarded(&[nonsense])), ip("10.0.0.1"), "{nonsense}");
    }
}

#[test]
fn addresses_are_read_as_proxies_write_them() {
    let proxies = proxies(&["127.0.0.1"]);
    for (written, meant) in [
        ("198.51.100.7:4711", "198.51.100.7"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
    ] {
        assert_eq!(proxies.client(ip("127.0.0.1"), &forwarded(&[written])), ip(meant));
    }
}

#[test]
fn a_network_is_read_or_refused_with_advice() {
    for wrong in ["", "10.0.0.0/33", "10.0.0.0/x", "localhost", "::/129"] {
        let said = wrong.parse::<Network>().expect_err("no network");
        assert!(said.contains("10.0.0.0/8"), "{said}");
    }
    let all = proxies(&["0.0.0.0/0", "::/0"]);
    assert!(all.contains(ip("203.0.113.9")) && all.contains(ip("2001:db8::1")));
}

#[test]
fn tls_is_believed_of_a_named_proxy_alone() {
    let headers: HeaderMap = [("x-forwarded-proto".parse().expect("a name"), HeaderValue::from_static("https"))].into_iter().collect();
    assert!(proxies(&["127.0.0.1"]).is_tls(ip("127.0.0.1"), &headers));
    assert!(!proxies(&[]).is_tls(ip("127.0.0.1"), &headers));
    assert!(!proxies(&["127.0.0.1"]).is_tls(ip("127.0.0.1"), &HeaderMap::new()));
}
