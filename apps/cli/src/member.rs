//! `join`: drives one [`Session`] and one [`Peer`] until it is over.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use conclave_base::{Codec, Datagram, Machine as _, MemberId, Polled, Redacted, Source, Time};
use conclave_livekit_client::{Command as PeerCommand, Event, Layer, Peer, Publication, Why};
use conclave_session::snapshot::{Command, EndReason, Phase, Snapshot};
use conclave_session::{Output, Session};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use crate::args::Join;
use crate::clock::{self, Clock};
use crate::http;
use crate::picture::Pattern;
use crate::record::Recorder;
use crate::report::{Report, say};
use crate::socket::{Socket, Told, What};
use crate::sound::Tone;
use crate::watch::{Sealed, Watch};

/// Messages of sockets that wait for the loop.
const WAITING: usize = 1024;
const AUDIO_STEP: Duration = Duration::from_millis(20);
const REPORT_STEP: Duration = Duration::from_secs(1);
const RETRY_STEP: Duration = Duration::from_millis(20);
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// Longest datagram that is read.
const DATAGRAM: usize = 2048;

/// Whose socket something comes from; the number tells an old one from the present one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Live(u64),
    Media(u64),
}

/// Joins, until the meeting is over for this member or the time is up.
pub async fn run(args: Join) -> anyhow::Result<()> {
    let origin = origin(&args.link)?;
    let recorder = args.record.as_deref().map(Recorder::new).transpose()?;
    let host = args.host_key_file.as_deref().map(crate::create::read_key).transpose()?;
    let clock = Clock::new();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let passphrase = if args.passphrase_stdin { lines.next_line().await?.map(Redacted::new) } else { None };
    let config = conclave_session::Config { link: Redacted::new(args.link.clone()), host, passphrase, seed: clock::seed()? };
    let meeting = Session::new(config, clock.now());
    let (told, mut heard) = mpsc::channel(WAITING);
    let (http_done, mut http_answers) = mpsc::channel(4);
    let camera = if args.no_video { None } else { Some(Camera::new(&args)?) };
    let tone = if args.no_audio { None } else { Some(Tone::new(args.tone)?) };
    let end = args.seconds.map(|s| clock.now() + Duration::from_secs(s));
    let mut member = Member {
        origin,
        clock,
        meeting,
        peer: None,
        udp: None,
        live: None,
        signal: None,
        numbered: 0,
        live_name: 0,
        signal_name: 0,
        told,
        http_done,
        shown: Snapshot::default(),
        connected: BTreeSet::new(),
        identity: None,
        watch: Watch::new(recorder),
        camera,
        tone,
        sending: BTreeSet::new(),
        muted: false,
        key_frame: true,
        next_video: Time::ZERO,
        next_audio: Time::ZERO,
        audio_time: 0,
        next_report: clock.now() + REPORT_STEP,
        leaving: None,
        wake: Time::ZERO,
        args,
    };
    let mut stdin_open = true;
    let mut stop = std::pin::pin!(stop_signal());
    let mut stopping = false;
    loop {
        member.drain().await;
        if member.is_over() {
            break;
        }
        let now = member.clock.now();
        if end.is_some_and(|end| now >= end) {
            member.leave();
            member.drain().await;
        }
        let wake = [Some(member.wake), Some(member.next_due()), end.filter(|e| *e > now), member.leaving.map(|at| at + FAREWELL)];
        let wake = member.clock.deadline(wake.into_iter().flatten().min().unwrap_or(Time::MAX));
        let mut datagram = [0; DATAGRAM];
        tokio::select! {
            biased;
            got = receive(member.udp.as_ref(), &mut datagram) => {
                if let Some((len, src, dst)) = got { member.datagram(&datagram[..len], src, dst) }
            }
            Some(told) = heard.recv() => member.socket(told),
            Some(answer) = http_answers.recv() => member.tell(answer),
            line = lines.next_line(), if stdin_open => match line {
                Ok(Some(line)) => member.line(line.trim()),
                Ok(None) | Err(_) => stdin_open = false,
            },
            () = &mut stop, if !stopping => {
                stopping = true;
                member.leave();
            }
            () = tokio::time::sleep_until(wake) => {}
        }
        member.due();
    }
    member.finish().await
}

