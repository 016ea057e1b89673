//! A media token that somebody has read is used by them, and after its owner has left: docs/security/token_after_removal.md.

use conclave_kit::{Ghost, ObservedClient, Server, Vandal, create};

#[test]
fn a_token_is_worth_nothing_once_its_owner_has_left() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut alice = ObservedClient::join(&link, "Alice", &[])?;
    alice.until_sees("Alice")?;

    let mallory = Vandal::connect(server.port, &link)?;
    let (token, identity) = (mallory.token.clone(), mallory.identity.clone());
    let first = Ghost::connect_with(&server.url, token.clone(), &identity)?;
    // One identity is one participant: who comes later by the same token takes the place, and does not stand beside it.
    let second = Ghost::connect_with(&server.url, token.clone(), &identity)?;
    sent_away(&first);

    mallory.leave()?;
    sent_away(&second);
    let after = Ghost::connect_with(&server.url, token, &identity);
    assert!(after.is_err_and(|error| error.to_string().contains("sent away")), "the token still counts");

    // Alice was not disturbed, and whoever comes now gets a token that counts.
    let mut bob = ObservedClient::join(&link, "Bob", &[])?;
    let alices = bob.until_sees("Alice")?;
    bob.until_played(&alices, "camera")
}

fn sent_away(ghost: &Ghost) {
    let told = ghost.until("something that it never reports");
    assert!(told.is_err_and(|error| error.to_string().contains("sent away")), "it is still there");
}
