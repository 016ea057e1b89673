//! The task that drives [`Admission`]: WebSockets, storage and the media server on one side, the state machine on the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conclave_admission::{
    Admission, Block, Config, ConnectionId, Figures, HttpRequest, HttpRequestId, HttpResponse, Input, MediaCommand, MediaEvent, Output,
};
use conclave_base::{Machine as _, MeetingId, MemberId, Polled, Redacted};
use conclave_livekit_proto::{Access, ApiKey, Grants};
use conclave_protocol::http::ApiErrorCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::bus::Bus;
use crate::clients::Place;
use crate::clock::now;
use crate::database::Database;
use crate::engine::Engine;
use crate::media_thread::MediaPresence;

/// Commands that may wait for the task. Few: each may be a message of the largest size.
const COMMANDS: usize = 64;
/// Commands of members that come before one of a newcomer that waits.
const MEMBERS_IN_A_ROW: u32 = 16;
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
    HttpRequest { block: Block, request: HttpRequest, response: oneshot::Sender<Result<HttpResponse, ApiErrorCode>> },
    Open { conn: ConnectionId, block: Block, place: Arc<Place>, outbox: mpsc::Sender<Arc<[u8]>> },
    Message { conn: ConnectionId, bytes: Vec<u8> },
    Unreadable { conn: ConnectionId },
    Alive { conn: ConnectionId },
    Sent { conn: ConnectionId, bytes: usize },
    Closed { conn: ConnectionId },
    Figures { to: oneshot::Sender<Figures> },
    Drain { notice: Duration, done: oneshot::Sender<()> },
    Stop { done: oneshot::Sender<()> },
}

/// A handle to the task; cheap to clone.
#[derive(Clone)]
pub(crate) struct ControlHandle {
    /// Of those who are in a meeting, and about what they were sent.
    members: mpsc::Sender<Command>,
    /// Of all others.
    newcomers: mpsc::Sender<Command>,
    next_connection: Arc<AtomicU64>,
    /// One permit for each open WebSocket.
    connections: Arc<Semaphore>,
}

impl ControlHandle {
    /// Starts the task.
    pub(crate) fn start(
        database: Database,
        bus: Bus,
        key: ApiKey,
        config: Config,
        media: Engine,
        presence: mpsc::Receiver<MediaPresence>,
    ) -> Self {
        let (members, from_members) = mpsc::channel(COMMANDS);
        let (newcomers, from_newcomers) = mpsc::channel(COMMANDS);
        let inbox = Inbox { members: from_members, newcomers: from_newcomers, in_a_row: 0 };
        let task = ControlTask {
            admission: Admission::new(config, now()),
            database,
            bus,
            key,
            media,
            outboxes: BTreeMap::new(),
            http_requests: BTreeMap::new(),
            last_http_request: 0,
            draining: None,
        };
        tokio::spawn(task.run(inbox, presence));
        Self {
            members,
            newcomers,
            next_connection: Arc::new(AtomicU64::new(1)),
            connections: Arc::new(Semaphore::new(CONNECTIONS as usize)),
        }
    }

    /// Answers an HTTP request.
    pub(crate) async fn respond(&self, block: Block, request: HttpRequest) -> Result<HttpResponse, ApiErrorCode> {
        let (response, from) = oneshot::channel();
        send(&self.newcomers, Command::HttpRequest { block, request, response }).await;
        from.await.unwrap_or(Err(ApiErrorCode::Internal))
    }