async fn stop_signal() {
    let mut terminated = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(_) => return std::future::pending().await,
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

async fn receive(udp: Option<&(UdpSocket, SocketAddr)>, buffer: &mut [u8]) -> Option<(usize, SocketAddr, SocketAddr)> {
    let Some((socket, here)) = udp else { return std::future::pending().await };
    // An ICMP error of an earlier datagram is not this one's.
    let (len, from) = socket.recv_from(buffer).await.ok()?;
    Some((len, from, *here))
}

/// The server of a link: what stands before the fragment.
fn origin(link: &str) -> anyhow::Result<String> {
    if conclave_session::MeetingLink::parse(link).is_err() {
        bail!("this link is not whole: copy all of it, with the 43 characters behind the #");
    }
    let (scheme, rest) = link
        .trim()
        .split_once("://")
        .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
        .context("this link names no server: it starts with https:// or http://")?;
    let host = rest.split(['/', '#', '?']).next().unwrap_or_default();
    Ok(format!("{scheme}://{host}"))
}

/// The address of our own that is used towards `url`.
pub(crate) async fn local_address(url: &str) -> anyhow::Result<SocketAddr> {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    let named = if authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        authority.to_owned()
    } else {
        format!("{authority}:443")
    };
    let found: Vec<SocketAddr> = tokio::net::lookup_host(&named).await.context("the media server's name is not known")?.collect();
    // Media servers announce IPv4 more often than not.
    let there = found.iter().find(|a| a.is_ipv4()).or(found.first()).context("the media server has no address")?;
    let any: SocketAddr = if there.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let probe = UdpSocket::bind(any).await?;
    probe.connect(there).await?;
    Ok(SocketAddr::new(probe.local_addr()?.ip(), 0))
}

/// What is shown instead of a camera.
struct Camera {
    pattern: Pattern,
    encoder: conclave_codecs::Encoder,
    step: Duration,
    layer: Layer,
}

impl Camera {
    fn new(args: &Join) -> anyhow::Result<Self> {
        let Join { width, height, fps, bitrate, .. } = *args;
        let settings = conclave_codecs::Settings { width, height, bitrate, fps };
        let encoder = conclave_codecs::Encoder::new(settings).context("this size of picture is not possible: sides are even, 2 to 4096")?;
        let layer = Layer { width, height, bitrate };
        Ok(Self { pattern: Pattern::new(width, height, args.picture_hue), encoder, step: Duration::from_secs(1) / fps, layer })
    }
}

struct Member {
    args: Join,
    origin: String,
    clock: Clock,
    meeting: Session,
    peer: Option<Peer>,
    /// With its own address.
    udp: Option<(UdpSocket, SocketAddr)>,
    live: Option<Socket>,
    signal: Option<Socket>,
    numbered: u64,
    live_name: u64,
    signal_name: u64,
    told: mpsc::Sender<Told<Name>>,
    http_done: mpsc::Sender<conclave_session::Input>,
    /// The last snapshot that was reported.
    shown: Snapshot,
    /// Identities connected to the media server.
    connected: BTreeSet<String>,
    /// Own identity at the media server; another one needs another connection.
    identity: Option<MemberId>,
    watch: Watch,
    camera: Option<Camera>,
    tone: Option<Tone>,
    /// Own tracks that may be sent.
    sending: BTreeSet<Source>,
    muted: bool,
    key_frame: bool,
    next_video: Time,
    next_audio: Time,
    audio_time: u64,
    next_report: Time,
    leaving: Option<Time>,
    wake: Time,
}

