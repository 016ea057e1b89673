//! The task that drives [`Admission`]: WebSockets, storage and the media server on one side, the state machine on the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conclave_admission::{
    Admission, Config, ConnectionId, HttpRequest, HttpRequestId, HttpResponse, Input, MediaCommand, MediaEvent, Output,
};
use conclave_base::{Machine as _, MeetingId, MemberId, Polled, Redacted};
use conclave_livekit_proto::{Access, ApiKey, Grants};
use conclave_protocol::http::ApiErrorCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::clock::now;
use crate::database::Database;
use crate::media_thread::{Media, MediaPresence};

/// Commands that may wait for the task. Few: each may be a message of the largest size.
const COMMANDS: usize = 64;
/// Messages that may wait for one client; [`Admission`] itself hands out fewer.
const OUTBOX: usize = 8192;
/// A media token is good for this long; the client renews it sooner.
const TOKEN_TTL: Duration = Duration::from_secs(600);
/// WebSockets at a time; [`Admission`] itself lets in fewer.
const CONNECTIONS: u32 = 1 << 16;
/// After the last message, WebSockets get this long to close.
const GRACE: Duration = Duration::from_secs(2);
/// Longest sleep.
const MAX_SLEEP: Duration = Duration::from_secs(60);

enum Command {
    HttpRequest { request: HttpRequest, response: oneshot::Sender<Result<HttpResponse, ApiErrorCode>> },
    Open { conn: ConnectionId, outbox: mpsc::Sender<Arc<[u8]>> },
    Message { conn: ConnectionId, bytes: Vec<u8> },
    Unreadable { conn: ConnectionId },
    Alive { conn: ConnectionId },
    Sent { conn: ConnectionId, bytes: usize },
    Closed { conn: ConnectionId },
    Stop { done: oneshot::Sender<()> },
}

/// A handle to the task; cheap to clone.
#[derive(Clone)]
pub(crate) struct ControlHandle {
    commands: mpsc::Sender<Command>,
    next_connection: Arc<AtomicU64>,
    /// One permit for each open WebSocket.
    connections: Arc<Semaphore>,
}

impl ControlHandle {
    /// Starts the task.
    pub(crate) fn start(database: Database, key: ApiKey, config: Config, media: Media, presence: mpsc::Receiver<MediaPresence>) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let task = ControlTask {
            admission: Admission::new(config, now()),
            database,
            key,
            media,
            outboxes: BTreeMap::new(),
            http_requests: BTreeMap::new(),
            last_http_request: 0,
        };
        tokio::spawn(task.run(inbox, presence));
        Self { commands, next_connection: Arc::new(AtomicU64::new(1)), connections: Arc::new(Semaphore::new(CONNECTIONS as usize)) }
    }

    /// Answers an HTTP request.
    pub(crate) async fn respond(&self, request: HttpRequest) -> Result<HttpResponse, ApiErrorCode> {
        let (response, from) = oneshot::channel();
        self.command(Command::HttpRequest { request, response }).await;
        from.await.unwrap_or(Err(ApiErrorCode::Internal))
    }

    /// A new WebSocket: its number, and what it is sent.
    pub(crate) async fn open(&self) -> (ConnectionId, mpsc::Receiver<Arc<[u8]>>) {
        let conn = ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed));
        let (outbox, from) = mpsc::channel(OUTBOX);
        self.command(Command::Open { conn, outbox }).await;
        (conn, from)
    }

    /// A binary message came from a WebSocket.
    pub(crate) async fn on_message(&self, conn: ConnectionId, bytes: Vec<u8>) {
        self.command(Command::Message { conn, bytes }).await;
    }

    /// Something came from a WebSocket that is no message of ours.
    pub(crate) async fn on_unreadable(&self, conn: ConnectionId) {
        self.command(Command::Unreadable { conn }).await;
    }

    /// A WebSocket answered a ping.
    pub(crate) async fn on_alive(&self, conn: ConnectionId) {
        self.command(Command::Alive { conn }).await;
    }

    /// A WebSocket took so many bytes.
    pub(crate) async fn on_sent(&self, conn: ConnectionId, bytes: usize) {
        self.command(Command::Sent { conn, bytes }).await;
    }

    /// A WebSocket is gone.
    pub(crate) async fn on_closed(&self, conn: ConnectionId) {
        self.command(Command::Closed { conn }).await;
    }

    /// Keeps [`Self::stop`] waiting until it is dropped; `None` once the server stops.
    pub(crate) async fn connection_permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.connections).acquire_owned().await.ok()
    }

    /// Tells every client that the server stops; returns when every WebSocket has been closed, or will not be.
    pub(crate) async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        self.command(Command::Stop { done }).await;
        if stopped.await.is_err() {
            tracing::debug!("the control task had stopped before");
        }
        if tokio::time::timeout(GRACE, self.connections.acquire_many(CONNECTIONS)).await.is_err() {
            tracing::debug!("some clients did not close in time");
        }
    }

    /// Returns when the task has ended: while a handle is left, that is a panic of it or of the database's thread.
    pub(crate) async fn ended(&self) {
        self.commands.closed().await;
    }

    async fn command(&self, command: Command) {
        if self.commands.send(command).await.is_err() {
            tracing::debug!("the control task has stopped");
        }
    }
}

