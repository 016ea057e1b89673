//! The way of packets from where they are kept to a subscriber: one subscriber at a time takes all that is new for it.

use std::net::SocketAddr;

use conclave_base::Time;
use conclave_rtp::Batch;

use crate::down_track::DownTrack;
use crate::history::{History, KEPT_FOR};
use crate::pace::Pace;
use crate::participant::{Lost, MAX_REPAIRS, Participant};
use crate::replay::BEAT;
use crate::rewriter::Origin;
use crate::sfu::{Sfu, Stats, mark_pollable, mark_receiver};
use crate::track::Track;
use crate::transport::{OutgoingPacket, OutgoingStream, Purpose, Sealing, Transport};
use crate::{ParticipantId, TrackId};

/// Packets that are looked ahead at, for the longest one.
const LOOKAHEAD: u64 = 16;
/// Packets that bandwidth is probed with: so many of the last ones.
const MOST_RECENT: u16 = 32;
/// Packets of a probe that leave at once.
const MOST_PROBES: u16 = 64;

/// The batch has to leave before there is room for more.
struct Full;

/// What a section has got of what is new for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    All,
    /// The rest is not due yet.
    Part,
}

impl<T: Transport> Sfu<T> {
    /// Puts the subscribers of tracks of which something came in the row of those who get packets.
    pub(crate) fn tell_subscribers(&mut self) {
        let Self { participants, tracks, receivers, fresh, .. } = self;
        for track in fresh.drain(..) {
            let Some(track) = tracks.get_mut(&track) else { continue };
            track.is_fresh = false;
            for (id, at) in &track.subscribers {
                let Some(participant) = participants.get_mut(id) else { continue };
                let Some(down_track) = participant.down_tracks.get_mut(*at) else { continue };
                if !std::mem::replace(&mut down_track.is_fresh, true) {
                    participant.fresh.push(*at);
                }
                mark_receiver(receivers, *id, participant);
            }
        }
    }

    /// Who was held goes on, once the time for that has come.
    pub(crate) fn begin_beat(&mut self, now: Time) {
        if now < self.next_beat {
            return;
        }
        self.next_beat = Time::MAX;
        for id in std::mem::take(&mut self.held) {
            if let Some(participant) = self.participants.get_mut(&id) {
                participant.is_held = false;
                mark_receiver(&mut self.receivers, id, participant);
            }
        }
    }

    /// Seals the next batch, for whoever's turn it is; gives our address and theirs. `None` when there is nothing more for anybody.
    pub(crate) fn pull(&mut self, now: Time) -> Option<(SocketAddr, SocketAddr)> {
        let Self { participants, tracks, receivers, held, next_beat, pollable, batch, stats, .. } = self;
        batch.clear();
        loop {
            let id = *receivers.front()?;
            let Some(participant) = participants.get_mut(&id) else {
                receivers.pop_front();
                continue;
            };
            if participant.transport.is_probing() {
                // It wants to be woken for the rest of the probe.
                mark_pollable(pollable, id, participant);
            }
            let get = |track: TrackId| tracks.get(&track);
            let path = participant.transport.path();
            let taken = if path.is_some() { fill(participant, get, batch, stats, now) } else { skip(participant, get) };
            if taken.is_ok() || batch.is_empty() {
                participant.receives = false;
                receivers.pop_front();
                if path.is_some() && !participant.fresh.is_empty() && !std::mem::replace(&mut participant.is_held, true) {
                    *next_beat = (*next_beat).min(now + BEAT);
                    held.push_back(id);
                }
            }
            if let Some(path) = path.filter(|_| !batch.is_empty()) {
                return Some(path);
            }
        }
    }

    /// A receiver has not got some packets of a stream.
    pub(crate) fn on_lost(&mut self, id: ParticipantId, stream: OutgoingStream, seqs: &[u16]) {
        self.stats.packets_lost += seqs.len() as u64;
        let Some(participant) = self.participants.get_mut(&id) else { return };
        let Some(down_track) = participant.down_tracks.iter().position(|down_track| down_track.stream == Some(stream)) else { return };
        let room = MAX_REPAIRS.saturating_sub(participant.lost_packets.len());
        participant.lost_packets.extend(seqs.iter().take(room).map(|seq| Lost { down_track, seq: *seq }));
        mark_receiver(&mut self.receivers, id, participant);
    }
}

/// Without keys nothing is sealed, and nothing kept until there are some.
fn skip<'a, T: Transport>(participant: &mut Participant<T>, get: impl Fn(TrackId) -> Option<&'a Track>) -> Result<(), Full> {
    participant.lost_packets.clear();
    for at in participant.fresh.drain(..) {
        let Some(down_track) = participant.down_tracks.get_mut(at) else { continue };
        down_track.is_fresh = false;
        down_track.next = down_track.track.and_then(&get).map_or(0, |track| track.history.end());
    }
    Ok(())
}

