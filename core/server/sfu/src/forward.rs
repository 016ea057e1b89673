//! The way of a packet: from the publisher's transport to those of the subscribers.

use conclave_base::Time;

use crate::payload::glimpse;
use crate::sfu::{Sfu, enqueue};
use crate::transport::{IncomingStream, Packet, Transport};
use crate::{Mid, Rid, SessionId, TrackId};

impl<T: Transport> Sfu<T> {
    /// Hands a packet to everybody who gets its layer.
    pub(crate) fn forward(&mut self, from: SessionId, packet: &Packet, now: Time) {
        self.stats.packets_in += 1;
        let place = self.sessions.get(&from).and_then(|s| s.inlets.get(&packet.stream).copied());
        let (Some((id, layer)), Some(glimpse)) = (place, glimpse(packet.codec, &packet.payload)) else {
            self.stats.packets_dropped += 1;
            return;
        };
        let appeared = self.heard(id, layer, packet, now);
        if appeared {
            // Whoever waits for the layer is to get this very packet.
            self.review_track(id, now);
        }

        let Self { sessions, tracks, queued, stats, .. } = self;
        let Some(track) = tracks.get_mut(&id).filter(|t| !t.muted) else {
            return;
        };
        if glimpse.entry {
            track.layers[layer].key_frames.came();
        }
        for (to, outlet) in &track.subscribers {
            let Some(session) = sessions.get_mut(to) else { continue };
            let outlet = &mut session.outlets[*outlet];
            let (Some(stream), Some(outgoing)) = (outlet.stream, outlet.pass(layer, packet, glimpse, now)) else { continue };
            match session.transport.write(stream, outgoing, now) {
                Ok(()) => stats.packets_out += 1,
                Err(_) => stats.writes_refused += 1,
            }
            enqueue(queued, *to, session);
        }
        if track.layers[layer].key_frames.is_due(now) {
            self.ask_for_key_frames(id, now);
        }
    }

    /// Notes that the layer flows; true if it did not before.
    fn heard(&mut self, id: TrackId, layer: usize, packet: &Packet, now: Time) -> bool {
        let Some(track) = self.tracks.get_mut(&id) else {
            return false;
        };
        track.video = packet.codec.is_video();
        let flowed = track.flows(layer);
        let layer = &mut track.layers[layer];
        layer.heard = Some(now);
        layer.rate.add(packet.payload.len(), now);
        !flowed
    }

    /// An incoming stream turned out to be a layer of a track.
    pub(crate) fn stream_came(&mut self, id: SessionId, stream: IncomingStream, mid: Mid, rid: Option<Rid>) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.inlets.remove(&stream);
        let Some((track_id, track)) = session.published.get(&mid).and_then(|t| Some((*t, self.tracks.get_mut(t)?))) else {
            return;
        };
        let Some(layer) = track.layer_of(rid) else {
            return;
        };
        if let Some(former) = track.layers[layer].stream.replace(stream)
            && former != stream
        {
            session.inlets.remove(&former);
        }
        session.inlets.insert(stream, (track_id, layer));
    }

    /// A subscriber cannot decode any more.
    pub(crate) fn key_frame_wanted(&mut self, id: SessionId, mid: Mid, now: Time) {
        let outlet = self.sessions.get(&id).and_then(|s| s.outlets.iter().find(|o| o.mid == mid));
        if let Some((track, layer)) = outlet.and_then(|o| Some((o.track?, o.current.or(o.target)?))) {
            if let Some(layer) = self.tracks.get_mut(&track).and_then(|t| t.layers.get_mut(layer)) {
                layer.key_frames.want();
            }
            self.ask_for_key_frames(track, now);
        }
    }

    /// Asks a publisher for the key frames that are wanted and due.
    pub(crate) fn ask_for_key_frames(&mut self, id: TrackId, now: Time) {
        let Some(track) = self.tracks.get_mut(&id).filter(|t| t.video && !t.muted) else {
            return;
        };
        let Some(publisher) = self.sessions.get_mut(&track.publisher) else {
            return;
        };
        for i in 0..track.layers.len() {
            // A layer that is left out has none to give; whoever waits for it is moved to another.
            let flows = track.flows(i);
            let layer = &mut track.layers[i];
            let Some(stream) = layer.stream.filter(|_| flows && layer.key_frames.is_due(now)) else { continue };
            layer.key_frames.asked(now);
            publisher.transport.request_key_frame(stream);
            self.stats.key_frames_requested += 1;
            enqueue(&mut self.queued, track.publisher, publisher);
        }
    }
}
