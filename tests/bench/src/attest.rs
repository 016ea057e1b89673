//! What it costs that every frame is signed for: seals and opens the media of a member, with and without, in bytes and in time of a processor.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use conclave_base::{Codec, Epoch, LeafIndex, MemberId, Secret, SessionId, Source, Time};
use conclave_media_crypto::hostile::Impersonator;
use conclave_media_crypto::{EpochKeys, Layer, SFrameContext, Track};
use conclave_session::Input;
use conclave_session::snapshot::Command;
use ed25519_dalek::SigningKey;
use serde::Deserialize;
use serde_json::json;

use crate::commit::{Module, millis};
use crate::report::{Figure, Report};
use crate::simulation::{Client, Request, Simulation};
use crate::statistics::median;

/// Virtual time in each round.
const SPAN: Duration = Duration::from_secs(300);
const ROUNDS: usize = 5;
/// Of the page's module, which takes all frames at once.
const PAGE_SPAN: Duration = Duration::from_secs(30);
/// The same frames, sealed with the same suite, and nobody signs for them.
const BARE: &str = "unattested";
/// A page's camera: three layers of VP8, 30 pictures a second, bytes of each on average (150, 500 and 1700 kbit/s).
const CAMERA: [usize; 3] = [625, 2083, 7083];
const PICTURE: Duration = Duration::from_micros(33_333);
/// A key frame of every layer.
const KEY_FRAMES: u64 = 300;
/// Opus at 32 kbit/s in pieces of 20 ms.
const SOUND: usize = 80;
const PIECE: Duration = Duration::from_millis(20);

const MICROPHONE: Layer = Layer { source: Source::Microphone, number: 0 };

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        // In turns, so that what disturbs one disturbs the other.
        rounds.push((measure(true)?, measure(false)?));
    }
    let of = |pick: fn(&Cost) -> f64| {
        let middle = |side: fn(&(Cost, Cost)) -> &Cost| median(&rounds.iter().map(|round| pick(side(round))).collect::<Vec<_>>());
        (middle(|(on, _)| on).unwrap_or(f64::NAN), middle(|(_, off)| off).unwrap_or(f64::NAN))
    };
    for (name, pick, unit) in [
        ("sound_bytes", (|cost| cost.sound) as fn(&Cost) -> f64, "kbit/s"),
        ("layer_bytes", |cost| cost.layer, "kbit/s"),
        ("sender_bytes", |cost| cost.sound + cost.camera, "kbit/s"),
        ("receiver_bytes", |cost| cost.sound + cost.layer, "kbit/s"),
    ] {
        let (on, off) = of(pick);
        report.add(Figure::cost(format!("attest.{name}"), on - off, unit))?;
    }
    for (name, pick) in [("sender", (|cost| cost.sealing) as fn(&Cost) -> f64), ("receiver", |cost| cost.opening)] {
        let (on, off) = of(pick);
        report.add(Figure::cost(format!("attest.{name}_cpu"), on, "%").beside(BARE, Some(off)))?;
        report.add(Figure::cost(format!("attest.{name}_cpu_added"), on - off, "%"))?;
    }
    let (sealing, opening) = in_a_page()?;
    report.add(Figure::cost("attest.page_sender_cpu", sealing, "%"))?;
    report.add(Figure::cost("attest.page_receiver_cpu", opening, "%"))?;
    Ok(())
}

/// The page's own module, run by V8, alone in a meeting: it opens its own frames.
struct Page(Rc<RefCell<Module>>);

impl Client for Page {
    fn handle(&mut self, input: Input, now: Time) -> anyhow::Result<Vec<Request>> {
        self.0.borrow_mut().handle(input, now)
    }

