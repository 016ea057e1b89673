//! The server half of LiveKit's signalling (protocol 17): rooms, participants, tracks, and who receives what.
//!
//! ```text
//!                   +-- Signalling ------------------+
//!   SignalOpened -> | AuthorizedJoin -> participant  | -> Signal, CloseSignal
//!   Signal       -> | frame -> request --^           | -> Joined, Left
//!   Media        -> | media_event -------^           | -> Command (to the media side)
//!                   +--------------------------------+
//! ```
//!
//! A client has a single connection, on which it offers and the server answers. To receive a track a client must offer a section for it:
//! [`MediaSectionsRequirement`](conclave_livekit_proto::proto::MediaSectionsRequirement) asks for one, the next offer has it, the answer
//! puts the track there. A section that carried another track is answered inactive once in between, since a browser tells
//! of a track only when a section turns from inactive to sending.
//!
//! In the older form (LiveKit's v0, which its Go SDK speaks) a client has one connection to send on, where it offers, and another one to receive on,
//! where the server offers. The rest is the same.
//!
//! Served: joining, resuming, simulcast and layers, muting, subscriptions, data to all or some, own metadata, connection quality.
//! Deliberately not: who speaks (only members can know), subscription permissions (keys decide who sees), second codecs of a track, data tracks and
//! blobs, redundant audio. `tests/interop` holds livekit-client, LiveKit's Go SDK, PyPI `livekit` and `@livekit/rtc-node` against it.
//!
//! [`Signalling`] is a [`Machine`] that holds no media: what the media side has to do comes out as [`Output::Command`], and what it tells
//! goes in as [`Input::Media`].
//!
//! Architecture invariant: the server's only place that knows LiveKit's messages; knows nothing of Conclave's meetings.
//! Architecture invariant: nothing computes who speaks, and no frame is looked into or made.
//! Architecture invariant: no address, identity or room name is logged or shown by `Debug`.

#![warn(missing_docs)]

mod authorized_join;
mod data;
mod join;
mod limits;
mod media_event;
mod negotiation;
mod participant;
mod publish;
mod request;
mod room;
mod sdp;
mod sid;
mod signal_connection;
mod subscribe;
mod subscriber;
mod track;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use conclave_base::{Machine, Polled, Queue, Redacted, Time};
use conclave_livekit_proto::proto::IceServer;
use conclave_sfu::{ParticipantId, RoomId, TrackId};

pub use authorized_join::{AuthorizedJoin, Refusal};
pub use limits::Limits;

use participant::Participant;
use room::Room;
use sid::Sids;

/// A signalling connection, as the shell numbers them. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conn(pub u64);

/// What the operator decides.
pub struct Config {
    /// Randomness for the ids of rooms, participants and tracks.
    pub seed: [u8; 32],
    /// STUN and TURN servers that clients are told of. Empty means none: neither livekit-client nor LiveKit's native SDKs
    /// put anybody's in their place.
    pub ice_servers: Vec<IceServer>,
    /// What one client may cost.
    pub limits: Limits,
}

/// What happened outside.
pub enum Input<'a> {
    /// A WebSocket was opened at `/rtc` or `/rtc/v1`.
    SignalOpened {
        /// Its number.
        conn: Conn,
        /// Who joins, by a token that was verified.
        join: Box<AuthorizedJoin>,
    },
    /// A binary WebSocket message came.
    Signal {
        /// On which connection.
        conn: Conn,
        /// At most [`conclave_livekit_proto::frame::MAX_MESSAGE`] are looked at.
        bytes: &'a [u8],
    },
    /// A WebSocket answered a ping.
    SignalAlive {
        /// Its number.
        conn: Conn,
    },
    /// A WebSocket is closed, by either side.
    SignalClosed {
        /// Its number.
        conn: Conn,
    },
    /// A revocable token for this identity counts from now on, until the identity is removed.
    Permit {
        /// Room name.
        room: Redacted<String>,
        /// LiveKit identity.
        identity: Redacted<String>,
    },
    /// A participant is to be removed, and a revocable token for it counts no more.
    Expel {
        /// Room name.
        room: Redacted<String>,
        /// LiveKit identity.
        identity: Redacted<String>,
    },
    /// The media side tells something.
    Media(conclave_sfu::Event),
    /// The media side refused [`Command::Open`](conclave_sfu::Command::Open).
    OpenRefused {
        /// Whose.
        participant: ParticipantId,
    },
    /// The media side refused to negotiate: [`Offer`](conclave_sfu::Command::Offer), [`CreateOffer`](conclave_sfu::Command::CreateOffer) or
    /// [`Answer`](conclave_sfu::Command::Answer).
    OfferRefused {
        /// Whose.
        participant: ParticipantId,
    },
    /// The moment of [`Polled::Idle`] has come.
    Timeout,
}

