use std::sync::Arc;
use std::time::Duration;

use conclave_base::{MeetingId, MemberId, Secret, Time};
use conclave_delivery::{Ask, Contents, LogId, Ordered, Place, Told};
use conclave_protocol::http::{
    ApiErrorCode, AskHostKeys, CreateMeeting, EvaluatePassphrase, HostKeyOffers, HostKeyTaken, LookupMeeting, MeetingCreated, MeetingInfo,
    OfferHostKey, PassphraseEvaluated, PassphraseRight, TakeHostKey, UpdateMeeting,
};
use conclave_protocol::limits;
use conclave_protocol::ws::CloseReason;

use crate::allowances::{Count, Counted};

/// A WebSocket, as the shell numbers them, in the order in which they are opened. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// An HTTP request, as the shell numbers them. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpRequestId(pub u64);

/// Where a client is, as far as its share of what all clients have goes: an address block behind a keyed hash of the shell's. It stands
/// in no log and cannot be turned back.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block(pub u64);

/// Ties the shell's answer to the output that asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What the operator decides.
#[derive(Debug, Clone)]
pub struct Config {
    /// Randomness for challenges and names of logs.
    pub seed: Secret<32>,
    /// This process among those that serve the same meetings.
    pub node: u64,
    /// From it come the keys by which the server does its part of passphrases. It lasts: with another one, no meeting opens that has a passphrase.
    pub passphrases: Secret<32>,
    /// People in one session.
    pub people: u32,
    /// WebSockets at a time, admitted or not.
    pub connections: usize,
    /// Bytes of all sessions' logs together. Each counts for [`LOG_SHARE`](crate::LOG_SHARE) at least, which nobody can take from it.
    pub memory: usize,
    /// Longest life of a meeting.
    pub lifetime: Duration,
    /// Meetings made per second, on average, and at once, by all address blocks together; one block may make far fewer.
    pub creations: (u32, u32),
    /// Meetings looked up per second, on average, and at once, by all address blocks together; one block may look up far fewer.
    pub lookups: (u32, u32),
}

impl Config {
    /// What suits one small machine.
    pub const fn new(seed: Secret<32>, passphrases: Secret<32>) -> Self {
        Self {
            seed,
            node: 0,
            passphrases,
            people: limits::PEOPLE,
            connections: 10_000,
            memory: 1024 * 1024 * 1024,
            lifetime: Duration::from_secs(366 * 24 * 60 * 60),
            creations: (20, 200),
            lookups: (1000, 4000),
        }
    }
}

/// All that is kept of a meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Derived from the link.
    pub meeting: MeetingId,
    /// Ed25519 public key.
    pub admission_key: [u8; 32],
    /// First 16 bytes of SHA-256 over the host's public key.
    pub host_fingerprint: [u8; 16],
    /// Title and policy, sealed by the host.
    pub sealed_meta: Vec<u8>,
    /// Unix seconds.
    pub expires_at: u64,
    /// What it may cost, as it was when it was made: a plan that changes concerns meetings that are made later.
    pub plan: Plan,
}

/// What one meeting may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plan {
    /// People in one session, if fewer than [`Config::people`].
    pub people: Option<u32>,
    /// How long a session lasts, by its log's clock.
    pub lasts: Option<Duration>,
}

/// On what terms somebody makes a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// What the meeting may cost.
    pub plan: Plan,
    /// How many meetings whoever makes it may make.
    pub quota: Option<Quota>,
}

/// How many meetings somebody may make: so many at once, and as many again in a day's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Who, as a hash of the shell's, which leads back to nobody.
    pub creator: [u8; 16],
    /// How many.
    pub a_day: u32,
}

impl Record {
    pub(crate) fn people(&self, config: &Config) -> u32 {
        self.plan.people.map_or(config.people, |people| people.min(config.people))
    }

    pub(crate) fn is_expired(&self, now: Time) -> bool {
        self.expires_at <= now.as_millis() / 1000
    }
}

/// An HTTP request's meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpRequest {
    /// A `POST` to [`conclave_protocol::paths::MEETINGS`].
    Create(CreateMeeting, Terms),
    /// A `POST` to [`conclave_protocol::paths::MEETING_UPDATE`].
    Update(Box<UpdateMeeting>),
    /// A `POST` to [`conclave_protocol::paths::MEETING_LOOKUP`].
    LookupMeeting(LookupMeeting),
    /// A `POST` to [`conclave_protocol::paths::PASSPHRASE`].
    EvaluatePassphrase(EvaluatePassphrase),
    /// A `POST` to [`conclave_protocol::paths::PASSPHRASE_RIGHT`].
    PassphraseRight(Box<PassphraseRight>),
    /// A `POST` to [`conclave_protocol::paths::HOST_KEY`].
    OfferHostKey(Box<OfferHostKey>),
    /// A `POST` to [`conclave_protocol::paths::HOST_KEY_OFFERS`].
    AskHostKeys(Box<AskHostKeys>),
    /// A `POST` to [`conclave_protocol::paths::HOST_KEY_TAKE`].
    TakeHostKey(TakeHostKey),
}