impl Member {
    /// Does all that the machines ask for, until both are idle.
    async fn drain(&mut self) {
        loop {
            let now = self.clock.now();
            let output = match self.meeting.poll() {
                Polled::Output(output) => output,
                Polled::Idle(until) => {
                    self.wake = until;
                    break;
                }
            };
            match output {
                Output::Http { path, body } => {
                    let (origin, done) = (self.origin.clone(), self.http_done.clone());
                    tokio::spawn(async move {
                        let input = match http::post(&origin, path, body).await {
                            Ok((status, body)) => conclave_session::Input::HttpDone { status, body },
                            Err(error) => {
                                tracing::debug!(%error, "http");
                                conclave_session::Input::HttpFailed
                            }
                        };
                        // The member has gone meanwhile.
                        let _gone = done.send(input).await;
                    });
                }
                Output::Connect => {
                    self.numbered += 1;
                    self.live_name = self.numbered;
                    let url = format!("ws{}{}", self.origin.trim_start_matches("http"), conclave_protocol::paths::LIVE);
                    self.live = Some(Socket::open(url, None, Name::Live(self.numbered), self.told.clone()));
                }
                Output::Send(bytes) => {
                    if self.live.as_ref().is_some_and(|socket| !socket.send(bytes)) {
                        self.live = None;
                        self.tell(conclave_session::Input::Closed);
                    }
                }
                Output::Disconnect => {
                    self.live = None;
                    self.live_name = 0;
                }
                Output::SnapshotChanged => self.show(now),
                Output::MediaToken { identity, url, jwt } => self.media_token(identity, url, jwt, now).await,
                Output::MediaDisconnect => {
                    self.identity = None;
                    self.drive(conclave_livekit_client::Input::Command(PeerCommand::Leave));
                }
                Output::KeyFrameWanted => self.key_frame = true,
            }
        }
        while let Some(output) = self.peer.as_mut().map(|peer| peer.poll(self.clock.now())) {
            match output {
                conclave_livekit_client::Output::Connect { url, token } => {
                    self.numbered += 1;
                    self.signal_name = self.numbered;
                    let name = Name::Media(self.numbered);
                    self.signal = Some(Socket::open(url.into_inner(), Some(token.into_inner()), name, self.told.clone()));
                }
                conclave_livekit_client::Output::Signal(bytes) => {
                    if self.signal.as_ref().is_some_and(|socket| !socket.send(bytes)) {
                        self.signal = None;
                        self.drive(conclave_livekit_client::Input::SignalClosed);
                    }
                }
                conclave_livekit_client::Output::CloseSignal => {
                    self.signal = None;
                    self.signal_name = 0;
                }
                conclave_livekit_client::Output::Datagram(Datagram { dst, bytes, .. }) => {
                    if let Some((socket, _)) = &self.udp {
                        // A full socket loses it, as the network may.
                        let _lost = socket.try_send_to(&bytes, dst);
                    }
                }
                conclave_livekit_client::Output::Event(event) => self.media_event(event),
                conclave_livekit_client::Output::Idle(until) => {
                    self.wake = self.wake.min(until);
                    break;
                }
            }
        }
    }

    fn tell(&mut self, input: conclave_session::Input) {
        if let Err(error) = self.meeting.handle(input, self.clock.now()) {
            say(self.args.json, &Report::Refused { why: &error.to_string() });
        }
    }

    fn drive(&mut self, input: conclave_livekit_client::Input<'_>) {
        let now = self.clock.now();
        if let Some(Err(error)) = self.peer.as_mut().map(|peer| peer.handle(input, now)) {
            tracing::debug!(%error, "peer");
        }
    }

    fn command(&mut self, command: Command) {
        self.tell(conclave_session::Input::Command(command));
    }

