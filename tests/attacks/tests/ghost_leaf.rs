//! Somebody without the PSK founds the group into which the others come: docs/security/ghost_leaf.md.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use conclave_base::{Secret, Source};
use conclave_kit::{Cue, Ghost, Member, ObservedClient, Outsider, Server, create};
use conclave_livekit_client::{Command, Event};

#[test]
fn nothing_is_sealed_for_a_founder_without_the_psk() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut mallory = Outsider::connect(&server.url, &link, "Mallory", false)?;
    mallory.found()?;
    mallory.stay();
    let ear = Ghost::connect(&server, &link, "ear")?;
    let mut bob = ObservedClient::join(&link, "Bob", &["--no-video"])?;
    let who = bob.observed.identity("Bob").to_owned();
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    ear.play(move |handle, cue| match cue {
        Cue::Event(Event::Frame { source: Source::Microphone, .. }) => {
            if count.fetch_add(1, Ordering::Relaxed) == 0 {
                handle.report("heard somebody");
            }
        }
        Cue::Event(_) => {}
        Cue::Beat => handle.command(Command::SetSubscribed(BTreeSet::from([who.clone()]))),
    })?;
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
