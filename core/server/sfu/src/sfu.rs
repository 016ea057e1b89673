use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use conclave_base::{LookupMap, Machine, Polled, Queue, Time};
use conclave_rtp::Batch;

use crate::api::{CommandError, Event, Input, Output};
use crate::demux::Demux;
use crate::down_track::DownTrack;
use crate::participant::Participant;
use crate::track::Track;
use crate::transport::{Received, Transport, TransportEvent, TransportOutput};
use crate::{Channel, ParticipantId, RoomId, TrackId};

/// How often the layers that subscribers get are chosen anew.
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
    /// RTP packets that a subscriber's connection did not seal.
    pub seals_refused: u64,
    /// Data-channel messages that had no room.
    pub messages_dropped: u64,
    /// RTP packets that subscribers said they have not got.
    pub packets_lost: u64,
    /// Key frames asked of publishers.
    pub key_frames_requested: u64,
}

/// The media of all rooms. See the crate's page.
pub struct Sfu<T: Transport> {
    pub(crate) config: T::Config,
    pub(crate) limits: Limits,
    pub(crate) stats: Stats,
    pub(crate) participants: LookupMap<ParticipantId, Participant<T>>,
    /// Who is in each room, and so all of `participants`.
    pub(crate) rooms: BTreeMap<RoomId, BTreeSet<ParticipantId>>,
    pub(crate) tracks: LookupMap<TrackId, Track>,
    pub(crate) demux: Demux,
    /// Participants whose transport may have something; each is in it once at most.
    pub(crate) pollable: VecDeque<ParticipantId>,
    /// Tracks of which something came that their subscribers have not been told of.
    pub(crate) fresh: Vec<TrackId>,
    /// Participants for whom there are packets; each is in it once at most.
    pub(crate) receivers: VecDeque<ParticipantId>,
    /// Those for whom something is not due yet, and who wait for the next beat; each is in it once at most.
    pub(crate) held: VecDeque<ParticipantId>,
    /// When that is.
    pub(crate) next_beat: Time,
    /// When each participant wants to be woken.
    pub(crate) timers: BTreeSet<(Time, ParticipantId)>,
    next_selection: Time,
    now: Time,
    out: Queue<Output>,
    /// The packets for one participant, sealed; the same buffer for each.
    pub(crate) batch: Batch,
}

impl<T: Transport> Sfu<T> {
    /// Without rooms.
    pub fn new(config: T::Config, limits: Limits) -> Self {
        Self {
            config,
            limits,
            stats: Stats::default(),
            participants: LookupMap::default(),
            rooms: BTreeMap::new(),
            tracks: LookupMap::default(),
            demux: Demux::default(),
            pollable: VecDeque::new(),
            fresh: Vec::new(),
            receivers: VecDeque::new(),
            held: VecDeque::new(),
            next_beat: Time::MAX,
            timers: BTreeSet::new(),
            next_selection: Time::ZERO,
            now: Time::ZERO,
            out: Queue::new(MAX_OUTPUTS),
            batch: Batch::default(),
        }
    }

    /// The datagrams of the last [`Output::Batch`], until the next output is polled.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Tracks of all rooms.
    pub fn tracks(&self) -> usize {
        self.tracks.len()
    }

    fn datagram(&mut self, src: SocketAddr, dst: SocketAddr, bytes: &[u8], now: Time) {
        let found = self.demux.participant_for(src, bytes).and_then(|id| Some((id, self.participants.get_mut(&id)?)));
        let Some((id, participant)) = found else {
            self.stats.datagrams_dropped += 1;
            return;
        };
        match participant.transport.receive(src, dst, bytes, now) {
            Received::Authenticated => self.demux.bind_address(id, src),
            Received::Accepted => {}
            Received::Dropped => self.stats.datagrams_dropped += 1,
        }
        self.drain(id, now);
    }

    /// Takes everything out of a transport.
    fn drain(&mut self, id: ParticipantId, now: Time) {
        let mut turns = 0;
        let mut first = true;
        loop {
            let Some(participant) = self.participants.get_mut(&id) else { return };
            if std::mem::take(&mut first) {
                participant.pollable = false;
            }
            // One look-up serves until an event comes, since what an event does may touch every participant.
            let event = loop {
                match participant.transport.poll() {
                    TransportOutput::Datagram(datagram) => emit(&mut self.out, Output::Datagram(datagram)),
                    TransportOutput::Event(event) => break event,
                    TransportOutput::Idle(until) if until <= now && turns < MAX_TURNS => {
                        turns += 1;
                        participant.transport.tick(now);
                    }
                    TransportOutput::Idle(until) => {
                        set_timer(&mut self.timers, id, participant, until.max(now + Duration::from_millis(1)));
                        if participant.transport.is_probing() {
                            mark_receiver(&mut self.receivers, id, participant);
                        }
                        return;
                    }
                }
            };
            self.on_transport_event(id, event, now);
        }
    }