    fn socket(&mut self, told: Told<Name>) {
        match (told.name, told.what) {
            (Name::Live(n), _) if n != self.live_name => {}
            (Name::Media(n), _) if n != self.signal_name => {}
            (Name::Live(_), What::Opened) => self.tell(conclave_session::Input::Opened),
            (Name::Live(_), What::Received(bytes)) => self.tell(conclave_session::Input::Received(bytes)),
            (Name::Live(_), What::Closed) => {
                self.live = None;
                self.tell(conclave_session::Input::Closed);
            }
            (Name::Media(_), What::Opened) => self.drive(conclave_livekit_client::Input::SignalOpened),
            (Name::Media(_), What::Received(bytes)) => self.drive(conclave_livekit_client::Input::Signal(&bytes)),
            (Name::Media(_), What::Closed) => {
                self.signal = None;
                self.drive(conclave_livekit_client::Input::SignalClosed);
            }
        }
    }

    fn datagram(&mut self, bytes: &[u8], src: SocketAddr, dst: SocketAddr) {
        self.drive(conclave_livekit_client::Input::Datagram { src, dst, bytes });
    }

    /// Connects to the media server, or gives the present connection a newer token.
    async fn media_token(&mut self, identity: MemberId, url: Option<String>, jwt: String, now: Time) {
        let token = Redacted::new(jwt);
        if self.peer.is_some() && self.identity == Some(identity) {
            return self.drive(conclave_livekit_client::Input::Command(PeerCommand::Token(token)));
        }
        let url = url.unwrap_or_else(|| self.origin.clone());
        let bound = async { Ok::<_, anyhow::Error>(UdpSocket::bind(local_address(&url).await?).await?) }.await;
        let (udp, here) = match bound.and_then(|udp| Ok((udp.local_addr()?, udp))) {
            Ok((here, udp)) => (udp, here),
            Err(error) => return tracing::warn!(%error, "no socket for media"),
        };
        self.udp = Some((udp, here));
        self.identity = Some(identity);
        self.sending.clear();
        self.connected.clear();
        self.signal = None;
        let config = conclave_livekit_client::Config { url, token, addresses: vec![here], vp9: true, count_packets: false };
        self.peer = Some(Peer::new(config, now));
        self.allow();
        if self.tone.is_some() {
            let layers = vec![Layer { width: 0, height: 0, bitrate: 32_000 }];
            let publication = Publication { source: Source::Microphone, codec: Codec::Opus, layers, sealed: true };
            self.drive(conclave_livekit_client::Input::Command(PeerCommand::Publish(publication)));
        }
        if let Some(layer) = self.camera.as_ref().map(|c| c.layer) {
            let publication = Publication { source: Source::Camera, codec: Codec::Vp8, layers: vec![layer], sealed: true };
            self.drive(conclave_livekit_client::Input::Command(PeerCommand::Publish(publication)));
        }
    }

    /// Subscribes to the members of the group and to nobody else.
    fn allow(&mut self) {
        let members = self.meeting.snapshot().members.iter().filter(|m| !m.me).map(|m| m.identity.clone()).collect();
        self.drive(conclave_livekit_client::Input::Command(PeerCommand::Allow(members)));
    }

    fn media_event(&mut self, event: Event) {
        let json = self.args.json;
        let transport = |state| say(json, &Report::Transport { state });
        let now = self.clock.now();
        match event {
            Event::Joined => transport("joined"),
            Event::Connected => transport("connected"),
            Event::Interrupted => transport("interrupted"),
            Event::ParticipantSeen { identity } => {
                self.connected.insert(identity);
                self.peers();
            }
            Event::ParticipantGone { identity } => {
                self.connected.remove(&identity);
                self.peers();
            }
            Event::Published { source } => {
                self.sending.insert(source);
                self.key_frame = true;
            }
            Event::KeyFrameRequested { .. } => self.key_frame = true,
            Event::Frame { identity, source, codec, rtp_time, contiguous, bytes } => {
                let frame = Sealed { codec, rtp_time, contiguous, bytes };
                if self.watch.frame(&mut self.meeting, &identity, source, frame, now) {
                    self.drive(conclave_livekit_client::Input::Command(PeerCommand::NeedKeyFrame { identity, source }));
                }
                self.tell_begun(now);
            }
            Event::Left { why } => {
                transport("left");
                self.peer = None;
                self.signal = None;
                self.udp = None;
                self.sending.clear();
                if self.leaving.is_none() && why != Why::Asked {
                    self.tell(conclave_session::Input::TokenWanted);
                }
            }
            // What is published is the members' own word, in the group; data goes through the group too.
            Event::TrackSeen { .. } | Event::TrackGone { .. } | Event::Packet { .. } | Event::Data { .. } => {}
        }
    }

