//! Offers and answers: which section carries which track.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use conclave_livekit_proto::proto::leave_request::Action;
use conclave_livekit_proto::proto::participant_info::State;
use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{DisconnectReason, SessionDescription, VideoQuality};
use conclave_sfu::{Command, Layer, Mid, ParticipantId, Rid, SectionRole, TrackId};

use crate::participant::Participant;
use crate::sdp::{self, Kind, Msid, Section};
use crate::track::Track;
use crate::{Signalling, limits};

/// What a participant and the server have agreed on, and what is under way.
#[derive(Default)]
pub(crate) struct Negotiation {
    /// What each media section of the last offer was answered with.
    sections: BTreeMap<String, SectionUse>,
    /// Client's ids of tracks in the last offer that it never announced.
    unannounced_cids: Vec<String>,
    /// Ids of the offers that the media side has not answered yet, oldest first.
    offers: VecDeque<u32>,
    /// The client was asked for an offer that has not come yet.
    offer_requested: bool,
    /// An offer was answered.
    answered: bool,
}

/// What a media section carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SectionUse {
    /// From the client.
    Publish(TrackId),
    /// To the client.
    Subscribe(TrackId),
    /// Nothing, and the client is ready to receive: free for a subscription.
    Free(Kind),
    /// Nothing, and the client wants nothing there.
    Off,
}

impl Negotiation {
    /// Whether a first offer came and nothing is under way.
    pub(crate) fn is_settled(&self) -> bool {
        !self.offer_requested && self.offers.is_empty() && !self.sections.is_empty()
    }

    /// Notes that the client was asked for an offer.
    pub(crate) fn on_offer_requested(&mut self) {
        self.offer_requested = true;
    }

    /// A request that was under way may be lost.
    pub(crate) fn on_resume(&mut self) {
        self.offer_requested = false;
    }

    /// Whether the last offer sends a track under this id that was not announced.
    pub(crate) fn has_unannounced(&self, cid: &str) -> bool {
        self.unannounced_cids.iter().any(|c| c == cid)
    }

    /// Sections that carry a track to the client, by mid.
    pub(crate) fn subscribed(&self) -> impl Iterator<Item = (&str, TrackId)> {
        self.sections.iter().filter_map(|(mid, section)| match section {
            SectionUse::Subscribe(track) => Some((&**mid, *track)),
            SectionUse::Publish(_) | SectionUse::Free(_) | SectionUse::Off => None,
        })
    }

    /// How many sections of this kind are free for a subscription.
    pub(crate) fn free_sections(&self, kind: Kind) -> usize {
        self.sections.values().filter(|s| **s == SectionUse::Free(kind)).count()
    }
}

/// What an offer means.
struct Assigned {
    sections: Vec<conclave_sfu::Section>,
    /// Tracks that were sent and have no section any more.
    ended: Vec<TrackId>,
    /// Tracks that have a section for the first time.
    begun: Vec<(TrackId, Kind)>,
}

impl Signalling {
    /// A client offers.
    pub(crate) fn offer(&mut self, participant_id: ParticipantId, offer: &SessionDescription) {
        let Some(participant) = self.participants.get_mut(&participant_id) else { return };
        participant.negotiation.offer_requested = false;
        let read = sdp::sections(&offer.sdp).ok().filter(|_| participant.negotiation.offers.len() < limits::OFFERS);
        let Some(read) = read else {
            self.close_malformed(participant_id);
            return;
        };
        let Assigned { sections, ended, begun } = assign(participant, &read);
        let first = participant.state == State::Joining;
        if first {
            participant.state = State::Joined;
        }
        participant.negotiation.offers.push_back(offer.id);
        self.command(Command::Offer { participant: participant_id, sdp: offer.sdp.clone(), sections });
        if first || !begun.is_empty() {
            self.announce_change(participant_id);
        }
        for id in ended {
            self.unpublish(participant_id, id);
        }
        for (id, kind) in begun {
            self.offer_to_others(participant_id, id, kind);
        }
    }

    /// The media side has no answer to an offer.
    pub(crate) fn on_offer_refused(&mut self, participant_id: ParticipantId) {
        let Some(participant) = self.participants.get(&participant_id) else { return };
        self.counters.malformed += 1;
        // Another first offer would fare no better; after a good one, a fresh start may.
        let action = if participant.negotiation.answered { Action::Reconnect } else { Action::Disconnect };
        self.remove_with(participant_id, action, DisconnectReason::MediaFailure);
    }

    /// The media side answers the oldest open offer.
    pub(crate) fn on_answer(&mut self, participant_id: ParticipantId, answer: &str) {
        let Some(participant) = self.participants.get_mut(&participant_id) else { return };
        participant.negotiation.answered = true;
        let id = participant.negotiation.offers.pop_front().unwrap_or_default();
        let Some(participant) = self.participants.get(&participant_id) else { return };
        let received: Vec<_> = participant.negotiation.subscribed().map(|(mid, track)| (mid.to_owned(), track)).collect();
        let codecs = participant.negotiation.sections.iter().filter_map(|(mid, usage)| match usage {
            SectionUse::Publish(track) => Some((&**mid, participant.tracks.get(track)?.codec())),
            SectionUse::Subscribe(_) | SectionUse::Free(_) | SectionUse::Off => None,
        });
        let answer = self.describe(participant_id, ("answer", id), &sdp::prefer(answer, &codecs.collect()), &received);
        self.tell(participant_id, Message::Answer(answer));
        for (_, track) in received {
            self.tell_of_first_subscriber(track);
        }
        self.ask_for_sections(participant_id);
    }

