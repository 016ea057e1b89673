use std::collections::{BTreeMap, VecDeque};

use conclave_base::{Queue, Time};

use crate::api::{Quality, Section, TrackSettings};
use crate::down_track::DownTrack;
use crate::pace::Pace;
use crate::transport::IncomingStream;
use crate::{Mid, RoomId, TrackId};

/// Reliable messages that wait for their channel.
const MAX_UNSENT: usize = 64;

/// Repairs that wait to be sealed.
pub(crate) const MAX_REPAIRS: usize = 1024;

/// A packet that its receiver has not got.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lost {
    pub(crate) down_track: usize,
    /// The last bits of its number.
    pub(crate) seq: u16,
}

/// One participant.
#[derive(Debug)]
pub(crate) struct Participant<T> {
    pub(crate) transport: T,
    pub(crate) room: RoomId,
    /// Sections it sends on.
    pub(crate) published: BTreeMap<Mid, TrackId>,
    /// Its incoming streams: the track and layer that each is.
    pub(crate) receivers: BTreeMap<IncomingStream, (TrackId, usize)>,
    /// What an offer to it says, until it has answered.
    pub(crate) offered: Vec<Section>,
    /// Sections it receives on. An index stays the same for the life of the participant.
    pub(crate) down_tracks: Vec<DownTrack>,
    /// Those of them for which something came.
    pub(crate) fresh: Vec<usize>,
    pub(crate) lost_packets: VecDeque<Lost>,
    /// It waits for its turn to get packets.
    pub(crate) receives: bool,
    pub(crate) pace: Pace,
    /// What is next for it is not due yet: it waits for the next beat.
    pub(crate) is_held: bool,
    /// How it shows tracks, also ones that it does not receive yet.
    pub(crate) settings: BTreeMap<TrackId, TrackSettings>,
    /// Bits per second its path carries; `None` while not known, which stands for enough.
    pub(crate) estimate: Option<u64>,
    /// The rate last named to the transport as desired.
    pub(crate) desired: u64,
    /// It was connected once.
    pub(crate) connected: bool,
    /// Nothing is heard of it.
    pub(crate) lost: bool,
    pub(crate) quality: Quality,
    /// When its path last was too narrow.
    pub(crate) poor_at: Option<Time>,
    pub(crate) unsent: Queue<Vec<u8>>,
    /// It waits to be polled.
    pub(crate) pollable: bool,
    /// When it wants to be woken, as entered in the timers.
    pub(crate) wake: Time,
}

impl<T> Participant<T> {
    pub(crate) fn new(transport: T, room: RoomId) -> Self {
        Self {
            transport,
            room,
            published: BTreeMap::new(),
            receivers: BTreeMap::new(),
            offered: Vec::new(),
            down_tracks: Vec::new(),
            fresh: Vec::new(),
            lost_packets: VecDeque::new(),
            receives: false,
            pace: Pace::new(),
            is_held: false,
            settings: BTreeMap::new(),
            estimate: None,
            desired: 0,
            connected: false,
            lost: false,
            quality: Quality::Good,
            poor_at: None,
            unsent: Queue::new(MAX_UNSENT),
            pollable: false,
            wake: Time::MAX,
        }
    }
}
