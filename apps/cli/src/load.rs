//! `load`: many LiveKit clients in one process, to count what a media server forwards.
//!
//! Senders publish frames of random bytes in VP8's shape, in one layer or three, or a test picture, and sound; receivers count packets and the gaps
//! between them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, bail};
use conclave_base::{Codec, Datagram, Machine as _, Polled, Redacted, Source, Time};
use conclave_livekit_client::{Command, Event, Input, Layer, LiveKitClient, Output, Publication};
use serde::Serialize;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};

use crate::args::Load;
use crate::clock::Clock;
use crate::picture::Pattern;
use crate::process::Usage;
use crate::socket::{Socket, SocketEvent, What};

/// All must be connected and receiving within this.
const START: Duration = Duration::from_secs(30);
/// Packets on their way when the senders stop.
const TAIL: Duration = Duration::from_millis(500);
/// Key frames are this many times as large as the others.
const KEY_WEIGHT: usize = 4;
/// Sizes of the layers of a picture in three, and the share of the largest one's bitrate that each has.
const LAYERS: [(u32, u32, u32); 3] = [(320, 180, 12), (640, 360, 4), (1280, 720, 1)];
/// Sound: a packet of so many bytes so often.
const SOUND: (usize, Duration) = (100, Duration::from_millis(20));
/// Size and hue of the test picture: what `join` sends by default.
const PICTURE: (u32, u32, u16) = (640, 360, 200);

/// What was counted.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Result {
    /// Clients that sent.
    pub publishers: u32,
    /// Clients that received.
    pub receivers: u32,
    /// Measured time.
    pub seconds: f64,
    /// Frames that senders sent.
    pub frames_sent: u64,
    /// Packets that receivers got.
    pub packets_received: u64,
    /// Payload bytes that receivers got.
    pub bytes_received: u64,
    /// Packets that receivers missed.
    pub packets_lost: u64,
    /// Packets a second, over all receivers.
    pub packets_per_second: f64,
    /// Processor time that the server used from the first to the last packet that was counted, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cpu_seconds: Option<f64>,
    /// Memory that the server occupied at the end, with all clients connected, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_resident: Option<u64>,
}

/// What one client counted.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    frames: u64,
    packets: u64,
    bytes: u64,
    lost: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Measuring,
    SendersDone,
    Over,
}

/// Runs the load; the counts go to stdout as one JSON object.
pub async fn run(args: &Load) -> anyhow::Result<()> {
    let result = measure(args).await?;
    #[expect(clippy::print_stdout, reason = "the figures are what this command is for")]
    {
        println!("{}", serde_json::to_string(&result)?);
    }
    Ok(())
}

/// Runs the load.
pub async fn measure(args: &Load) -> anyhow::Result<Result> {
    let clock = Clock::new();
    let tokens = tokens(args, clock.now())?;
    let (stage, watching) = watch::channel(Stage::Starting);
    let (ready, mut readies) = mpsc::channel(1024);
    let senders: BTreeSet<String> = (0..args.publishers).map(|n| format!("sender-{n}")).collect();
    let mut clients = tokio::task::JoinSet::new();
    for (n, token) in tokens.into_iter().enumerate() {
        let client = Client {
            args: args.clone(),
            clock,
            sends: n < args.publishers as usize,
            number: n,
            senders: senders.clone(),
            stage: watching.clone(),
            ready: ready.clone(),
        };
        clients.spawn(client.run(token));
    }
    drop(ready);
    let all = clients.len();
    let mut started = 0;
    let deadline = tokio::time::Instant::now() + START;
    while started < all {
        tokio::select! {
            Some(()) = readies.recv() => started += 1,
            Some(ended) = clients.join_next() => { ended??; bail!("a client ended before the measurement began") }
            () = tokio::time::sleep_until(deadline) => bail!("{started} of {all} clients are connected after {} s: is {} a LiveKit server?", START.as_secs(), args.url),
        }
    }
    tokio::time::sleep(Duration::from_secs(args.settle)).await;
    let usage = || args.server_pid.map(Usage::of).transpose();
    let before = usage()?;
    let begun = clock.now();
    stage.send(Stage::Measuring).ok();
    tokio::time::sleep(Duration::from_secs(args.seconds)).await;
    let seconds = clock.now().since(begun).as_secs_f64();
    stage.send(Stage::SendersDone).ok();
    tokio::time::sleep(TAIL).await;
    // Before anybody leaves: farewells are not what is measured.
    let after = usage()?;
    stage.send(Stage::Over).ok();
    let mut sum = Count::default();
    while let Some(ended) = clients.join_next().await {
        let count = ended??;
        sum.frames += count.frames;
        sum.packets += count.packets;
        sum.bytes += count.bytes;
        sum.lost += count.lost;
    }
    Ok(Result {
        publishers: args.publishers,
        receivers: args.receivers,
        seconds,
        frames_sent: sum.frames,
        packets_received: sum.packets,
        bytes_received: sum.bytes,
        packets_lost: sum.lost,
        packets_per_second: sum.packets as f64 / seconds,
        server_cpu_seconds: before.zip(after).map(|(before, after)| after.cpu.saturating_sub(before.cpu).as_secs_f64()),
        server_resident: after.map(|after| after.resident),
    })
}

