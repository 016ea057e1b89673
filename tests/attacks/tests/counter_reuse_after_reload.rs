//! Somebody comes back after a crash, and begins to count anew: docs/security/counter_reuse_after_reload.md.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::channel;

use conclave_base::Source;
use conclave_kit::{Client, Cue, Ghost, ObservedClient, Server, create};
use conclave_livekit_client::{Command, Event};

/// Frames of each stay.
const MANY: usize = 20;

/// Key id and counter of a frame without a clear prefix (RFC 9605, section 4.3).
fn key_and_counter(frame: &[u8]) -> Option<(u64, u64)> {
    let (config, mut rest) = frame.split_first()?;
    let mut number = |field: u8| {
        let (long, value) = (field & 8 != 0, field & 7);
        if !long {
            return Some(u64::from(value));
        }
        let (bytes, left) = rest.split_at_checked(usize::from(value) + 1)?;
        rest = left;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    Some((number(config >> 4)?, number(config & 15)?))
}

#[test]
fn no_key_is_used_twice_with_one_counter() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut alice = ObservedClient::watch(Client::Native, &link, "Alice", "")?;
    let ear = Ghost::connect(&server, &link, "ear")?;
    let (stays, begun) = channel::<String>();
    let (mut wanted, mut used) = (BTreeSet::new(), BTreeSet::new());
    let mut heard = BTreeMap::<String, usize>::new();
    ear.play(move |handle, cue| match cue {
        Cue::Event(Event::Frame { identity, source: Source::Microphone, bytes, .. }) => {
            if !key_and_counter(&bytes).is_some_and(|pair| used.insert(pair)) {
                handle.report("failed: a key was used twice with one counter");
            }
            let count = heard.entry(identity).or_default();
            *count += 1;
            if *count == MANY {
                handle.report("heard a stay");
            }
        }
        Cue::Event(_) => {}
        Cue::Beat => {
            wanted.extend(begun.try_iter());
            handle.command(Command::SetSubscribed(wanted.clone()));
        }
    })?;
    for _ in 0..2 {
        // Whoever is dropped has crashed.
        let bob = ObservedClient::join(&link, "Bob", &["--no-video"])?;
        stays.send(bob.observed.identity("Bob").to_owned())?;
        alice.until_sees("Bob")?;
        ear.until("heard a stay")?;
        drop(bob);
        // The leaf that was his is free again, and the next stay takes it.
        alice.until("has Bob out", |seen| (!seen.members.contains_key("Bob")).then_some(()))?;
    }
    Ok(())
}