impl HttpRequest {
    /// A meeting without a plan, by somebody who may make any number.
    pub fn create(meeting: CreateMeeting) -> Self {
        Self::Create(meeting, Terms::default())
    }
}

/// The answer to an HTTP request that is not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpResponse {
    /// 201.
    Created(MeetingCreated),
    /// 204.
    Updated,
    /// 200.
    Info(MeetingInfo),
    /// 200.
    Evaluated(Box<PassphraseEvaluated>),
    /// 204.
    Noted,
    /// 200.
    HostKey(HostKeyTaken),
    /// 200.
    HostKeyOffers(HostKeyOffers),
    /// 429, [`ApiErrorCode::Busy`]: whoever makes it has made as many as their [`Quota`] has.
    TooManyMeetings {
        /// Seconds.
        retry_after: u32,
    },
    /// 429, [`ApiErrorCode::TooManyTries`].
    TooManyTries {
        /// Seconds.
        retry_after: u32,
    },
}

/// Why the shell did not store or load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A record of this id is kept already.
    #[error("exists")]
    Exists,
    /// As many records are kept as may be.
    #[error("full")]
    Full,
    /// As much waits for the storage as may, or it does not answer now.
    #[error("busy")]
    Busy,
    /// The storage failed.
    #[error("storage failed")]
    Failed,
}

/// Why the order of a session, or what counts for all nodes, says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// It does not answer now.
    #[error("away")]
    Away,
    /// The log that was meant is no more.
    #[error("ended")]
    Ended,
}

/// An order to the media server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaCommand {
    /// This member's tokens count from now on.
    Permit {
        /// The room.
        meeting: MeetingId,
        /// Who.
        identity: MemberId,
    },
    /// This member's tokens count elsewhere from now on, and no more here.
    Release {
        /// The room.
        meeting: MeetingId,
        /// Who.
        identity: MemberId,
    },
    /// Remove this member from its meeting's room; its tokens count no more.
    Expel {
        /// The room.
        meeting: MeetingId,
        /// Who.
        identity: MemberId,
    },
}

/// An event of the media server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaEvent {
    /// A member's media connection is there.
    Joined {
        /// The room.
        meeting: MeetingId,
        /// Who.
        identity: MemberId,
    },
    /// It is gone.
    Left {
        /// The room.
        meeting: MeetingId,
        /// Who.
        identity: MemberId,
    },
}

/// What happened outside.
#[derive(Debug)]
pub enum Input<'a> {
    /// A WebSocket was opened.
    Connected {
        /// Its number.
        conn: ConnectionId,
        /// From where.
        block: Block,
    },
    /// A binary message came.
    Message {
        /// On which connection.
        conn: ConnectionId,
        /// The whole message.
        bytes: &'a [u8],
    },
    /// Something came that is no message: too large, text, or against the WebSocket protocol.
    Unreadable {
        /// On which connection.
        conn: ConnectionId,
    },
    /// A sign of life came that is no message: the answer to the ping that the shell sends each second.
    Alive {
        /// On which connection.
        conn: ConnectionId,
    },
    /// The socket took this much of what [`Output::Send`] gave.
    Sent {
        /// Which connection's.
        conn: ConnectionId,
        /// Whole messages, in bytes.
        bytes: usize,
    },
    /// A WebSocket is gone, whichever side closed it.
    Disconnected {
        /// Its number.
        conn: ConnectionId,
    },
    /// An HTTP request came.
    HttpRequest {
        /// Its number.
        id: HttpRequestId,
        /// From where.
        block: Block,
        /// Its meaning.
        request: HttpRequest,
    },
    /// Answer to [`Output::LoadMeeting`].
    MeetingLoaded {
        /// As given.
        request: RequestId,
        /// What is kept, `None` for nothing.
        record: Result<Option<Record>, StoreError>,
    },
    /// Answer to [`Output::StoreMeeting`] and [`Output::UpdateMeeting`].
    MeetingStored {
        /// As given.
        request: RequestId,
        /// Whether it is kept now.
        result: Result<(), StoreError>,
    },
    /// Answer to [`Output::IssueToken`].
    TokenIssued {
        /// As given.
        request: RequestId,
        /// The token, `None` if none can be issued.
        token: Option<String>,
    },
    /// Answer to [`Output::Order`] with a `request`.
    Told {
        /// As given.
        request: RequestId,
        /// What the order says.
        told: Result<Told, OrderError>,
        /// All that the log holds, when this node did not mirror it before.
        contents: Option<Box<Contents>>,
    },
    /// Answer to [`Output::Count`] with a `request`.
    Counted {
        /// As given.
        request: RequestId,
        /// What was counted.
        counted: Result<Counted, OrderError>,
    },
    /// The next entry of a log that this node mirrors.
    Ordered {
        /// Whose log.
        meeting: MeetingId,
        /// Which.
        log: LogId,
        /// The entry.
        entry: Ordered,
    },
    /// A member came in on another node.
    Moved {
        /// To which meeting.
        meeting: MeetingId,
        /// Who.
        who: MemberId,
        /// Where it is now.
        place: Place,
    },
    /// The order heard nothing of this node for so long that it may have given up those who are connected here.
    Lapsed {
        /// Of which meeting.
        meeting: MeetingId,
    },
    /// The log is no more, or has lost what it held.
    Ended {
        /// Of which meeting.
        meeting: MeetingId,
        /// Which.
        log: LogId,
    },
    /// The media server reports.
    Media(MediaEvent),
    /// The moment of `Idle` has come.
    Timeout,
    /// This node is about to stop, and others serve the same meetings: from now on nobody is taken, and after a while members are sent on.
    Drain {
        /// For so long members are left where they are, while whatever sends clients here learns that it is to send none.
        notice: Duration,
    },
    /// The server is about to stop.
    Stop,
}

