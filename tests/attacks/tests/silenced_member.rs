//! Somebody whom a host silenced goes on speaking, by a client of her own making: docs/security/silenced_member.md.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use conclave_base::{Codec, Permission, Source, Time};
use conclave_kit::rogue_sender::Unsealed;
use conclave_kit::{Client, Cue, Ghost, ObservedClient, Outsider, PATIENCE, Server, against_every_client, create, epoch_keys};
use conclave_media_crypto::hostile::Impersonator;
use conclave_media_crypto::{EpochKeys, SFrameContext};
use conclave_protocol::payload::App;

/// Members are to hear something of each other more often than every ten seconds.
const ALIVE: Duration = Duration::from_secs(1);
/// Reports of one second each in which what is called silence is listened to.
const SECONDS: usize = 4;

/// How Mallory seals what she says.
enum Way {
    /// As her client did before: with the keys of this epoch, each frame attested.
    AsEver(EpochKeys),
    /// As if her microphone was off, with her voice where silence should be.
    AsSilence(EpochKeys),
}

/// Her client, which keeps to no policy.
#[expect(clippy::large_enum_variant, reason = "there is one")]
enum Program {
    AsEver(SFrameContext),
    AsSilence(Impersonator, u64),
}

impl Program {
    fn new(way: Way) -> anyhow::Result<Self> {
        Ok(match way {
            Way::AsEver(keys) => {
                let epoch = keys.epoch;
                let mut context = SFrameContext::new();
                context.add_epoch(keys, Time::ZERO)?;
                context.seal_with(epoch)?;
                Self::AsEver(context)
            }
            // Counters above all that she used.
            Way::AsSilence(keys) => Self::AsSilence(Impersonator::new(keys)?, 1 << 32),
        })
    }

    fn seal(&mut self, frame: &[u8], rtp_time: u64) -> anyhow::Result<Vec<u8>> {
        Ok(match self {
            // Lists of what she sealed are due by the time of her sound, 48 ticks a millisecond.
            Self::AsEver(context) => context.seal(Source::Microphone, Codec::Opus, frame, Time::from_millis(rtp_time / 48))?,
            Self::AsSilence(impersonator, counter) => {
                *counter += 1;
                impersonator.pretend_off(Source::Microphone, Codec::Opus, frame, *counter)?
            }
        })
    }
}

/// Follows the group as a member, and tells its keys and whether she may speak, whenever that changes.
fn follow(mut mallory: Outsider, told: Sender<(EpochKeys, bool)>) -> Sender<()> {
    let (stop, stopped) = channel::<()>();
    thread::spawn(move || -> anyhow::Result<()> {
        let mut epoch = None;
        while stopped.recv_timeout(ALIVE) == Err(RecvTimeoutError::Timeout) {
            let mut seen = None;
            mallory.append_as_member(|group| {
                seen = Some((group.epoch(), epoch_keys(group), group.may(&group.me(), Permission::Speak)));
                Ok(group.application(&App::State { mic: true, camera: false, screen: false })?)
            })?;
            let (now, keys, may) = seen.context("she is a member")?;
            if epoch.replace(now) != Some(now) && told.send((keys?, may)).is_err() {
                break;
            }
        }
        Ok(())
    });
    stop
}

against_every_client!(who_is_silenced_is_not_heard_whatever_her_client_does);

fn who_is_silenced_is_not_heard_whatever_her_client_does(client: Client) -> anyhow::Result<()> {
    let server = Server::start()?;
    let key = server.data.path().join("host.key");
    let link = create(&server.url, Some(&key))?;
    let mut alice = ObservedClient::join(&link, "Alice", &["--host-key-file", &key.to_string_lossy(), "--no-video", "--no-audio"])?;
    let mut bob = ObservedClient::watch(client, &link, "Bob", "silenced_member")?;

    // Mallory is a true member: a leaf, a tile, and all keys that seal.
    let mut mallory = Outsider::connect(&server.url, &link, "Mallory", true)?;
    mallory.become_member()?;
    let mallorys = bob.until_sees("Mallory")?;
    alice.until_sees("Mallory")?;
    let (told, states) = channel();
    let _alive = follow(mallory, told);
    let until = |may: bool| -> anyhow::Result<EpochKeys> {
        loop {
            let (keys, now) = states.recv_timeout(PATIENCE).context("Mallory reads on")?;
            if now == may {
                return Ok(keys);
            }
        }
    };

    alice.say("/silence Mallory")?;
    let keys = until(false)?;
    // The operator passes on all that she sends, under her name.
    let ghost = Ghost::connect(&server, &link, &mallorys)?;
    let (ways, begun) = channel();
    let (mut voice, mut program) = (Unsealed::new()?, None);
    ghost.play(move |handle, cue| {
        if let Some(way) = begun.try_iter().last() {
            program = Program::new(way).inspect_err(|error| handle.report(&format!("failed: {error}"))).ok();
        }
        let Some(program) = &mut program else { return };
        let mut sounds = Vec::new();
        let made = voice.on_cue(&cue, |source, time, frame| {
            if source == Source::Microphone {
                sounds.push((time, program.seal(frame, time)));
            }
        });
        for (time, sealed) in sounds {
            match sealed {
                Ok(sealed) => handle.send(Source::Microphone, time, &sealed),
                Err(error) => handle.report(&format!("failed: {error}")),
            }
        }
        if let (Err(error), Cue::Beat) = (made, cue) {
            handle.report(&format!("failed: {error}"));
        }
    })?;

    ways.send(Way::AsEver(keys.clone())).context("the ghost goes on")?;
    bob.until_told_of_refusal("Mallory", "microphone", &["silenced"])?;
    bob.plays_nothing(&[(&mallorys, "microphone")])?;

    ways.send(Way::AsSilence(keys)).context("the ghost goes on")?;
    let before = bob.observed.reports(&mallorys, "microphone").len();
    bob.until("listens", |seen| {
        let came = seen.reports(&mallorys, "microphone")[before..].iter().filter(|report| report.arrived > 0).count();
        (came >= SECONDS || seen.was_fooled()).then_some(())
    })?;
    ensure!(!bob.observed.was_fooled(), "what she called silence was played: {:#?}", bob.observed.reports(&mallorys, "microphone"));

    // The way was open all the time.
    alice.say("/unmute Mallory")?;
    ways.send(Way::AsEver(until(true)?)).context("the ghost goes on")?;
    bob.until("hears Mallory", |seen| seen.was_fooled().then_some(()))
}
