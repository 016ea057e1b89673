//! Somebody without the PSK founds the group into which the others come: docs/security/ghost_leaf.md.

use std::sync::atomic::Ordering;

use conclave_base::Secret;
use conclave_kit::{Ghost, Member, ObservedClient, Outsider, Server, create};

#[test]
fn nothing_is_sealed_for_a_founder_without_the_psk() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut mallory = Outsider::connect(&server.url, &link, "Mallory", false)?;
    mallory.found()?;
    mallory.stay();
    let ear = Ghost::connect(&server, &link, "ear")?;
    let mut bob = ObservedClient::join(&link, "Bob", &["--no-video"])?;
    let heard = ear.listen(bob.observed.identity("Bob"))?;
    // She stands on his screen, cannot say that she is in his epoch, and hears nothing.
    bob.until_state("unsure")?;
    bob.until_sees("Mallory")?;
    assert_eq!(heard.load(Ordering::Relaxed), 0, "something was sealed for a group that nobody confirmed");
    // Whoever has the PSK confirms it.
    let mut carol = ObservedClient::watch(conclave_kit::Client::Native, &link, "Carol", "")?;
    carol.until_sees("Bob")?;
    bob.until_state("secure")?;
    ear.until("heard somebody")
}

#[test]
fn a_group_of_another_host_is_not_entered() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let own_host = |setup: &mut conclave_mls::GroupConfig| {
        setup.psk = Secret::new([0; 32]);
        setup.policy.host_keys = vec![[9; 32]];
    };
    let mut mallory = Outsider::connect_as(&server.url, &link, "Mallory", own_host)?;
    mallory.found()?;
    let mut bob = Member::join(&link, "Bob", &["--no-video", "--no-audio"])?;
    bob.wait("does not come in, and says why", |event| (event["phase"]["reason"] == "hostMismatch").then_some(()))
}
