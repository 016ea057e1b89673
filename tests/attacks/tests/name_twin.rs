//! Somebody comes under the name of another who is there: docs/security/name_twin.md.

use conclave_kit::{Client, ObservedClient, Server, create};

#[test]
fn the_second_of_one_name_is_drawn_apart_in_a_browser() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut alice = ObservedClient::watch(Client::Native, &link, "Alice", "")?;
    let mut bob = ObservedClient::watch(Client::Browser, &link, "Bob", "name_twin")?;
    let alices = alice.until_sees("Alice")?;
    assert_eq!(bob.until_sees("Alice")?, alices);
    // A Cyrillic letter is as good as none.
    let _twin = ObservedClient::watch(Client::Native, &link, "Аlice", "")?;
    bob.until("sees who came second", |seen| {
        let second = seen.members.iter().find(|(name, _)| name.starts_with("second Аlice, came "))?;
        (*second.1 != alices && seen.members.get("Alice") == Some(&alices)).then_some(())
    })
}