/// What is to happen outside.
pub enum Output {
    /// Send a binary WebSocket message.
    Signal {
        /// On which connection.
        conn: Conn,
        /// One protobuf.
        bytes: Vec<u8>,
    },
    /// Close a WebSocket after what was sent before.
    CloseSignal {
        /// Its number.
        conn: Conn,
        /// For the log, and the WebSocket's close frame.
        reason: CloseReason,
    },
    /// Have the media side do something. A refusal to open or to negotiate is to be told by an input.
    Command(conclave_sfu::Command),
    /// A participant entered a room.
    Joined {
        /// Room name.
        room: Redacted<String>,
        /// LiveKit identity.
        identity: Redacted<String>,
    },
    /// A participant left a room for good.
    Left {
        /// Room name.
        room: Redacted<String>,
        /// LiveKit identity.
        identity: Redacted<String>,
    },
}

/// Why the server closes a signalling connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The join request was not good, or a limit was reached.
    #[error("connection refused")]
    Refused,
    /// A message was no protobuf of the protocol, or an offer no SDP.
    #[error("malformed message")]
    Malformed,
    /// More messages than allowed.
    #[error("too many messages")]
    TooMany,
    /// The participant left or was put out; it was told in a message before.
    #[error("left")]
    Left,
    /// The participant came back on another connection.
    #[error("replaced by a newer connection")]
    Replaced,
    /// Nothing was heard for too long.
    #[error("timed out")]
    TimedOut,
}

/// Why an input changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// A message of a connection that is not open.
    #[error("unknown connection")]
    UnknownConnection,
}

/// What went wrong so far, for the operator's figures.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// Connections refused for their join request or a limit.
    pub refused: u64,
    /// Messages that were malformed or oversized.
    pub malformed: u64,
    /// Messages of a type that this server does not serve.
    pub unknown: u64,
    /// Connections closed for sending too much.
    pub limited: u64,
    /// Outputs dropped because the shell did not take them.
    pub overflow: u64,
}

/// The signalling of all rooms. See the crate's page.
pub struct Signalling {
    config: Config,
    sids: Sids,
    rooms: BTreeMap<RoomId, Room>,
    room_names: BTreeMap<Redacted<String>, RoomId>,
    participants: BTreeMap<ParticipantId, Participant>,
    conns: BTreeMap<Conn, ParticipantId>,
    /// Whose each second connection is.
    subscribers: BTreeMap<ParticipantId, ParticipantId>,
    /// Room and identity of those whose revocable tokens count. Whoever permits them keeps them few.
    permits: BTreeSet<(Redacted<String>, Redacted<String>)>,
    /// Who publishes a track.
    owners: BTreeMap<TrackId, ParticipantId>,
    out: Queue<Output>,
    counters: Counters,
    last_id: u64,
    now: Time,
    next_expiry: Time,
}

impl Signalling {
    /// Without rooms.
    pub fn new(config: Config) -> Self {
        Self {
            sids: Sids::new(config.seed),
            config,
            rooms: BTreeMap::new(),
            room_names: BTreeMap::new(),
            participants: BTreeMap::new(),
            conns: BTreeMap::new(),
            subscribers: BTreeMap::new(),
            permits: BTreeSet::new(),
            owners: BTreeMap::new(),
            out: Queue::new(limits::OUTPUTS),
            counters: Counters::default(),
            last_id: 0,
            now: Time::ZERO,
            next_expiry: Time::ZERO,
        }
    }

    /// What went wrong so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The participant that a connection of the media side is of.
    fn whose(&self, connection: ParticipantId) -> ParticipantId {
        self.subscribers.get(&connection).copied().unwrap_or(connection)
    }

    /// Participants in all rooms.
    pub fn participants(&self) -> usize {
        self.participants.len()
    }
}

impl Machine for Signalling {
    type Input<'a> = Input<'a>;
    type Output = Output;
    type Error = InputError;

    /// `now` is Unix time.
    fn handle(&mut self, input: Input<'_>, now: Time) -> Result<(), InputError> {
        self.now = self.now.max(now);
        if self.now >= self.next_expiry && !self.participants.is_empty() {
            self.expire_participants();
        }
        match input {
            Input::Signal { conn, bytes } => return self.message(conn, bytes),
            Input::SignalOpened { conn, join } => self.open(conn, *join),
            Input::SignalAlive { conn } => self.on_signal_alive(conn),
            Input::SignalClosed { conn } => self.on_signal_closed(conn),
            Input::Permit { room, identity } => {
                self.permits.insert((room, identity));
            }
            Input::Expel { room, identity } => {
                self.expel(&room, &identity);
                self.permits.remove(&(room, identity));
            }
            Input::Media(event) => self.on_media_event(event),
            Input::OpenRefused { participant } => self.on_open_refused(self.whose(participant)),
            Input::OfferRefused { participant } => self.on_offer_refused(self.whose(participant)),
            Input::Timeout => {}
        }
        Ok(())
    }

    fn poll(&mut self) -> Polled<Output> {
        match self.out.pop() {
            Some(output) => Polled::Output(output),
            None if self.participants.is_empty() => Polled::Idle(Time::MAX),
            None => Polled::Idle(self.next_expiry),
        }
    }
}
