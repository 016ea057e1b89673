//! One client: its WebSocket, its socket with the bad line in front, and what it sends, receives and counts.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use conclave_base::{Codec, Datagram, Machine as _, Polled, Redacted, Source, Time};
use conclave_livekit_client::{Command, Event, Input, LeaveReason, LiveKitClient, Output, ReceivedPacket};
use tokio::sync::{mpsc, watch};

use super::delay::Delays;
use super::impairment::{self, Direction, Impairment};
use super::payload::{Stamp, stamped};
use super::plan::{self, Plan};
use super::publisher::Publisher;
use super::streams::{Count, Streams};
use super::udp::Udp;
use crate::args::Load;
use crate::clock::Clock;
use crate::socket::{Socket, SocketEvent, What};

/// Datagrams that are taken before anything else is looked at.
const AT_ONCE: usize = 32;
/// Messages of the server that wait.
const MAX_WAITING: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Starting,
    Measuring,
    SendersDone,
    Over,
}

/// What all clients share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) args: Load,
    pub(super) plan: Plan,
    pub(super) clock: Clock,
}

/// What one client counted.
#[derive(Debug, Default, Clone)]
pub(super) struct Counted {
    pub(super) sent: u64,
    pub(super) received: Count,
    pub(super) delays: Delays,
    /// Of which every byte was compared.
    pub(super) opened: u64,
    /// That were not what their publisher had sent, or not for this receiver; from the first one on.
    pub(super) wrong: u64,
    pub(super) up: impairment::Counts,
    pub(super) down: impairment::Counts,
}

impl Counted {
    /// These and those.
    pub(super) fn add(&mut self, more: &Self) {
        self.sent += more.sent;
        self.received.add(more.received);
        self.delays.add(&more.delays);
        self.opened += more.opened;
        self.wrong += more.wrong;
        self.up.add(more.up);
        self.down.add(more.down);
    }
}

/// A datagram on its way from the server: whence, and when the kernel had it by the system's clock and by ours.
struct Incoming {
    bytes: Vec<u8>,
    src: std::net::SocketAddr,
    kernel: Duration,
    taken: Time,
}

/// Bad lines, where there are any.
struct Lines {
    up: Impairment<Datagram>,
    down: Impairment<Incoming>,
}

pub(super) struct Client {
    shared: Arc<Shared>,
    me: plan::Client,
    client: LiveKitClient,
    udp: Udp,
    lines: Option<Lines>,
    socket: Option<Socket>,
    socket_id: u64,
    socket_events: mpsc::Sender<SocketEvent<u64>>,
    publisher: Option<Publisher>,
    /// Streams that must have begun before it is ready.
    expects: usize,
    is_connected: bool,
    stage: watch::Receiver<Stage>,
    is_measured: bool,
    ready: Option<mpsc::Sender<()>>,
    streams: Streams,
    counted: Counted,
    sent_before: u64,
}

impl Client {
    pub(super) async fn new(
        shared: Arc<Shared>,
        me: plan::Client,
        token: Redacted<String>,
        stage: watch::Receiver<Stage>,
        ready: mpsc::Sender<()>,
    ) -> anyhow::Result<(Self, mpsc::Receiver<SocketEvent<u64>>)> {
        let Shared { args, plan, clock } = &*shared;
        let now = clock.now();
        let udp = Udp::bind(crate::network::local_address(&args.url).await?).await?;
        let config = conclave_livekit_client::Config { url: args.url.clone(), token, addresses: vec![udp.here], vp9: false, packets: true };
        let mut client = LiveKitClient::new(config, now);
        let publisher = plan.sends(me).then(|| Publisher::new(plan, me.number, args.fps, args.picture, now)).transpose()?;
        for publication in publisher.iter().flat_map(Publisher::publications) {
            client.handle(Input::Command(Command::Publish(publication)), now)?;
        }
        let watches = plan.watches(me);
        let expects = watches.len() * plan.tracks_of_one();
        client.handle(Input::Command(Command::SetSubscribed(watches)), now)?;
        let (socket_events, events) = mpsc::channel(MAX_WAITING);
        let this = Self {
            client,
            udp,
            lines: Lines::new(args, me.number),
            socket: None,
            socket_id: 0,
            socket_events,
            publisher,
            expects: if args.picture { 0 } else { expects },
            is_connected: false,
            stage,
            is_measured: false,
            ready: Some(ready),
            streams: Streams::default(),
            counted: Counted::default(),
            sent_before: 0,
            me,
            shared,
        };
        Ok((this, events))
    }

