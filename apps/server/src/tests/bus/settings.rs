//! Which Redis is accepted.

use conclave_engines as engines;

use crate::bus::Redis;
use crate::metrics::Metrics;

async fn refusal(url: &str) -> String {
    let opened = Redis::open(url, 1, 1, Metrics::new()).await;
    opened.err().map(|error| format!("{error:?}")).unwrap_or_default()
}

#[tokio::test]
async fn a_redis_that_writes_to_a_disk_is_refused_by_the_name_of_its_setting() {
    for (name, value) in [
        ("save", "60 1"),
        ("appendonly", "yes"),
        ("repl-diskless-load", "disabled"),
        ("repl-diskless-sync", "no"),
        ("maxmemory-policy", "allkeys-lru"),
    ] {
        let redis = engines::Redis::start_with(&[&format!("--{name}"), value]).expect("Redis");
        let said = refusal(&redis.url()).await;
        assert!(said.contains(&format!("has {name} \"{value}")), "{name}: {said}");
        assert!(!said.contains(redis.password()), "{said}");
    }
}

#[tokio::test]
async fn a_redis_that_does_not_say_how_it_is_set_is_accepted_with_a_warning() {
    let redis = engines::Redis::start_with(&["--rename-command", "CONFIG", ""]).expect("Redis");
    assert_eq!(refusal(&redis.url()).await, "");
}

#[tokio::test]
async fn what_is_wrong_with_an_address_is_said_without_the_password() {
    let redis = engines::Redis::start().expect("Redis");
    let wrong = redis.url().replace(redis.password(), "not-the-secret");
    for url in [wrong.as_str(), "http://:secret@host", "redis://:secret@:port:/", "redis://:secret@127.0.0.1:1"] {
        let said = refusal(url).await;
        assert!(said.contains("--bus") && !said.contains("secret"), "{url}: {said}");
    }
}
