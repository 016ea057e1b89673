//! A server whose shell keeps records in memory and answers at once, with the clients that the tests need.

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_admission::{
    Admission, Block, Config, ConnectionId, HttpRequest, HttpRequestId, HttpResponse, Input, InputError, LocalCounts, LocalOrders,
    MediaCommand, OrderError, Output, Record, StoreError,
};
use conclave_base::{Machine as _, MeetingId, MemberId, Polled, Secret, Seq, Time};
use conclave_delivery::{LogId, Told};
use conclave_protocol::http::{ApiErrorCode, CreateMeeting, UpdateMeeting};
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, Entry, LogPosition, ServerMessage};
use conclave_protocol::{challenge, host, limits};
use ed25519_dalek::{Signer as _, SigningKey};

/// Unix time, seconds.
pub(crate) const START: u64 = 1_700_000_000;
/// Whose WebSocket closed is gone after this.
pub(crate) const GONE_AFTER: Duration = Duration::from_secs(2);
/// Whose media connection is gone is reported after this.
pub(crate) const MEDIA_DISCONNECTED_AFTER: Duration = Duration::from_secs(3);

/// The server and all around it. Each socket takes what it is sent at once, except the stuck one.
pub(crate) struct World {
    pub(crate) admission: Admission,
    pub(crate) orders: LocalOrders,
    pub(crate) counts: LocalCounts,
    /// The order does not answer, nor what counts for all nodes.
    pub(crate) orders_away: bool,
    /// The log that somebody entered last.
    pub(crate) log: LogId,
    now: Time,
    pub(crate) stored: BTreeMap<MeetingId, Record>,
    pub(crate) storage_fails: bool,
    pub(crate) received: BTreeMap<ConnectionId, Vec<ServerMessage>>,
    closed: BTreeMap<ConnectionId, CloseReason>,
    responses: Vec<Result<HttpResponse, ApiErrorCode>>,
    pub(crate) media: Vec<MediaCommand>,
    /// How often the media server was told that somebody's tokens count.
    pub(crate) permits: u32,
    /// The node says that nobody is here any more.
    pub(crate) drained: bool,
    /// Whom the order called gone.
    pub(crate) called_gone: Vec<Vec<u8>>,
    /// Its socket takes nothing: what is sent to it stays in flight.
    pub(crate) stuck: Option<ConnectionId>,
    /// Bytes that the stuck socket did not take.
    pub(crate) in_flight: usize,
    /// The entry that was sent last, to any connection.
    last_entry: LogPosition,
    last: u64,
    /// Where clients are that connect now, and what meeting they want.
    pub(crate) block: Block,
    pub(crate) meeting: MeetingId,
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn identity(seed: u8) -> MemberId {
    MemberId::of_key(key(seed).verifying_key().as_bytes())
}

pub(crate) fn meeting() -> MeetingId {
    MeetingId::from_bytes([7; 16])
}

/// Where clients are, unless a test says otherwise, and somewhere else.
pub(crate) const HERE: Block = Block(1);
pub(crate) const THERE: Block = Block(2);

/// The host's key.
pub(crate) const HOST: u8 = 201;

/// Signed by the key of `seed`.
pub(crate) fn update(seed: u8, sealed_meta: Vec<u8>) -> UpdateMeeting {
    let signature = key(seed).sign(&host::update_claim(&meeting(), &sealed_meta)).to_bytes();
    UpdateMeeting { meeting: meeting(), host_key: *key(seed).verifying_key().as_bytes(), sealed_meta, signature }
}

pub(crate) fn create(expires_in: u64) -> CreateMeeting {
    let admission_key = *key(200).verifying_key().as_bytes();
    CreateMeeting {
        meeting: meeting(),
        admission_key,
        host_fingerprint: host::fingerprint(key(HOST).verifying_key().as_bytes()),
        sealed_meta: vec![2; 40],
        expires_in,
    }
}

impl World {
    pub(crate) fn empty(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(Secret::new([9; 32]), Secret::new([10; 32]));
        change(&mut config);
        let now = Time::from_millis(START * 1000);
        Self {
            admission: Admission::new(config, now),
            orders: LocalOrders::default(),
            counts: LocalCounts::default(),
            orders_away: false,
            log: LogId([0; 16]),
            now,
            stored: BTreeMap::new(),
            storage_fails: false,
            received: BTreeMap::new(),
            closed: BTreeMap::new(),
            responses: Vec::new(),
            media: Vec::new(),
            permits: 0,
            drained: false,
            called_gone: Vec::new(),
            stuck: None,
            in_flight: 0,
            last_entry: LogPosition { seq: Seq(0), chain_hash: [0; 32] },
            last: 0,
            block: HERE,
            meeting: meeting(),
        }
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut world = Self::empty(change);
        world.http(HttpRequest::create(create(3600))).expect("made");
        world
    }

    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        self.handle(input);
        loop {
            let answer = match self.admission.poll() {
                Polled::Idle(until) => {
                    assert!(until > self.now, "idle, and yet something is due");
                    return;
                }
                Polled::Output(Output::Send { conn, bytes }) => {
                    let message = ServerMessage::decode(&bytes).expect("the server encodes what it sends");
                    if let ServerMessage::Entry(Entry { seq, chain_hash, .. }) = message {
                        self.last_entry = LogPosition { seq, chain_hash };
                    }
                    self.received.entry(conn).or_default().push(message);
                    if self.stuck == Some(conn) {
                        self.in_flight += bytes.len();
                        continue;
                    }
                    Input::Sent { conn, bytes: bytes.len() }
                }
                Polled::Output(Output::Admitted { .. }) => continue,
                Polled::Output(Output::Drained) => {
                    self.drained = true;
                    continue;
                }
                Polled::Output(Output::Close { conn, reason }) => {
                    self.closed.insert(conn, reason);
                    Input::Disconnected { conn }
                }
                Polled::Output(Output::HttpResponse { response, .. }) => {
                    self.responses.push(response);
                    continue;
                }
                Polled::Output(Output::LoadMeeting { request, meeting }) => {
                    let record = if self.storage_fails { Err(StoreError::Busy) } else { Ok(self.stored.get(&meeting).cloned()) };
                    Input::MeetingLoaded { request, record }
                }
                Polled::Output(Output::StoreMeeting { request, record }) => {
                    let exists = self.stored.contains_key(&record.meeting);
                    self.stored.entry(record.meeting).or_insert(record);
                    Input::MeetingStored { request, result: if exists { Err(StoreError::Exists) } else { Ok(()) } }
                }
                Polled::Output(Output::UpdateMeeting { request, meeting, sealed_meta }) => {
                    self.stored.entry(meeting).and_modify(|record| record.sealed_meta = sealed_meta);
                    Input::MeetingStored { request, result: Ok(()) }
                }
                Polled::Output(Output::DeleteExpired { until }) => {
                    self.stored.retain(|_, record| record.expires_at > until);
                    continue;
                }
                Polled::Output(Output::IssueToken { request, .. }) => Input::TokenIssued { request, token: Some("token".to_owned()) },
                Polled::Output(Output::Order { request, meeting, log, ask }) => {
                    if self.orders_away {
                        if let Some(request) = request {
                            self.handle(Input::Told { request, told: Err(OrderError::Away), contents: None });
                        }
                        continue;
                    }
                    for answer in self.orders.handle(request, meeting, log, ask, self.now) {
                        if let Input::Told { told: Ok(Told::Entered { log, .. }), .. } = &answer {
                            self.log = *log;
                        }
                        if let Input::Ordered { entry, .. } = &answer
                            && entry.class == Class::Gone
                        {
                            self.called_gone.push(entry.sealed.clone());
                        }
                        self.handle(answer);
                    }
                    continue;
                }
                Polled::Output(Output::Count { request, count }) => {
                    let counted = if self.orders_away { Err(OrderError::Away) } else { Ok(self.counts.handle(count, self.now)) };
                    let Some(request) = request else { continue };
                    Input::Counted { request, counted }
                }
                Polled::Output(Output::Unfollow { meeting, log }) => {
                    self.orders.unfollow(meeting, log);
                    continue;
                }
                Polled::Output(Output::Media(MediaCommand::Permit { .. })) => {
                    self.permits += 1;
                    continue;
                }
                Polled::Output(Output::Media(command)) => {
                    self.media.push(command);
                    continue;
                }
            };
            self.handle(answer);
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        // Inputs that come too late are a matter of course.
        let (Ok(()) | Err(InputError::UnknownConnection | InputError::UnknownRequest)) = self.admission.handle(input, self.now);
    }

