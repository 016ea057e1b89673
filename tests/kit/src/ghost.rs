//! A participant of the media server who is in no group: the operator minted its token.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::{PATIENCE, Server};
use anyhow::Context as _;
use conclave_base::{Codec, Datagram, Machine as _, Polled, Redacted, Source, Time};
use conclave_livekit_client::{Command, Event, Input, Layer, LiveKitClient, Output, Publication};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::clock::now;
use crate::rogue_sender::{FPS, Unsealed};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a ghost does: called with every event and at every picture's time.
type Script = Box<dyn FnMut(&mut GhostHandle<'_>, Cue) + Send>;

/// Reports that wait for the test; it needs the first of each kind.
const REPORTS: usize = 1024;
/// Scripts that wait for the ghost.
const SCRIPTS: usize = 4;

/// Why a script is called.
#[derive(Debug)]
pub enum Cue {
    /// Something happened.
    Event(Event),
    /// It is time for a picture.
    Beat,
}

/// What a script can do.
pub struct GhostHandle<'a> {
    peer: &'a mut LiveKitClient,
    report: &'a mpsc::SyncSender<String>,
}

/// A LiveKit participant with a script, on a thread of its own; gone when dropped.
#[derive(Debug)]
pub struct Ghost {
    scripts: tokio::sync::mpsc::Sender<Script>,
    reports: mpsc::Receiver<String>,
    /// As it is called at the media server.
    pub identity: String,
}

impl GhostHandle<'_> {
    /// Sends one frame as it is. One that does not go out is lost, as in any network.
    pub fn send(&mut self, source: Source, rtp_time: u64, frame: &[u8]) {
        let _lost = self.peer.send(source, 0, rtp_time, frame, now());
    }

    /// Asks for something. What is refused comes up again at the next beat.
    pub fn command(&mut self, command: Command) {
        let _refused = self.peer.handle(Input::Command(command), now());
    }

    /// Tells the test.
    pub fn report(&self, what: &str) {
        // A test that no longer listens has what it wants.
        let _unheard = self.report.try_send(what.to_owned());
    }
}

impl Ghost {
    /// Connects to the room of `link` as `identity`, with a token that the operator mints.
    pub fn connect(server: &Server, link: &str, identity: &str) -> anyhow::Result<Self> {
        let room = conclave_session::MeetingLink::parse(link)?.meeting().to_text();
        Self::connect_with(&server.media_url(), Redacted::new(Server::member_token(&room, identity)?), identity)
    }

    /// Connects with a token for `identity`, and publishes a camera and a microphone that are called sealed.
    pub fn connect_with(server: &str, token: Redacted<String>, identity: &str) -> anyhow::Result<Self> {
        let (scripts, inbox) = tokio::sync::mpsc::channel(SCRIPTS);
        let (report, reports) = mpsc::sync_channel(REPORTS);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let url = server.to_owned();
        thread::spawn(move || {
            if let Err(error) = runtime.block_on(run(url, token, inbox, &report)) {
                let _unheard = report.try_send(format!("failed: {error:#}"));
            }
        });
        let ghost = Self { scripts, reports, identity: identity.to_owned() };
        ghost.until("published Camera")?;
        ghost.until("published Microphone")?;
        Ok(ghost)
    }

