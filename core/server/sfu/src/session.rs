use std::collections::BTreeMap;
use std::net::SocketAddr;

use conclave_base::{Queue, Time};

use crate::api::{Quality, Setting};
use crate::outlet::Outlet;
use crate::transport::IncomingStream;
use crate::{Mid, RoomId, TrackId};

/// Reliable messages that wait for their channel.
const MAX_UNSENT: usize = 64;

/// One participant.
#[derive(Debug)]
pub(crate) struct Session<T> {
    pub(crate) transport: T,
    pub(crate) room: RoomId,
    /// Sections it sends on.
    pub(crate) published: BTreeMap<Mid, TrackId>,
    /// Its incoming streams: the track and layer that each is.
    pub(crate) inlets: BTreeMap<IncomingStream, (TrackId, usize)>,
    /// Sections it receives on. An index stays the same for the life of the session.
    pub(crate) outlets: Vec<Outlet>,
    /// How it shows tracks, also ones that it does not receive yet.
    pub(crate) settings: BTreeMap<TrackId, Setting>,
    /// Bits per second its path carries; `None` while not known, which stands for enough.
    pub(crate) estimate: Option<u64>,
    /// The rate last named to the transport as desired.
    pub(crate) desired: u64,
    /// Nothing is heard of it.
    pub(crate) lost: bool,
    pub(crate) quality: Quality,
    /// When its path last was too narrow.
    pub(crate) poor_at: Option<Time>,
    pub(crate) unsent: Queue<Vec<u8>>,
    pub(crate) route: Route,
    /// It waits to be polled.
    pub(crate) queued: bool,
    /// When it wants to be woken, as entered in the timers.
    pub(crate) wake: Time,
}

/// The names it is found under.
#[derive(Debug, Default)]
pub(crate) struct Route {
    pub(crate) ufrag: String,
    pub(crate) addresses: Vec<SocketAddr>,
}

impl<T> Session<T> {
    pub(crate) fn new(transport: T, room: RoomId) -> Self {
        Self {
            transport,
            room,
            published: BTreeMap::new(),
            inlets: BTreeMap::new(),
            outlets: Vec::new(),
            settings: BTreeMap::new(),
            estimate: None,
            desired: 0,
            lost: false,
            quality: Quality::Good,
            poor_at: None,
            unsent: Queue::new(MAX_UNSENT),
            route: Route::default(),
            queued: false,
            wake: Time::MAX,
        }
    }
}
