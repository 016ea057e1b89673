//! The media thread: drives [`LiveKit`] with datagrams, signalling and time.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use conclave_base::Redacted;
use conclave_livekit_proto::ApiKey;
use conclave_livekit_server::{CloseReason, Conn, Input, LiveKit, Output, Refusal};
use conclave_rtc_server::Connection as Transport;
use tokio::sync::{mpsc, oneshot};

use crate::clock::now;
use crate::udp::Udp;

/// Commands that may wait for the media thread.
const COMMANDS: usize = 4096;
/// Signalling messages that may wait for one slow client, which is then cut off.
const SIGNALS: usize = 1024;
/// Batches of datagrams before commands get their turn.
const BATCHES: usize = 16;

/// To one signalling WebSocket.
pub(crate) enum ToClient {
    /// One protobuf.
    Message(Vec<u8>),
    /// The end.
    Close(CloseReason),
}

/// Somebody is there on the media server, or gone from it for good.
#[derive(Debug)]
pub(crate) struct MediaPresence {
    pub(crate) there: bool,
    pub(crate) room: Redacted<String>,
    pub(crate) identity: Redacted<String>,
}

enum Command {
    Validate { query: Redacted<String>, authorization: Option<Redacted<String>>, answer: oneshot::Sender<Result<(), Refusal>> },
    Open { conn: Conn, query: Redacted<String>, authorization: Option<Redacted<String>>, to: mpsc::Sender<ToClient> },
    Message { conn: Conn, bytes: Vec<u8> },
    Closed { conn: Conn },
    Expel { room: Redacted<String>, identity: Redacted<String> },
}

/// A handle to the media thread; cheap to clone.
#[derive(Clone)]
pub(crate) struct Media {
    commands: mpsc::Sender<Command>,
    next: Arc<AtomicU64>,
}

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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let udp = {
            let _entered = runtime.enter();
            Udp::bind(config.port)
                .with_context(|| format!("UDP port {} cannot be used for media: choose another with --media-port", config.port))?
        };
        let addresses = config.addresses.iter().map(|ip| SocketAddr::new(*ip, config.port)).collect();
        let shared = conclave_rtc_server::Config::new(addresses).context("--media-address")?;
        let sfu = conclave_sfu::Sfu::<Transport>::new(shared, conclave_sfu::Limits::default());
        let livekit = LiveKit::new(
            conclave_livekit_server::Config {
                key: config.key,
                seed: config.seed,
                ice_servers: Vec::new(),
                limits: conclave_livekit_server::Limits::default(),
            },
            sfu,
        );
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let shell = MediaThread { livekit, udp, clients: BTreeMap::new(), presence };
        let thread = std::thread::Builder::new().name("media".to_owned()).spawn(move || runtime.block_on(shell.run(inbox)))?;
        Ok((Self { commands, next: Arc::new(AtomicU64::new(1)) }, thread))
    }

    /// Whether a token is good, before the WebSocket is accepted.
    pub(crate) async fn validate(&self, query: &str, authorization: Option<&str>) -> Result<(), Refusal> {
        let (answer, verdict) = oneshot::channel();
        let command = Command::Validate {
            query: Redacted::new(query.to_owned()),
            authorization: authorization.map(|a| Redacted::new(a.to_owned())),
            answer,
        };
        let stopped = (503, "the server stops");
        self.commands.send(command).await.map_err(|_| stopped)?;
        verdict.await.map_err(|_| stopped)?
    }

    /// A new signalling connection: its number, and what it is sent.
    pub(crate) async fn open(&self, query: String, authorization: Option<String>) -> (Conn, mpsc::Receiver<ToClient>) {
        let conn = Conn(self.next.fetch_add(1, Ordering::Relaxed));
        let (to, from) = mpsc::channel(SIGNALS);
        self.tell(Command::Open { conn, query: Redacted::new(query), authorization: authorization.map(Redacted::new), to }).await;
        (conn, from)
    }

    /// A message from a signalling client.
    pub(crate) async fn message(&self, conn: Conn, bytes: Vec<u8>) {
        self.tell(Command::Message { conn, bytes }).await;
    }

    /// A signalling connection is gone.
    pub(crate) async fn closed(&self, conn: Conn) {
        self.tell(Command::Closed { conn }).await;
    }

    /// Puts somebody out.
    pub(crate) async fn expel(&self, room: String, identity: String) {
        self.tell(Command::Expel { room: Redacted::new(room), identity: Redacted::new(identity) }).await;
    }

    /// Returns when the thread has ended: while a handle is left, that is a panic.
    pub(crate) async fn ended(&self) {
        self.commands.closed().await;
    }

    async fn tell(&self, command: Command) {
        if self.commands.send(command).await.is_err() {
            tracing::debug!("the media thread has stopped");
        }
    }
}