    /// A new WebSocket: its number, and what it is sent.
    pub(crate) async fn open(&self, block: Block, place: Arc<Place>) -> (ConnectionId, mpsc::Receiver<Arc<[u8]>>) {
        let conn = ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed));
        let (outbox, from) = mpsc::channel(OUTBOX);
        send(&self.newcomers, Command::Open { conn, block, place, outbox }).await;
        (conn, from)
    }

    /// A binary message came from a WebSocket.
    pub(crate) async fn on_message(&self, conn: ConnectionId, place: &Place, bytes: Vec<u8>) {
        send(self.commands_of(place), Command::Message { conn, bytes }).await;
    }

    /// Something came from a WebSocket that is no message of ours.
    pub(crate) async fn on_unreadable(&self, conn: ConnectionId, place: &Place) {
        send(self.commands_of(place), Command::Unreadable { conn }).await;
    }

    /// A WebSocket answered a ping.
    pub(crate) async fn on_alive(&self, conn: ConnectionId, place: &Place) {
        send(self.commands_of(place), Command::Alive { conn }).await;
    }

    /// A WebSocket took so many bytes.
    pub(crate) async fn on_sent(&self, conn: ConnectionId, bytes: usize) {
        // Always by the same way: these must keep their order.
        send(&self.members, Command::Sent { conn, bytes }).await;
    }

    /// A WebSocket is gone.
    pub(crate) async fn on_closed(&self, conn: ConnectionId, place: &Place) {
        send(self.commands_of(place), Command::Closed { conn }).await;
    }

    /// How it is at this moment. `None` once the task has ended.
    pub(crate) async fn figures(&self) -> Option<Figures> {
        let (to, figures) = oneshot::channel();
        send(&self.members, Command::Figures { to }).await;
        figures.await.ok()
    }

    fn commands_of(&self, place: &Place) -> &mpsc::Sender<Command> {
        if place.is_proved() { &self.members } else { &self.newcomers }
    }

    /// Keeps [`Self::stop`] waiting until it is dropped; `None` once the server stops.
    pub(crate) async fn connection_permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.connections).acquire_owned().await.ok()
    }

    /// Takes nobody any more, and after `notice` sends all members to other nodes; returns when they are there, or gone.
    pub(crate) async fn drain(&self, notice: Duration) {
        let (done, drained) = oneshot::channel();
        send(&self.members, Command::Drain { notice, done }).await;
        let (Ok(()) | Err(_)) = drained.await;
    }

    /// Tells every client that the server stops; returns when every WebSocket has been closed, or will not be.
    pub(crate) async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        send(&self.members, Command::Stop { done }).await;
        if stopped.await.is_err() {
            tracing::debug!("the control task had stopped before");
        }
        if tokio::time::timeout(GRACE, self.connections.acquire_many(CONNECTIONS)).await.is_err() {
            tracing::debug!("some clients did not close in time");
        }
    }

    /// Returns when the task has ended: while a handle is left, that is a panic of it or of the database's thread.
    pub(crate) async fn ended(&self) {
        self.members.closed().await;
    }
}

async fn send(commands: &mpsc::Sender<Command>, command: Command) {
    if commands.send(command).await.is_err() {
        tracing::debug!("the control task has stopped");
    }
}

/// Commands, those of members first; but newcomers get a turn after so many.
struct Inbox {
    members: mpsc::Receiver<Command>,
    newcomers: mpsc::Receiver<Command>,
    in_a_row: u32,
}

impl Inbox {
    async fn recv(&mut self) -> Option<Command> {
        if self.in_a_row >= MEMBERS_IN_A_ROW
            && let Ok(command) = self.newcomers.try_recv()
        {
            self.in_a_row = 0;
            return Some(command);
        }
        tokio::select! {
            biased;
            command = self.members.recv() => {
                self.in_a_row += 1;
                command
            }
            command = self.newcomers.recv() => {
                self.in_a_row = 0;
                command
            }
        }
    }
}

/// What one WebSocket is sent, and its place.
struct Outbox {
    messages: mpsc::Sender<Arc<[u8]>>,
    place: Arc<Place>,
}

struct ControlTask {
    admission: Admission,
    database: Database,
    bus: Bus,
    key: ApiKey,
    media: Engine,
    outboxes: BTreeMap<ConnectionId, Outbox>,
    http_requests: BTreeMap<HttpRequestId, oneshot::Sender<Result<HttpResponse, ApiErrorCode>>>,
    last_http_request: u64,
    /// Told when all members are elsewhere.
    draining: Option<oneshot::Sender<()>>,
}

