//! The server half of LiveKit's signalling (single connection, protocol 17): rooms, participants, tracks, and who receives what.
//!
//! ```text
//!             +-- LiveKit ------------------------------------------+
//!   Signal -> | frame -> request -> participant, room               | -> Signal, CloseSignal
//!             |               |  commands      ^ events             | -> Joined, Left
//!             |               v                |                    |
//!   Datagram->|              Sfu<T> (media, data channels)          | -> Datagram
//!             +-----------------------------------------------------+
//! ```
//!
//! A client offers, the server answers, never the other way round. To receive a track a client must offer a section for it:
//! [`MediaSectionsRequirement`](conclave_livekit_proto::proto::MediaSectionsRequirement) asks for one, the next offer has it, the answer
//! puts the track there. A section that carried another track is answered inactive once in between, since a browser tells
//! of a track only when a section turns from inactive to sending.
//!
//! Served: joining, resuming, simulcast and layers, muting, subscriptions, data to all or some, own metadata, connection quality.
//! Deliberately not: the older form with two connections ([`OLDER_FORM`] says what its clients are told), who speaks (only members
//! can know), subscription permissions (keys decide who sees), second codecs of a track, data tracks and blobs, redundant audio.
//! `tests/interop` holds livekit-client, PyPI `livekit` and `@livekit/rtc-node` against it.
//!
//! **After each [`LiveKit::handle`], [`LiveKit::poll`] until [`Output::Idle`].**
//!
//! Architecture invariant: the server's only place that knows LiveKit's messages; knows nothing of Conclave's meetings.
//! Architecture invariant: nothing computes who speaks, and no frame is looked into or made.
//! Architecture invariant: no address, identity or room name is logged or shown by `Debug`.

#![warn(missing_docs)]

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
mod subscribe;
mod track;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use conclave_base::{Datagram, Queue, Redacted, Time};
use conclave_livekit_proto::ApiKey;
use conclave_livekit_proto::proto::IceServer;
use conclave_sfu::{ParticipantId, RoomId, Sfu, TrackId};

pub use join::{OLDER_FORM, Refusal};
pub use limits::Limits;

use participant::Participant;
use room::Room;
use sid::Sids;

/// A signalling connection, as the shell numbers them. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conn(pub u64);

/// What the operator decides.
pub struct Config {
    /// Whose tokens are believed.
    pub key: ApiKey,
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
    /// A WebSocket was opened at `/rtc/v1`.
    SignalOpened {
        /// Its number.
        conn: Conn,
        /// The query string, without `?`.
        query: Redacted<&'a str>,
        /// The `Authorization` header.
        authorization: Option<Redacted<&'a str>>,
    },
    /// A binary WebSocket message came.
    Signal {
        /// On which connection.
        conn: Conn,
        /// At most [`conclave_livekit_proto::frame::MAX_MESSAGE`] are looked at.
        bytes: &'a [u8],
    },
    /// A WebSocket is gone, whoever closed it.
    SignalClosed {
        /// Its number.
        conn: Conn,
    },
    /// A datagram came from `src` to our `dst`.
    Datagram {
        /// The sender's address.
        src: SocketAddr,
        /// Ours.
        dst: SocketAddr,
        /// The whole datagram.
        bytes: &'a [u8],
    },
    /// Somebody is to be put out.
    Expel {
        /// Room name.
        room: Redacted<String>,
        /// LiveKit identity.
        identity: Redacted<String>,
    },
    /// Nothing but time passed.
    Tick,
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
    /// Send a datagram from our address `src` to `dst`.
    Datagram(Datagram),
    /// Somebody entered a room.
    Joined {
        /// Room name.
        room: Redacted<String>,
        /// LiveKit identity.
        identity: Redacted<String>,
    },
    /// Somebody left a room for good.
    Left {
        /// Room name.
        room: Redacted<String>,
        /// LiveKit identity.
        identity: Redacted<String>,
    },
    /// Nothing more to do until then, or until something happens.
    Idle(Time),
}

/// Why the server closes a signalling connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The token or query was not good, or a limit was reached.
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
    /// A datagram that belongs to nobody.
    #[error("unexpected datagram")]
    UnexpectedDatagram,
}

/// What went wrong so far, for the operator's figures.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// Connections refused for their token, query, or a limit.
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

/// The media server as its clients see it. See the crate's page.
pub struct LiveKit<T: conclave_sfu::Transport> {
    config: Config,
    sfu: Sfu<T>,
    sids: Sids,
    rooms: BTreeMap<RoomId, Room>,
    room_names: BTreeMap<Redacted<String>, RoomId>,
    participants: BTreeMap<ParticipantId, Participant>,
    conns: BTreeMap<Conn, ParticipantId>,
    /// Who publishes a track.
    owners: BTreeMap<TrackId, ParticipantId>,
    out: Queue<Output>,
    counters: Counters,
    last_id: u64,
    now: Time,
    next_expiry: Time,
}

impl<T: conclave_sfu::Transport> LiveKit<T> {
    /// A server without rooms.
    pub fn new(config: Config, sfu: Sfu<T>) -> Self {
        Self {
            sids: Sids::new(config.seed),
            config,
            sfu,
            rooms: BTreeMap::new(),
            room_names: BTreeMap::new(),
            participants: BTreeMap::new(),
            conns: BTreeMap::new(),
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

    /// What the media side counted.
    pub fn media_stats(&self) -> conclave_sfu::Stats {
        self.sfu.stats()
    }

    /// Participants in all rooms.
    pub fn participants(&self) -> usize {
        self.participants.len()
    }

    /// Takes one input. `now` is Unix time.
    pub fn handle(&mut self, input: Input<'_>, now: Time) -> Result<(), InputError> {
        self.now = self.now.max(now);
        if self.now >= self.next_expiry && !self.participants.is_empty() {
            self.expire_participants();
        }
        match input {
            Input::Datagram { src, dst, bytes } => {
                let datagram = conclave_sfu::Input::Datagram { src, dst, bytes };
                return self.sfu.handle(datagram, now).map_err(|_| InputError::UnexpectedDatagram);
            }
            Input::Signal { conn, bytes } => return self.message(conn, bytes),
            Input::SignalOpened { conn, query, authorization } => {
                self.open(conn, query.expose(), authorization.map(Redacted::into_inner));
            }
            Input::SignalClosed { conn } => self.on_signal_closed(conn),
            Input::Expel { room, identity } => self.expel(&room, &identity),
            Input::Tick => {}
        }
        Ok(())
    }

    /// The next thing to do outside.
    pub fn poll(&mut self, now: Time) -> Output {
        self.now = self.now.max(now);
        loop {
            if let Some(output) = self.out.pop() {
                return output;
            }
            match self.sfu.poll(now) {
                conclave_sfu::Output::Datagram(datagram) => return Output::Datagram(datagram),
                conclave_sfu::Output::Event(event) => self.event(event),
                conclave_sfu::Output::Idle(until) if self.participants.is_empty() => return Output::Idle(until),
                conclave_sfu::Output::Idle(until) => return Output::Idle(until.min(self.next_expiry)),
            }
        }
    }
}
