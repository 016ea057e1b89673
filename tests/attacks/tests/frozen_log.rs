//! The server stops one member's log, so that a removal does not take effect there: docs/security/frozen_log.md.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::channel;

use conclave_base::{Codec, Source};
use conclave_kit::{Client, Cue, Ghost, HostileDelivery, Lie, ObservedClient, Outsider, Server, create, media_keys};
use conclave_livekit_client::{Command, Event};
use conclave_media_crypto::Track;

/// Frames that Mallory opens of each victim while she is a member.
const MANY: u32 = 10;
/// Beats (15 a second) that what was sealed in the last moment may be on its way.
const GRACE: usize = 15;
/// Beats in which nothing may open then.
const SILENCE: usize = 45;

#[test]
fn who_hears_nothing_of_a_removal_falls_silent_instead_of_sealing_on() -> anyhow::Result<()> {
    let server = Server::start()?;
    let host_key = server.data.path().join("host.key");
    let link = create(&server.url, Some(&host_key))?;
    // The log stands still; the WebSocket is cut and media pass; nothing comes back but the own words.
    let lies = [("Frozen", Lie::Freeze), ("Cut", Lie::Cut), ("Echo", Lie::EchoAlone)];
    let operators = lies.map(|_| HostileDelivery::start(&server, &link));
    let operators: Vec<_> = operators.into_iter().collect::<anyhow::Result<_>>()?;
    let host = ["--host-key-file", &host_key.to_string_lossy(), "--no-video", "--no-audio"];
    let mut alice = ObservedClient::join(&link, "Alice", &host)?;
    let mut victims = Vec::new();
    for ((name, _), operator) in lies.iter().zip(&operators) {
        victims.push(ObservedClient::join(&operator.link(&link)?, name, &["--no-video"])?);
        alice.until_sees(name)?;
    }
    let mut mallory = Outsider::connect(&server.url, &link, "Mallory", true)?;
    let group = mallory.enter()?;
    mallory.stay();
    for member in victims.iter_mut().chain([&mut alice]) {
        member.until_sees("Mallory")?;
        member.until_state("secure")?;
    }

    // She keeps the keys of this epoch, and an ear at the media server.
    let mut keys = media_keys(&group)?;
    let owners: BTreeSet<_> = lies.iter().map(|(name, _)| alice.observed.identity(name).to_owned()).collect();
    let ear = Ghost::connect(&server, &link, "ear")?;
    let (silenced, all_silent) = channel();
    let (mut beats, mut since) = (0, None);
    let mut opened = BTreeMap::new();
    ear.play(move |handle, cue| match cue {
        Cue::Event(Event::Frame { identity, source: Source::Microphone, bytes, .. }) => {
            let Ok(owner) = identity.parse() else { return };
            if keys.open(Track { owner, source: Source::Microphone }, Codec::Opus, &bytes, conclave_kit::now()).is_err() {
                return;
            }
            *opened.entry(identity).or_insert(0) += 1;
            if opened.len() == 3 && opened.values().all(|count| *count >= MANY) {
                handle.report("opened all as a member");
            }
            if since.is_some_and(|since| beats > since + GRACE) {
                handle.report("failed: opened after the removal");
            }
        }
        Cue::Event(_) => {}
        Cue::Beat => {
            beats += 1;
            since = since.or_else(|| all_silent.try_recv().ok().map(|()| beats));
            if since.is_some_and(|since| beats > since + GRACE + SILENCE) {
                handle.report("heard on, and opened nothing");
            }
            if beats % 8 == 0 {
                handle.command(Command::SetSubscribed(owners.clone()));
            }
        }
    })?;
    ear.until("opened all as a member")?;

    for (operator, (_, lie)) in operators.iter().zip(lies) {
        operator.lie(lie);
    }
    alice.say("/remove Mallory")?;
    alice.until("Mallory is gone", |seen| (!seen.members.contains_key("Mallory")).then_some(()))?;
    for victim in &mut victims {
        // Who hears nobody takes all others out, as absent, if it can still append: then it is alone, in an epoch of its own.
        let alone = victim.until("is silent", |seen| {
            let alone = seen.members.len() == 1;
            (alone || seen.security.last()? == "unsure").then_some(alone)
        })?;
        assert!(alone || victim.observed.members.contains_key("Mallory"), "the removal was kept from the victim");
    }
    silenced.send(())?;
    ear.until("heard on, and opened nothing")?;

    // It goes on by itself, without her.
    operators.iter().for_each(HostileDelivery::tell_truth);
    for victim in &mut victims {
        victim.until("learns of the removal", |seen| (!seen.members.contains_key("Mallory")).then_some(()))?;
        victim.until_state("secure")?;
    }
    Ok(())
}

#[test]
fn silence_is_told_in_a_browser() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let operator = HostileDelivery::start(&server, &link)?;
    let mut alice = ObservedClient::watch(Client::Native, &link, "Alice", "")?;
    let mut bob = ObservedClient::watch(Client::Browser, &operator.link(&link)?, "Bob", "frozen_log")?;
    alice.until_sees("Bob")?;
    bob.until_state("secure")?;
    operator.lie(Lie::Freeze);
    bob.until_state("unsure")?;
    operator.tell_truth();
    bob.until_state("secure")
}
