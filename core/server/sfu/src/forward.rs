//! The way of a packet: from the publisher's transport to those of the subscribers.

use conclave_base::Time;

use crate::payload_descriptor::PayloadDescriptor;
use crate::sfu::{Sfu, mark_pollable};
use crate::transport::{IncomingStream, Packet, Transport};
use crate::{Mid, ParticipantId, Rid, TrackId};

impl<T: Transport> Sfu<T> {
    /// Hands a packet to every subscriber that gets its layer.
    pub(crate) fn forward(&mut self, from: ParticipantId, packet: &Packet, now: Time) {
        self.stats.packets_in += 1;
        let place = self.participants.get(&from).and_then(|s| s.receivers.get(&packet.stream).copied());
        let (Some((id, layer)), Some(descriptor)) = (place, PayloadDescriptor::parse(packet.codec, &packet.payload)) else {
            self.stats.packets_dropped += 1;
            return;
        };
        let Some(mut track) = self.tracks.get_mut(&id) else {
            return;
        };
        if track.note_flowing(layer, packet, now) {
            // A subscriber that waits for the layer gets this very packet.
            self.select_layers_of_subscribers(id, now);
            let Some(same) = self.tracks.get_mut(&id) else { return };
            track = same;
        }
        if track.muted {
            return;
        }
        if descriptor.starts_key_frame {
            track.layers[layer].key_frames.on_key_frame();
        }
        for (to, down_track) in &track.subscribers {
            let Some(participant) = self.participants.get_mut(to) else { continue };
            let down_track = &mut participant.down_tracks[*down_track];
            let (Some(stream), Some(outgoing)) = (down_track.stream, down_track.rewrite(layer, packet, descriptor)) else { continue };
            match participant.transport.write(stream, outgoing) {
                Ok(()) => self.stats.packets_out += 1,
                Err(_) => self.stats.writes_refused += 1,
            }
            mark_pollable(&mut self.pollable, *to, participant);
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
        if let Some(former) = track.layers[layer].stream.replace(stream)
            && former != stream
        {
            participant.receivers.remove(&former);
        }
        participant.receivers.insert(stream, (track_id, layer));
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