    /// A description of ours, with the tracks that the participant receives, by section, called as it knows them. `kind`: its type, and its number.
    pub(crate) fn describe(
        &self,
        to: ParticipantId,
        kind: (&str, u32),
        description: &str,
        received: &[(String, TrackId)],
    ) -> SessionDescription {
        let by_track = self.participants.get(&to).is_some_and(Participant::names_streams_after_tracks);
        let mut names = BTreeMap::new();
        for (mid, track) in received {
            let owner = self.owners.get(track).and_then(|o| self.participants.get(o));
            let Some((owner, track)) = owner.and_then(|o| Some((o, o.tracks.get(track)?))) else { continue };
            let stream = if by_track { &track.info.sid } else { &track.info.stream };
            let msid = Msid { stream: format!("{}|{stream}", owner.sid), track: track.info.sid.clone() };
            names.insert(&**mid, msid);
        }
        let sdp = sdp::rename(description, &names);
        let mid_to_track_id = names.into_iter().map(|(mid, msid)| (mid.to_owned(), msid.track)).collect();
        SessionDescription { r#type: kind.0.to_owned(), sdp, id: kind.1, mid_to_track_id }
    }
}

/// Gives each section of an offer its use, and notes it.
fn assign(participant: &mut Participant, offer: &[Section]) -> Assigned {
    let mut assigned = Assigned { sections: Vec::new(), ended: Vec::new(), begun: Vec::new() };
    let mut sections = BTreeMap::new();
    let mut unannounced_cids = Vec::new();
    let sent: BTreeSet<_> = offer.iter().filter(|s| s.sends).map(|s| &*s.mid).collect();
    for section in offer.iter().filter(|s| s.kind != Kind::Other) {
        let usage = if section.sends {
            let published = published(participant, section, &mut assigned);
            unannounced_cids.extend(published.is_none().then(|| section.cid.clone()).flatten());
            published.map_or(SectionUse::Off, SectionUse::Publish)
        } else if section.receives && participant.subscriber.is_none() {
            received(participant, section, &sections)
        } else {
            SectionUse::Off
        };
        sections.insert(section.mid.clone(), usage);
    }
    for (id, track) in &participant.tracks {
        let carried = track.mid.as_deref().is_none_or(|mid| sent.contains(mid));
        if !carried && !assigned.ended.contains(id) {
            assigned.ended.push(*id);
        }
    }
    for section in offer {
        let (Ok(mid), Some(usage)) = (Mid::new(&section.mid), sections.get(&section.mid)) else { continue };
        let role = match usage {
            SectionUse::Publish(track) => SectionRole::Publish { track: *track, layers: layers(participant.tracks.get(track), section) },
            SectionUse::Subscribe(track) => SectionRole::Subscribe { track: *track },
            SectionUse::Free(_) | SectionUse::Off => SectionRole::Inactive,
        };
        assigned.sections.push(conclave_sfu::Section { mid, role });
    }
    unannounced_cids.truncate(limits::LAYERS);
    (participant.negotiation.sections, participant.negotiation.unannounced_cids) = (sections, unannounced_cids);
    assigned
}

/// The own track that a sending section carries.
fn published(participant: &mut Participant, section: &Section, assigned: &mut Assigned) -> Option<TrackId> {
    let carries = participant.tracks.iter().find(|(_, t)| t.mid.as_deref() == Some(&*section.mid)).map(|(id, _)| *id);
    let announced = section.cid.as_deref().and_then(|cid| participant.announced(cid, section.kind));
    let found = match (carries, announced) {
        // The section was freed and taken again between two offers.
        (Some(old), Some(new)) => {
            assigned.ended.push(old);
            new
        }
        (Some(old), None) => return Some(old),
        (None, Some(new)) => new,
        (None, None) => participant.only_announced(section.kind)?,
    };
    let track = participant.tracks.get_mut(&found)?;
    track.bind(&section.mid);
    assigned.begun.push((found, section.kind));
    Some(found)
}

/// What a receiving section carries from now on.
fn received(participant: &Participant, section: &Section, taken: &BTreeMap<String, SectionUse>) -> SectionUse {
    match participant.negotiation.sections.get(&section.mid) {
        Some(SectionUse::Subscribe(track)) if participant.is_wanted(*track) => SectionUse::Subscribe(*track),
        // One answer without a track in between, or a browser fires no event for the next one.
        Some(SectionUse::Subscribe(_)) => SectionUse::Free(section.kind),
        Some(SectionUse::Publish(_) | SectionUse::Free(_) | SectionUse::Off) | None => {
            let free = |id: &TrackId| !taken.values().any(|u| *u == SectionUse::Subscribe(*id));
            let next = participant.unserved().into_iter().find(|(id, kind)| *kind == section.kind && free(id));
            next.map_or(SectionUse::Free(section.kind), |(id, _)| SectionUse::Subscribe(id))
        }
    }
}

/// The simulcast layers of a section, smallest first.
fn layers(track: Option<&Track>, section: &Section) -> Vec<Layer> {
    let size = |rid: &str, at: usize| track.and_then(|t| t.size_of_rid(rid, at)).unwrap_or((0, 0));
    let rids = section.rids.iter().enumerate();
    let mut layers: Vec<_> = rids
        .filter_map(|(at, rid)| {
            let (width, height) = size(rid, at);
            Some(Layer { rid: Rid::new(rid).ok()?, width, height })
        })
        .collect();
    layers.sort_by_key(|l| u64::from(l.width) * u64::from(l.height));
    layers
}

/// What clients call the layers of a simulcast track.
pub(crate) fn quality_of_rid(rid: &str) -> VideoQuality {
    match rid {
        "q" => VideoQuality::Low,
        "h" => VideoQuality::Medium,
        _ => VideoQuality::High,
    }
}