    fn peers(&mut self) {
        let identities = self.connected.iter().cloned().collect();
        self.command(Command::MediaPeers { identities });
    }

    /// Reports what changed, and says that it was shown.
    fn show(&mut self, now: Time) {
        let json = self.args.json;
        let snapshot = self.meeting.snapshot().clone();
        let before = std::mem::replace(&mut self.shown, snapshot.clone());
        let mut commands = vec![];
        if snapshot.phase != before.phase {
            say(json, &Report::Phase { phase: &snapshot.phase });
            match snapshot.phase {
                Phase::Prejoin { .. } => commands.push(Command::Join { name: self.args.name.clone() }),
                Phase::Inside => {
                    commands.push(Command::Media { mic: self.tone.is_some() && !self.muted, camera: self.camera.is_some(), screen: false });
                }
                Phase::LookingUp
                | Phase::NeedsPassphrase { .. }
                | Phase::Joining { .. }
                | Phase::Reconnecting { .. }
                | Phase::Ended { .. } => {}
            }
        }
        if snapshot.epoch != before.epoch || snapshot.members != before.members {
            say(json, &Report::Members { epoch: snapshot.epoch, members: &snapshot.members });
            let names = |s: &Snapshot| s.members.iter().map(|m| m.identity.clone()).collect::<BTreeSet<_>>();
            if names(&snapshot) != names(&before) {
                self.allow();
                self.watch.keep(|identity| snapshot.members.iter().any(|m| m.identity == identity));
            }
        }
        // When a session began anew, its epoch may have the number of the last one.
        if snapshot.phase == Phase::Inside && (snapshot.epoch != before.epoch || snapshot.phase != before.phase) {
            commands.push(Command::Shown { epoch: snapshot.epoch });
        }
        if let Some(code) = snapshot.safety_code.as_ref().filter(|_| snapshot.safety_code != before.safety_code) {
            say(json, &Report::Safety { code });
        }
        if snapshot.security != before.security {
            say(json, &Report::Security { security: &snapshot.security });
        }
        let said = |s: &Snapshot| s.chat.iter().filter(|l| !l.pending).map(|l| l.id).collect::<BTreeSet<_>>();
        let old = said(&before);
        for line in snapshot.chat.iter().filter(|l| !l.pending && !old.contains(&l.id)) {
            say(json, &Report::Chat { line });
        }
        let last = before.notices.last().map(|n| n.id);
        for notice in snapshot.notices.iter().filter(|n| last.is_none_or(|last| n.id > last)) {
            say(json, &Report::Notice { what: &notice.what });
        }
        commands.into_iter().for_each(|c| self.command(c));
        self.retry(now);
    }

    fn retry(&mut self, now: Time) {
        for (identity, source) in self.watch.retry(&mut self.meeting, now) {
            self.drive(conclave_livekit_client::Input::Command(PeerCommand::NeedKeyFrame { identity, source }));
        }
        self.tell_begun(now);
    }

    fn tell_begun(&mut self, now: Time) {
        let (json, shown, at) = (self.args.json, &self.shown, now.as_millis());
        self.watch.begun(|identity, source, codec, (width, height)| {
            let (name, source) = (&name_in(shown, identity), crate::report::source_name(source));
            say(json, &Report::Playing { identity, name, source, codec, at, width, height });
        });
    }