struct ControlTask {
    admission: Admission,
    database: Database,
    key: ApiKey,
    media: Media,
    outboxes: BTreeMap<ConnectionId, mpsc::Sender<Arc<[u8]>>>,
    http_requests: BTreeMap<HttpRequestId, oneshot::Sender<Result<HttpResponse, ApiErrorCode>>>,
    last_http_request: u64,
}

impl ControlTask {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>, mut presence: mpsc::Receiver<MediaPresence>) {
        loop {
            let idle = self.drain().await;
            tokio::select! {
                command = inbox.recv() => match command {
                    Some(command) => self.on_command(command).await,
                    None => return,
                },
                answer = self.database.answer() => match answer {
                    Some(input) => self.input(input),
                    None => return,
                },
                Some(event) = presence.recv() => self.on_presence(event),
                () = tokio::time::sleep(idle) => self.input(Input::Timeout),
            }
        }
    }

    /// Performs all outputs; returns how long there will be none.
    async fn drain(&mut self) -> Duration {
        loop {
            match self.admission.poll() {
                Polled::Output(output) => self.perform(output).await,
                Polled::Idle(until) => return until.since(now()).min(MAX_SLEEP),
            }
        }
    }

    async fn perform(&mut self, output: Output) {
        match output {
            // A client that does not read is cut off: its sender is dropped, and its WebSocket with it.
            Output::Send { conn, bytes } => {
                if self.outboxes.get(&conn).is_some_and(|outbox| outbox.try_send(bytes).is_err()) {
                    self.outboxes.remove(&conn);
                }
            }
            Output::Close { conn, reason } => {
                tracing::debug!(?reason, "connection closed");
                self.outboxes.remove(&conn);
            }
            Output::HttpResponse { id, response } => {
                if let Some(client) = self.http_requests.remove(&id) {
                    // The client may be gone already; then the answer is not needed.
                    drop(client.send(response));
                }
            }
            Output::LoadMeeting { request, meeting } => {
                let queued = self.database.load(request, meeting);
                queued.unwrap_or_else(|answer| self.input(answer));
            }
            Output::StoreMeeting { request, record } => {
                let queued = self.database.insert(request, record);
                queued.unwrap_or_else(|answer| self.input(answer));
            }
            Output::UpdateMeeting { request, meeting, sealed_meta } => {
                let queued = self.database.update(request, meeting, sealed_meta);
                queued.unwrap_or_else(|answer| self.input(answer));
            }
            Output::DeleteExpired { until } => self.database.delete_expired(until),
            Output::IssueToken { request, meeting, identity } => {
                let token = self.issue_token(meeting, identity);
                self.input(Input::TokenIssued { request, token });
            }
            Output::Media(MediaCommand::Expel { meeting, identity }) => self.media.expel(meeting.to_text(), identity.to_text()).await,
        }
    }

    fn issue_token(&self, meeting: MeetingId, identity: MemberId) -> Option<String> {
        let grants = Grants::member(meeting.to_text());
        let access = Access { identity: Redacted::new(identity.to_text()), grants, ..Access::default() };
        self.key.mint(&access, now(), TOKEN_TTL).inspect_err(|e| tracing::error!("no media token: {e}")).ok()
    }

    async fn on_command(&mut self, command: Command) {
        match command {
            Command::HttpRequest { request, response } => {
                self.last_http_request += 1;
                let id = HttpRequestId(self.last_http_request);
                self.http_requests.insert(id, response);
                self.input(Input::HttpRequest { id, request });
            }
            Command::Open { conn, outbox } => {
                self.outboxes.insert(conn, outbox);
                self.input(Input::Connected { conn });
            }
            Command::Message { conn, bytes } => self.input(Input::Message { conn, bytes: &bytes }),
            Command::Unreadable { conn } => self.input(Input::Unreadable { conn }),
            Command::Alive { conn } => self.input(Input::Alive { conn }),
            Command::Sent { conn, bytes } => self.input(Input::Sent { conn, bytes }),
            Command::Closed { conn } => {
                self.outboxes.remove(&conn);
                self.input(Input::Disconnected { conn });
            }
            Command::Stop { done } => {
                self.input(Input::Stop);
                self.drain().await;
                let (Ok(()) | Err(())) = done.send(());
            }
        }
    }

    fn on_presence(&mut self, MediaPresence { there, room, identity }: MediaPresence) {
        // Rooms and identities of foreign SDK users are not ours: they parse as no id.
        if let (Ok(meeting), Ok(identity)) = (room.expose().parse(), identity.expose().parse()) {
            let event = if there { MediaEvent::Joined { meeting, identity } } else { MediaEvent::Left { meeting, identity } };
            self.input(Input::Media(event));
        }
    }

    fn input(&mut self, input: Input<'_>) {
        if let Err(e) = self.admission.handle(input, now()) {
            tracing::trace!("{e}");
        }
    }
}