    fn on_transport_event(&mut self, id: ParticipantId, event: TransportEvent, now: Time) {
        match event {
            TransportEvent::Packet(packet) => self.forward(id, &packet, now),
            TransportEvent::Lost { stream, seqs } => self.on_lost(id, stream, &seqs),
            TransportEvent::Stream { stream, mid, rid } => self.on_stream(id, stream, mid, rid),
            TransportEvent::KeyFrameRequested(mid) => self.on_key_frame_request(id, mid, now),
            TransportEvent::Estimate(bits) => self.on_estimate(id, bits),
            TransportEvent::Connected => self.on_connection_state(id, true, now),
            TransportEvent::Disconnected => self.on_connection_state(id, false, now),
            TransportEvent::Closed => self.emit_event(Event::Closed { participant: id }),
            TransportEvent::ChannelOpen(_) | TransportEvent::Writable => self.send_unsent(id),
            TransportEvent::Message { payload, .. } if payload.len() > self.limits.message => self.stats.messages_dropped += 1,
            TransportEvent::Message { channel, payload } => {
                self.emit_event(Event::Data { participant: id, reliable: channel == Channel::Reliable, payload });
            }
        }
    }

    fn on_connection_state(&mut self, id: ParticipantId, up: bool, now: Time) {
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.lost = !up;
            if up && !std::mem::replace(&mut participant.connected, true) {
                // What came before had no keys to be sealed with: it gets key frames now.
                participant.down_tracks.iter_mut().for_each(DownTrack::stop);
                let tracks: Vec<TrackId> = participant.down_tracks.iter().filter_map(|down_track| down_track.track).collect();
                self.select_layers(id, now);
                tracks.into_iter().for_each(|track| self.ask_for_key_frames(track, now));
            }
        }
        self.emit_event(if up { Event::Connected { participant: id } } else { Event::Disconnected { participant: id } });
    }

    pub(crate) fn emit_event(&mut self, event: Event) {
        self.emit(Output::Event(event));
    }

    pub(crate) fn emit(&mut self, output: Output) {
        emit(&mut self.out, output);
    }

    /// The participant's transport may have something.
    pub(crate) fn mark_pollable(&mut self, id: ParticipantId) {
        if let Some(participant) = self.participants.get_mut(&id) {
            mark_pollable(&mut self.pollable, id, participant);
        }
    }

    fn due_timer(&self, now: Time) -> Option<ParticipantId> {
        self.timers.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    fn wake(&mut self, id: ParticipantId, now: Time) {
        if let Some(participant) = self.participants.get_mut(&id) {
            set_timer(&mut self.timers, id, participant, Time::MAX);
            participant.transport.tick(now);
        }
        self.drain(id, now);
    }

    fn next_wake(&self) -> Time {
        let selection = if self.tracks.is_empty() { Time::MAX } else { self.next_selection };
        self.timers.first().map_or(selection, |(at, _)| selection.min(*at)).min(self.next_beat)
    }
}

impl<T: Transport> Machine for Sfu<T> {
    type Input<'a> = Input<'a>;
    type Output = Output;
    type Error = CommandError;

    /// Only commands are refused. A datagram that cannot be used is counted in [`Stats`].
    fn handle(&mut self, input: Input<'_>, now: Time) -> Result<(), CommandError> {
        self.now = self.now.max(now);
        match input {
            Input::Datagram { src, dst, bytes } => {
                self.datagram(src, dst, bytes, self.now);
                Ok(())
            }
            Input::Command(command) => self.command(command, self.now),
            Input::Timeout => Ok(()),
        }
    }

    fn poll(&mut self) -> Polled<Output> {
        let now = self.now;
        loop {
            if let Some(output) = self.out.pop() {
                return Polled::Output(output);
            }
            self.tell_subscribers();
            self.begin_beat(now);
            if let Some((src, dst)) = self.pull(now) {
                return Polled::Output(Output::Batch { src, dst });
            }
            if let Some(id) = self.pollable.pop_front() {
                self.drain(id, now);
            } else if let Some(id) = self.due_timer(now) {
                self.wake(id, now);
            } else if now >= self.next_selection && !self.tracks.is_empty() {
                self.next_selection = now + SELECTION_INTERVAL;
                self.select_all_layers(now);
            } else {
                return Polled::Idle(self.next_wake());
            }
        }
    }
}

fn emit(out: &mut Queue<Output>, output: Output) {
    if out.push(output).is_err() {
        tracing::error!("outputs are not drained; one is lost");
    }
}

/// Has the participant woken at `until`, and at no other moment.
fn set_timer<T>(timers: &mut BTreeSet<(Time, ParticipantId)>, id: ParticipantId, participant: &mut Participant<T>, until: Time) {
    if participant.wake != until {
        timers.remove(&(participant.wake, id));
        participant.wake = until;
        if until != Time::MAX {
            timers.insert((until, id));
        }
    }
}

/// Puts a participant in the queue of those who get packets, once.
pub(crate) fn mark_receiver<T>(queue: &mut VecDeque<ParticipantId>, id: ParticipantId, participant: &mut Participant<T>) {
    if !std::mem::replace(&mut participant.receives, true) {
        queue.push_back(id);
    }
}

/// Puts a participant in the queue of those to be polled, once.
pub(crate) fn mark_pollable<T>(queue: &mut VecDeque<ParticipantId>, id: ParticipantId, participant: &mut Participant<T>) {
    if !participant.pollable {
        participant.pollable = true;
        queue.push_back(id);
    }
}
