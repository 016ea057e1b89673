//! The second connection of a participant of the older form: what it receives comes over that one, and there the server offers.

use conclave_livekit_proto::proto::SessionDescription;
use conclave_livekit_proto::proto::signal_response::Message;
use conclave_sfu::{Command, MediaKind, OfferedSection, ParticipantId, TrackId};

use crate::participant::Participant;
use crate::sdp::{self, Kind};
use crate::{Signalling, limits};

/// What is agreed on for it, and what is under way.
pub(crate) struct Subscriber {
    pub(crate) connection: ParticipantId,
    /// What its sections carry, as agreed on or as the offer under way says. They stay in their order, since every offer has all of them.
    sections: Vec<OfferedSection>,
    /// An offer is under way.
    is_negotiating: bool,
    /// The offer that waits for its answer: a client that comes back may have missed it.
    offer: Option<SessionDescription>,
    last_offer: u32,
    restarts_ice: bool,
}

impl Subscriber {
    pub(crate) fn new(connection: ParticipantId) -> Self {
        Self { connection, sections: Vec::new(), is_negotiating: false, offer: None, last_offer: 0, restarts_ice: false }
    }

    /// The tracks that its sections carry.
    pub(crate) fn tracks(&self) -> impl Iterator<Item = TrackId> {
        self.sections.iter().filter_map(|section| section.track)
    }

    /// What the next offer has to say, if it says anything new.
    fn next(&self, participant: &Participant) -> Option<Vec<OfferedSection>> {
        let mut next = self.sections.clone();
        for section in &mut next {
            section.track = section.track.filter(|track| participant.is_wanted(*track));
        }
        for (track, kind) in participant.unserved() {
            let kind = if kind == Kind::Audio { MediaKind::Audio } else { MediaKind::Video };
            // One that carried another track is offered without one in between, or a browser fires no event for the next.
            let mut free = next.iter_mut().zip(&self.sections).filter(|(_, now)| now.track.is_none());
            if let Some((section, _)) = free.find(|(section, _)| section.kind == kind && section.track.is_none()) {
                section.track = Some(track);
            } else if next.len() < limits::OFFERED {
                next.push(OfferedSection { kind, track: Some(track) });
            }
        }
        // The first one opens the channels, if nothing else.
        let is_new = self.last_offer == 0 || self.restarts_ice || next != self.sections;
        is_new.then_some(next)
    }
}

impl Signalling {
    fn subscriber(&mut self, of: ParticipantId) -> Option<&mut Subscriber> {
        self.participants.get_mut(&of)?.subscriber.as_mut()
    }

    /// Offers what the participant wants and has no section for, and takes back what it does not want, once the offer before is answered.
    pub(crate) fn offer_sections(&mut self, participant_id: ParticipantId) {
        let Some(participant) = self.participants.get(&participant_id) else { return };
        let idle = participant.subscriber.as_ref().filter(|s| !s.is_negotiating && participant.signal.conn().is_some());
        let Some(sections) = idle.and_then(|s| s.next(participant)) else { return };
        let Some(subscriber) = self.subscriber(participant_id) else { return };
        subscriber.is_negotiating = true;
        subscriber.sections.clone_from(&sections);
        let restart_ice = std::mem::take(&mut subscriber.restarts_ice);
        let participant = subscriber.connection;
        self.command(Command::CreateOffer { participant, sections, restart_ice });
    }

    /// The media side has made the offer.
    pub(crate) fn on_offer_created(&mut self, participant_id: ParticipantId, offer: &str) {
        let Some(subscriber) = self.subscriber(participant_id) else { return };
        subscriber.last_offer += 1;
        let id = subscriber.last_offer;
        let read = sdp::sections(offer).unwrap_or_default();
        let mids = read.into_iter().filter(|section| section.kind != Kind::Other).map(|section| section.mid);
        let received: Vec<_> = mids.zip(&subscriber.sections).filter_map(|(mid, section)| Some((mid, section.track?))).collect();
        let offer = self.describe(participant_id, ("offer", id), offer, &received);
        self.tell(participant_id, Message::Offer(offer.clone()));
        if let Some(subscriber) = self.subscriber(participant_id) {
            subscriber.offer = Some(offer);
        }
    }

    /// The client answers. An answer to an earlier offer, or one more to the same, says nothing new; some clients name none.
    pub(crate) fn answer(&mut self, participant_id: ParticipantId, answer: SessionDescription) {
        let Some(participant) = self.participants.get_mut(&participant_id) else { return };
        let Some(subscriber) = &mut participant.subscriber else {
            self.close_malformed(participant_id);
            return;
        };
        let is_last = answer.id == 0 || answer.id == subscriber.last_offer;
        if is_last && subscriber.offer.take().is_some() {
            let participant = subscriber.connection;
            self.command(Command::Answer { participant, sdp: answer.sdp });
        }
    }

    /// The media side has taken the answer.
    pub(crate) fn on_negotiated(&mut self, participant_id: ParticipantId) {
        let Some(subscriber) = self.subscriber(participant_id) else { return };
        subscriber.is_negotiating = false;
        for track in subscriber.tracks().collect::<Vec<_>>() {
            self.tell_of_first_subscriber(track);
        }
        self.offer_sections(participant_id);
    }

    /// A client came back, perhaps from another address: ICE begins anew. What it has not answered it gets again first.
    pub(crate) fn resume_subscriber(&mut self, participant_id: ParticipantId) {
        let Some(subscriber) = self.subscriber(participant_id) else { return };
        subscriber.restarts_ice = true;
        match subscriber.offer.clone() {
            Some(offer) => self.tell(participant_id, Message::Offer(offer)),
            None => self.offer_sections(participant_id),
        }
    }
}