    pub(super) async fn run(mut self, mut events: mpsc::Receiver<SocketEvent<u64>>) -> anyhow::Result<Counted> {
        loop {
            let stage = *self.stage.borrow_and_update();
            self.is_measured = matches!(stage, Stage::Measuring | Stage::SendersDone);
            match stage {
                Stage::Starting => self.sent_before = self.publisher.as_ref().map_or(0, |publisher| publisher.sent),
                Stage::Measuring | Stage::SendersDone => {}
                Stage::Over => return Ok(self.counted()),
            }
            let sends = if stage == Stage::SendersDone { None } else { self.publisher.as_ref() };
            let sends_at = sends.map_or(Time::MAX, Publisher::due);
            let idle = self.drain(None).await?;
            let wake = self.shared.clock.deadline(idle.min(sends_at).min(self.due()));
            tokio::select! {
                biased;
                () = self.udp.readable() => self.receive().await?,
                Some(event) = events.recv() => if event.socket == self.socket_id {
                    let now = self.shared.clock.now();
                    match event.what {
                        What::Opened => self.client.handle(Input::SignalOpened, now)?,
                        What::Received(bytes) => self.client.handle(Input::Signal(&bytes), now)?,
                        What::Closed => self.client.handle(Input::SignalClosed, now)?,
                    }
                },
                changed = self.stage.changed() => changed.context("the measurement was cut off")?,
                () = tokio::time::sleep_until(wake) => self.on_time(stage).await?,
            }
        }
    }

    fn counted(mut self) -> Counted {
        self.counted.received = self.streams.count();
        self.counted.sent = self.publisher.map_or(0, |publisher| publisher.sent) - self.sent_before;
        if let Some(lines) = &self.lines {
            (self.counted.up, self.counted.down) = (lines.up.counts(), lines.down.counts());
        }
        self.counted
    }

    /// When something on a bad line arrives.
    fn due(&self) -> Time {
        self.lines.as_ref().map_or(Time::MAX, |lines| lines.up.due().min(lines.down.due()))
    }

    async fn on_time(&mut self, stage: Stage) -> anyhow::Result<()> {
        let now = self.shared.clock.now();
        if stage != Stage::SendersDone
            && let Some(publisher) = &mut self.publisher
            && publisher.send(&mut self.client, now)?
        {
            self.drain(None).await?;
        }
        if self.lines.is_some() {
            self.arrivals(now).await?;
        }
        self.client.handle(Input::Timeout, now)?;
        Ok(())
    }

    async fn receive(&mut self) -> anyhow::Result<()> {
        for _ in 0..AT_ONCE {
            let now = self.shared.clock.now();
            let here = self.udp.here;
            let Some(received) = self.udp.receive() else { break };
            let kernel = received.at;
            if let Some(lines) = &mut self.lines {
                let incoming = Incoming { bytes: received.bytes.to_vec(), src: received.src, kernel, taken: now };
                let len = incoming.bytes.len();
                lines.down.push(incoming, len, now);
            } else {
                self.client.handle(Input::Datagram { src: received.src, dst: here, bytes: received.bytes }, now)?;
                self.drain(Some(kernel)).await?;
            }
        }
        if self.lines.is_some() {
            self.arrivals(self.shared.clock.now()).await?;
        }
        Ok(())
    }

    /// What has come through the bad lines by now.
    async fn arrivals(&mut self, now: Time) -> anyhow::Result<()> {
        self.leave(now).await;
        while let Some(incoming) = self.lines.as_mut().and_then(|lines| lines.down.arrival(now)) {
            let Incoming { bytes, src, kernel, taken } = incoming;
            self.client.handle(Input::Datagram { src, dst: self.udp.here, bytes: &bytes }, now)?;
            self.drain(Some(kernel + now.since(taken))).await?;
        }
        Ok(())
    }

    /// Does all that the client asks for. `came` is when the last datagram did.
    async fn drain(&mut self, came: Option<Duration>) -> anyhow::Result<Time> {
        loop {
            let output = match self.client.poll() {
                Polled::Output(output) => output,
                Polled::Idle(until) => return Ok(until),
            };
            match output {
                Output::Connect { url, token } => {
                    self.socket_id += 1;
                    let events = self.socket_events.clone();
                    self.socket = Some(Socket::open(url.into_inner(), Some(token.into_inner()), self.socket_id, events));
                }
                Output::Signal(bytes) => {
                    if self.socket.as_ref().is_some_and(|socket| !socket.send(bytes)) {
                        bail!("the server takes no more signalling");
                    }
                }
                Output::CloseSignal => self.socket = None,
                Output::Datagram(datagram) => self.send(datagram).await,
                Output::Event(event) => self.event(event, came)?,
            }
        }
    }

    async fn send(&mut self, datagram: Datagram) {
        let Some(lines) = &mut self.lines else { return self.udp.send(&datagram.bytes, datagram.dst).await };
        let (len, now) = (datagram.bytes.len(), self.shared.clock.now());
        lines.up.push(datagram, len, now);
        // Without a delay it has arrived already.
        self.leave(now).await;
    }

