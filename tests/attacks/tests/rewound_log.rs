//! The server shows an older log than there is, to a host who comes back or to a newcomer: docs/security/rewound_log.md.

use std::sync::atomic::Ordering;

use conclave_kit::{Client, Ghost, HostileDelivery, ObservedClient, Server, create};

#[test]
fn a_host_is_not_led_back_to_before_a_removal() -> anyhow::Result<()> {
    let server = Server::start()?;
    let host_key = server.data.path().join("host.key");
    let link = create(&server.url, Some(&host_key))?;
    let operator = HostileDelivery::start(&server, &link)?;
    let host = ["--host-key-file", &host_key.to_string_lossy(), "--no-video", "--no-audio"];
    let mut alice = ObservedClient::join(&operator.link(&link)?, "Alice", &host)?;
    let mut mallory = ObservedClient::watch(Client::Native, &link, "Mallory", "")?;
    alice.until_sees("Mallory")?;
    mallory.until_sees("Alice")?;
    let before = operator.length();
    alice.say("/remove Mallory")?;
    alice.until("Mallory is gone", |seen| (!seen.members.contains_key("Mallory")).then_some(()))?;

    // Her line breaks; the log that she finds is true up to its end, which is before the removal.
    operator.rewind(before);
    alice.until("leaves, and says why", |seen| {
        assert!(!seen.members.contains_key("Mallory"), "Mallory is back on the host's screen");
        (seen.ended.as_deref()? == "logBroken").then_some(())
    })
}

#[test]
fn a_newcomer_to_yesterdays_session_says_nothing_to_who_is_not_there() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let operator = HostileDelivery::start(&server, &link)?;
    let mut alice = ObservedClient::watch(Client::Native, &link, "Alice", "")?;
    let bob = ObservedClient::watch(Client::Native, &link, "Bob", "")?;
    alice.until_sees("Bob")?;
    let yesterday = operator.length();
    drop((alice, bob));

    // Whoever kept Bob's keys listens.
    operator.rewind(yesterday);
    let ear = Ghost::connect(&server, &link, "ear")?;
    let mut nadia = ObservedClient::join(&operator.link(&link)?, "Nadia", &["--no-video"])?;
    let heard = ear.listen(nadia.observed.identity("Nadia"))?;
    nadia.until_state("unsure")?;
    let names: Vec<_> = nadia.observed.members.keys().map(String::as_str).collect();
    assert_eq!(names, ["Alice", "Bob", "Nadia"], "she was led into yesterday's session");
    assert_eq!(heard.load(Ordering::Relaxed), 0, "she spoke to people who are not there");
    // They answer nothing, and are out for it; alone, she speaks, and the ear would have heard her.
    nadia.until("is alone", |seen| (seen.members.len() == 1).then_some(()))?;
    ear.until("heard somebody")
}
