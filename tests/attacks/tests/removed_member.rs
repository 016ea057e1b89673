//! Somebody who was removed keeps the keys, and an ear at the media server: docs/security/removed_member.md.

use std::collections::BTreeSet;
use std::sync::mpsc::channel;

use anyhow::Context as _;
use conclave_base::{Codec, Source};
use conclave_kit::{Cue, Ghost, ObservedClient, Outsider};
use conclave_kit::{Server, create, media_keys};
use conclave_livekit_client::{Command, Event};
use conclave_media_crypto::Track;

/// Frames that are looked at, before and after.
const MANY: usize = 30;
/// Beats (15 a second) from when the others know of the removal until nothing more may open: one second.
const GRACE: usize = 15;

#[test]
fn whoever_was_removed_opens_nothing_that_is_sent_afterwards() -> anyhow::Result<()> {
    let server = Server::start()?;
    let host_key = server.data.path().join("host.key");
    let link = create(&server.url, Some(&host_key))?;
    let mut alice = ObservedClient::join(&link, "Alice", &["--host-key-file", &host_key.to_string_lossy()])?;
    alice.until_sees("Alice")?;

    // Mallory is a true member: the link, the PSK, a leaf, and with it the keys of the epoch.
    let mut mallory = Outsider::connect(&server.url, &link, "Mallory", true)?;
    let group = mallory.enter()?;
    alice.until_sees("Mallory")?;
    let owner = group.members().iter().find(|m| m.name.expose() == "Alice").context("Alice is in the group")?.identity;
    let mut keys = media_keys(&group)?;

    // The operator lends her an ear that nobody can take away.
    let ear = Ghost::connect(&server, &link, "ear")?;
    let (remove, removed) = channel();
    let (mut beats, mut opened, mut closed) = (0, 0, 0);
    let mut since = None;
    ear.play(move |handle, cue| match cue {
        Cue::Event(Event::Frame { source: Source::Camera, bytes, .. }) => {
            let played = keys.open(Track { owner, source: Source::Camera }, Codec::Vp8, &bytes, conclave_kit::now()).is_ok();
            match since {
                None if played => {
                    opened += 1;
                    if opened == MANY {
                        handle.report("opened as a member");
                    }
                }
                Some(at) if beats > at + GRACE => {
                    if played {
                        handle.report("failed: opened after the removal");
                    }
                    closed += 1;
                    if closed == MANY {
                        handle.report("heard on, and opened nothing");
                    }
                }
                None | Some(_) => {}
            }
        }
        Cue::Event(_) => {}
        Cue::Beat => {
            beats += 1;
            since = since.or_else(|| removed.try_recv().ok().map(|()| beats));
            if beats % 8 == 0 {
                handle.command(Command::SetSubscribed(BTreeSet::from([owner.to_text()])));
                handle.command(Command::RequestKeyFrame { identity: owner.to_text(), source: Source::Camera });
            }
        }
    })?;
    ear.until("opened as a member")?;

    alice.say("/remove Mallory")?;
    alice.until("Mallory is gone", |seen| (!seen.members.contains_key("Mallory")).then_some(()))?;
    remove.send(())?;
    ear.until("heard on, and opened nothing")
}