    fn due(&self) -> Time {
        self.0.borrow().due()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageCost {
    sealing_ms: f64,
    opening_ms: f64,
    opened: usize,
}

/// Time of one processor for sealing and for opening, in percent.
fn in_a_page() -> anyhow::Result<(f64, f64)> {
    let mut meeting = Simulation::new()?;
    let module = Rc::new(RefCell::new(Module::start(&meeting, Rc::default())?));
    let n = meeting.join(Box::new(Page(Rc::clone(&module))))?;
    meeting.give(n, Input::Command(Command::Media { mic: true, camera: true, screen: false }))?;
    meeting.pass(Duration::from_secs(1))?;
    let frames: Vec<_> = schedule(PAGE_SPAN)
        .into_iter()
        .map(|(at, layer, size)| {
            json!([millis(at), layer.source, layer.number, codec(layer), size, first_byte(at, layer), is_received(layer)])
        })
        .collect();
    let wanted = frames.iter().filter(|frame| frame[6] == true).count();
    let line = json!({ "kind": "media", "now": millis(meeting.now), "frames": frames });
    let PageCost { sealing_ms, opening_ms, opened } = module.borrow_mut().exchange(&line)?;
    anyhow::ensure!(opened == wanted, "{opened} of {wanted} frames opened");
    let percent = |ms: f64| ms / PAGE_SPAN.as_secs_f64() / 10.0;
    Ok((percent(sealing_ms), percent(opening_ms)))
}

/// Of one member's camera and microphone: all of it sealed, and the largest layer and the sound opened.
#[derive(Debug, Default)]
struct Cost {
    /// Kilobits a second.
    sound: f64,
    /// Of the largest layer.
    layer: f64,
    camera: f64,
    /// Time of one processor, in percent.
    sealing: f64,
    opening: f64,
}

/// Who seals, and who opens.
enum Pair {
    Attested(Box<SFrameContext>, Box<SFrameContext>),
    Bare(Box<Impersonator>, Box<Impersonator>, u64),
}

impl Pair {
    fn new(attested: bool) -> anyhow::Result<Self> {
        if !attested {
            return Ok(Self::Bare(Box::new(Impersonator::new(keys(0))?), Box::new(Impersonator::new(keys(1))?), 0));
        }
        let (mut sender, mut receiver) = (SFrameContext::new(), SFrameContext::new());
        sender.add_epoch(keys(0), Time::ZERO)?;
        receiver.add_epoch(keys(1), Time::ZERO)?;
        sender.seal_with(Epoch(1))?;
        Ok(Self::Attested(Box::new(sender), Box::new(receiver)))
    }

    fn seal(&mut self, layer: Layer, codec: Codec, frame: &[u8], now: Time) -> anyhow::Result<Vec<u8>> {
        Ok(match self {
            Self::Attested(sender, _) => sender.seal(layer, codec, frame, now)?,
            Self::Bare(sender, _, counter) => {
                *counter += 1;
                sender.seal(layer.source, codec, frame, *counter)?
            }
        })
    }

    fn open(&mut self, source: Source, codec: Codec, sealed: &[u8], now: Time) -> anyhow::Result<()> {
        let track = Track { owner: MemberId::of_key(&signer(0).verifying_key().to_bytes()), source };
        match self {
            Self::Attested(_, receiver) => {
                receiver.open(track, codec, sealed, now)?;
                anyhow::ensure!(receiver.poll_proof().is_none(), "an honest frame was doubted");
            }
            Self::Bare(_, receiver, _) => drop(receiver.open(track, codec, sealed)?),
        }
        Ok(())
    }
}

fn measure(attested: bool) -> anyhow::Result<Cost> {
    let mut pair = Pair::new(attested)?;
    let (mut cost, mut sealing, mut opening) = (Cost::default(), 0, 0);
    for (at, layer, size) in schedule(SPAN) {
        let codec = codec(layer);
        let mut frame = vec![0x55; size];
        frame[0] = first_byte(at, layer);
        let start = processor()?;
        let sealed = pair.seal(layer, codec, &frame, at)?;
        let sealed_at = processor()?;
        // The byte that counts digests is there in both, and would not be without them.
        let bytes = sealed.len() - usize::from(!attested);
        let kbits = bytes as f64 * 8.0 / 1000.0 / SPAN.as_secs_f64();
        if is_received(layer) {
            pair.open(layer.source, codec, &sealed, at)?;
        }
        let opened_at = processor()?;
        sealing += sealed_at - start;
        opening += opened_at - sealed_at;
        match layer.source {
            Source::Microphone => cost.sound += kbits,
            _ if is_received(layer) => (cost.layer, cost.camera) = (cost.layer + kbits, cost.camera + kbits),
            Source::Camera | Source::Screen | Source::ScreenAudio => cost.camera += kbits,
        }
    }
    let percent = |nanos: u64| nanos as f64 / SPAN.as_nanos() as f64 * 100.0;
    (cost.sealing, cost.opening) = (percent(sealing), percent(opening));
    eprintln!("attested: {attested}, {cost:?}");
    Ok(cost)
}

fn codec(layer: Layer) -> Codec {
    if layer == MICROPHONE { Codec::Opus } else { Codec::Vp8 }
}

/// VP8 says there whether it is a key frame.
fn first_byte(at: Time, layer: Layer) -> u8 {
    let picture = at.as_micros() / PICTURE.as_micros() as u64;
    u8::from(layer != MICROPHONE && !picture.is_multiple_of(KEY_FRAMES))
}

/// The sound, and the largest layer.
fn is_received(layer: Layer) -> bool {
    layer == MICROPHONE || layer.number as usize == CAMERA.len() - 1
}

/// When which frames of which size are sealed, in order.
fn schedule(span: Duration) -> Vec<(Time, Layer, usize)> {
    let count = |step: Duration| u32::try_from(span.as_nanos() / step.as_nanos()).unwrap_or(u32::MAX);
    let sound = (0..count(PIECE)).map(|n| (Time::ZERO + PIECE * n, MICROPHONE, SOUND));
    let pictures = (0..count(PICTURE)).flat_map(|n| {
        let layers = (0..).zip(CAMERA);
        layers.map(move |(number, size)| (Time::ZERO + PICTURE * n, Layer { source: Source::Camera, number }, size))
    });
    let mut frames: Vec<_> = sound.chain(pictures).collect();
    frames.sort_by_key(|(at, layer, _)| (*at, *layer));
    frames
}

fn signer(leaf: u8) -> SigningKey {
    SigningKey::from_bytes(&[leaf + 1; 32])
}

fn keys(me: u8) -> EpochKeys {
    EpochKeys {
        epoch: Epoch(1),
        base_key: Secret::new([7; 32]),
        session: SessionId::from_bytes([3; 16]),
        members: [0, 1].map(|leaf| (LeafIndex(u32::from(leaf)), signer(leaf).verifying_key().to_bytes())).to_vec(),
        silenced: [].into(),
        me: LeafIndex(u32::from(me)),
        signer: Secret::new(signer(me).to_bytes()),
    }
}

/// Nanoseconds for which this thread had a processor: other work on the machine does not count.
pub(crate) fn processor() -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").context("how long this thread ran")?;
    Ok(text.split_whitespace().next().context("a number")?.parse()?)
}
