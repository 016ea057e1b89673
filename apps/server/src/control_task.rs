//! The task that drives [`Rooms`]: WebSockets, storage and the media server on one side, the machine on the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conclave_admission::{Answer, Call, Config, Conn, Input, MediaCommand, MediaEvent, Output, Request, Rooms, StoreError};
use conclave_base::Redacted;
use conclave_livekit_proto::{Access, ApiKey, Grants};
use conclave_protocol::http::ApiErrorCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::clock::now;
use crate::media::{Media, Presence};
use crate::store::Store;

/// Commands that may wait for the brain. Few: each may be a message of the largest size.
const COMMANDS: usize = 64;
/// Messages that may wait for one client; the brain itself hands out fewer.
const OUTBOX: usize = 8192;
/// A media token is good for this long; the client renews it sooner.
const TOKEN_TTL: Duration = Duration::from_secs(600);
/// WebSockets at a time; the brain itself lets in fewer.
const SOCKETS: u32 = 1 << 16;
/// After the farewell, WebSockets get this long.
const GRACE: Duration = Duration::from_secs(2);
/// Longest sleep.
const NAP: Duration = Duration::from_secs(60);

enum Command {
    Call { call: Call, answer: oneshot::Sender<Result<Answer, ApiErrorCode>> },
    Open { conn: Conn, to: mpsc::Sender<Arc<[u8]>> },
    Message { conn: Conn, bytes: Vec<u8> },
    Unreadable { conn: Conn },
    Sent { conn: Conn, bytes: usize },
    Closed { conn: Conn },
    Stop { done: oneshot::Sender<()> },
}

/// A handle to the brain; cheap to clone.
#[derive(Clone)]
pub(crate) struct Brain {
    commands: mpsc::Sender<Command>,
    next: Arc<AtomicU64>,
    /// One permit for each open WebSocket.
    sockets: Arc<Semaphore>,
}

impl Brain {
    /// Starts the task.
    pub(crate) fn start(store: Store, key: ApiKey, config: Config, media: Media, presence: mpsc::Receiver<Presence>) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let rooms = Rooms::new(config, now());
        let shell = Shell { rooms, store, key, media, clients: BTreeMap::new(), calls: BTreeMap::new(), last_request: 0 };
        tokio::spawn(shell.run(inbox, presence));
        Self { commands, next: Arc::new(AtomicU64::new(1)), sockets: Arc::new(Semaphore::new(SOCKETS as usize)) }
    }

    /// An HTTP request.
    pub(crate) async fn call(&self, call: Call) -> Result<Answer, ApiErrorCode> {
        let (answer, from) = oneshot::channel();
        self.tell(Command::Call { call, answer }).await;
        from.await.unwrap_or(Err(ApiErrorCode::Internal))
    }

    /// A new WebSocket: its number, and what it is sent.
    pub(crate) async fn open(&self) -> (Conn, mpsc::Receiver<Arc<[u8]>>) {
        let conn = Conn(self.next.fetch_add(1, Ordering::Relaxed));
        let (to, from) = mpsc::channel(OUTBOX);
        self.tell(Command::Open { conn, to }).await;
        (conn, from)
    }

    /// A binary message from a WebSocket.
    pub(crate) async fn message(&self, conn: Conn, bytes: Vec<u8>) {
        self.tell(Command::Message { conn, bytes }).await;
    }

    /// Something from a WebSocket that is no message of ours.
    pub(crate) async fn unreadable(&self, conn: Conn) {
        self.tell(Command::Unreadable { conn }).await;
    }

    /// A WebSocket took so many bytes.
    pub(crate) async fn sent(&self, conn: Conn, bytes: usize) {
        self.tell(Command::Sent { conn, bytes }).await;
    }

    /// A WebSocket is gone.
    pub(crate) async fn closed(&self, conn: Conn) {
        self.tell(Command::Closed { conn }).await;
    }

    /// Keeps [`Brain::stop`] waiting until it is dropped; `None` once the server stops.
    pub(crate) async fn hold(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.sockets).acquire_owned().await.ok()
    }

    /// Tells everybody that the server stops; returns when every WebSocket has been closed, or will not be.
    pub(crate) async fn stop(&self) {
        let (done, told) = oneshot::channel();
        self.tell(Command::Stop { done }).await;
        if told.await.is_err() {
            tracing::debug!("the brain had stopped before");
        }
        if tokio::time::timeout(GRACE, self.sockets.acquire_many(SOCKETS)).await.is_err() {
            tracing::debug!("some clients did not take their farewell");
        }
    }

    /// Returns when the task has ended: while a handle is left, that is a panic.
    pub(crate) async fn ended(&self) {
        self.commands.closed().await;
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
    media: Media,
    clients: BTreeMap<Conn, mpsc::Sender<Arc<[u8]>>>,
    calls: BTreeMap<Request, oneshot::Sender<Result<Answer, ApiErrorCode>>>,
    last_request: u64,
}

