use std::time::Duration;

use conclave_base::Time;

use crate::api::{Layer, TrackSettings};
use crate::bitrate::BitrateMeter;
use crate::history::{History, REPLAYED_FOR};
use crate::key_frame_throttle::KeyFrameThrottle;
use crate::{IncomingStream, Packet, ParticipantId, Rid, RoomId};

/// Simulcast layers of one track.
pub(crate) const MAX_LAYERS: usize = 4;
/// A layer that is silent for so long while another one of its track is not has been left out by the publisher.
const LEFT_OUT: Duration = Duration::from_millis(1500);

/// A published track and its subscribers.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) publisher: ParticipantId,
    pub(crate) room: RoomId,
    pub(crate) muted: bool,
    /// It carries pictures, as its packets showed: only those have key frames.
    pub(crate) video: bool,
    /// Smallest first; never empty.
    pub(crate) layers: Vec<TrackLayer>,
    /// Subscriber and index of its down_track.
    pub(crate) subscribers: Vec<(ParticipantId, usize)>,
    pub(crate) history: History,
    /// Something came that its subscribers have not been told of.
    pub(crate) is_fresh: bool,
    /// How many layers the publisher was last told are wanted, from the smallest.
    pub(crate) announced: usize,
    /// Since when fewer are.
    pub(crate) fewer_since: Option<Time>,
}

/// One layer of a track.
#[derive(Debug, Default)]
pub(crate) struct TrackLayer {
    pub(crate) rid: Option<Rid>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) stream: Option<IncomingStream>,
    pub(crate) last_packet_at: Option<Time>,
    pub(crate) rate: BitrateMeter,
    pub(crate) key_frames: KeyFrameThrottle,
    /// Place and moment of the last packet that began a key frame.
    pub(crate) key_frame: Option<(u64, Time)>,
}

impl Track {
    pub(crate) fn new(publisher: ParticipantId, room: RoomId, layers: &[Layer]) -> Self {
        let mut track = Self {
            publisher,
            room,
            muted: false,
            video: false,
            layers: layers
                .iter()
                .map(|l| TrackLayer { rid: Some(l.rid), width: l.width, height: l.height, ..TrackLayer::default() })
                .collect(),
            subscribers: Vec::new(),
            history: History::default(),
            is_fresh: false,
            announced: 0,
            fewer_since: None,
        };
        if track.layers.is_empty() {
            track.layers.push(TrackLayer::default());
        }
        track.announced = track.layers.len();
        track
    }

    /// The announced sizes changed (the publisher turned its phone, say). Names stay.
    pub(crate) fn resize(&mut self, layers: &[Layer]) {
        for new in layers {
            if let Some(layer) = self.layers.iter_mut().find(|l| l.rid == Some(new.rid)) {
                (layer.width, layer.height) = (new.width, new.height);
            }
        }
    }

    /// The layer that a stream with this rid is; one that was not announced is taken for the largest.
    pub(crate) fn layer_of(&mut self, rid: Option<Rid>) -> Option<usize> {
        let Some(rid) = rid else {
            return Some(self.layers.len() - 1);
        };
        if let Some(known) = self.layers.iter().position(|l| l.rid == Some(rid)) {
            return Some(known);
        }
        if let [only] = self.layers.as_mut_slice()
            && only.rid.is_none()
        {
            only.rid = Some(rid);
            return Some(0);
        }
        if self.layers.len() >= MAX_LAYERS {
            return None;
        }
        self.layers.push(TrackLayer { rid: Some(rid), ..TrackLayer::default() });
        self.announced += 1;
        Some(self.layers.len() - 1)
    }

    /// The smallest layer that a tile does not have to blow up. A picture that keeps its shape fits a tile when one side does.
    pub(crate) fn layer_for(&self, tile: TrackSettings) -> usize {
        let best = self.layers.len() - 1;
        if tile.width == 0 && tile.height == 0 {
            return best;
        }
        self.layers.iter().position(|l| l.width >= tile.width.max(1) || l.height >= tile.height.max(1)).unwrap_or(best)
    }

