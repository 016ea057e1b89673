//! The way of a packet from its publisher's transport to where its subscribers find it.

use conclave_base::Time;

use crate::payload_descriptor::PayloadDescriptor;
use crate::sfu::{Sfu, mark_pollable};
use crate::transport::{IncomingStream, Packet, Transport};
use crate::{Mid, ParticipantId, Rid, TrackId};

impl<T: Transport> Sfu<T> {
    /// Keeps a packet for the subscribers of its track.
    pub(crate) fn forward(&mut self, from: ParticipantId, packet: &Packet, now: Time) {
        self.stats.packets_in += 1;
        let Some(publisher) = self.participants.get(&from) else { return };
        let payload = publisher.transport.payload();
        let place = publisher.receivers.get(&packet.stream).copied();
        let (Some((id, layer)), Some(descriptor)) = (place, PayloadDescriptor::parse(packet.codec, payload)) else {
            self.stats.packets_dropped += 1;
            return;
        };
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let began = track.note_flowing(layer, packet, payload.len(), now);
        let is_kept = !track.muted && track.history.push(layer, packet, descriptor, payload, now);
        if is_kept && !std::mem::replace(&mut track.is_fresh, true) {
            self.fresh.push(id);
        }
        if began {
            // A subscriber that waits for the layer gets this very packet.
            self.select_layers_of_subscribers(id, now);
        }
        let Some(track) = self.tracks.get_mut(&id).filter(|track| !track.muted) else { return };
        if descriptor.starts_key_frame {
            let layer = &mut track.layers[layer];
            layer.key_frames.on_key_frame();
            if is_kept {
                layer.key_frame = Some((track.history.end() - 1, now));
            }
        }
        if track.layers[layer].key_frames.is_due(now) {
            self.ask_for_key_frames(id, now);
        }
    }

    /// An incoming stream turned out to be a layer of a track.
    pub(crate) fn on_stream(&mut self, id: ParticipantId, stream: IncomingStream, mid: Mid, rid: Option<Rid>) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        participant.receivers.remove(&stream);
        let Some((track_id, track)) = participant.published.get(&mid).and_then(|t| Some((*t, self.tracks.get_mut(t)?))) else {
            return;
        };
        let Some(layer) = track.layer_of(rid) else {
            return;
        };
        let former = track.layers[layer].stream.replace(stream).filter(|former| *former != stream);
        if let Some(former) = former {
            participant.receivers.remove(&former);
            track.history.forget(layer);
        }
        participant.receivers.insert(stream, (track_id, layer));
        if former.is_none() {
            return;
        }
        // Its numbers begin anew: who got the layer goes on at a key frame.
        let Self { participants, tracks, .. } = self;
        let Some(track) = tracks.get_mut(&track_id) else { return };
        for (id, down_track) in &track.subscribers {
            let down_track = participants.get_mut(id).and_then(|participant| participant.down_tracks.get_mut(*down_track));
            if let Some(down_track) = down_track.filter(|down_track| down_track.current == Some(layer)) {
                down_track.current = None;
                track.layers[layer].key_frames.want();
            }
        }
    }

    /// A subscriber cannot decode any more.
    pub(crate) fn on_key_frame_request(&mut self, id: ParticipantId, mid: Mid, now: Time) {
        let down_track = self.participants.get(&id).and_then(|s| s.down_tracks.iter().find(|o| o.mid == mid));
        if let Some((track, layer)) = down_track.and_then(|o| Some((o.track?, o.current.or(o.target)?))) {
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
        let Some(publisher) = self.participants.get_mut(&track.publisher) else {
            return;
        };
        for i in 0..track.layers.len() {
            // A layer that is left out has none to give; subscribers that wait for it are moved to another.
            let flows = track.flows(i);
            let layer = &mut track.layers[i];
            let Some(stream) = layer.stream.filter(|_| flows && layer.key_frames.is_due(now)) else { continue };
            layer.key_frames.on_request(now);
            publisher.transport.request_key_frame(stream);
            self.stats.key_frames_requested += 1;
            mark_pollable(&mut self.pollable, track.publisher, publisher);
        }
    }
}