    pub(crate) fn http(&mut self, request: HttpRequest) -> Result<HttpResponse, ApiErrorCode> {
        self.http_from(HERE, request)
    }

    pub(crate) fn http_from(&mut self, block: Block, request: HttpRequest) -> Result<HttpResponse, ApiErrorCode> {
        self.last += 1;
        self.input(Input::HttpRequest { id: HttpRequestId(self.last), block, request });
        self.responses.pop().expect("every request is answered")
    }

    pub(crate) const fn now(&self) -> Time {
        self.now
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.input(Input::Timeout);
    }

    pub(crate) fn connect(&mut self) -> ConnectionId {
        self.last += 1;
        let conn = ConnectionId(self.last);
        self.input(Input::Connected { conn, block: self.block });
        conn
    }

    pub(crate) fn send(&mut self, conn: ConnectionId, message: &ClientMessage) {
        self.input(Input::Message { conn, bytes: &message.encode() });
    }

    pub(crate) fn hello(&mut self, after: Option<LogPosition>) -> (ConnectionId, Option<[u8; 32]>) {
        let conn = self.connect();
        self.send(conn, &ClientMessage::Hello { version: limits::PROTOCOL, meeting: self.meeting, after });
        let nonce = self
            .received(conn)
            .into_iter()
            .find_map(|message| if let ServerMessage::Challenge { nonce } = message { Some(nonce) } else { None });
        (conn, nonce)
    }

