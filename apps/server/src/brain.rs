//! The task that drives [`Rooms`]: WebSockets, storage and the media server on one side, the machine on the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base::{MeetingId, Private};
use rooms::{Conn, Input, InputError, MediaCommand, MediaEvent, Output, Record, Rooms};
use signal::{Access, ApiKey, Grants};
use tokio::sync::{mpsc, oneshot};
use wire::http::{CreateMeeting, MeetingInfo, Problem, ProblemCode};

use crate::clock::now;
use crate::media::{Left, Media};
use crate::store::{Inserted, Store};

/// Commands that may wait for the brain.
const COMMANDS: usize = 4096;
/// Messages that may wait for one slow client, which is then cut off.
const OUTBOX: usize = 4096;
/// A media token is good for this long; the client renews it sooner.
const TOKEN_TTL: Duration = Duration::from_secs(600);
/// Meetings made in a minute, over all clients: more is somebody filling the disk.
const MADE_PER_MINUTE: u32 = 600;
/// How often what has expired is forgotten.
const SWEEP: Duration = Duration::from_secs(60);

enum Command {
    Create { create: CreateMeeting, answer: oneshot::Sender<Result<u64, Problem>> },
    LookUp { meeting: MeetingId, answer: oneshot::Sender<Result<MeetingInfo, Problem>> },
    Open { conn: Conn, to: mpsc::Sender<Arc<[u8]>> },
    Message { conn: Conn, bytes: Vec<u8> },
    Closed { conn: Conn },
    Stop { done: oneshot::Sender<()> },
}

/// A handle to the brain; cheap to clone.
#[derive(Clone)]
pub(crate) struct Brain {
    commands: mpsc::Sender<Command>,
    next: Arc<AtomicU64>,
}

impl Brain {
    /// Starts the task.
    pub(crate) fn start(store: Store, key: ApiKey, keep: Duration, seed: [u8; 32], media: Media, presence: mpsc::Receiver<Left>) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let shell = Shell { rooms: Rooms::new(seed), store, key, keep, media, clients: BTreeMap::new(), made: 0 };
        tokio::spawn(shell.run(inbox, presence));
        Self { commands, next: Arc::new(AtomicU64::new(1)) }
    }

    /// Keeps a meeting; Unix seconds of its expiry.
    pub(crate) async fn create(&self, create: CreateMeeting) -> Result<u64, Problem> {
        self.ask(|answer| Command::Create { create, answer }).await
    }

    /// What is kept of a meeting.
    pub(crate) async fn look_up(&self, meeting: MeetingId) -> Result<MeetingInfo, Problem> {
        self.ask(|answer| Command::LookUp { meeting, answer }).await
    }

    /// A new WebSocket: its number, and what it is sent.
    pub(crate) async fn open(&self) -> (Conn, mpsc::Receiver<Arc<[u8]>>) {
        let conn = Conn(self.next.fetch_add(1, Ordering::Relaxed));
        let (to, from) = mpsc::channel(OUTBOX);
        self.tell(Command::Open { conn, to }).await;
        (conn, from)
    }

    /// A message from a WebSocket.
    pub(crate) async fn message(&self, conn: Conn, bytes: Vec<u8>) {
        self.tell(Command::Message { conn, bytes }).await;
    }

    /// A WebSocket is gone.
    pub(crate) async fn closed(&self, conn: Conn) {
        self.tell(Command::Closed { conn }).await;
    }

    /// Tells everybody that the server stops; returns when that is on its way.
    pub(crate) async fn stop(&self) {
        let (done, told) = oneshot::channel();
        self.tell(Command::Stop { done }).await;
        if told.await.is_err() {
            tracing::debug!("the brain had stopped before");
        }
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<Result<T, Problem>>) -> Command) -> Result<T, Problem> {
        let (answer, from) = oneshot::channel();
        self.tell(command(answer)).await;
        from.await.unwrap_or_else(|_stopped| Err(rooms::problem(ProblemCode::Internal)))
    }

    async fn tell(&self, command: Command) {
        if self.commands.send(command).await.is_err() {
            tracing::debug!("the brain has stopped");
        }
    }
}

struct Shell {
    rooms: Rooms,
    store: Store,
    key: ApiKey,
    keep: Duration,
    media: Media,
    clients: BTreeMap<Conn, mpsc::Sender<Arc<[u8]>>>,
    /// Meetings made since the last sweep.
    made: u32,
}

