//! The media thread: drives [`MediaServer`] with datagrams, signalling and time.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use conclave_base::{Machine as _, Polled, Redacted, Time};
use conclave_livekit_proto::ApiKey;
use conclave_livekit_server::{AuthorizedJoin, CloseReason, Conn, Refusal, Signalling};
use conclave_media::{Input, MediaServer, Output};
use conclave_rtc_server::Connection;
use conclave_sfu::Sfu;
use mio::{Events, Poll, Token, Waker};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use crate::clock::now;
use crate::udp::{self, Batch, Received, UdpReceiver, UdpSender};

/// Commands that may wait for the media thread.
const COMMANDS: usize = 4096;
/// Signalling messages that may wait for one slow client; with more, it is cut off.
const SIGNALS: usize = 1024;
/// Batches of datagrams before commands get their turn.
const BATCHES: usize = 16;

/// Under load what comes within so long is handled together: the thread is woken once for it, and what it brings for one receiver leaves together. It is
/// the most that it is delayed by.
const BEAT: Duration = Duration::from_micros(500);
/// Under load is who has something to do again this soon.
const BUSY: Duration = Duration::from_millis(1);

/// Longest sleep.
const MAX_SLEEP: Duration = Duration::from_secs(1);

/// To one signalling WebSocket.
pub(crate) enum ToClient {
    /// One protobuf.
    Message(Vec<u8>),
    /// The end.
    Close(CloseReason),
}

/// A participant is there on the media server, or gone from it for good.
#[derive(Debug)]
pub(crate) struct MediaPresence {
    pub(crate) there: bool,
    pub(crate) room: Redacted<String>,
    pub(crate) identity: Redacted<String>,
}

enum Command {
    Open { conn: Conn, join: Box<AuthorizedJoin>, to: mpsc::Sender<ToClient> },
    Message { conn: Conn, bytes: Vec<u8> },
    Alive { conn: Conn },
    Closed { conn: Conn },
    Permit { room: Redacted<String>, identity: Redacted<String> },
    Expel { room: Redacted<String>, identity: Redacted<String> },
    Figures { to: oneshot::Sender<Figures> },
}

/// What there is at this moment, and what happened so far, of all rooms together.
pub(crate) struct Figures {
    /// Signalling connections.
    pub(crate) websockets: usize,
    pub(crate) participants: usize,
    pub(crate) tracks: usize,
    pub(crate) stats: conclave_sfu::Stats,
    /// What signalling refused.
    pub(crate) refusals: conclave_livekit_server::Counters,
    /// Of UDP datagrams.
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

/// A handle to the media thread; cheap to clone.
#[derive(Clone)]
pub(crate) struct Media {
    key: ApiKey,
    commands: mpsc::Sender<Command>,
    /// After the commands, so that the thread sees the last one go.
    wake: Wake,
    next: Arc<AtomicU64>,
}

/// Wakes the thread, which waits for datagrams, when a command comes or a handle goes.
#[derive(Clone)]
struct Wake(Arc<Waker>);

impl Wake {
    fn wake(&self) {
        if let Err(e) = self.0.wake() {
            tracing::error!(kind = ?e.kind(), "the media thread is not woken");
        }
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.wake();
    }
}

const DATAGRAMS: Token = Token(0);
const WAKE: Token = Token(1);

/// Where media is received, and whose tokens are good.
pub(crate) struct Config {
    pub(crate) port: u16,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) key: ApiKey,
    pub(crate) seed: [u8; 32],
}

impl Media {
    /// Binds the UDP port and starts the thread. It ends when the last handle is gone.
    pub(crate) fn start(config: Config, presence: mpsc::Sender<MediaPresence>) -> anyhow::Result<(Self, JoinHandle<()>)> {
        let poll = Poll::new()?;
        let (receiver, sender) = udp::bind(config.port, poll.registry(), DATAGRAMS)
            .with_context(|| format!("UDP port {} cannot be used for media: choose another with --media-port", config.port))?;
        let wake = Wake(Arc::new(Waker::new(poll.registry(), WAKE)?));
        let addresses = config.addresses.iter().map(|ip| SocketAddr::new(*ip, config.port)).collect();
        let shared = conclave_rtc_server::Config::new(addresses).context("--media-address")?;
        let signalling = Signalling::new(conclave_livekit_server::Config {
            seed: config.seed,
            ice_servers: Vec::new(),
            limits: conclave_livekit_server::Limits::default(),
        });
        let server = MediaServer::new(signalling, Sfu::new(shared, conclave_sfu::Limits::default()));
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let outside = Outside { udp: sender, clients: BTreeMap::new(), presence };
        let task = MediaThread { server, receiver, outside, inbox };
        let thread = std::thread::Builder::new().name("media".to_owned()).spawn(move || task.run(poll))?;
        Ok((Self { key: config.key, commands, wake, next: Arc::new(AtomicU64::new(1)) }, thread))
    }