/// Seals all that there is for a participant: what it lost first, since that is older, and what probes last.
fn fill<'a, T: Transport>(
    participant: &mut Participant<T>,
    get: impl Fn(TrackId) -> Option<&'a Track>,
    batch: &mut Batch,
    stats: &mut Stats,
    now: Time,
) -> Result<(), Full> {
    participant.pace.fill(participant.estimate, participant.desired, now);
    repair(participant, &get, batch, now)?;
    for place in (0..participant.fresh.len()).rev() {
        if let Some(down_track) = participant.fresh.get(place).and_then(|at| participant.down_tracks.get_mut(*at)) {
            let track = down_track.track.and_then(&get);
            if let Some(track) = track
                && take(down_track, track, (&mut participant.transport, &mut participant.pace), batch, stats, now)? == Taken::Part
            {
                continue;
            }
            down_track.is_fresh = false;
        }
        participant.fresh.swap_remove(place);
    }
    probe(participant, &get, batch, now)
}

/// Seals what is new for a section.
fn take<T: Transport>(
    down_track: &mut DownTrack,
    track: &Track,
    (transport, pace): (&mut T, &mut Pace),
    batch: &mut Batch,
    stats: &mut Stats,
    now: Time,
) -> Result<Taken, Full> {
    let history = &track.history;
    let (Some(id), Some(stream)) = (down_track.track, down_track.stream) else {
        down_track.next = history.end();
        return Ok(Taken::All);
    };
    down_track.next = down_track.next.max(history.first());
    while let Some((layer, number)) = history.at(down_track.next) {
        let packet = if down_track.takes(layer) { history.get(layer, number) } else { None };
        let origin = Origin { track: id, layer, stream: track.stream_of(layer) };
        let outgoing = packet.and_then(|(packet, payload)| down_track.rewrite(origin, packet, payload));
        if let (Some(mut outgoing), Some((packet, _))) = (outgoing, packet) {
            // Sound is never held.
            let is_video = outgoing.codec.is_video();
            if down_track.replay.as_mut().is_some_and(|replay| replay.due(packet.arrived) > now) || is_video && !pace.allows() {
                return Ok(Taken::Part);
            }
            if batch.is_empty() && is_video {
                outgoing.longest = longest(history, down_track.next, layer);
            }
            match transport.seal(stream, &outgoing, Purpose::Media, batch, now) {
                Sealing::Sealed => {
                    stats.packets_out += 1;
                    pace.on_sent(outgoing.payload.len());
                    down_track.seen = down_track.next + 1;
                }
                Sealing::Later => return Err(Full),
                Sealing::Refused => stats.seals_refused += 1,
            }
        }
        down_track.next += 1;
    }
    down_track.replay = None;
    Ok(Taken::All)
}

/// The longest payload of a layer among the packets at a place and after it.
fn longest(history: &History, from: u64, layer: usize) -> usize {
    let ahead = (from..from + LOOKAHEAD).map_while(|place| history.at(place)).filter(|(other, _)| *other == layer);
    ahead.filter_map(|(layer, number)| history.get(layer, number)).map(|(_, payload)| payload.len()).max().unwrap_or_default()
}

/// Seals once more what was lost.
fn repair<'a, T: Transport>(
    participant: &mut Participant<T>,
    get: impl Fn(TrackId) -> Option<&'a Track>,
    batch: &mut Batch,
    now: Time,
) -> Result<(), Full> {
    while let Some(lost) = participant.lost_packets.front() {
        let down_track = participant.down_tracks.get(lost.down_track);
        let found = down_track.and_then(|down_track| Some((down_track.stream?, sent(down_track, lost.seq, &get, now)?)));
        if let Some((stream, packet)) = found {
            match participant.transport.seal(stream, &packet, Purpose::Repair, batch, now) {
                Sealing::Sealed => participant.pace.on_sent(packet.payload.len()),
                Sealing::Later => return Err(Full),
                Sealing::Refused => {}
            }
        }
        participant.lost_packets.pop_front();
    }
    Ok(())
}

/// Seals some of the last packets once more, if bandwidth is to be probed with them.
fn probe<'a, T: Transport>(
    participant: &mut Participant<T>,
    get: impl Fn(TrackId) -> Option<&'a Track>,
    batch: &mut Batch,
    now: Time,
) -> Result<(), Full> {
    for nth in 0..MOST_PROBES {
        let Some(stream) = participant.transport.probe(now) else { return Ok(()) };
        let packet = participant.down_tracks.iter().find(|down_track| down_track.stream == Some(stream)).and_then(|down_track| {
            let back = |back| down_track.rewriter.newest().wrapping_sub((nth + back) % MOST_RECENT);
            (0..MOST_RECENT).find_map(|nth| sent(down_track, back(nth), &get, now))
        });
        let sealed = packet.map_or(Sealing::Refused, |packet| participant.transport.seal(stream, &packet, Purpose::Probe, batch, now));
        match sealed {
            Sealing::Sealed => {}
            Sealing::Later => return Err(Full),
            Sealing::Refused => participant.transport.give_up_probe(now),
        }
    }
    Ok(())
}

/// A packet that was sent not long ago, by the last bits of its number.
fn sent<'a>(down_track: &DownTrack, seq: u16, get: impl Fn(TrackId) -> Option<&'a Track>, now: Time) -> Option<OutgoingPacket<'a>> {
    let (segment, number) = down_track.rewriter.find(seq)?;
    let Origin { track, layer, stream } = segment.origin;
    let track = get(track).filter(|track| track.stream_of(layer) == stream)?;
    let (packet, payload) = track.history.get(layer, number)?;
    (now - packet.arrived <= KEPT_FOR).then(|| segment.rewrite(packet, payload))
}
