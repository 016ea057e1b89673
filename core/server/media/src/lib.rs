//! The media server: the forwarder ([`Sfu`]) and LiveKit's signalling ([`Signalling`]) side by side.
//!
//! ```text
//!                        +-- MediaServer ---------+
//!   Datagram         ->  |  Sfu<T>                |  -> Datagram
//!                        |    | events  ^         |
//!                        |    v         | commands|
//!   SignalOpened,        |                        |  -> Signal, CloseSignal,
//!   Signal, … , Expel -> |  Signalling            |     Joined, Left
//!                        +------------------------+
//! ```
//!
//! A datagram goes to the forwarder and comes from it; signalling never sees one. What signalling decides becomes a command of the
//! forwarder, and what the forwarder tells becomes an input of signalling.
//!
//! Architecture invariant: nothing is decided here. This crate knows neither LiveKit's messages nor packets.

#![warn(missing_docs)]

use std::net::SocketAddr;

use conclave_base::{Datagram, Machine, Polled, Redacted, Time};
use conclave_livekit_server::{AuthorizedJoin, CloseReason, Conn, InputError, Signalling};
use conclave_sfu::{Batch, Command, Sfu, Transport};

/// What comes in.
pub enum Input<'a> {
    /// A datagram came from `src` to our `dst`.
    Datagram {
        /// The sender's address.
        src: SocketAddr,
        /// Ours.
        dst: SocketAddr,
        /// The whole datagram.
        bytes: &'a [u8],
    },
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
        /// One protobuf.
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
    /// The moment of [`Polled::Idle`] has come.
    Timeout,
}

/// What the shell has to do, or is told.
pub enum Output {
    /// Send it.
    Datagram(Datagram),
    /// Send what [`MediaServer::batch`] lends, before anything else is polled.
    Batch {
        /// Our address.
        src: SocketAddr,
        /// The receiver's.
        dst: SocketAddr,
    },
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

/// The media server of one process. See the crate's page.
pub struct MediaServer<T: Transport> {
    signalling: Signalling,
    sfu: Sfu<T>,
    now: Time,
    /// When signalling wants its timeout.
    signalling_wakes: Time,
}

impl<T: Transport> MediaServer<T> {
    /// Puts the two together; both without rooms.
    pub fn new(signalling: Signalling, sfu: Sfu<T>) -> Self {
        Self { signalling, sfu, now: Time::ZERO, signalling_wakes: Time::MAX }
    }

    /// The forwarder, for its figures.
    pub fn sfu(&self) -> &Sfu<T> {
        &self.sfu
    }

    /// The datagrams of the last [`Output::Batch`], until the next output is polled.
    pub fn batch(&self) -> &Batch {
        self.sfu.batch()
    }

    /// The signalling, for its figures.
    pub fn signalling(&self) -> &Signalling {
        &self.signalling
    }

    /// Has the forwarder carry out what signalling decided.
    fn command(&mut self, command: Command) {
        let refusal = match &command {
            Command::Open { participant, .. } => Some(conclave_livekit_server::Input::OpenRefused { participant: *participant }),
            Command::Offer { participant, .. } | Command::CreateOffer { participant, .. } | Command::Answer { participant, .. } => {
                Some(conclave_livekit_server::Input::OfferRefused { participant: *participant })
            }
            Command::Candidate { .. }
            | Command::TrackSettings { .. }
            | Command::Mute { .. }
            | Command::Unpublish { .. }
            | Command::Data { .. }
            | Command::Close { .. } => None,
        };
        if !self.tell_sfu(conclave_sfu::Input::Command(command))
            && let Some(refusal) = refusal
        {
            self.tell_signalling(refusal);
        }
    }

    /// Whether it was not refused; only commands are.
    fn tell_sfu(&mut self, input: conclave_sfu::Input<'_>) -> bool {
        let done = self.sfu.handle(input, self.now).is_ok();
        if !done {
            // Why may quote an offer, and that has addresses in it.
            tracing::debug!("command refused");
        }
        done
    }

    fn tell_signalling(&mut self, input: conclave_livekit_server::Input<'_>) {
        if let Err(e) = self.signalling.handle(input, self.now) {
            tracing::debug!("{e}");
        }
    }
}

impl<T: Transport> Machine for MediaServer<T> {
    type Input<'a> = Input<'a>;
    type Output = Output;
    /// Only messages of connections that are not open are refused.
    type Error = InputError;

    /// `now` is Unix time.
    fn handle(&mut self, input: Input<'_>, now: Time) -> Result<(), InputError> {
        use conclave_livekit_server::Input as ToSignalling;
        self.now = self.now.max(now);
        let now = self.now;
        let input = match input {
            Input::Datagram { src, dst, bytes } => {
                self.tell_sfu(conclave_sfu::Input::Datagram { src, dst, bytes });
                if now < self.signalling_wakes {
                    return Ok(());
                }
                return self.signalling.handle(ToSignalling::Timeout, now);
            }
            Input::SignalOpened { conn, join } => ToSignalling::SignalOpened { conn, join },
            Input::Signal { conn, bytes } => ToSignalling::Signal { conn, bytes },
            Input::SignalAlive { conn } => ToSignalling::SignalAlive { conn },
            Input::SignalClosed { conn } => ToSignalling::SignalClosed { conn },
            Input::Permit { room, identity } => ToSignalling::Permit { room, identity },
            Input::Expel { room, identity } => ToSignalling::Expel { room, identity },
            Input::Timeout => ToSignalling::Timeout,
        };
        // Whatever comes, each does what is due.
        self.tell_sfu(conclave_sfu::Input::Timeout);
        self.signalling.handle(input, now)
    }

    fn poll(&mut self) -> Polled<Output> {
        use conclave_livekit_server::Output as FromSignalling;
        loop {
            match self.signalling.poll() {
                Polled::Output(FromSignalling::Command(command)) => {
                    self.command(command);
                    continue;
                }
                Polled::Output(FromSignalling::Signal { conn, bytes }) => return Polled::Output(Output::Signal { conn, bytes }),
                Polled::Output(FromSignalling::CloseSignal { conn, reason }) => {
                    return Polled::Output(Output::CloseSignal { conn, reason });
                }
                Polled::Output(FromSignalling::Joined { room, identity }) => return Polled::Output(Output::Joined { room, identity }),
                Polled::Output(FromSignalling::Left { room, identity }) => return Polled::Output(Output::Left { room, identity }),
                Polled::Idle(until) => self.signalling_wakes = until,
            }
            match self.sfu.poll() {
                Polled::Output(conclave_sfu::Output::Datagram(datagram)) => return Polled::Output(Output::Datagram(datagram)),
                Polled::Output(conclave_sfu::Output::Batch { src, dst }) => return Polled::Output(Output::Batch { src, dst }),
                Polled::Output(conclave_sfu::Output::Event(event)) => self.tell_signalling(conclave_livekit_server::Input::Media(event)),
                Polled::Idle(until) => return Polled::Idle(until.min(self.signalling_wakes)),
            }
        }
    }
}
