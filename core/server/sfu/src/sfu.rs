use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use conclave_base::{Queue, Time};

use crate::api::{CommandError, Event, Input, Output};
use crate::demux::Demux;
use crate::participant::Participant;
use crate::track::Track;
use crate::transport::{Received, Transport, TransportEvent, TransportOutput};
use crate::{Channel, ParticipantId, TrackId};

/// How often it is looked into who gets which layer.
pub(crate) const SELECTION_INTERVAL: Duration = Duration::from_millis(200);
/// Outputs that wait to be polled. The caller drains after each input; one input never makes so many.
const MAX_OUTPUTS: usize = 1 << 16;
/// A transport that is never idle gives way to the others after so many turns.
const MAX_TURNS: usize = 16;

/// What one [`Sfu`] holds at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at a time.
    pub participants: usize,
    /// Bytes of one data-channel message.
    pub message: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { participants: 4096, message: 65_536 }
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
    pub(crate) participants: BTreeMap<ParticipantId, Participant<T>>,
    pub(crate) tracks: BTreeMap<TrackId, Track>,
    pub(crate) demux: Demux,
    /// Participants whose transport may have something; each is in it once at most.
    pub(crate) pollable: VecDeque<ParticipantId>,
    /// When each participant wants to be woken.
    pub(crate) timers: BTreeSet<(Time, ParticipantId)>,
    pub(crate) next_selection: Time,
    out: Queue<Output>,
}

impl<T: Transport> Sfu<T> {
    /// Without participants.
    pub fn new(config: T::Config, limits: Limits) -> Self {
        Self {
            config,
            limits,
            stats: Stats::default(),
            participants: BTreeMap::new(),
            tracks: BTreeMap::new(),
            demux: Demux::default(),
            pollable: VecDeque::new(),
            timers: BTreeSet::new(),
            next_selection: Time::ZERO,
            out: Queue::new(MAX_OUTPUTS),
        }
    }

    /// Takes a datagram or a command. A datagram that cannot be used is counted, not an error.
    pub fn handle(&mut self, input: Input<'_>, now: Time) -> Result<(), CommandError> {
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
            if let Some(id) = self.pollable.pop_front() {
                self.drain(id, now);
            } else if let Some(id) = self.due_timer(now) {
                self.wake(id, now);
            } else if now >= self.next_selection && !self.tracks.is_empty() {
                self.next_selection = now + SELECTION_INTERVAL;
                self.select_all_layers(now);
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
        let Some((id, participant)) = self.demux.participant_for(src, bytes).and_then(|id| Some((id, self.participants.get_mut(&id)?)))
        else {
            self.stats.datagrams_dropped += 1;
            return;
        };
        match participant.transport.receive(src, dst, bytes, now) {
            Received::Authenticated => self.demux.bind_address(id, &mut participant.route, src),
            Received::Accepted => {}
            Received::Dropped => self.stats.datagrams_dropped += 1,
        }
        self.drain(id, now);
    }

    /// Takes everything out of a transport.
    pub(crate) fn drain(&mut self, id: ParticipantId, now: Time) {
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.pollable = false;
        }
        let mut turns = 0;
        while let Some(participant) = self.participants.get_mut(&id) {
            match participant.transport.poll() {
                TransportOutput::Datagram(datagram) => self.emit(Output::Datagram(datagram)),
                TransportOutput::Event(event) => self.on_transport_event(id, event, now),
                TransportOutput::Idle(until) if until <= now && turns < MAX_TURNS => {
                    turns += 1;
                    participant.transport.tick(now);
                }
                TransportOutput::Idle(until) => {
                    self.set_timer(id, until.max(now + Duration::from_millis(1)));
                    return;
                }
            }
        }
    }

    fn on_transport_event(&mut self, id: ParticipantId, event: TransportEvent, now: Time) {
        match event {
            TransportEvent::Packet(packet) => self.forward(id, &packet, now),
            TransportEvent::Stream { stream, mid, rid } => self.on_stream(id, stream, mid, rid),
            TransportEvent::KeyFrameRequested(mid) => self.on_key_frame_request(id, mid, now),
            TransportEvent::Estimate(bits) => self.on_estimate(id, bits),
            TransportEvent::Connected => self.on_connection_state(id, true),
            TransportEvent::Disconnected => self.on_connection_state(id, false),
            TransportEvent::Closed => self.emit_event(Event::Closed { participant: id }),
            TransportEvent::ChannelOpen(_) | TransportEvent::Writable => self.send_unsent(id),
            TransportEvent::Message { payload, .. } if payload.len() > self.limits.message => self.stats.messages_dropped += 1,
            TransportEvent::Message { channel, payload } => {
                self.emit_event(Event::Data { participant: id, reliable: channel == Channel::Reliable, payload });
            }
        }
    }

    fn on_connection_state(&mut self, id: ParticipantId, up: bool) {
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.lost = !up;
        }
        self.emit_event(if up { Event::Connected { participant: id } } else { Event::Disconnected { participant: id } });
    }

    pub(crate) fn emit_event(&mut self, event: Event) {
        self.emit(Output::Event(event));
    }

    pub(crate) fn emit(&mut self, output: Output) {
        if self.out.push(output).is_err() {
            tracing::error!("outputs are not drained; one is lost");
        }
    }

    /// The participant's transport may have something.
    pub(crate) fn mark_pollable(&mut self, id: ParticipantId) {
        if let Some(participant) = self.participants.get_mut(&id) {
            mark_pollable(&mut self.pollable, id, participant);
        }
    }

    fn set_timer(&mut self, id: ParticipantId, until: Time) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        if participant.wake != until {
            self.timers.remove(&(participant.wake, id));
            participant.wake = until;
            if until != Time::MAX {
                self.timers.insert((until, id));
            }
        }
    }

    fn due_timer(&self, now: Time) -> Option<ParticipantId> {
        self.timers.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    fn wake(&mut self, id: ParticipantId, now: Time) {
        self.set_timer(id, Time::MAX);
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.transport.tick(now);
        }
        self.drain(id, now);
    }

    fn next_wake(&self) -> Time {
        let review = if self.tracks.is_empty() { Time::MAX } else { self.next_selection };
        self.timers.first().map_or(review, |(at, _)| review.min(*at))
    }
}

/// Puts a participant in the queue of those to be polled, once.
pub(crate) fn mark_pollable<T>(queue: &mut VecDeque<ParticipantId>, id: ParticipantId, participant: &mut Participant<T>) {
    if !participant.pollable {
        participant.pollable = true;
        queue.push_back(id);
    }
}