/// One token a client, senders first.
fn tokens(args: &Load, now: Time) -> anyhow::Result<Vec<String>> {
    let wanted = (args.publishers + args.receivers) as usize;
    if let Some(path) = &args.token_file {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let tokens: Vec<String> = text.lines().filter(|l| !l.trim().is_empty()).take(wanted).map(|l| l.trim().to_owned()).collect();
        if tokens.len() < wanted {
            bail!("{} holds {} tokens, {wanted} are needed", path.display(), tokens.len());
        }
        return Ok(tokens);
    }
    let (Some(key), Some(secret)) = (&args.api_key, &args.api_secret) else {
        bail!("no access: give --api-key and --api-secret, or --token-file");
    };
    let key = conclave_livekit_proto::ApiKey::new(key.clone(), secret.as_bytes());
    (0..wanted)
        .map(|n| {
            let identity = if n < args.publishers as usize { format!("sender-{n}") } else { format!("receiver-{n}") };
            let access = conclave_livekit_proto::Access {
                identity: Redacted::new(identity),
                grants: conclave_livekit_proto::Grants::member(args.room.clone()),
                ..Default::default()
            };
            Ok(key.mint(&access, now, Duration::from_secs(3600))?)
        })
        .collect()
}

struct Client {
    args: Load,
    clock: Clock,
    sends: bool,
    number: usize,
    senders: BTreeSet<String>,
    stage: watch::Receiver<Stage>,
    ready: mpsc::Sender<()>,
}