    /// A line of input: chat, or a command behind a slash.
    fn line(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" => {}
            "/leave" => self.leave(),
            "/mute" | "/unmute" => {
                self.muted = word == "/mute";
                let mic = self.tone.is_some() && !self.muted;
                self.drive(conclave_livekit_client::Input::Command(PeerCommand::Mute { source: Source::Microphone, muted: self.muted }));
                self.command(Command::Media { mic, camera: self.camera.is_some(), screen: false });
            }
            "/remove" => {
                let found = self.meeting.snapshot().members.iter().find(|m| m.name == rest.trim()).map(|m| m.identity.clone());
                match found {
                    Some(identity) => self.command(Command::Remove { identity }),
                    None => say(self.args.json, &Report::Refused { why: "no such member" }),
                }
            }
            _ if word.starts_with('/') => {
                say(self.args.json, &Report::Refused { why: "commands are /leave, /remove NAME, /mute and /unmute" });
            }
            _ => self.command(Command::Chat { text: line.to_owned() }),
        }
    }

    fn leave(&mut self) {
        if self.leaving.is_none() {
            self.leaving = Some(self.clock.now());
            self.drive(conclave_livekit_client::Input::Command(PeerCommand::Leave));
            if !matches!(self.meeting.snapshot().phase, Phase::NeedsPassphrase { .. } | Phase::Ended { .. }) {
                self.command(Command::Leave);
            }
        }
    }

    fn is_over(&self) -> bool {
        // A passphrase is given at the start or not at all.
        matches!(self.meeting.snapshot().phase, Phase::NeedsPassphrase { .. } | Phase::Ended { .. })
            || self.leaving.is_some_and(|at| self.clock.now() >= at + FAREWELL)
    }

    /// When something of our own is due.
    fn next_due(&self) -> Time {
        let video = if self.sending.contains(&Source::Camera) { self.next_video } else { Time::MAX };
        let audio = if self.sending.contains(&Source::Microphone) { self.next_audio } else { Time::MAX };
        let retry = if self.watch.is_waiting() { self.clock.now() + RETRY_STEP } else { Time::MAX };
        video.min(audio).min(self.next_report).min(retry)
    }

    fn due(&mut self) {
        let now = self.clock.now();
        self.tell(conclave_session::Input::Timeout);
        self.drive(conclave_livekit_client::Input::Timeout);
        if self.watch.is_waiting() {
            self.retry(now);
        }
        if self.sending.contains(&Source::Microphone) && now >= self.next_audio {
            self.send_sound(now);
        }
        if self.sending.contains(&Source::Camera) && now >= self.next_video {
            self.send_picture(now);
        }
        if now >= self.next_report {
            self.next_report = now + REPORT_STEP;
            let (json, shown) = (self.args.json, &self.shown);
            self.watch.reports(now, |identity| name_in(shown, identity), |report| say(json, &Report::Media(report)));
        }
    }

    fn send_sound(&mut self, now: Time) {
        // Late by more than a few frames: what was not said in time is not said.
        if now.since(self.next_audio) > AUDIO_STEP * 5 {
            let skipped = now.since(self.next_audio).as_millis() / AUDIO_STEP.as_millis();
            self.audio_time += u64::try_from(skipped).unwrap_or(0) * crate::sound::FRAME as u64;
            self.next_audio = now;
        }
        self.next_audio += AUDIO_STEP;
        self.audio_time += crate::sound::FRAME as u64;
        let Some(Ok(packet)) = self.tone.as_mut().map(Tone::next) else { return };
        if !self.muted {
            self.send(Source::Microphone, Codec::Opus, self.audio_time, &packet, now);
        }
    }

    fn send_picture(&mut self, now: Time) {
        let Some(camera) = &mut self.camera else { return };
        self.next_video = (self.next_video + camera.step).max(now);
        // Ticks of 1/90,000 s.
        let time = now.as_micros() * 9 / 100;
        let key_frame = std::mem::take(&mut self.key_frame);
        match camera.encoder.encode(&camera.pattern.at(now.as_millis()), time, key_frame) {
            Ok(packet) if packet.is_empty() => self.key_frame |= key_frame,
            Ok(packet) => {
                if !self.send(Source::Camera, Codec::Vp8, time, &packet, now) {
                    // The next one refers to what nobody got.
                    self.key_frame = true;
                }
            }
            Err(error) => tracing::warn!(%error, "no picture"),
        }
    }

    /// Seals and sends; says whether it went out.
    fn send(&mut self, source: Source, codec: Codec, time: u64, frame: &[u8], now: Time) -> bool {
        let Ok(sealed) = self.meeting.seal(source, codec, frame, now) else { return false };
        self.peer.as_mut().is_some_and(|peer| peer.send(source, 0, time, &sealed, now).is_ok())
    }

    async fn finish(mut self) -> anyhow::Result<()> {
        self.show(self.clock.now());
        // Not to be taken for a ghost until the media server misses us.
        self.leave();
        self.drain().await;
        // What was sent last leaves with the closing of the sockets.
        self.live = None;
        self.signal = None;
        if let Some(recorder) = self.watch.recorder.take() {
            recorder.finish().context("the recording could not be completed")?;
        }
        tokio::time::timeout(Duration::from_millis(300), async {
            while self.told.strong_count() > 1 {
                tokio::task::yield_now().await
            }
        })
        .await
        .ok();
        match &self.meeting.snapshot().phase {
            Phase::Ended { reason } => ending(*reason, &self.origin),
            Phase::NeedsPassphrase { wrong: 0 } => bail!("this meeting has a passphrase: give it with --passphrase-stdin"),
            Phase::NeedsPassphrase { .. } => {
                bail!("the passphrase does not open the meeting: check it, and give it with --passphrase-stdin")
            }
            Phase::LookingUp | Phase::Prejoin { .. } | Phase::Joining { .. } | Phase::Inside | Phase::Reconnecting { .. } => Ok(()),
        }
    }
}

