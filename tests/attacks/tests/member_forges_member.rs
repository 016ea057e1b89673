//! A member seals as another one, with the server's help: docs/security/member_forges_member.md.

use std::collections::BTreeSet;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use conclave_base::{Codec, Secret, Source};
use conclave_kit::relay::{hide, replace_track, take_track};
use conclave_kit::{Client, Cue, Outsider, Scene, against_every_client};
use conclave_livekit_client::{Command, Event};
use conclave_livekit_proto::proto::{ParticipantInfo, TrackSource};
use conclave_media_crypto::hostile::{Impersonator, counter};
use conclave_media_crypto::{EpochKeys, Track};
use conclave_mls::Group;
use conclave_protocol::payload::App;

/// Ticks of RTP time in 20 ms of sound.
const STEP: u64 = 960;
/// Members are to hear something of each other more often than every ten seconds.
const ALIVE: Duration = Duration::from_secs(1);
/// Sealed sound of this size carries a signature.
const SIGNED: usize = 300;

/// What Mallory does with Alice's sound on its way to Bob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attack {
    /// Passes it on.
    None,
    /// Sends her own in its place, without a signature.
    Replace,
    /// Slips her own in between, in the place of some of Alice's: counters are free, and what comes second under one is refused.
    Mix,
    /// Gives her own what Alice signed.
    Copy,
    /// Signs her own herself.
    Sign,
}

/// Alice's microphone reaches Bob only through the ghost.
fn detour(room: &mut Vec<ParticipantInfo>) {
    let mic = |p: &&ParticipantInfo| p.identity != "mallory" && p.tracks.iter().any(|t| t.source == i32::from(TrackSource::Microphone));
    let alice = room.iter().find(mic).map(|p| p.identity.clone()).unwrap_or_default();
    if !replace_track(room, &alice, "mallory", TrackSource::Microphone) {
        take_track(room, &alice, TrackSource::Microphone);
    }
    hide(room, "mallory");
}

/// Her track, and what a member of `group` seals with who takes her leaf for its own.
fn alices_keys(group: &Group) -> anyhow::Result<(Track, Impersonator)> {
    let alice = group.members().iter().find(|m| m.name.expose() == "Alice").context("Alice is in the group")?;
    let keys = EpochKeys {
        epoch: group.epoch(),
        base_key: group.media_base_key().context("a member has the keys")?,
        session: group.session().context("its group is of a session")?,
        members: group.members().iter().map(|m| (m.leaf, m.key)).collect(),
        silenced: [].into(),
        me: alice.leaf,
        signer: Secret::new([7; 32]),
    };
    Ok((Track { owner: alice.identity, source: Source::Microphone }, Impersonator::new(keys)?))
}

against_every_client!(a_member_s_voice_in_another_s_name_is_told);

fn a_member_s_voice_in_another_s_name_is_told(client: Client) -> anyhow::Result<()> {
    let mut scene = Scene::open_with(client, "member_forges_member", detour)?;
    let victim = scene.alices.clone();
    scene.bob.until_played(&victim, "camera")?;

    // Mallory is a true member: a leaf, a tile, and all keys that seal.
    let mut mallory = Outsider::connect(&scene.server.url, &scene.link, "Mallory", true)?;
    mallory.become_member()?;
    scene.bob.until_sees("Mallory")?;
    let (renewed, renewals) = channel();
    let (stop, stopped) = channel::<()>();
    let alive = thread::spawn(move || -> anyhow::Result<()> {
        let mut epoch = None;
        while stopped.recv_timeout(ALIVE) == Err(RecvTimeoutError::Timeout) {
            mallory.append_as_member(|group| {
                // Others renew their leaf when it is time: she goes on with the epoch that follows.
                if epoch.replace(group.epoch()) != Some(group.epoch()) {
                    // Whoever has heard enough is gone.
                    let _unheard = renewed.send(alices_keys(group)?);
                }
                Ok(group.application(&App::State { mic: false, camera: false, screen: false })?)
            })?;
        }
        Ok(())
    });

    let ghost = scene.ghost("mallory")?;
    let (attacks, begun) = channel();
    let (mut attack, mut hers, mut time, mut sounds, mut beats) = (Attack::None, None, 0, 0, 0);
    let alices = victim.clone();
    ghost.play(move |handle, cue| match cue {
        Cue::Event(Event::Frame { source: Source::Microphone, bytes, .. }) => {
            attack = begun.try_iter().last().unwrap_or(attack);
            // Alice's own words stand for what Mallory would say: they are sound, and the seal is hers.
            hers = renewals.try_iter().last().or(hers.take());
            let Some((track, keys)) = &mut hers else { return };
            let Ok(said) = keys.open(*track, Codec::Opus, &bytes) else { return };
            let Some(counter) = counter(Codec::Opus, &bytes) else { return };
            sounds += 1;
            let (own, is_signed) = (bytes.to_vec(), bytes.len() > SIGNED);
            let forged = keys.seal(Source::Microphone, Codec::Opus, &said, counter);
            let frame = match attack {
                Attack::None => Ok(own),
                Attack::Replace => forged,
                Attack::Mix if sounds % 10 == 0 => forged,
                Attack::Mix => Ok(own),
                // In another place than its own; in its own it would be Alice's word, and good.
                Attack::Copy if is_signed => keys.copy(Source::Microphone, Codec::Opus, &bytes, counter + 1),
                Attack::Sign if is_signed => keys.sign(Source::Microphone, Codec::Opus, &said, counter),
                Attack::Copy | Attack::Sign => forged,
            };
            time += STEP;
            match frame {
                Ok(frame) => handle.send(Source::Microphone, time, &frame),
                Err(error) => handle.report(&format!("failed: {error}")),
            }
        }
        Cue::Event(_) => {}
        Cue::Beat => {
            beats += 1;
            if beats % 8 == 0 {
                handle.command(Command::SetSubscribed(BTreeSet::from([alices.clone()])));
            }
        }
    })?;

    // What Alice sealed plays, whoever carries it.
    for _ in 0..4 {
        scene.bob.until_played(&victim, "microphone")?;
    }
    assert!(!scene.bob.observed.was_alarmed(), "{:?}", scene.bob.observed);

    attacks.send(Attack::Replace)?;
    scene.bob.until_doubted("Alice", "microphone", false)?;
    attacks.send(Attack::Mix)?;
    scene.bob.until_doubted("Alice", "microphone", true)?;
    assert!(scene.bob.observed.notices.iter().all(|notice| notice["kind"] != "mediaRefused"), "{:?}", scene.bob.observed);
    for attack in [Attack::Copy, Attack::Sign] {
        let before = scene.bob.observed.refusals(&victim, "microphone");
        attacks.send(attack)?;
        scene.bob.until(&format!("refuses what comes of {attack:?}"), |seen| {
            (seen.refusals(&victim, "microphone") > before + 1).then_some(())
        })?;
    }
    scene.bob.until_told_of_refusal("Alice", "microphone", &["wrongSender"])?;
    let doubted = |name: &str| scene.bob.observed.notices.iter().any(|n| n["kind"] == "mediaUnproved" && n["name"] == name);
    assert!(!doubted("Mallory"), "{:?}", scene.bob.observed);

    attacks.send(Attack::None)?;
    scene.bob.until_played(&victim, "microphone")?;
    drop(stop);
    alive.join().map_err(|_| anyhow::anyhow!("Mallory's thread failed"))?
}
