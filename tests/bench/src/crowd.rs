//! Many members in this process: real sessions and frame cryptors, each with a WebSocket of its own to a real server.
//!
//! Two threads compute, as that many cores do. A third one reads and writes all sockets, so that no answer to a ping waits for cryptography: in a
//! browser, that is no page's affair either.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use conclave_base::{Machine as _, Polled, Redacted, Secret, Time};
use conclave_cli::clock::Clock;
use conclave_cli::http;
use conclave_cli::socket::{self, Socket, SocketEvent};
use conclave_media_crypto::FrameCryptor;
use conclave_protocol::paths;
use conclave_protocol::ws::{Class, ServerMessage};
use conclave_session::snapshot::{Command, EndReason, NoticeKind, Phase, SecurityState};
use conclave_session::update::SnapshotUpdate;
use conclave_session::{Config, Input, Output, Session};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc;

/// Cores of the machine that is meant.
const CORES: usize = 2;
/// Messages that wait for a member.
const WAITING: usize = 4096;

/// What a member did or saw, when it did.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) who: usize,
    pub(crate) at: Instant,
    pub(crate) what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// Its own identity, once it is inside.
    Inside(String),
    /// Its screen says that the meeting is as it should be.
    Secure,
    /// So many people are on its screen.
    Sees(usize),
    /// These are not on its screen any more.
    Gone(Vec<String>),
    /// An entry of this class came.
    Entry(Class),
    /// Something that is not so, or that nobody did: a connection that is lost, an attack, a broken log, another end.
    Wrong(String),
}

/// Where members run.
pub(crate) struct Crowd {
    compute: Runtime,
    sockets: Runtime,
    origin: String,
    link: String,
    told: mpsc::UnboundedSender<Told>,
}

/// By which a member is told to leave.
pub(crate) type Leave = mpsc::Sender<()>;
/// What all of them tell.
pub(crate) type Telling = mpsc::UnboundedReceiver<Told>;

impl Crowd {
    pub(crate) fn new(origin: &str, link: &str) -> anyhow::Result<(Self, Telling)> {
        let runtime = |threads: usize| Builder::new_multi_thread().worker_threads(threads).enable_all().build();
        let (told, telling) = mpsc::unbounded_channel();
        let crowd = Self { compute: runtime(CORES)?, sockets: runtime(1)?, origin: origin.to_owned(), link: link.to_owned(), told };
        Ok((crowd, telling))
    }

    /// Somebody opens the link after this long, and goes in at once.
    pub(crate) fn join(&self, who: usize, after: Duration) -> Leave {
        let (leave, leaving) = mpsc::channel(1);
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&who.to_be_bytes());
        let link = self.link.clone();
        let network = Network { origin: self.origin.clone(), sockets: self.sockets.handle().clone() };
        let told = self.told.clone();
        self.compute.spawn(async move {
            tokio::time::sleep(after).await;
            let clock = Clock::new();
            let session = Session::new(Config::new(Redacted::new(link), Secret::new(seed)), clock.now());
            let shown = Shown { phase: session.snapshot().phase.clone(), epoch: 0, state: SecurityState::None, people: 0 };
            Member { who, session, cryptor: FrameCryptor::new(), clock, network, told, shown, due: Time::ZERO, connection: None }
                .run(leaving)
                .await;
        });
        leave
    }

    /// Somebody leaves at this moment.
    pub(crate) fn leave(&self, leave: Leave, at: Instant) {
        self.sockets.spawn(async move {
            tokio::time::sleep_until(at.into()).await;
            // Who is over already has left.
            let _over = leave.send(()).await;
        });
    }
}

struct Network {
    origin: String,
    sockets: Handle,
}

/// A WebSocket as the native client has it, on the sockets' thread; without it, it closes.
struct Connection {
    socket: Socket,
    events: mpsc::Receiver<SocketEvent<()>>,
}

impl Connection {
    async fn next(&mut self) -> Input {
        match self.events.recv().await.map(|event| event.what) {
            Some(socket::What::Opened) => Input::Opened,
            Some(socket::What::Received(bytes)) => Input::Received(bytes),
            Some(socket::What::Closed) | None => Input::Closed,
        }
    }
}

impl Network {
    fn connect(&self) -> Connection {
        let (told, events) = mpsc::channel(WAITING);
        let url = format!("ws{}{}", self.origin.trim_start_matches("http"), paths::LIVE);
        let _there = self.sockets.enter();
        Connection { socket: Socket::open(url, None, (), told), events }
    }

    async fn post(&self, path: &'static str, body: Vec<u8>) -> Input {
        let origin = self.origin.clone();
        match self.sockets.spawn(async move { http::post(&origin, path, body).await }).await {
            Ok(Ok((status, body))) => Input::HttpDone { status, body },
            Ok(Err(_)) | Err(_) => Input::HttpFailed,
        }
    }
}

/// What the page was shown last.
struct Shown {
    phase: Phase,
    epoch: u64,
    state: SecurityState,
    people: usize,
}

struct Member {
    who: usize,
    session: Session,
    cryptor: FrameCryptor,
    clock: Clock,
    network: Network,
    told: mpsc::UnboundedSender<Told>,
    shown: Shown,
    due: Time,
    connection: Option<Connection>,
}

