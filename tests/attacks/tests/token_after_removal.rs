//! A media token that somebody has read is used by them, and after its owner has left: docs/security/token_after_removal.md.

use conclave_kit::{Challenged, Ghost, ObservedClient, Server, Site, Vandal, create};
use conclave_protocol::ws::{CloseReason, ServerMessage};
use ed25519_dalek::SigningKey;

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
    assert!(after.is_err_and(|error| is_refused(&error.to_string())), "the token still counts");

    // Alice was not disturbed, and whoever comes now gets a token that counts.
    let mut bob = ObservedClient::join(&link, "Bob", &[])?;
    let alices = bob.until_sees("Alice")?;
    bob.until_played(&alices, "camera")
}

#[test]
fn what_counted_at_one_node_is_worth_nothing_at_another_once_its_owner_has_left() -> anyhow::Result<()> {
    let site = Site::start(2)?;
    let (link, _ada, mut bela) = site.meeting_of_two()?;
    let mallory = Vandal::connect(site.nodes[0].port, &link)?;
    let (token, identity) = (mallory.token.clone(), mallory.identity.clone());
    let at = |node: usize| Ghost::connect_with(&site.nodes[node].url, token.clone(), &identity);
    // While its owner is in, at whichever node, it counts: at both if one LiveKit server carries the media of both.
    let first = at(0)?;
    let second = if site.nodes[0].livekit.is_some() { Some(at(1)?) } else { None };
    mallory.leave()?;
    sent_away(second.as_ref().unwrap_or(&first));
    // The other node has read that its owner is gone.
    bela.say("one is gone")?;
    bela.until_read("one is gone")?;
    for node in 0..2 {
        let after = at(node);
        let error = after.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(is_refused(&error), "the token still counts at node {node}: {error}");
    }

    // A challenge is good at the node that made it, once; an answer to it is good nowhere else.
    let leaf = SigningKey::from_bytes(&[7; 32]);
    let mut here = Challenged::at(&site.nodes[0].url, &link, &leaf)?;
    let mut elsewhere = Challenged::at(&site.nodes[1].url, &link, &leaf)?;
    let answer = here.answer().clone();
    assert_eq!(elsewhere.send(&answer)?, ServerMessage::Closing { reason: CloseReason::BadProof }, "taken at another node");
    assert!(matches!(here.send(&answer)?, ServerMessage::Admitted { .. }), "it was good where it was asked for");
    Ok(())
}

fn sent_away(ghost: &Ghost) {
    let told = ghost.until("something that it never reports").expect_err("it reports nothing of the kind").to_string();
    assert!(is_refused(&told), "it is still there: {told}");
}

/// Our own media server says so in its signalling; where LiveKit's carries the media, no signalling is begun.
fn is_refused(error: &str) -> bool {
    error.contains("sent away") || error.contains("403 Forbidden")
}
