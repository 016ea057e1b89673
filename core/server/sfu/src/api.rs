use std::net::SocketAddr;

use conclave_base::Datagram;

use crate::{DescriptionRefused, MediaKind, Mid, ParticipantId, Rid, RoomId, TrackId};

/// What an [`Sfu`](crate::Sfu) takes.
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram that came from `src` to our `dst`.
    Datagram {
        /// The sender's address.
        src: SocketAddr,
        /// Ours.
        dst: SocketAddr,
        /// The whole datagram.
        bytes: &'a [u8],
    },
    /// Something the signalling decided.
    Command(Command),
    /// The moment of [`Polled::Idle`](conclave_base::Polled) has come.
    Timeout,
}

/// What the signalling decides.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A participant came: its connection waits for an offer.
    Open {
        /// A number never used before.
        participant: ParticipantId,
        /// Whom it may see.
        room: RoomId,
    },
    /// The participant's SDP offer, the first or a later one. [`Event::Answer`] follows.
    Offer {
        /// Whose.
        participant: ParticipantId,
        /// Its text.
        sdp: String,
        /// What each media section is for, from now on; a section that is not named carries nothing.
        sections: Vec<Section>,
    },
    /// The participant's connection is to offer, instead of waiting for an offer. [`Event::Offer`] follows, or [`Event::Negotiated`] if there is
    /// nothing to agree on; no other offer is made before.
    CreateOffer {
        /// Whose.
        participant: ParticipantId,
        /// All media sections, those that there are in their order and then new ones.
        sections: Vec<OfferedSection>,
        /// Whether ICE is to begin anew.
        restart_ice: bool,
    },
    /// The participant's SDP answer to [`Event::Offer`]. [`Event::Negotiated`] follows.
    Answer {
        /// Whose.
        participant: ParticipantId,
        /// Its text.
        sdp: String,
    },
    /// A trickled ICE candidate, the value of `a=candidate`.
    Candidate {
        /// Whose.
        participant: ParticipantId,
        /// Its text.
        candidate: String,
    },
    /// How a subscriber shows a track.
    TrackSettings {
        /// The subscriber.
        participant: ParticipantId,
        /// The track it subscribes to (or is about to).
        track: TrackId,
        /// How.
        settings: TrackSettings,
    },
    /// Whether the publisher muted the track: nothing of a muted track is forwarded.
    Mute {
        /// Which.
        track: TrackId,
        /// Muted, or not any more.
        muted: bool,
    },
    /// The track is gone; its subscribers' sections stay silent.
    Unpublish {
        /// Which.
        track: TrackId,
    },
    /// A message for one participant.
    Data {
        /// For whom.
        to: ParticipantId,
        /// On the reliable channel, or on the lossy one.
        reliable: bool,
        /// At most [`Limits::message`](crate::Limits) bytes.
        payload: Vec<u8>,
    },
    /// The participant left: its connection ends and its tracks go.
    Close {
        /// Whose.
        participant: ParticipantId,
    },
}

/// A media section of an offer.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its name.
    pub mid: Mid,
    /// What it is for.
    pub role: SectionRole,
}

/// A media section of an offer that a participant's connection makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferedSection {
    /// What it carries; always the same.
    pub kind: MediaKind,
    /// The track that the participant receives on it.
    pub track: Option<TrackId>,
}

/// What a media section is for.
#[derive(Debug, Clone, PartialEq)]
pub enum SectionRole {
    /// The participant sends this track on it.
    Publish {
        /// A number never used before, unless the section goes on carrying the same track.
        track: TrackId,
        /// The simulcast layers, smallest first, as announced; empty when there is one.
        layers: Vec<Layer>,
    },
    /// The participant receives this track on it.
    Subscribe {
        /// A track of the same room. One that is not there yet is awaited.
        track: TrackId,
    },
    /// Nothing.
    Inactive,
}

/// A simulcast layer as the publisher announces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Its name in the SDP.
    pub rid: Rid,
    /// Pixels across; 0 if not known.
    pub width: u32,
    /// Pixels down; 0 if not known.
    pub height: u32,
}

/// How a subscriber shows a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackSettings {
    /// Whether it is wanted at all now.
    pub enabled: bool,
    /// Width of the tile in pixels; 0 if not known, which stands for "the best there is".
    pub width: u32,
    /// Height of the tile in pixels; 0 if not known.
    pub height: u32,
}

impl Default for TrackSettings {
    fn default() -> Self {
        Self { enabled: true, width: 0, height: 0 }
    }
}

/// What an [`Sfu`](crate::Sfu) gives.
#[derive(Debug)]
pub enum Output {
    /// To be sent from our address `src` to `dst`.
    Datagram(Datagram),
    /// What [`Sfu::batch`](crate::Sfu::batch) lends is to be sent from our address `src` to `dst`, before anything else is polled.
    Batch {
        /// Ours.
        src: SocketAddr,
        /// Theirs.
        dst: SocketAddr,
    },
    /// Something the signalling wants to know.
    Event(Event),
}

/// What the signalling wants to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The answer to an offer.
    Answer {
        /// Whose offer it was.
        participant: ParticipantId,
        /// Its text, all media sections in the offer's order; the `msid`s in it mean nothing.
        sdp: String,
    },
    /// An offer to a participant.
    Offer {
        /// To whom.
        participant: ParticipantId,
        /// Its text; the `msid`s in it mean nothing.
        sdp: String,
    },
    /// The sections of the last [`Command::CreateOffer`] are agreed on.
    Negotiated {
        /// With whom.
        participant: ParticipantId,
    },
    /// Media can flow: ICE and DTLS stand, for the first time or again.
    Connected {
        /// Whose.
        participant: ParticipantId,
    },
    /// Nothing is heard of the participant; an offer with an ICE restart may bring it back.
    Disconnected {
        /// Whose.
        participant: ParticipantId,
    },
    /// The participant's side ended the connection for good. The caller still says [`Command::Close`].
    Closed {
        /// Whose.
        participant: ParticipantId,
    },
    /// A message from a participant.
    Data {
        /// From whom.
        participant: ParticipantId,
        /// Whether it came on the reliable channel.
        reliable: bool,
        /// What.
        payload: Vec<u8>,
    },
    /// Which layers of a simulcast track anybody wants now: the publisher may leave out the rest.
    LayersWanted {
        /// The publisher.
        participant: ParticipantId,
        /// Which track.
        track: TrackId,
        /// All its layers, smallest first.
        layers: Vec<(Rid, bool)>,
    },
    /// How well the participant is reached, when it changed.
    Quality {
        /// Whose.
        participant: ParticipantId,
        /// How well.
        quality: Quality,
    },
}

/// How well a participant is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// Nothing is heard of it.
    Lost,
    /// Its path carries less than what it wants to see.
    Poor,
    /// It gets what it wants to see.
    Good,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// More participants than [`Limits`](crate::Limits) allows.
    #[error("too many participants")]
    TooManyParticipants,
    /// [`Command::Open`] with a number in use.
    #[error("participant exists")]
    ParticipantExists,
    /// No participant with that number.
    #[error("no such participant")]
    NoParticipant,
    /// The offer has no answer, or the answer is not taken.
    #[error(transparent)]
    Description(#[from] DescriptionRefused),
    /// A track is published twice, by two participants or in two sections, or with too many layers.
    #[error("track not acceptable")]
    BadTrack,
    /// A message larger than [`Limits`](crate::Limits) allows.
    #[error("message too large")]
    MessageTooLarge,
    /// A message that the participant's channel has no room for.
    #[error("channel full")]
    ChannelFull,
}
