use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use conclave_base::{Queue, Time};

use crate::api::{Event, Input, Output, Refused};
use crate::route::Routes;
use crate::session::Session;
use crate::track::Track;
use crate::transport::{Polled, Received, Transport, TransportEvent};
use crate::{Channel, SessionId, TrackId};

/// How often it is looked into who gets which layer.
pub(crate) const REVIEW: Duration = Duration::from_millis(200);
/// Outputs that wait to be polled. The caller drains after each input; one input never makes so many.
const MAX_OUTPUTS: usize = 1 << 16;
/// A transport that is never idle gives way to the others after so many turns.
const MAX_TURNS: usize = 16;

/// What one [`Sfu`] holds at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at a time.
    pub sessions: usize,
    /// Bytes of one data-channel message.
    pub message: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sessions: 4096, message: 65_536 }
    }
}

/// Counters since the start.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// RTP packets received from publishers.
    pub packets_in: u64,
    /// RTP packets forwarded to subscribers.
    pub packets_out: u64,
    /// Datagrams that belong to no connection, or that a connection could not read.
    pub datagrams_dropped: u64,
    /// RTP packets that belong to no track, or whose payload descriptor is malformed.
    pub packets_dropped: u64,
    /// RTP packets that a subscriber's connection did not take.
    pub writes_refused: u64,
    /// Data-channel messages that had no room.
    pub messages_dropped: u64,
    /// Key frames asked of publishers.
    pub key_frames_requested: u64,
}

/// All rooms' media.
pub struct Sfu<T: Transport> {
    pub(crate) config: T::Config,
    pub(crate) limits: Limits,
    pub(crate) stats: Stats,
    pub(crate) sessions: BTreeMap<SessionId, Session<T>>,
    pub(crate) tracks: BTreeMap<TrackId, Track>,
    pub(crate) routes: Routes,
    /// Sessions whose transport may have something; each is in it once at most.
    pub(crate) queued: VecDeque<SessionId>,
    /// When each session wants to be woken.
    pub(crate) timers: BTreeSet<(Time, SessionId)>,
    pub(crate) next_review: Time,
    out: Queue<Output>,
}

impl<T: Transport> Sfu<T> {
    /// Without sessions.
    pub fn new(config: T::Config, limits: Limits) -> Self {
        Self {
            config,
            limits,
            stats: Stats::default(),
            sessions: BTreeMap::new(),
            tracks: BTreeMap::new(),
            routes: Routes::default(),
            queued: VecDeque::new(),
            timers: BTreeSet::new(),
            next_review: Time::ZERO,
            out: Queue::new(MAX_OUTPUTS),
        }
    }

    /// Takes a datagram or a command. A datagram that cannot be used is counted, not an error.
    pub fn handle(&mut self, input: Input<'_>, now: Time) -> Result<(), Refused> {
        match input {
            Input::Datagram { src, dst, bytes } => {
                self.datagram(src, dst, bytes, now);
                Ok(())
            }
            Input::Command(command) => self.command(command, now),
        }
    }

    /// The next output; called until [`Output::Idle`], and again when that moment comes.
    pub fn poll(&mut self, now: Time) -> Output {
        loop {
            if let Some(output) = self.out.pop() {
                return output;
            }
            if let Some(id) = self.queued.pop_front() {
                self.drain(id, now);
            } else if let Some(id) = self.due(now) {
                self.wake(id, now);
            } else if now >= self.next_review && !self.tracks.is_empty() {
                self.next_review = now + REVIEW;
                self.review(now);
            } else {
                return Output::Idle(self.next_wake());
            }
        }
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    fn datagram(&mut self, src: SocketAddr, dst: SocketAddr, bytes: &[u8], now: Time) {
        let Some((id, session)) = self.routes.owner(src, bytes).and_then(|id| Some((id, self.sessions.get_mut(&id)?))) else {
            self.stats.datagrams_dropped += 1;
            return;
        };
        match session.transport.receive(src, dst, bytes, now) {
            Received::Proven => self.routes.learn_address(id, &mut session.route, src),
            Received::Taken => {}
            Received::Dropped => self.stats.datagrams_dropped += 1,
        }
        self.drain(id, now);
    }

    /// Takes everything out of a transport.
    pub(crate) fn drain(&mut self, id: SessionId, now: Time) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.queued = false;
        }
        let mut turns = 0;
        while let Some(session) = self.sessions.get_mut(&id) {
            match session.transport.poll() {
                Polled::Datagram(datagram) => self.emit(Output::Datagram(datagram)),
                Polled::Event(event) => self.happened(id, event, now),
                Polled::Idle(until) if until <= now && turns < MAX_TURNS => {
                    turns += 1;
                    session.transport.tick(now);
                }
                Polled::Idle(until) => {
                    self.set_timer(id, until.max(now + Duration::from_millis(1)));
                    return;
                }
            }
        }
    }

    fn happened(&mut self, id: SessionId, event: TransportEvent, now: Time) {
        match event {
            TransportEvent::Packet(packet) => self.forward(id, &packet, now),
            TransportEvent::Stream { stream, mid, rid } => self.stream_came(id, stream, mid, rid),
            TransportEvent::KeyFrameWanted(mid) => self.key_frame_wanted(id, mid, now),
            TransportEvent::Estimate(bits) => self.estimated(id, bits),
            TransportEvent::Connected => self.connection(id, true),
            TransportEvent::Disconnected => self.connection(id, false),
            TransportEvent::Closed => self.tell(Event::Closed { session: id }),
            TransportEvent::ChannelOpen(_) | TransportEvent::Writable => self.send_unsent(id),
            TransportEvent::Message { payload, .. } if payload.len() > self.limits.message => self.stats.messages_dropped += 1,
            TransportEvent::Message { channel, payload } => {
                self.tell(Event::Data { session: id, reliable: channel == Channel::Reliable, payload });
            }
        }
    }

    fn connection(&mut self, id: SessionId, up: bool) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.lost = !up;
        }
        self.tell(if up { Event::Connected { session: id } } else { Event::Disconnected { session: id } });
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.emit(Output::Event(event));
    }

    pub(crate) fn emit(&mut self, output: Output) {
        if self.out.push(output).is_err() {
            tracing::error!("outputs are not drained; one is lost");
        }
    }

    /// The session's transport may have something.
    pub(crate) fn queue(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            enqueue(&mut self.queued, id, session);
        }
    }

    fn set_timer(&mut self, id: SessionId, until: Time) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if session.wake != until {
            self.timers.remove(&(session.wake, id));
            session.wake = until;
            if until != Time::MAX {
                self.timers.insert((until, id));
            }
        }
    }

    fn due(&self, now: Time) -> Option<SessionId> {
        self.timers.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    fn wake(&mut self, id: SessionId, now: Time) {
        self.set_timer(id, Time::MAX);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.transport.tick(now);
        }
        self.drain(id, now);
    }

    fn next_wake(&self) -> Time {
        let review = if self.tracks.is_empty() { Time::MAX } else { self.next_review };
        self.timers.first().map_or(review, |(at, _)| review.min(*at))
    }
}

/// Puts a session in the queue of those to be polled, once.
pub(crate) fn enqueue<T>(queue: &mut VecDeque<SessionId>, id: SessionId, session: &mut Session<T>) {
    if !session.queued {
        session.queued = true;
        queue.push_back(id);
    }
}