impl Shell {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>, mut presence: mpsc::Receiver<Presence>) {
        loop {
            let until = self.drain().await;
            tokio::select! {
                command = inbox.recv() => match command {
                    Some(command) => self.command(command).await,
                    None => return,
                },
                Some(event) = presence.recv() => self.presence(event),
                () = tokio::time::sleep(until) => self.input(Input::Tick),
            }
        }
    }

    /// Does all that is to be done now; returns how long nothing will be.
    async fn drain(&mut self) -> Duration {
        loop {
            match self.rooms.poll(now()) {
                // A client that does not read is cut off: its sender is dropped, and its WebSocket with it.
                Output::Send { conn, bytes } => {
                    if self.clients.get(&conn).is_some_and(|client| client.try_send(bytes).is_err()) {
                        self.clients.remove(&conn);
                    }
                }
                Output::Close { conn, reason } => {
                    tracing::debug!(?reason, "connection closed");
                    self.clients.remove(&conn);
                }
                Output::Answer { request, answer } => {
                    if let Some(asker) = self.calls.remove(&request) {
                        // The asker may be gone already; then nobody needs the answer.
                        drop(asker.send(answer));
                    }
                }
                Output::Load { ticket, meeting } => {
                    let record = self.store.find(meeting).map_err(|e| failed(&e));
                    self.input(Input::Loaded { ticket, record });
                }
                Output::Store { ticket, record } => {
                    let result = self
                        .store
                        .insert(&record)
                        .map_err(|e| failed(&e))
                        .and_then(|kept| if kept { Ok(()) } else { Err(StoreError::Exists) });
                    self.input(Input::Stored { ticket, result });
                }
                Output::Forget { expired } => match self.store.forget_expired(expired) {
                    Ok(0) => {}
                    Ok(count) => tracing::info!(count, "expired meetings forgotten"),
                    Err(e) => drop(failed(&e)),
                },
                Output::Mint { ticket, meeting, identity } => {
                    let grants = Grants::member(meeting.to_text());
                    let access = Access { identity: Redacted::new(identity.to_text()), grants, ..Access::default() };
                    let token = self.key.mint(&access, now(), TOKEN_TTL).inspect_err(|e| tracing::error!("no media token: {e}")).ok();
                    self.input(Input::Minted { ticket, token });
                }
                Output::Media(MediaCommand::Expel { meeting, identity }) => self.media.expel(meeting.to_text(), identity.to_text()).await,
                Output::Idle(until) => return until.since(now()).min(NAP),
            }
        }
    }

    async fn command(&mut self, command: Command) {
        match command {
            Command::Call { call, answer } => {
                self.last_request += 1;
                let request = Request(self.last_request);
                self.calls.insert(request, answer);
                self.input(Input::Http { request, call });
            }
            Command::Open { conn, to } => {
                self.clients.insert(conn, to);
                self.input(Input::Connected { conn });
            }
            Command::Message { conn, bytes } => self.input(Input::Message { conn, bytes: &bytes }),
            Command::Unreadable { conn } => self.input(Input::Unreadable { conn }),
            Command::Sent { conn, bytes } => self.input(Input::Sent { conn, bytes }),
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

    fn presence(&mut self, Presence { there, room, identity }: Presence) {
        // Rooms and identities of foreign SDK users are not ours: they parse as no id.
        if let (Ok(meeting), Ok(identity)) = (room.expose().parse(), identity.expose().parse()) {
            let event = if there { MediaEvent::Joined { meeting, identity } } else { MediaEvent::Left { meeting, identity } };
            self.input(Input::Media(event));
        }
    }

    fn input(&mut self, input: Input<'_>) {
        if let Err(e) = self.rooms.handle(input, now()) {
            tracing::trace!("{e}");
        }
    }
}

/// The log gets the kind of error, never the row.
fn failed(error: &rusqlite::Error) -> StoreError {
    tracing::error!(code = ?error.sqlite_error_code(), "the database failed");
    StoreError::Failed
}