impl Client {
    async fn run(mut self, token: String) -> anyhow::Result<Count> {
        // All at once would measure the handshakes.
        tokio::time::sleep(Duration::from_millis(20) * u32::try_from(self.number).unwrap_or(0)).await;
        let udp = UdpSocket::bind(crate::network::local_address(&self.args.url).await?).await?;
        let here = udp.local_addr()?;
        let config = conclave_livekit_client::Config {
            url: self.args.url.clone(),
            token: Redacted::new(token),
            addresses: vec![here],
            vp9: false,
            count_packets: !self.sends,
        };
        let mut client = LiveKitClient::new(config, self.clock.now());
        let mut content = Content::new(&self.args, self.number)?;
        let layers = content.layers(&self.args);
        let publish = |client: &mut LiveKitClient, source, codec, layers| {
            let publication = Publication { source, codec, layers, sealed: false };
            client.handle(Input::Command(Command::Publish(publication)), self.clock.now())
        };
        if self.sends {
            if self.args.bitrate > 0 {
                publish(&mut client, Source::Camera, Codec::Vp8, layers.clone())?;
            }
            if self.args.sound {
                publish(&mut client, Source::Microphone, Codec::Opus, vec![Layer { width: 0, height: 0, bitrate: 40_000 }])?;
            }
        } else {
            client.handle(Input::Command(Command::SetSubscribed(self.senders.clone())), self.clock.now())?;
        }
        let (socket_events, mut events) = mpsc::channel::<SocketEvent<u64>>(256);
        let mut socket = None;
        let mut socket_id = 0;
        let mut sending = (false, false);
        let mut announced = false;
        let mut key_frames = vec![true; layers.len()];
        let step = Duration::from_secs(1) / self.args.fps;
        // Each sender at a moment of its own.
        let start = self.clock.now() + step * (self.number as u32 % 7) / 7;
        let (mut next_frame, mut next_sound) = (start, start);
        let tracks = usize::from(self.args.bitrate > 0) + usize::from(self.args.sound);
        let mut count = Count::default();
        let mut streams = Streams::default();
        let mut frame = vec![];
        let mut buffer = [0; 2048];
        loop {
            let stage = *self.stage.borrow_and_update();
            let idle = loop {
                let output = match client.poll() {
                    Polled::Output(output) => output,
                    Polled::Idle(until) => break until,
                };
                match output {
                    Output::Connect { url, token } => {
                        socket_id += 1;
                        socket = Some(Socket::open(url.into_inner(), Some(token.into_inner()), socket_id, socket_events.clone()));
                    }
                    Output::Signal(bytes) => {
                        if socket.as_ref().is_some_and(|s: &Socket| !s.send(bytes)) {
                            bail!("the server takes no more signalling");
                        }
                    }
                    Output::CloseSignal => socket = None,
                    Output::Datagram(Datagram { dst, bytes, .. }) => {
                        if udp.try_send_to(&bytes, dst).is_err() {
                            // A full socket: wait for room, so that the generator itself loses nothing.
                            udp.send_to(&bytes, dst).await.ok();
                        }
                    }
                    Output::Event(Event::LocalTrackPublished { source: Source::Camera }) => sending.0 = true,
                    Output::Event(Event::LocalTrackPublished { .. }) => sending.1 = true,
                    Output::Event(Event::KeyFrameRequested { .. }) => key_frames.fill(true),
                    Output::Event(Event::TrackPublished { identity, source: Source::Camera, .. }) if self.args.layers && !self.sends => {
                        let [_, (width, height, _), _] = LAYERS;
                        client.handle(
                            Input::Command(Command::SetDimensions { identity, source: Source::Camera, width, height }),
                            self.clock.now(),
                        )?;
                    }
                    // Where nobody sends, there is no packet to wait for.
                    Output::Event(Event::Connected) if self.sends || self.senders.is_empty() => self.announce(&mut announced).await,
                    Output::Event(Event::Packet { ssrc, seq, bytes }) => {
                        streams.packet(ssrc, seq, stage == Stage::Measuring || stage == Stage::SendersDone);
                        if stage == Stage::Measuring || stage == Stage::SendersDone {
                            count.packets += 1;
                            count.bytes += bytes as u64;
                        }
                        if !announced && streams.0.len() >= self.senders.len() * tracks {
                            self.announce(&mut announced).await;
                        }
                    }
                    Output::Event(Event::Left { reason }) => bail!("client {} was cut off: {reason:?}", self.number),
                    Output::Event(_) => {}
                }
            };
            if stage == Stage::Over {
                count.lost = streams.lost();
                return Ok(count);
            }
            let sends = |ready: bool| self.sends && ready && stage != Stage::SendersDone;
            let (sends_frames, sends_sound) = (sends(sending.0), sends(sending.1));
            let due = |sends: bool, at: Time| if sends { at } else { Time::MAX };
            let wake = self.clock.deadline(idle.min(due(sends_frames, next_frame)).min(due(sends_sound, next_sound)));
            tokio::select! {
                biased;
                got = udp.recv_from(&mut buffer) => if let Ok((len, src)) = got {
                    client.handle(Input::Datagram { src, dst: here, bytes: &buffer[..len] }, self.clock.now())?;
                },
                Some(event) = events.recv() => if event.socket == socket_id {
                    match event.what {
                        What::Opened => client.handle(Input::SignalOpened, self.clock.now())?,
                        What::Received(bytes) => client.handle(Input::Signal(&bytes), self.clock.now())?,
                        What::Closed => client.handle(Input::SignalClosed, self.clock.now())?,
                    }
                },
                changed = self.stage.changed() => changed.context("the measurement was cut off")?,
                () = tokio::time::sleep_until(wake) => client.handle(Input::Timeout, self.clock.now())?,
            }
            let now = self.clock.now();
            if sends_sound && now >= next_sound {
                next_sound = following(next_sound, SOUND.1, now);
                client.send(Source::Microphone, 0, now.as_micros() * 48 / 1000, &[0x5a; SOUND.0], now).ok();
            }
            if sends_frames && now >= next_frame {
                next_frame = following(next_frame, step, now);
                for (at, layer) in layers.iter().enumerate() {
                    let size = layer.bitrate as usize / 8 / self.args.fps as usize;
                    let key = std::mem::take(&mut key_frames[at]);
                    content.frame(&mut frame, (layer.width, layer.height), size, key, now)?;
                    if frame.is_empty() {
                        // The encoder left this one out.
                        key_frames[at] = key;
                    } else if client.send(Source::Camera, at, now.as_micros() * 9 / 100, &frame, now).is_ok() && stage == Stage::Measuring {
                        count.frames += 1;
                    }
                }
            }
        }
    }