    /// Whether a client may join: its token, verified once, before its WebSocket is accepted.
    pub(crate) fn authorize(&self, query: &str, authorization: Option<&str>) -> Result<AuthorizedJoin, Refusal> {
        AuthorizedJoin::verify(&self.key, query, authorization, now())
    }

    /// A new signalling connection: its number, and what it is sent.
    pub(crate) async fn open(&self, join: AuthorizedJoin) -> (Conn, mpsc::Receiver<ToClient>) {
        let conn = Conn(self.next.fetch_add(1, Ordering::Relaxed));
        let (to, from) = mpsc::channel(SIGNALS);
        self.tell(Command::Open { conn, join: Box::new(join), to }).await;
        (conn, from)
    }

    /// A message from a signalling client.
    pub(crate) async fn message(&self, conn: Conn, bytes: Vec<u8>) {
        self.tell(Command::Message { conn, bytes }).await;
    }

    /// A signalling connection answered a ping.
    pub(crate) async fn alive(&self, conn: Conn) {
        self.tell(Command::Alive { conn }).await;
    }

    /// A signalling connection is gone.
    pub(crate) async fn closed(&self, conn: Conn) {
        self.tell(Command::Closed { conn }).await;
    }

    /// From now on the tokens of a participant count.
    pub(crate) async fn permit(&self, room: String, identity: String) {
        self.tell(Command::Permit { room: Redacted::new(room), identity: Redacted::new(identity) }).await;
    }

    /// Removes a participant; its tokens count no more.
    pub(crate) async fn expel(&self, room: String, identity: String) {
        self.tell(Command::Expel { room: Redacted::new(room), identity: Redacted::new(identity) }).await;
    }

    /// How it is at this moment. `None` once the thread has ended.
    pub(crate) async fn figures(&self) -> Option<Figures> {
        let (to, figures) = oneshot::channel();
        self.tell(Command::Figures { to }).await;
        figures.await.ok()
    }

    /// Returns when the thread has ended: while a handle is left, that is a panic.
    pub(crate) async fn ended(&self) {
        self.commands.closed().await;
    }

    async fn tell(&self, command: Command) {
        if self.commands.send(command).await.is_err() {
            tracing::debug!("the media thread has stopped");
        }
        self.wake.wake();
    }
}

struct MediaThread {
    server: MediaServer<Connection>,
    receiver: UdpReceiver,
    outside: Outside,
    inbox: mpsc::Receiver<Command>,
}

/// Where outputs go.
struct Outside {
    udp: UdpSender,
    clients: BTreeMap<Conn, mpsc::Sender<ToClient>>,
    presence: mpsc::Sender<MediaPresence>,
}

impl MediaThread {
    fn run(mut self, mut poll: Poll) {
        let mut events = Events::with_capacity(4);
        // Something waits that `poll` has told of already.
        let (mut has_datagrams, mut has_commands) = (false, false);
        let mut last = Time::ZERO;
        loop {
            let until = self.outside.drain(&mut self.server);
            let sleep = if has_datagrams || has_commands { Duration::ZERO } else { until.since(now()).min(MAX_SLEEP) };
            match poll.poll(&mut events, Some(sleep)) {
                Err(e) if e.kind() != ErrorKind::Interrupted => tracing::error!(kind = ?e.kind(), "waiting for media failed"),
                Ok(()) | Err(_) => {}
            }
            has_datagrams |= events.iter().any(|event| event.token() == DATAGRAMS);
            // Between two commands come the datagrams, so that no flood of those delays media.
            has_commands = match self.inbox.try_recv() {
                Ok(command) => {
                    self.command(command);
                    true
                }
                Err(TryRecvError::Empty) => false,
                Err(TryRecvError::Disconnected) => return,
            };
            if has_datagrams {
                has_datagrams = self.receive();
                let is_busy = now() - last < BUSY;
                if is_busy {
                    std::thread::sleep(BEAT);
                }
                last = now();
            } else if !has_commands {
                self.input(Input::Timeout);
            }
        }
    }