struct MediaThread {
    livekit: LiveKit<Transport>,
    udp: Udp,
    clients: BTreeMap<Conn, mpsc::Sender<ToClient>>,
    presence: mpsc::Sender<MediaPresence>,
}

impl MediaThread {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        loop {
            let until = self.drain();
            self.udp.flush();
            tokio::select! {
                biased;
                command = inbox.recv() => match command {
                    Some(command) => self.command(command),
                    None => return,
                },
                readable = self.udp.readable() => match readable {
                    Ok(()) => self.receive(),
                    Err(e) => tracing::error!(kind = ?e.kind(), "the media socket failed"),
                },
                () = tokio::time::sleep(until) => self.input(Input::Tick),
            }
        }
    }

    /// Does all that is to be done now; returns how long nothing will be.
    fn drain(&mut self) -> Duration {
        loop {
            match self.livekit.poll(now()) {
                Output::Idle(until) => return until.since(now()).min(Duration::from_secs(1)),
                output @ (Output::Datagram(_)
                | Output::Signal { .. }
                | Output::CloseSignal { .. }
                | Output::Joined { .. }
                | Output::Left { .. }) => {
                    self.output(output);
                }
            }
        }
    }

    fn receive(&mut self) {
        for _ in 0..BATCHES {
            let Self { livekit, udp, .. } = self;
            let mut waiting = Vec::new();
            let received = udp.receive(|src, dst, bytes| {
                let moment = now();
                if livekit.handle(Input::Datagram { src, dst, bytes }, moment).is_err() {
                    tracing::trace!("unexpected datagram");
                }
                // Drained after each: the machine's rule. Datagrams wait for the flush, the rest for the end of the batch.
                loop {
                    match livekit.poll(moment) {
                        Output::Idle(_) => break,
                        output @ (Output::Datagram(_)
                        | Output::Signal { .. }
                        | Output::CloseSignal { .. }
                        | Output::Joined { .. }
                        | Output::Left { .. }) => {
                            waiting.push(output);
                        }
                    }
                }
            });
            waiting.into_iter().for_each(|output| self.output(output));
            match received {
                Ok(true) => {}
                Ok(false) => return,
                Err(e) => {
                    tracing::debug!(kind = ?e.kind(), "receiving media");
                    return;
                }
            }
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Datagram(datagram) => self.udp.send(datagram),
            Output::Signal { conn, bytes } => self.deliver(conn, ToClient::Message(bytes)),
            Output::CloseSignal { conn, reason } => {
                self.deliver(conn, ToClient::Close(reason));
                self.clients.remove(&conn);
            }
            Output::Joined { room, identity } => self.tell_rooms(MediaPresence { there: true, room, identity }),
            Output::Left { room, identity } => self.tell_rooms(MediaPresence { there: false, room, identity }),
            Output::Idle(_) => {}
        }
    }

    fn tell_rooms(&self, presence: MediaPresence) {
        if self.presence.try_send(presence).is_err() {
            tracing::error!("presence was lost: the rooms do not keep up");
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Validate { query, authorization, answer } => {
                let verdict = self.livekit.validate(query.expose(), authorization.as_ref().map(|a| a.expose().as_str()), now());
                // The asker may be gone already; then nobody needs the answer.
                let (Ok(()) | Err(_)) = answer.send(verdict);
            }
            Command::Open { conn, query, authorization, to } => {
                self.clients.insert(conn, to);
                self.input(Input::SignalOpened {
                    conn,
                    query: Redacted::new(query.expose()),
                    authorization: authorization.as_ref().map(|a| Redacted::new(a.expose().as_str())),
                });
            }
            Command::Message { conn, bytes } => self.input(Input::Signal { conn, bytes: &bytes }),
            Command::Closed { conn } => {
                self.clients.remove(&conn);
                self.input(Input::SignalClosed { conn });
            }
            Command::Expel { room, identity } => self.input(Input::Expel { room, identity }),
        }
    }

    fn input(&mut self, input: Input<'_>) {
        if let Err(e) = self.livekit.handle(input, now()) {
            tracing::debug!("{e}");
        }
    }

    /// A client that does not read is cut off: its sender is dropped, and its WebSocket with it.
    fn deliver(&mut self, conn: Conn, message: ToClient) {
        if self.clients.get(&conn).is_some_and(|client| client.try_send(message).is_err()) {
            self.clients.remove(&conn);
        }
    }
}
