//! Who gets which layer: by the size of the tile, by what the publisher sends, and by what the path carries.

use std::time::Duration;

use conclave_base::Time;

use crate::api::{Event, Quality};
use crate::budget::{Want, share};
use crate::sfu::Sfu;
use crate::track::Track;
use crate::transport::Transport;
use crate::{SessionId, TrackId};

/// A picture that was lowered stays so for this long at least.
const HOLD: Duration = Duration::from_secs(3);
/// The publisher is told that fewer layers are wanted only after this long: tiles are often resized back.
const FEWER_AFTER: Duration = Duration::from_secs(5);

impl<T: Transport> Sfu<T> {
    /// Looks at everybody.
    pub(crate) fn review(&mut self, now: Time) {
        let sessions: Vec<SessionId> = self.sessions.keys().copied().collect();
        for id in sessions {
            self.review_session(id, now);
        }
        let tracks: Vec<TrackId> = self.tracks.keys().copied().collect();
        for id in tracks {
            self.ask_for_key_frames(id, now);
            self.announce_wanted(id, now);
        }
    }

    /// Looks at everybody who subscribes to a track.
    pub(crate) fn review_track(&mut self, id: TrackId, now: Time) {
        let subscribers = self.tracks.get(&id).map(|t| t.subscribers.clone()).unwrap_or_default();
        for (session, _) in subscribers {
            self.review_session(session, now);
        }
    }

    /// Chooses the layers that a subscriber gets, and notes the key frames that this takes.
    pub(crate) fn review_session(&mut self, id: SessionId, now: Time) {
        let Self { sessions, tracks, .. } = self;
        let Some(session) = sessions.get_mut(&id) else {
            return;
        };
        let mut wants = Vec::new();
        let mut outlets = Vec::new();
        for (i, outlet) in session.outlets.iter_mut().enumerate() {
            let track = outlet.track.and_then(|t| tracks.get(&t));
            match track.filter(|t| outlet.setting.enabled && !t.muted) {
                Some(track) => {
                    let narrow = outlet.narrow_at.is_some_and(|at| now - at < HOLD);
                    wants.push(want(track, outlet.setting, outlet.current, narrow));
                    outlets.push(i);
                }
                None => outlet.stop(),
            }
        }

        let free = session.estimate.unwrap_or(u64::MAX);
        let choice = share(&wants, free);
        let mut narrow = false;
        let mut desired = 0_u64;
        for ((want, layer), i) in wants.iter().zip(&choice).zip(&outlets) {
            let outlet = &mut session.outlets[*i];
            narrow |= *layer < want.ideal;
            desired = desired.saturating_add(want.rates[want.ideal]);
            if outlet.target.is_some_and(|before| *layer < before) && *layer < want.ideal {
                outlet.narrow_at = Some(now);
            }
            outlet.target = Some(*layer);
            if let Some((track, layer)) = outlet.track.and_then(|t| tracks.get_mut(&t)).zip(outlet.waits()) {
                track.layers[layer].key_frames.want();
            }
        }
        // Room to grow, and steps coarse enough that the estimator does not probe for every wobble.
        let desired = desired.saturating_mul(5) / 4;
        if desired.abs_diff(session.desired) > session.desired / 4 {
            session.desired = desired;
            session.transport.set_desired_rate(desired);
        }
        self.judge(id, narrow, now);
    }

    /// The path of a subscriber carries about so much.
    pub(crate) fn estimated(&mut self, id: SessionId, bits: u64) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.estimate = Some(bits);
        }
    }

    fn judge(&mut self, id: SessionId, narrow: bool, now: Time) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if narrow {
            session.poor_at = Some(now);
        }
        let quality = match session.poor_at {
            _ if session.lost => Quality::Lost,
            Some(at) if now - at < HOLD => Quality::Poor,
            _ => Quality::Good,
        };
        if session.quality != quality {
            session.quality = quality;
            self.tell(Event::Quality { session: id, quality });
        }
    }

    /// Tells the publisher of a simulcast track which layers anybody wants: more at once, fewer after a while. The smallest is always
    /// wanted, so that who comes next has a picture at once.
    fn announce_wanted(&mut self, id: TrackId, now: Time) {
        let Self { sessions, tracks, .. } = self;
        let Some(track) = tracks.get_mut(&id).filter(|t| t.layers.len() > 1) else {
            return;
        };
        let wanted = track
            .subscribers
            .iter()
            .filter_map(|(session, outlet)| sessions.get(session)?.outlets.get(*outlet))
            .filter(|outlet| outlet.setting.enabled)
            .map(|outlet| track.layer_for(outlet.setting) + 1)
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
        let event = Event::LayersWanted { session: track.publisher, track: id, layers };
        self.tell(event);
    }
}

fn want(track: &Track, tile: crate::Setting, current: Option<usize>, hold: bool) -> Want {
    let ideal = track.nearest(track.layer_for(tile));
    let rates = (0..track.layers.len()).map(|l| if track.flows(l) { track.layers[l].rate.bits().max(1) } else { 0 }).collect();
    let area = u64::from(tile.width).saturating_mul(u64::from(tile.height));
    let weight = if area == 0 { u64::MAX } else { area };
    Want { rates, ideal, current, hold, weight }
}