    pub(crate) fn prove(&mut self, conn: ConnectionId, admission: &SigningKey, member: &SigningKey, nonce: [u8; 32]) {
        let prove = ClientMessage::Prove {
            admission: admission.sign(&challenge::admission(&self.meeting, &nonce)).to_bytes(),
            identity_key: *member.verifying_key().as_bytes(),
            identity: member.sign(&challenge::identity(&self.meeting, &nonce)).to_bytes(),
        };
        self.send(conn, &prove);
    }

    pub(crate) fn enter(&mut self, member: u8, after: Option<LogPosition>) -> ConnectionId {
        let (conn, nonce) = self.hello(after);
        self.prove(conn, &key(200), &key(member), nonce.expect("the meeting is kept"));
        conn
    }

    /// The position of the entry that was sent last.
    pub(crate) const fn position(&self) -> LogPosition {
        self.last_entry
    }

    pub(crate) fn append(&mut self, conn: ConnectionId, class: Class, parent_commit: u64, sealed: Vec<u8>) -> ServerMessage {
        self.received.remove(&conn);
        self.send(conn, &ClientMessage::Append { request: 5, class, parent_commit: Seq(parent_commit), sealed });
        self.received.get(&conn).and_then(|all| all.first()).cloned().expect("every append is answered")
    }

    pub(crate) fn received(&mut self, conn: ConnectionId) -> Vec<ServerMessage> {
        self.received.remove(&conn).unwrap_or_default()
    }

    pub(crate) fn entries(&mut self, conn: ConnectionId) -> Vec<u64> {
        let entries = self
            .received(conn)
            .into_iter()
            .filter_map(|message| if let ServerMessage::Entry(Entry { seq, .. }) = message { Some(seq.0) } else { None });
        entries.collect()
    }

    pub(crate) fn closed(&self, conn: ConnectionId) -> Option<CloseReason> {
        self.closed.get(&conn).copied()
    }
}