    /// Does this from now on.
    pub fn play(&self, script: impl FnMut(&mut GhostHandle<'_>, Cue) + Send + 'static) -> anyhow::Result<()> {
        self.scripts.blocking_send(Box::new(script)).ok().context("the ghost is gone")
    }

    /// Sends pictures and sound that nobody sealed, from now on.
    pub fn play_unsealed(&self) -> anyhow::Result<()> {
        let mut frames = Unsealed::new()?;
        self.play(move |handle, cue| {
            if let Err(error) = frames.on_cue(&cue, |source, time, frame| handle.send(source, time, frame)) {
                handle.report(&format!("failed: {error:#}"));
            }
        })
    }

    /// Listens to the microphone of this participant from now on. The frames that came are counted, and at the first one it reports "heard somebody".
    pub fn listen(&self, identity: &str) -> anyhow::Result<Arc<AtomicUsize>> {
        let heard = Arc::new(AtomicUsize::new(0));
        let (count, who) = (Arc::clone(&heard), BTreeSet::from([identity.to_owned()]));
        self.play(move |handle, cue| match cue {
            Cue::Event(Event::Frame { source: Source::Microphone, .. }) => {
                if count.fetch_add(1, Ordering::Relaxed) == 0 {
                    handle.report("heard somebody");
                }
            }
            Cue::Event(_) => {}
            Cue::Beat => handle.command(Command::SetSubscribed(who.clone())),
        })?;
        Ok(heard)
    }

    /// Waits until its script, or it itself, reports this.
    pub fn until(&self, what: &str) -> anyhow::Result<()> {
        loop {
            let report = self.reports.recv_timeout(PATIENCE).with_context(|| format!("the ghost never reported {what}"))?;
            anyhow::ensure!(!report.starts_with("failed"), "{report}");
            if report == what {
                return Ok(());
            }
        }
    }
}

async fn run(
    url: String,
    token: Redacted<String>,
    mut scripts: tokio::sync::mpsc::Receiver<Script>,
    report: &mpsc::SyncSender<String>,
) -> anyhow::Result<()> {
    let udp = UdpSocket::bind((crate::address(), 0)).await?;
    let here = udp.local_addr()?;
    let mut peer =
        LiveKitClient::new(conclave_livekit_client::Config { url, token, addresses: vec![here], vp9: false, packets: false }, now());
    let camera = Publication {
        source: Source::Camera,
        codec: Codec::Vp8,
        layers: vec![Layer { width: 320, height: 180, bitrate: 400_000 }],
        sealed: true,
    };
    let microphone = Publication {
        source: Source::Microphone,
        codec: Codec::Opus,
        layers: vec![Layer { width: 0, height: 0, bitrate: 32_000 }],
        sealed: true,
    };
    peer.handle(Input::Command(Command::Publish(camera)), now())?;
    peer.handle(Input::Command(Command::Publish(microphone)), now())?;
    let mut signalling: Option<Socket> = None;
    let mut script: Script = Box::new(|_, _| {});
    let mut beat = tokio::time::interval(Duration::from_secs(1) / FPS);
    let mut datagram = [0; 2048];
    loop {
        let wake = drain(&mut peer, &mut signalling, &udp, &mut script, report).await?;
        tokio::select! {
            next = scripts.recv() => match next {
                Some(next) => script = next,
                None => return Ok(()),
            },
            message = receive(signalling.as_mut()) => match message {
                Some(Message::Binary(bytes)) => peer.handle(Input::Signal(&bytes), now())?,
                Some(_) => {}
                None => {
                    signalling = None;
                    peer.handle(Input::SignalClosed, now())?;
                }
            },
            got = udp.recv_from(&mut datagram) => {
                if let Ok((len, src)) = got {
                    peer.handle(Input::Datagram { src, dst: here, bytes: &datagram[..len] }, now())?;
                }
            }
            _ = beat.tick() => script(&mut GhostHandle { peer: &mut peer, report }, Cue::Beat),
            () = tokio::time::sleep(wake.since(now()).min(Duration::from_secs(1))) => peer.handle(Input::Timeout, now())?,
        }
    }
}

/// Does all that the peer asks for; gives when it wants to be woken.
async fn drain(
    peer: &mut LiveKitClient,
    signalling: &mut Option<Socket>,
    udp: &UdpSocket,
    script: &mut Script,
    report: &mpsc::SyncSender<String>,
) -> anyhow::Result<Time> {
    loop {
        let output = match peer.poll() {
            Polled::Output(output) => output,
            Polled::Idle(until) => return Ok(until),
        };
        match output {
            Output::Connect { url, token } => {
                let mut request = url.into_inner().into_client_request()?;
                request.headers_mut().insert("Authorization", format!("Bearer {}", token.expose()).parse()?);
                let (socket, _) = tokio_tungstenite::connect_async(request).await?;
                *signalling = Some(socket);
                peer.handle(Input::SignalOpened, now())?;
            }
            Output::Signal(bytes) => {
                if let Some(socket) = signalling.as_mut() {
                    socket.send(Message::Binary(Bytes::from(bytes))).await?;
                }
            }
            Output::CloseSignal => *signalling = None,
            Output::Datagram(Datagram { dst, bytes, .. }) => {
                // A full socket loses it, as the network may.
                let _lost = udp.try_send_to(&bytes, dst);
            }
            Output::Event(Event::Left { reason }) => anyhow::bail!("the ghost was sent away: {reason:?}"),
            Output::Event(Event::LocalTrackPublished { source }) => {
                let _unheard = report.try_send(format!("published {source:?}"));
            }
            Output::Event(event) => script(&mut GhostHandle { peer: &mut *peer, report }, Cue::Event(event)),
        }
    }
}

async fn receive(socket: Option<&mut Socket>) -> Option<Message> {
    match socket {
        Some(socket) => socket.next().await?.ok(),
        None => std::future::pending().await,
    }
}