/// A member's name; empty for who is none.
fn name_in(shown: &Snapshot, identity: &str) -> String {
    shown.members.iter().find(|m| m.identity == identity).map(|m| m.name.clone()).unwrap_or_default()
}

/// The end in a sentence: what happened and what to do.
fn ending(reason: EndReason, origin: &str) -> anyhow::Result<()> {
    match reason {
        EndReason::Left => Ok(()),
        EndReason::Removed => bail!("a host removed you from the meeting"),
        EndReason::LinkCut => bail!("this link is not whole: copy all of it, with the 43 characters behind the #"),
        EndReason::NotFound => bail!("there is no such meeting at {origin}, or it has expired: ask for a new link"),
        EndReason::LinkWrong => bail!("this link does not fit the meeting: copy it again from where you got it"),
        EndReason::HostMismatch => {
            bail!("the host's signature does not fit the link: do not trust this server, and tell who sent the link")
        }
        EndReason::Full => bail!("as many people as allowed are inside: try again later"),
        EndReason::Version => bail!("client and server speak different versions: update the older one"),
        EndReason::Replaced => bail!("the same member connected elsewhere"),
        EndReason::Refused => bail!("the server refused what this client sent: update it, or try again"),
        EndReason::Unreachable => bail!("the server {origin} cannot be reached: check the address, your connection, and that it runs"),
        EndReason::LogBroken => {
            bail!("the server withheld or changed what the members said: do not trust it, and tell the others by another way")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_link_is_told_before_anything_is_asked() {
        let error = origin("https://meet.example.org/#abc").expect_err("cut");
        assert!(error.to_string().contains("not whole"));
        let bare = "A".repeat(43);
        assert!(origin(&bare).is_err(), "no server named");
        assert_eq!(origin(&format!("http://localhost:8080/#{bare}")).expect("whole"), "http://localhost:8080");
    }
}