    /// Sends what has come through the bad line to the server by now.
    async fn leave(&mut self, now: Time) {
        while let Some(Datagram { dst, bytes, .. }) = self.lines.as_mut().and_then(|lines| lines.up.arrival(now)) {
            self.udp.send(&bytes, dst).await;
        }
    }

    fn event(&mut self, event: Event, came: Option<Duration>) -> anyhow::Result<()> {
        match event {
            Event::LocalTrackPublished { source } => {
                if let Some(publisher) = &mut self.publisher {
                    match source {
                        Source::Camera | Source::Screen => publisher.sends_pictures = true,
                        Source::Microphone | Source::ScreenAudio => publisher.sends_sound = true,
                    }
                }
            }
            Event::KeyFrameRequested { .. } => {
                if let Some(publisher) = &mut self.publisher {
                    publisher.request_key_frame();
                }
            }
            Event::TrackPublished { identity, source: Source::Camera, .. } => {
                let is_watched = !self.shared.plan.watches(self.me).is_empty();
                if let Some((width, height)) = self.shared.plan.shown.filter(|_| is_watched) {
                    let command = Command::SetDimensions { identity, source: Source::Camera, width, height };
                    self.client.handle(Input::Command(command), self.shared.clock.now())?;
                }
            }
            Event::Connected => {
                self.is_connected = true;
                self.tell_ready();
            }
            Event::Packet(packet) => self.packet(&packet, came),
            Event::Left { reason } => bail!("client {} of room {} {}", self.me.nth, self.me.room, why(reason)),
            Event::Joined
            | Event::Reconnecting
            | Event::ParticipantJoined { .. }
            | Event::ParticipantLeft { .. }
            | Event::TrackPublished { .. }
            | Event::TrackUnpublished { .. }
            | Event::Frame { .. }
            | Event::Data { .. } => {}
        }
        Ok(())
    }

    fn packet(&mut self, packet: &ReceivedPacket, came: Option<Duration>) {
        let ReceivedPacket { ssrc, seq, codec, payload } = packet;
        let bytes = codec.and_then(|codec: Codec| stamped(codec, payload));
        let stamp = bytes.and_then(Stamp::read);
        let counts = self.streams.packet(*ssrc, *seq, payload.len(), stamp, self.is_measured);
        if self.shared.args.picture {
            return;
        }
        match (stamp, bytes) {
            (Some(stamp), Some(bytes)) => {
                let senders = self.shared.plan.numbers(self.me.room);
                let is_opened = self.shared.args.open.takes(stamp.lot());
                if !senders.contains(&stamp.publisher) || stamp.publisher == self.me.number || is_opened && !stamp.is_whole(bytes) {
                    self.counted.wrong += 1;
                }
                if counts {
                    self.counted.opened += u64::from(is_opened);
                    let sent = Duration::from_micros(stamp.sent);
                    let late = came.unwrap_or_else(conclave_device::system::unix).saturating_sub(sent);
                    self.counted.delays.record(u64::try_from(late.as_micros()).unwrap_or(u64::MAX));
                }
            }
            // Padding carries nothing.
            _ if payload.is_empty() => {}
            _ => self.counted.wrong += 1,
        }
        if self.ready.is_some() {
            self.tell_ready();
        }
    }

    /// Says once that it is connected and receives all that it is to.
    fn tell_ready(&mut self) {
        if self.is_connected
            && self.streams.len() >= self.expects
            && let Some(ready) = self.ready.take()
        {
            // There is room for one of each; and who does not listen any more has given up.
            let _given_up = ready.try_send(());
        }
    }
}

fn why(reason: LeaveReason) -> String {
    match reason {
        LeaveReason::ByServer(reason) => format!("was sent away by the server (LiveKit's DisconnectReason {reason})"),
        LeaveReason::Unreachable => {
            "could not connect: the server does not answer, or refuses so many at once; try a smaller --per-second".to_owned()
        }
        LeaveReason::SessionLost => "was forgotten by the server, or its media broke off".to_owned(),
        LeaveReason::ClientInitiated => "has left".to_owned(),
        LeaveReason::ProtocolViolation => "does not understand the server".to_owned(),
    }
}

impl Lines {
    /// None without `--impair`.
    fn new(args: &Load, number: u32) -> Option<Self> {
        if args.impair.is_empty() {
            return None;
        }
        let settings = |direction: Direction| {
            let chosen = args.impair.iter().rfind(|impair| impair.direction.is_none_or(|of| of == direction));
            chosen.map(|impair| impair.settings).unwrap_or_default()
        };
        let seed = args.seed ^ u64::from(number) << 32;
        Some(Self { up: Impairment::new(settings(Direction::Up), seed), down: Impairment::new(settings(Direction::Down), !seed) })
    }
}
