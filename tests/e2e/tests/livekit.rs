//! A site's own LiveKit server carries the media of a meeting: it dies and comes back, and a host puts somebody out.

use anyhow::{Context as _, ensure};
use conclave_kit::{Client, Member, ObservedClient, Server, create};

/// Waits for a second, of those that begin now, in which so many frames of the microphone of `whom` come that it `counts`.
fn until_microphone(who: &mut ObservedClient, whom: &str, counts: fn(u64) -> bool) -> anyhow::Result<()> {
    let before = who.observed.reports(whom, "microphone").len() + 1;
    who.until("the sound is as expected", |seen| {
        seen.reports(whom, "microphone").get(before..)?.iter().any(|second| counts(second.arrived)).then_some(())
    })
}

fn is_silent(frames: u64) -> bool {
    frames == 0
}

/// Of fifty a second, most.
fn is_heard(frames: u64) -> bool {
    frames > 25
}

#[test]
#[ignore = "needs LiveKit's server; `cargo xtask e2e --livekit` runs it"]
fn media_come_back_by_themselves_and_a_removed_member_is_put_out() -> anyhow::Result<()> {
    let mut server = Server::start()?;
    ensure!(server.livekit.is_some(), "CONCLAVE_TEST_LIVEKIT names no server of LiveKit's");
    let host_key = server.data.path().join("host.key");
    let link = create(&server.url, Some(&host_key))?;
    let mut alice = ObservedClient::join(&link, "Alice", &["--no-video", "--host-key-file", &host_key.to_string_lossy()])?;
    let mut bob = ObservedClient::send(Client::Browser, &link, "Bob")?;
    let (bobs, alices) = (alice.until_sees("Bob")?, bob.until_sees("Alice")?);
    alice.until_played(&bobs, "camera")?;
    alice.until_played(&bobs, "microphone")?;
    bob.until_played(&alices, "microphone")?;

    let livekit = server.livekit.as_mut().context("there was one")?;
    livekit.crash()?;
    until_microphone(&mut alice, &bobs, is_silent)?;
    until_microphone(&mut bob, &alices, is_silent)?;
    livekit.start_again()?;
    until_microphone(&mut alice, &bobs, is_heard)?;
    until_microphone(&mut bob, &alices, is_heard)?;

    let mut cleo = Member::join(&link, "Cleo", &[])?;
    let heard = |event: &serde_json::Value| (event["event"] == "playing" && event["identity"] == alices.as_str()).then_some(());
    cleo.wait("hears Alice", heard)?;
    alice.say("/remove Cleo")?;
    cleo.wait("is told", |event| (event["event"] == "phase" && event["phase"]["kind"] == "ended").then_some(()))?;
    until_microphone(&mut alice, &bobs, is_heard)
}