impl Shell {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>, mut presence: mpsc::Receiver<Left>) {
        let mut sweep = tokio::time::interval(SWEEP);
        loop {
            let until = self.drain().await;
            tokio::select! {
                command = inbox.recv() => match command {
                    Some(command) => self.command(command).await,
                    None => return,
                },
                Some(event) = presence.recv() => self.left(event),
                _ = sweep.tick() => self.sweep(),
                () = tokio::time::sleep(until) => self.input(Input::Tick),
            }
        }
    }

    /// Does all that is to be done now; returns how long nothing will be.
    async fn drain(&mut self) -> Duration {
        loop {
            match self.rooms.poll() {
                // A client that does not read is cut off: its sender is dropped, and its WebSocket with it.
                Output::Send { conn, bytes } => {
                    if self.clients.get(&conn).is_some_and(|client| client.try_send(bytes).is_err()) {
                        self.clients.remove(&conn);
                    }
                }
                Output::Close { conn } => drop(self.clients.remove(&conn)),
                Output::Load { meeting } => {
                    let record = self.find(meeting).unwrap_or_default();
                    self.input(Input::Loaded { meeting, record });
                }
                Output::Mint { conn, meeting, identity } => {
                    let access = Access { identity: Private::new(identity.to_text()), grants: Grants::member(meeting.to_text()), ..Access::default() };
                    match self.key.mint(&access, now(), TOKEN_TTL) {
                        Ok(token) => self.input(Input::Minted { conn, token }),
                        Err(e) => tracing::error!("no media token: {e}"),
                    }
                }
                Output::Media(MediaCommand::Expel { meeting, identity }) => self.media.expel(meeting.to_text(), identity.to_text()).await,
                Output::Idle(until) => return until.since(now()).min(SWEEP),
            }
        }
    }

    async fn command(&mut self, command: Command) {
        match command {
            // Who asked may be gone already; then nobody needs the answer.
            Command::Create { create, answer } => drop(answer.send(self.create(create))),
            Command::LookUp { meeting, answer } => {
                let found = self.find(meeting).map(|r| r.filter(|r| !r.expired(now())));
                let inside = self.rooms.inside(meeting);
                let info = found.and_then(|r| r.map(|r| rooms::info(r, inside)).ok_or_else(|| rooms::problem(ProblemCode::NotFound)));
                drop(answer.send(info));
            }
            Command::Open { conn, to } => {
                self.clients.insert(conn, to);
                self.input(Input::Connected { conn });
            }
            Command::Message { conn, bytes } => self.input(Input::Message { conn, bytes }),
            Command::Closed { conn } => {
                self.clients.remove(&conn);
                self.input(Input::Disconnected { conn });
            }
            Command::Stop { done } => {
                self.input(Input::Stop);
                self.drain().await;
                let (Ok(()) | Err(())) = done.send(());
            }
        }
    }

    fn create(&mut self, create: CreateMeeting) -> Result<u64, Problem> {
        if self.made >= MADE_PER_MINUTE {
            return Err(rooms::problem(ProblemCode::Busy));
        }
        self.made += 1;
        let record = rooms::check(create, self.keep, now())?;
        match self.store.insert(&record) {
            Ok(Inserted::Yes) => Ok(record.expires_at),
            Ok(Inserted::Exists) => Err(rooms::problem(ProblemCode::Exists)),
            Err(e) => Err(internal(&e)),
        }
    }

    fn find(&self, meeting: MeetingId) -> Result<Option<Record>, Problem> {
        self.store.find(meeting).map_err(|e| internal(&e))
    }

    fn left(&mut self, Left { room, identity }: Left) {
        // Rooms and identities of foreign SDK users are not ours: they parse as no id.
        if let (Ok(meeting), Ok(identity)) = (room.reveal().parse(), identity.reveal().parse()) {
            self.input(Input::Media(MediaEvent::Left { meeting, identity }));
        }
    }

    fn sweep(&mut self) {
        self.made = 0;
        match self.store.forget_expired(now().as_millis() / 1000) {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "expired meetings forgotten"),
            Err(e) => drop(internal(&e)),
        }
        let counters = self.rooms.counters();
        if counters != rooms::Counters::default() {
            tracing::debug!(?counters, "since the start");
        }
    }

    fn input(&mut self, input: Input) {
        match self.rooms.handle(input, now()) {
            Ok(()) | Err(InputError::UnknownConnection) => {}
            Err(e) => tracing::debug!("{e}"),
        }
    }
}

/// The log gets the kind of error, never the row.
fn internal(error: &rusqlite::Error) -> Problem {
    tracing::error!(code = ?error.sqlite_error_code(), "the database failed");
    rooms::problem(ProblemCode::Internal)
}