    async fn announce(&self, announced: &mut bool) {
        if !std::mem::replace(announced, true) {
            self.ready.send(()).await.ok();
        }
    }
}

/// When the next one is due; what was missed by far is left out.
fn following(due: Time, step: Duration, now: Time) -> Time {
    (due + step).max(now.min(due + step * 4))
}

/// Sequence numbers seen, by stream.
#[derive(Debug, Default)]
struct Streams(BTreeMap<u32, Span>);

#[derive(Debug, Default)]
struct Span {
    first: Option<u64>,
    last: u64,
    seen: u64,
}

impl Streams {
    fn packet(&mut self, ssrc: u32, seq: u64, measuring: bool) {
        let span = self.0.entry(ssrc).or_default();
        if measuring && span.first.is_none_or(|first| seq >= first) {
            span.first.get_or_insert(seq);
            span.last = span.last.max(seq);
            span.seen += 1;
        }
    }

    fn lost(&self) -> u64 {
        self.0.values().filter_map(|s| Some((s.last - s.first? + 1).saturating_sub(s.seen))).sum()
    }
}

/// What a sender sends.
enum Content {
    Noise(Noise),
    Picture(Pattern, conclave_codecs::Encoder),
}

impl Content {
    fn new(args: &Load, number: usize) -> anyhow::Result<Self> {
        if !args.picture {
            return Ok(Self::Noise(Noise(0x9e37_79b9 ^ number as u32)));
        }
        let (width, height, hue) = PICTURE;
        let settings = conclave_codecs::Settings { width, height, bitrate: args.bitrate, fps: args.fps };
        Ok(Self::Picture(Pattern::new(width, height, hue), conclave_codecs::Encoder::new(settings)?))
    }

    /// Smallest first.
    fn layers(&self, args: &Load) -> Vec<Layer> {
        let layer = |(width, height, share)| Layer { width, height, bitrate: args.bitrate / share };
        match self {
            Self::Noise(_) if args.layers => LAYERS.map(layer).to_vec(),
            Self::Noise(_) => vec![layer(LAYERS[2])],
            Self::Picture(..) => vec![layer((PICTURE.0, PICTURE.1, 1))],
        }
    }

    /// The next frame; noise has the given bytes, a picture as many as its encoder makes.
    fn frame(&mut self, frame: &mut Vec<u8>, pixels: (u32, u32), size: usize, key_frame: bool, now: Time) -> anyhow::Result<()> {
        match self {
            Self::Noise(noise) => noise.frame(frame, pixels, size, key_frame),
            Self::Picture(pattern, encoder) => {
                *frame = encoder.encode(&pattern.at(now.as_millis()), now.as_micros() * 9 / 100, key_frame)?;
            }
        }
        Ok(())
    }
}

/// Cheap bytes that do not compress.
#[derive(Debug)]
struct Noise(u32);

impl Noise {
    /// A frame in VP8's shape: the first byte of an inter frame, or the first ten of a key frame.
    fn frame(&mut self, frame: &mut Vec<u8>, (width, height): (u32, u32), size: usize, key_frame: bool) {
        frame.clear();
        if key_frame {
            let ([w0, w1, ..], [h0, h1, ..]) = (width.to_le_bytes(), height.to_le_bytes());
            frame.extend_from_slice(&[0x50, 0x2d, 0x01, 0x9d, 0x01, 0x2a, w0, w1, h0, h1]);
        } else {
            frame.push(0x31);
        }
        let size = if key_frame { size * KEY_WEIGHT } else { size };
        while frame.len() < size {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 17;
            self.0 ^= self.0 << 5;
            frame.extend_from_slice(&self.0.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_a_loss_and_what_came_before_the_start_is_not() {
        let mut streams = Streams::default();
        streams.packet(1, 5, false);
        for seq in [10, 11, 14, 12] {
            streams.packet(1, seq, true);
        }
        assert_eq!(streams.lost(), 1);
    }
}