impl ControlTask {
    async fn run(mut self, mut inbox: Inbox, mut presence: mpsc::Receiver<MediaPresence>) {
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
                answer = self.bus.answer() => match answer {
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
                if self.outboxes.get(&conn).is_some_and(|outbox| outbox.messages.try_send(bytes).is_err()) {
                    self.outboxes.remove(&conn);
                }
            }
            Output::Admitted { conn } => {
                if let Some(outbox) = self.outboxes.get(&conn) {
                    outbox.place.prove();
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
                queued.unwrap_or_else(|answer| self.input(*answer));
            }
            Output::StoreMeeting { request, record } => {
                let queued = self.database.insert(request, record);
                queued.unwrap_or_else(|answer| self.input(*answer));
            }
            Output::UpdateMeeting { request, meeting, sealed_meta } => {
                let queued = self.database.update(request, meeting, sealed_meta);
                queued.unwrap_or_else(|answer| self.input(*answer));
            }
            Output::DeleteExpired { until } => self.database.delete_expired(until),
            Output::IssueToken { request, meeting, identity } => {
                let token = self.issue_token(meeting, identity);
                self.input(Input::TokenIssued { request, token });
            }
            Output::Order { request, meeting, log, ask } => {
                for answer in self.bus.ask(request, meeting, log, ask) {
                    self.input(answer);
                }
            }
            Output::Count { request, count } => {
                if let Some(answer) = self.bus.count(request, count) {
                    self.input(answer);
                }
            }
            Output::Unfollow { meeting, log } => self.bus.unfollow(meeting, log),
            Output::Drained => {
                if let Some(done) = self.draining.take() {
                    let (Ok(()) | Err(())) = done.send(());
                }
            }
            Output::Media(MediaCommand::Permit { meeting, identity }) => self.media.permit(meeting.to_text(), identity.to_text()).await,
            Output::Media(MediaCommand::Release { meeting, identity }) => self.media.release(meeting.to_text(), identity.to_text()).await,
            Output::Media(MediaCommand::Expel { meeting, identity }) => self.media.expel(meeting.to_text(), identity.to_text()).await,
        }
    }

    fn issue_token(&self, meeting: MeetingId, identity: MemberId) -> Option<String> {
        let grants = Grants::member(meeting.to_text());
        let access = Access { identity: Redacted::new(identity.to_text()), grants, revocable: true, ..Access::default() };
        self.key.mint(&access, now(), TOKEN_TTL).inspect_err(|e| tracing::error!("no media token: {e}")).ok()
    }

    async fn on_command(&mut self, command: Command) {
        match command {
            Command::HttpRequest { block, request, response } => {
                self.last_http_request += 1;
                let id = HttpRequestId(self.last_http_request);
                self.http_requests.insert(id, response);
                self.input(Input::HttpRequest { id, block, request });
            }
            Command::Open { conn, block, place, outbox } => {
                self.outboxes.insert(conn, Outbox { messages: outbox, place });
                self.input(Input::Connected { conn, block });
            }
            Command::Message { conn, bytes } => self.input(Input::Message { conn, bytes: &bytes }),
            Command::Unreadable { conn } => self.input(Input::Unreadable { conn }),
            Command::Alive { conn } => self.input(Input::Alive { conn }),
            Command::Sent { conn, bytes } => self.input(Input::Sent { conn, bytes }),
            Command::Closed { conn } => {
                self.outboxes.remove(&conn);
                self.input(Input::Disconnected { conn });
            }
            Command::Figures { to } => {
                let (Ok(()) | Err(_)) = to.send(self.admission.figures());
            }
            Command::Drain { notice, done } => {
                self.draining = Some(done);
                self.input(Input::Drain { notice });
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