    /// Takes the datagrams that came. `false` if there are no more.
    fn receive(&mut self) -> bool {
        let Self { server, receiver, outside, .. } = self;
        for _ in 0..BATCHES {
            match receiver.receive() {
                Ok(Some(Batch { datagrams, is_last })) => {
                    let now = now();
                    for Received { src, dst, bytes } in datagrams {
                        if server.handle(Input::Datagram { src, dst, bytes }, now).is_err() {
                            tracing::trace!("unexpected datagram");
                        }
                    }
                    // After all of them: what they bring for one receiver leaves together.
                    outside.drain(server);
                    if is_last {
                        return false;
                    }
                }
                Ok(None) => return false,
                Err(e) => {
                    tracing::debug!(kind = ?e.kind(), "receiving media");
                    return true;
                }
            }
        }
        true
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Open { conn, join, to } => {
                self.outside.clients.insert(conn, to);
                self.input(Input::SignalOpened { conn, join });
            }
            Command::Message { conn, bytes } => self.input(Input::Signal { conn, bytes: &bytes }),
            Command::Alive { conn } => self.input(Input::SignalAlive { conn }),
            Command::Closed { conn } => {
                self.outside.clients.remove(&conn);
                self.input(Input::SignalClosed { conn });
            }
            Command::Permit { room, identity } => self.input(Input::Permit { room, identity }),
            Command::Expel { room, identity } => self.input(Input::Expel { room, identity }),
            Command::Figures { to } => {
                let (Ok(()) | Err(_)) = to.send(self.figures());
            }
        }
    }

    fn figures(&self) -> Figures {
        let (sfu, signalling) = (self.server.sfu(), self.server.signalling());
        Figures {
            websockets: self.outside.clients.len(),
            participants: signalling.participants(),
            tracks: sfu.tracks(),
            stats: sfu.stats(),
            refusals: signalling.counters(),
            bytes_in: self.receiver.bytes(),
            bytes_out: self.outside.udp.bytes(),
        }
    }

    fn input(&mut self, input: Input<'_>) {
        if let Err(e) = self.server.handle(input, now()) {
            tracing::debug!("{e}");
        }
    }
}

impl Outside {
    /// Does all that is to be done now; returns until when nothing will be.
    fn drain(&mut self, server: &mut MediaServer<Connection>) -> Time {
        loop {
            match server.poll() {
                Polled::Output(Output::Batch { src, dst }) => {
                    let (datagrams, segment) = server.batch().datagrams();
                    self.udp.send_batch((src, dst), datagrams, segment);
                }
                Polled::Output(output) => self.perform(output),
                Polled::Idle(until) => return until,
            }
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Datagram(datagram) => self.udp.send(&datagram),
            // Sent where it is lent.
            Output::Batch { .. } => {}
            Output::Signal { conn, bytes } => self.deliver(conn, ToClient::Message(bytes)),
            Output::CloseSignal { conn, reason } => {
                self.deliver(conn, ToClient::Close(reason));
                self.clients.remove(&conn);
            }
            Output::Joined { room, identity } => self.tell_presence(MediaPresence { there: true, room, identity }),
            Output::Left { room, identity } => self.tell_presence(MediaPresence { there: false, room, identity }),
        }
    }

    fn tell_presence(&self, presence: MediaPresence) {
        if self.presence.try_send(presence).is_err() {
            tracing::error!("presence was lost: what leads the meetings does not keep up");
        }
    }

    /// A client that does not read is cut off: its sender is dropped, and its WebSocket with it.
    fn deliver(&mut self, conn: Conn, message: ToClient) {
        if self.clients.get(&conn).is_some_and(|client| client.try_send(message).is_err()) {
            self.clients.remove(&conn);
        }
    }
}
