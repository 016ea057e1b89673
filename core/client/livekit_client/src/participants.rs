use std::collections::{BTreeMap, BTreeSet};

use conclave_livekit_proto::proto::{ParticipantInfo, participant_info};

use conclave_base::Source;

use crate::types::{Event, of_proto};

/// Most participants that are followed; the rest is ignored.
const MAX_PARTICIPANTS: usize = 4096;
/// Most tracks of one participant.
const MAX_TRACKS: usize = 32;

/// Who is connected to the media server, with which tracks: all of it the server's word.
#[derive(Debug, Default)]
pub(crate) struct Participants {
    participants: BTreeMap<String, Participant>,
    /// Identities whose tracks are wanted.
    chosen: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Participant {
    version: u32,
    tracks: BTreeMap<String, Track>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Track {
    source: Source,
    muted: bool,
}

/// What a change of the participants or of the choice asks of the subscriptions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SubscriptionChange {
    pub(crate) add: Vec<String>,
    pub(crate) remove: Vec<String>,
}

impl Participants {
    /// Takes the server's word about one participant.
    pub(crate) fn update(&mut self, info: &ParticipantInfo, events: &mut Vec<Event>) -> SubscriptionChange {
        let mut subscriptions = SubscriptionChange::default();
        let identity = &info.identity;
        if info.state == i32::from(participant_info::State::Disconnected) {
            if let Some(gone) = self.participants.remove(identity) {
                for track in gone.tracks.values() {
                    events.push(Event::TrackUnpublished { identity: identity.clone(), source: track.source });
                }
                events.push(Event::ParticipantLeft { identity: identity.clone() });
            }
            return subscriptions;
        }
        if !self.participants.contains_key(identity) {
            if self.participants.len() >= MAX_PARTICIPANTS {
                return subscriptions;
            }
            events.push(Event::ParticipantJoined { identity: identity.clone() });
        }
        let participant = self.participants.entry(identity.clone()).or_default();
        if info.version < participant.version {
            return subscriptions;
        }
        participant.version = info.version;
        let tracks: BTreeMap<String, Track> = info
            .tracks
            .iter()
            .take(MAX_TRACKS)
            .filter_map(|t| Some((t.sid.clone(), Track { source: of_proto(t.source)?, muted: t.muted })))
            .collect();
        for (sid, track) in &participant.tracks {
            if !tracks.contains_key(sid) {
                events.push(Event::TrackUnpublished { identity: identity.clone(), source: track.source });
            }
        }
        for (sid, track) in &tracks {
            let before = participant.tracks.get(sid);
            if before != Some(track) {
                events.push(Event::TrackPublished { identity: identity.clone(), source: track.source, muted: track.muted });
            }
            if before.is_none() && self.chosen.contains(identity) {
                subscriptions.add.push(sid.clone());
            }
        }
        participant.tracks = tracks;
        subscriptions
    }

    /// From now on exactly these identities are subscribed.
    pub(crate) fn set_subscribed(&mut self, chosen: BTreeSet<String>) -> SubscriptionChange {
        let mut subscriptions = SubscriptionChange::default();
        for (identity, participant) in &self.participants {
            let list = match (self.chosen.contains(identity), chosen.contains(identity)) {
                (false, true) => &mut subscriptions.add,
                (true, false) => &mut subscriptions.remove,
                (true, true) | (false, false) => continue,
            };
            list.extend(participant.tracks.keys().cloned());
        }
        self.chosen = chosen;
        subscriptions
    }

    /// Tracks of chosen participants.
    pub(crate) fn subscribed_tracks(&self) -> Vec<String> {
        let chosen = self.participants.iter().filter(|(identity, _)| self.chosen.contains(*identity));
        chosen.flat_map(|(_, p)| p.tracks.keys().cloned()).collect()
    }

    /// Whose track it is, if they are chosen.
    pub(crate) fn owner(&self, sid: &str) -> Option<(&str, Source)> {
        self.chosen.iter().find_map(|identity| {
            let track = self.participants.get(identity)?.tracks.get(sid)?;
            Some((identity.as_str(), track.source))
        })
    }

    /// The newest track of this participant and source.
    pub(crate) fn track(&self, identity: &str, source: Source) -> Option<&str> {
        let tracks = &self.participants.get(identity)?.tracks;
        tracks.iter().rev().find(|(_, t)| t.source == source).map(|(sid, _)| sid.as_str())
    }
}

#[cfg(test)]
mod tests {
    use conclave_livekit_proto::proto::{TrackInfo, TrackSource};

    use super::*;

    fn info(identity: &str, version: u32, sids: &[&str]) -> ParticipantInfo {
        let track = |sid: &&str| TrackInfo { sid: (*sid).into(), source: TrackSource::Camera.into(), ..Default::default() };
        ParticipantInfo { identity: identity.into(), version, tracks: sids.iter().map(track).collect(), ..Default::default() }
    }

    #[test]
    fn a_ghost_is_seen_but_never_subscribed() {
        let mut participants = Participants::default();
        let mut events = vec![];
        participants.set_subscribed(BTreeSet::from(["amara".to_owned()]));
        assert_eq!(participants.update(&info("ghost", 1, &["TR_g"]), &mut events), SubscriptionChange::default());
        assert!(matches!(&events[..], [Event::ParticipantJoined { .. }, Event::TrackPublished { .. }]));
        assert_eq!(participants.owner("TR_g"), None);
        assert_eq!(participants.update(&info("amara", 1, &["TR_a"]), &mut events).add, ["TR_a"]);
        assert_eq!(participants.owner("TR_a"), Some(("amara", Source::Camera)));
    }

    #[test]
    fn who_is_no_longer_chosen_is_unsubscribed() {
        let mut participants = Participants::default();
        participants.update(&info("amara", 1, &["TR_a"]), &mut vec![]);
        assert_eq!(participants.set_subscribed(BTreeSet::from(["amara".to_owned()])).add, ["TR_a"]);
        assert_eq!(participants.set_subscribed(BTreeSet::new()).remove, ["TR_a"]);
        assert_eq!(participants.owner("TR_a"), None);
    }

    #[test]
    fn an_older_version_is_ignored() {
        let mut participants = Participants::default();
        participants.update(&info("amara", 5, &["TR_a"]), &mut vec![]);
        participants.update(&info("amara", 4, &[]), &mut vec![]);
        assert_eq!(participants.track("amara", Source::Camera), Some("TR_a"));
    }
}