impl Member {
    async fn run(mut self, mut leaving: mpsc::Receiver<()>) {
        let mut may_leave = true;
        self.drain().await;
        while !matches!(self.shown.phase, Phase::Ended { .. }) {
            let wake = self.clock.deadline(self.due);
            let received = async {
                match &mut self.connection {
                    Some(connection) => connection.next().await,
                    None => std::future::pending().await,
                }
            };
            let input = tokio::select! {
                input = received => input,
                Some(()) = leaving.recv(), if may_leave => {
                    may_leave = false;
                    Input::Command(Command::Leave)
                }
                () = tokio::time::sleep_until(wake) => Input::Timeout,
            };
            if let Input::Received(bytes) = &input
                && let Ok(ServerMessage::Entry(entry)) = ServerMessage::decode(bytes)
            {
                self.tell(What::Entry(entry.class));
            }
            if matches!(input, Input::Closed) {
                self.connection = None;
            }
            self.handle(input);
            self.drain().await;
            tokio::task::yield_now().await;
        }
    }

    fn handle(&mut self, input: Input) {
        // What is refused is refused to a page.
        let _refused = self.session.handle(input, self.clock.now());
    }

    async fn drain(&mut self) {
        loop {
            match self.session.poll() {
                Polled::Output(Output::Http { path, body }) => {
                    let input = self.network.post(path, body).await;
                    self.handle(input);
                }
                Polled::Output(Output::Connect) => self.connection = Some(self.network.connect()),
                Polled::Output(Output::Send(bytes)) => {
                    if self.connection.as_ref().is_some_and(|connection| !connection.socket.send(bytes)) {
                        self.connection = None;
                        self.handle(Input::Closed);
                    }
                }
                Polled::Output(Output::Disconnect) => self.connection = None,
                Polled::Output(Output::Update(update)) => self.show(&update),
                Polled::Output(Output::Cryptor(input)) => {
                    let Ok(()) = self.cryptor.handle(input, self.clock.now());
                    while let Polled::Output(_) = self.cryptor.poll() {}
                }
                Polled::Output(Output::MediaToken { .. } | Output::MediaDisconnect | Output::Subscribe(_) | Output::People(_)) => {}
                Polled::Idle(due) => {
                    self.due = due;
                    return;
                }
            }
        }
    }

    fn tell(&self, what: What) {
        let _over = self.told.send(Told { who: self.who, at: Instant::now(), what });
    }

    /// What the page is shown: tells what matters of it, and says that it is shown.
    fn show(&mut self, update: &SnapshotUpdate) {
        let now = self.session.snapshot();
        let people = now.members.len();
        let before =
            std::mem::replace(&mut self.shown, Shown { phase: now.phase.clone(), epoch: now.epoch, state: now.security.state, people });
        let is_inside = now.phase == Phase::Inside;
        let mut told = Vec::new();
        let mut next = None;
        if now.phase != before.phase {
            match &now.phase {
                Phase::Prejoin { .. } => next = Some(Command::Join { name: format!("Member {}", self.who) }),
                Phase::Inside => told.extend(now.members.iter().find(|m| m.me).map(|m| What::Inside(m.identity.clone()))),
                Phase::Ended { reason: EndReason::Left } | Phase::LookingUp | Phase::Joining { .. } => {}
                Phase::NeedsPassphrase { .. } | Phase::AtTheDoor { .. } | Phase::Reconnecting { .. } | Phase::Ended { .. } => {
                    told.push(What::Wrong(format!("{:?}", now.phase)));
                }
            }
        }
        if is_inside && (now.epoch != before.epoch || now.phase != before.phase) {
            next = Some(Command::Shown { epoch: now.epoch });
        }
        if is_inside && now.security.state != before.state {
            match now.security.state {
                SecurityState::Secure => told.push(What::Secure),
                SecurityState::None | SecurityState::Unsure => {}
                state @ (SecurityState::Parted
                | SecurityState::Attacked
                | SecurityState::Unproved
                | SecurityState::CodeDiffers
                | SecurityState::KeyChanged
                | SecurityState::Split) => told.push(What::Wrong(format!("{state:?}"))),
            }
        }
        let is_wrong = |what: &NoticeKind| {
            matches!(what, NoticeKind::CommitRefused { .. } | NoticeKind::LogForked | NoticeKind::Undelivered | NoticeKind::Ghost)
        };
        told.extend(update.notices.iter().filter(|notice| is_wrong(&notice.what)).map(|notice| What::Wrong(format!("{:?}", notice.what))));
        if people != before.people {
            told.push(What::Sees(people));
        }
        let is_back = |who: &String| update.members.iter().any(|m| m.identity == *who);
        let gone: Vec<_> = update.removed.iter().filter(|who| !is_back(who)).cloned().collect();
        if !gone.is_empty() {
            told.push(What::Gone(gone));
        }
        told.into_iter().for_each(|what| self.tell(what));
        if let Some(command) = next {
            self.handle(Input::Command(command));
        }
    }
}

/// Waits until `is_enough` of what was told; gives all of that.
pub(crate) fn until(telling: &mut Telling, patience: Duration, mut is_enough: impl FnMut(&Told) -> bool) -> anyhow::Result<()> {
    let end = Instant::now() + patience;
    let runtime = Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        loop {
            let told = tokio::time::timeout_at(end.into(), telling.recv()).await.context("not in time")?.context("nobody is left")?;
            if is_enough(&told) {
                return Ok(());
            }
        }
    })
}