/// What is to happen outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a binary message.
    Send {
        /// On which connection.
        conn: ConnectionId,
        /// The whole message; shared, since an entry goes to many.
        bytes: Arc<[u8]>,
    },
    /// Whoever is on this connection has shown the meeting's key and is in.
    Admitted {
        /// Which.
        conn: ConnectionId,
    },
    /// Close a WebSocket after what was sent before. It is forgotten here.
    Close {
        /// Which.
        conn: ConnectionId,
        /// For the log.
        reason: CloseReason,
    },
    /// Answer an HTTP request.
    HttpResponse {
        /// Which.
        id: HttpRequestId,
        /// With what.
        response: Result<HttpResponse, ApiErrorCode>,
    },
    /// Look up a record.
    LoadMeeting {
        /// To be given back.
        request: RequestId,
        /// Whose.
        meeting: MeetingId,
    },
    /// Keep a record, unless one of this id is kept that has not expired.
    StoreMeeting {
        /// To be given back.
        request: RequestId,
        /// What.
        record: Record,
    },
    /// Replace the sealed part of a record that is kept.
    UpdateMeeting {
        /// To be given back.
        request: RequestId,
        /// Whose.
        meeting: MeetingId,
        /// As [`Record::sealed_meta`].
        sealed_meta: Vec<u8>,
    },
    /// Erase the records that expired at or before this moment.
    DeleteExpired {
        /// Unix seconds.
        until: u64,
    },
    /// Issue a media token.
    IssueToken {
        /// To be given back.
        request: RequestId,
        /// The room.
        meeting: MeetingId,
        /// Whose.
        identity: MemberId,
    },
    /// Ask the order of a session, in the order of these outputs.
    Order {
        /// To be given back; `None` if no answer is needed.
        request: Option<RequestId>,
        /// Whose.
        meeting: MeetingId,
        /// The log that this node mirrors.
        log: Option<LogId>,
        /// What.
        ask: Ask,
    },
    /// Count this, for all nodes.
    Count {
        /// To be given back; `None` if no answer is needed.
        request: Option<RequestId>,
        /// What.
        count: Count,
    },
    /// This node mirrors a log no more.
    Unfollow {
        /// Whose.
        meeting: MeetingId,
        /// Which.
        log: LogId,
    },
    /// Give this order to the media server.
    Media(MediaCommand),
    /// After [`Input::Drain`]: everybody who was here is at another node, or was called gone.
    Drained,
}

/// Why an input changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// A connection that is not open, or was closed from here. Happens whenever both sides close at once.
    #[error("unknown connection")]
    UnknownConnection,
    /// Nothing waits for the answer to this request any more.
    #[error("unknown request")]
    UnknownRequest,
}

/// What there is at this moment, and what happened so far, of all meetings together: for the operator.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// WebSockets, admitted or not.
    pub connections: usize,
    /// Meetings that somebody is in, or was a moment ago.
    pub sessions: usize,
    /// Admitted people who are connected, those who wait to be let in included.
    pub members: usize,
    /// What all logs count for.
    pub log_bytes: usize,
    /// What they may count for.
    pub log_bytes_limit: usize,
    /// Since the start.
    pub counters: Counters,
}

/// What happened so far, for the operator's figures.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// Entries of clients that have their place in a log.
    pub appended: u64,
    /// Entries refused because another commit came first.
    pub stale: u64,
    /// Entries refused for their size.
    pub too_large: u64,
    /// Entries refused because the client, or all together, sent too much.
    pub busy: u64,
    /// Members who said that they leave.
    pub left: u64,
    /// Members whose WebSocket closed without a word, and who did not come back.
    pub lost: u64,
    /// Members whose WebSocket is open and mute.
    pub silent: u64,
    /// Messages that were not understood or came out of turn.
    pub malformed: u64,
    /// Admissions with a wrong signature.
    pub bad_proofs: u64,
    /// Connections closed, and requests refused, for too much of anything.
    pub limited: u64,
}
