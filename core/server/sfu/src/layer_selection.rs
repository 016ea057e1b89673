//! Who gets which layer: by the size of the tile, by what the publisher sends, and by what the path carries.

use std::time::Duration;

use conclave_base::Time;

use crate::allocation::{LayerDemand, allocate};
use crate::api::{Event, Quality};
use crate::sfu::{Sfu, mark_receiver};
use crate::track::Track;
use crate::transport::Transport;
use crate::{ParticipantId, TrackId};

/// A picture that was lowered stays so for this long at least.
const UPGRADE_HOLDOFF: Duration = Duration::from_secs(3);
/// The publisher is told that fewer layers are wanted only after this long: tiles are often resized back.
const FEWER_AFTER: Duration = Duration::from_secs(5);

impl<T: Transport> Sfu<T> {
    /// Chooses anew for all subscribers, asks for the key frames that are due, and tells publishers which layers are wanted.
    pub(crate) fn select_all_layers(&mut self, now: Time) {
        let participants: Vec<ParticipantId> = self.rooms.values().flatten().copied().collect();
        for id in &participants {
            self.select_layers(*id, now);
        }
        let published = participants.iter().filter_map(|id| self.participants.get(id)).flat_map(|p| p.published.values());
        let tracks: Vec<TrackId> = published.copied().collect();
        for id in tracks {
            self.ask_for_key_frames(id, now);
            self.announce_wanted(id, now);
        }
    }

    /// Chooses anew for all subscribers of a track.
    pub(crate) fn select_layers_of_subscribers(&mut self, id: TrackId, now: Time) {
        let subscribers = self.tracks.get(&id).map(|t| t.subscribers.clone()).unwrap_or_default();
        for (participant, _) in subscribers {
            self.select_layers(participant, now);
        }
    }

    /// Chooses the layers that a subscriber gets, and notes the key frames that this takes.
    pub(crate) fn select_layers(&mut self, id: ParticipantId, now: Time) {
        let Self { participants, tracks, receivers, .. } = self;
        let Some(participant) = participants.get_mut(&id) else {
            return;
        };
        let has_keys = participant.transport.path().is_some();
        let mut demands = Vec::new();
        let mut down_tracks = Vec::new();
        for (i, down_track) in participant.down_tracks.iter_mut().enumerate() {
            let track = down_track.track.and_then(|t| tracks.get(&t));
            match track.filter(|t| down_track.settings.enabled && !t.muted) {
                Some(track) => {
                    let narrow = down_track.downgraded_at.is_some_and(|at| now - at < UPGRADE_HOLDOFF);
                    demands.push(want(track, down_track.settings, down_track.current, narrow));
                    down_tracks.push(i);
                }
                None => down_track.stop(),
            }
        }

        let free = participant.estimate.unwrap_or(u64::MAX);
        let choice = allocate(&demands, free);
        let (mut narrow, mut catches_up) = (false, false);
        let mut desired = 0_u64;
        for ((want, layer), i) in demands.iter().zip(&choice).zip(&down_tracks) {
            let down_track = &mut participant.down_tracks[*i];
            narrow |= *layer < want.ideal;
            desired = desired.saturating_add(want.rates[want.ideal]);
            if down_track.target.is_some_and(|before| *layer < before) && *layer < want.ideal {
                down_track.downgraded_at = Some(now);
            }
            down_track.target = Some(*layer);
            let Some((track, layer)) = down_track.track.and_then(|t| tracks.get_mut(&t)).zip(down_track.pending_switch()) else { continue };
            if !down_track.catches_up(track, layer, has_keys, now) {
                track.layers[layer].key_frames.want();
            } else if down_track.replay.is_some() {
                if !std::mem::replace(&mut down_track.is_fresh, true) {
                    participant.fresh.push(*i);
                }
                catches_up = true;
            }
        }
        if catches_up {
            mark_receiver(receivers, id, participant);
        }
        // Room to grow, and steps coarse enough that the estimator does not probe for every wobble.
        let desired = desired.saturating_mul(5) / 4;
        if desired.abs_diff(participant.desired) > participant.desired / 4 {
            participant.desired = desired;
            participant.transport.set_desired_rate(desired);
        }
        self.update_quality(id, narrow, now);
    }

    /// The path of a subscriber carries about so much.
    pub(crate) fn on_estimate(&mut self, id: ParticipantId, bits: u64) {
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.estimate = Some(bits);
        }
    }

    fn update_quality(&mut self, id: ParticipantId, narrow: bool, now: Time) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        if narrow {
            participant.poor_at = Some(now);
        }
        let quality = match participant.poor_at {
            _ if participant.lost => Quality::Lost,
            Some(at) if now - at < UPGRADE_HOLDOFF => Quality::Poor,
            _ => Quality::Good,
        };
        if participant.quality != quality {
            participant.quality = quality;
            self.emit_event(Event::Quality { participant: id, quality });
        }
    }

    /// Tells the publisher of a simulcast track which layers anybody wants: more at once, fewer after a while. The smallest is always
    /// wanted, so that the next subscriber has a picture at once.
    fn announce_wanted(&mut self, id: TrackId, now: Time) {
        let Self { participants, tracks, .. } = self;
        let Some(track) = tracks.get_mut(&id).filter(|t| t.layers.len() > 1) else {
            return;
        };
        let wanted = track
            .subscribers
            .iter()
            .filter_map(|(participant, down_track)| participants.get(participant)?.down_tracks.get(*down_track))
            .filter(|down_track| down_track.settings.enabled)
            .map(|down_track| track.layer_for(down_track.settings) + 1)
            .max()
            .unwrap_or(1);
        let fewer_since = (wanted < track.announced).then(|| track.fewer_since.unwrap_or(now));
        track.fewer_since = fewer_since;
        let patient = fewer_since.is_some_and(|since| now - since < FEWER_AFTER);
        if wanted == track.announced || patient {
            return;
        }
        track.announced = wanted;
        track.fewer_since = None;
        let layers = track.layers.iter().enumerate().filter_map(|(i, l)| Some((l.rid?, i < wanted))).collect();
        let event = Event::LayersWanted { participant: track.publisher, track: id, layers };
        self.emit_event(event);
    }
}

fn want(track: &Track, tile: crate::TrackSettings, current: Option<usize>, hold: bool) -> LayerDemand {
    let ideal = track.nearest(track.layer_for(tile));
    let rates = (0..track.layers.len()).map(|l| if track.flows(l) { track.layers[l].rate.bits().max(1) } else { 0 }).collect();
    let area = u64::from(tile.width).saturating_mul(u64::from(tile.height));
    let weight = if area == 0 { u64::MAX } else { area };
    LayerDemand { rates, ideal, current, hold, weight }
}