    /// Notes a packet of the layer; true if the layer did not flow before.
    pub(crate) fn note_flowing(&mut self, layer: usize, packet: &Packet, len: usize, now: Time) -> bool {
        self.video = packet.codec.is_video();
        let flowed = self.flows(layer);
        let layer = &mut self.layers[layer];
        layer.last_packet_at = Some(now);
        layer.rate.add(len, now);
        !flowed
    }

    /// The stream that a layer is at present.
    pub(crate) fn stream_of(&self, layer: usize) -> Option<IncomingStream> {
        self.layers.get(layer)?.stream
    }

    /// Where a key frame of the layer begins from which on a newcomer can be given what came.
    pub(crate) fn replayable(&self, layer: usize, now: Time) -> Option<u64> {
        let (place, came) = self.layers.get(layer)?.key_frame?;
        let is_kept = self.history.at(place).is_some_and(|(layer, number)| self.history.get(layer, number).is_some());
        (is_kept && now - came <= REPLAYED_FOR).then_some(place)
    }

    /// Whether the publisher sends the layer at present.
    pub(crate) fn flows(&self, layer: usize) -> bool {
        let newest = self.layers.iter().filter_map(|l| l.last_packet_at).max();
        match (self.layers[layer].last_packet_at, newest) {
            (Some(heard), Some(newest)) => newest - heard < LEFT_OUT,
            _ => false,
        }
    }

    /// The best flowing layer that is not above `wanted`, else the least above it, else `wanted`.
    pub(crate) fn nearest(&self, wanted: usize) -> usize {
        let below = (0..=wanted).rev().find(|l| self.flows(*l));
        below.or_else(|| (wanted + 1..self.layers.len()).find(|l| self.flows(*l))).unwrap_or(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rid(text: &str) -> Rid {
        Rid::new(text).expect("a rid")
    }

    fn camera() -> Track {
        let layer = |name, width, height| Layer { rid: rid(name), width, height };
        let layers = [layer("q", 320, 180), layer("h", 640, 360), layer("f", 1280, 720)];
        Track::new(ParticipantId(1), RoomId(1), &layers)
    }

    fn tile(width: u32, height: u32) -> TrackSettings {
        TrackSettings { enabled: true, width, height }
    }

    #[test]
    fn the_tile_chooses_the_layer() {
        let track = camera();
        assert_eq!(track.layer_for(tile(160, 90)), 0);
        assert_eq!(track.layer_for(tile(321, 181)), 1);
        assert_eq!(track.layer_for(tile(1000, 360)), 1, "a wide tile shows the picture at its own height");
        assert_eq!(track.layer_for(tile(1281, 721)), 2, "the largest there is");
        assert_eq!(track.layer_for(tile(0, 0)), 2, "not known");
    }

    #[test]
    fn a_layer_left_out_is_replaced_by_its_neighbour() {
        let mut track = camera();
        track.layers[0].last_packet_at = Some(Time::from_millis(9_000));
        assert_eq!(track.nearest(2), 0);
        track.layers[2].last_packet_at = Some(Time::from_millis(5_000));
        assert_eq!(track.nearest(2), 0, "silent for 4 s");
        track.layers[1].last_packet_at = Some(Time::from_millis(8_900));
        assert_eq!(track.nearest(2), 1);
        assert_eq!(track.nearest(0), 0);
        track.layers[0].last_packet_at = None;
        assert_eq!(track.nearest(0), 1, "better too large than nothing");
    }

    #[test]
    fn unannounced_streams_find_a_place_up_to_a_bound() {
        let mut track = Track::new(ParticipantId(1), RoomId(1), &[]);
        assert_eq!(track.layer_of(None), Some(0));
        assert_eq!((track.layer_of(Some(rid("a"))), track.layer_of(Some(rid("b")))), (Some(0), Some(1)));
        assert_eq!((track.layer_of(Some(rid("c"))), track.layer_of(Some(rid("d")))), (Some(2), Some(3)));
        assert_eq!(track.layer_of(Some(rid("e"))), None);
    }
}
