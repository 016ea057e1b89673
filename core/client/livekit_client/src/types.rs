use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use conclave_base::{Codec, Datagram, Redacted, Source};
use conclave_livekit_proto::proto::TrackSource;
use conclave_rtc_client::ReceivedPacket;

pub(crate) const fn to_proto(source: Source) -> TrackSource {
    match source {
        Source::Microphone => TrackSource::Microphone,
        Source::Camera => TrackSource::Camera,
        Source::Screen => TrackSource::ScreenShare,
        Source::ScreenAudio => TrackSource::ScreenShareAudio,
    }
}

pub(crate) fn of_proto(source: i32) -> Option<Source> {
    match TrackSource::try_from(source).ok()? {
        TrackSource::Microphone => Some(Source::Microphone),
        TrackSource::Camera => Some(Source::Camera),
        TrackSource::ScreenShare => Some(Source::Screen),
        TrackSource::ScreenShareAudio => Some(Source::ScreenAudio),
        TrackSource::Unknown => None,
    }
}

/// How a client connects.
#[derive(Debug, Clone)]
pub struct Config {
    /// Origin of the media server: `ws://…`, `wss://…`, `http://…` or `https://…`.
    pub url: String,
    /// Access token; goes into the `Authorization` header, so that no log of URLs holds it.
    pub token: Redacted<String>,
    /// Addresses of the shell's UDP sockets.
    pub addresses: Vec<SocketAddr>,
    /// Take VP9 too.
    pub vp9: bool,
    /// [`Event::Packet`] instead of [`Event::Frame`], and [`crate::LiveKitClient::send_packet`] instead of `send`.
    pub packets: bool,
}

impl Config {
    pub(crate) fn rtc(&self) -> conclave_rtc_client::Config {
        conclave_rtc_client::Config { addresses: self.addresses.clone(), vp9: self.vp9, packets: self.packets }
    }
}

/// One own track to publish.
#[derive(Debug, Clone)]
pub struct Publication {
    /// Which.
    pub source: Source,
    /// How it is encoded.
    pub codec: Codec,
    /// Layers, smallest first; one for sound (sizes zero) and for a picture without simulcast.
    pub layers: Vec<Layer>,
    /// Tell others that frames are sealed.
    pub sealed: bool,
}

/// One encoding of an own track.
#[derive(Debug, Clone, Copy)]
pub struct Layer {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bits per second.
    pub bitrate: u32,
}

/// What the caller wants.
#[derive(Debug, Clone)]
pub enum Command {
    /// Publish a track; [`Event::LocalTrackPublished`] says when frames may go.
    Publish(Publication),
    /// Stop publishing.
    Unpublish(Source),
    /// From now on the tracks of exactly these identities are subscribed (LiveKit: UpdateSubscription).
    SetSubscribed(BTreeSet<String>),
    /// How large a picture is needed, in pixels; zero pauses it (LiveKit: UpdateTrackSettings).
    SetDimensions {
        /// Whose.
        identity: String,
        /// Which.
        source: Source,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// Ask for a key frame.
    RequestKeyFrame {
        /// Whose.
        identity: String,
        /// Which.
        source: Source,
    },
    /// Send a data packet.
    Data {
        /// Identities; empty for everybody.
        to: Vec<String>,
        /// Repeat until it arrives.
        reliable: bool,
        /// LiveKit's topic.
        topic: String,
        /// At most [`conclave_livekit_proto::frame::MAX_DATA`].
        payload: Vec<u8>,
    },
    /// A newer token, for resuming.
    Token(Redacted<String>),
    /// Leave.
    Leave,
}

/// What comes in.
#[derive(Debug)]
pub enum Input<'a> {
    /// The WebSocket of the last [`Output::Connect`] is open.
    SignalOpened,
    /// A binary message came.
    Signal(&'a [u8]),
    /// The WebSocket closed or did not open.
    SignalClosed,
    /// A datagram came.
    Datagram {
        /// From there.
        src: SocketAddr,
        /// To this own address.
        dst: SocketAddr,
        /// The datagram.
        bytes: &'a [u8],
    },
    /// The moment of [`conclave_base::Polled::Idle`] is reached.
    Timeout,
    /// The caller wants something.
    Command(Command),
}

/// What the shell must do.
#[derive(Debug)]
pub enum Output {
    /// Open a WebSocket; one at a time.
    Connect {
        /// `ws://…` or `wss://…`.
        url: Redacted<String>,
        /// For the header `Authorization: Bearer …`.
        token: Redacted<String>,
    },
    /// Send a binary message.
    Signal(Vec<u8>),
    /// Close the WebSocket; no [`Input::SignalClosed`] is needed.
    CloseSignal,
    /// Send a datagram.
    Datagram(Datagram),
    /// Something happened.
    Event(Event),
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// The server let us in.
    Joined,
    /// Media flows, for the first time or again.
    Connected,
    /// The connection broke; it is being resumed.
    Reconnecting,
    /// Somebody is connected to the media server.
    ParticipantJoined {
        /// LiveKit identity.
        identity: String,
    },
    /// Somebody is not any more.
    ParticipantLeft {
        /// LiveKit identity.
        identity: String,
    },
    /// Somebody publishes a track, or (un)muted it.
    TrackPublished {
        /// Whose.
        identity: String,
        /// Which.
        source: Source,
        /// As the server says.
        muted: bool,
    },
    /// A track is gone.
    TrackUnpublished {
        /// Whose.
        identity: String,
        /// Which.
        source: Source,
    },
    /// Frames of this own track may be sent.
    LocalTrackPublished {
        /// Which.
        source: Source,
    },
    /// A whole frame of a subscribed participant's track, as the server labels it: only the frame's seal proves whose it is.
    Frame {
        /// Whose track.
        identity: String,
        /// Which.
        source: Source,
        /// Codec.
        codec: Codec,
        /// RTP time, ticks of the codec's clock.
        rtp_time: u64,
        /// Nothing is missing before it.
        contiguous: bool,
        /// Sealed bytes.
        bytes: Arc<[u8]>,
    },
    /// One packet, with [`Config::packets`].
    Packet(ReceivedPacket),
    /// Somebody needs a key frame of this own track.
    KeyFrameRequested {
        /// Which.
        source: Source,
    },
    /// A data packet.
    Data {
        /// As the server says.
        from: String,
        /// LiveKit's topic.
        topic: String,
        /// What.
        payload: Vec<u8>,
    },
    /// It is over; make a new client to come back.
    Left {
        /// Why.
        reason: LeaveReason,
    },
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaveReason {
    /// [`Command::Leave`].
    ClientInitiated,
    /// The server sent us away; LiveKit's DisconnectReason.
    ByServer(i32),
    /// The server has lost the session: start anew with a fresh token.
    SessionLost,
    /// The server does not answer.
    Unreachable,
    /// The server broke its protocol.
    ProtocolViolation,
}

/// Why a command was not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// This source is published already.
    #[error("already published")]
    AlreadyPublished,
    /// No such track.
    #[error("no such track")]
    NoTrack,
    /// The payload is over [`conclave_livekit_proto::frame::MAX_DATA`].
    #[error("data packet too large")]
    TooLarge,
    /// The data channel is not open, or full.
    #[error("data channel not ready")]
    NotReady,
    /// The session is over.
    #[error("the session is over")]
    Closed,
}
