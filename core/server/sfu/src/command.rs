//! What the signalling decides, carried out.

use conclave_base::Time;

use crate::api::{Command, CommandError, Event, OfferedSection, Output, Section, SectionRole, TrackSettings};
use crate::down_track::DownTrack;
use crate::participant::Participant;
use crate::sfu::Sfu;
use crate::track::{MAX_LAYERS, Track};
use crate::transport::{Channel, Direction, SendRefused, Transport, TransportOutput};
use crate::{MediaKind, Mid, ParticipantId, RoomId, TrackId};

/// Tracks that a subscriber has told its tile sizes of.
const MAX_SETTINGS: usize = 1024;

impl<T: Transport> Sfu<T> {
    pub(crate) fn command(&mut self, command: Command, now: Time) -> Result<(), CommandError> {
        match command {
            Command::Open { participant, room } => self.open(participant, room, now),
            Command::Offer { participant, sdp, sections } => self.offer(participant, &sdp, &sections, now),
            Command::CreateOffer { participant, sections, restart_ice } => self.create_offer(participant, &sections, restart_ice, now),
            Command::Answer { participant, sdp } => self.answer(participant, &sdp, now),
            Command::Candidate { participant, candidate } => {
                self.participant(participant)?.transport.add_candidate(&candidate);
                self.mark_pollable(participant);
                Ok(())
            }
            Command::TrackSettings { participant, track, settings } => self.set_track_settings(participant, track, settings, now),
            Command::Mute { track, muted } => {
                self.mute(track, muted, now);
                Ok(())
            }
            Command::Unpublish { track } => {
                self.remove_track(track);
                Ok(())
            }
            Command::Data { to, reliable, payload } => self.data(to, reliable, payload),
            Command::Close { participant } => self.close(participant),
        }
    }

    fn participant(&mut self, id: ParticipantId) -> Result<&mut Participant<T>, CommandError> {
        self.participants.get_mut(&id).ok_or(CommandError::NoParticipant)
    }

    fn open(&mut self, id: ParticipantId, room: RoomId, now: Time) -> Result<(), CommandError> {
        if self.participants.contains_key(&id) {
            return Err(CommandError::ParticipantExists);
        }
        if self.participants.len() >= self.limits.participants {
            return Err(CommandError::TooManyParticipants);
        }
        let participant = Participant::new(T::open(&self.config, now), room);
        self.demux.bind_ufrag(id, participant.transport.ufrag());
        self.rooms.entry(room).or_default().insert(id);
        self.participants.insert(id, participant);
        self.mark_pollable(id);
        Ok(())
    }

    fn offer(&mut self, id: ParticipantId, sdp: &str, sections: &[Section], now: Time) -> Result<(), CommandError> {
        let room = self.participant(id)?.room;
        self.check(id, room, sections)?;
        let directions: Vec<(Mid, Direction)> = sections.iter().map(|s| (s.mid, direction(&s.role))).collect();
        let participant = self.participant(id)?;
        let answer = participant.transport.accept(sdp, &directions, now)?;
        if let Some(participant) = self.participants.get(&id) {
            self.demux.bind_ufrag(id, participant.transport.ufrag());
        }
        self.publish(id, room, sections);
        self.emit_event(Event::Answer { participant: id, sdp: answer });
        self.subscribe(id, room, sections, now);
        Ok(())
    }

    fn create_offer(&mut self, id: ParticipantId, sections: &[OfferedSection], restart_ice: bool, now: Time) -> Result<(), CommandError> {
        let direction = |section: &OfferedSection| if section.track.is_some() { Direction::Send } else { Direction::Inactive };
        let directions: Vec<(MediaKind, Direction)> = sections.iter().map(|s| (s.kind, direction(s))).collect();
        let room = self.participant(id)?.room;
        if sections.iter().filter_map(|s| self.tracks.get(&s.track?)).any(|track| track.room != room) {
            return Err(CommandError::BadTrack);
        }
        let participant = self.participant(id)?;
        let Some(offer) = participant.transport.offer(&directions, restart_ice, now)? else {
            self.emit_event(Event::Negotiated { participant: id });
            return Ok(());
        };
        let role = |section: &OfferedSection| section.track.map_or(SectionRole::Inactive, |track| SectionRole::Subscribe { track });
        participant.offered = offer.mids.into_iter().zip(sections).map(|(mid, section)| Section { mid, role: role(section) }).collect();
        self.emit_event(Event::Offer { participant: id, sdp: offer.sdp });
        self.mark_pollable(id);
        Ok(())
    }

    fn answer(&mut self, id: ParticipantId, sdp: &str, now: Time) -> Result<(), CommandError> {
        let participant = self.participants.get_mut(&id).ok_or(CommandError::NoParticipant)?;
        participant.transport.accept_answer(sdp, now)?;
        self.demux.bind_ufrag(id, participant.transport.ufrag());
        let (room, offered) = (participant.room, std::mem::take(&mut participant.offered));
        self.emit_event(Event::Negotiated { participant: id });
        self.subscribe(id, room, &offered, now);
        Ok(())
    }

    /// Whether the tracks of an offer can be what it says.
    fn check(&self, id: ParticipantId, room: RoomId, sections: &[Section]) -> Result<(), CommandError> {
        let mut seen = Vec::new();
        for section in sections {
            let acceptable = match &section.role {
                SectionRole::Publish { track, layers } => {
                    let new = !seen.contains(track);
                    seen.push(*track);
                    new && layers.len() <= MAX_LAYERS && self.tracks.get(track).is_none_or(|t| t.publisher == id)
                }
                SectionRole::Subscribe { track } => self.tracks.get(track).is_none_or(|t| t.room == room),
                SectionRole::Inactive => true,
            };
            if !acceptable {
                return Err(CommandError::BadTrack);
            }
        }
        Ok(())
    }

    /// Makes the participant's tracks those of the offer.
    fn publish(&mut self, id: ParticipantId, room: RoomId, sections: &[Section]) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        let before = std::mem::take(&mut participant.published);
        let mut new = Vec::new();
        for section in sections {
            let SectionRole::Publish { track: track_id, layers } = &section.role else { continue };
            participant.published.insert(section.mid, *track_id);
            match self.tracks.get_mut(track_id) {
                Some(track) => track.resize(layers),
                None => {
                    self.tracks.insert(*track_id, Track::new(id, room, layers));
                    new.push(*track_id);
                }
            }
        }
        let kept = participant.published.clone();
        for gone in before.values().filter(|t| !kept.values().any(|k| k == *t)) {
            self.remove_track(*gone);
        }
        for track in new {
            self.attach_waiting(track, room);
        }
    }

    /// Subscribes those of the room who asked for a track before it was there.
    fn attach_waiting(&mut self, id: TrackId, room: RoomId) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        for to in self.rooms.get(&room).into_iter().flatten() {
            let Some(participant) = self.participants.get(to) else { continue };
            let waiting = participant.down_tracks.iter().enumerate().filter(|(_, o)| o.track == Some(id));
            track.subscribers.extend(waiting.map(|(i, _)| (*to, i)));
        }
    }

    /// Makes the participant's down_tracks those that are agreed on, and has what they need sent.
    fn subscribe(&mut self, id: ParticipantId, room: RoomId, sections: &[Section], now: Time) {
        self.make_down_tracks(id, room, sections);
        self.mark_pollable(id);
        self.select_layers(id, now);
        for section in sections {
            if let SectionRole::Subscribe { track } = section.role {
                self.ask_for_key_frames(track, now);
            }
        }
    }

    fn make_down_tracks(&mut self, id: ParticipantId, room: RoomId, sections: &[Section]) {
        let Self { participants, tracks, .. } = self;
        let Some(participant) = participants.get_mut(&id) else {
            return;
        };
        for section in sections {
            let subscribes = matches!(section.role, SectionRole::Subscribe { .. });
            if subscribes && !participant.down_tracks.iter().any(|o| o.mid == section.mid) {
                participant.down_tracks.push(DownTrack::new(section.mid));
            }
        }
        for (i, down_track) in participant.down_tracks.iter_mut().enumerate() {
            let role = sections.iter().find(|s| s.mid == down_track.mid).map(|s| &s.role);
            let track = match role {
                Some(SectionRole::Subscribe { track }) => Some(*track),
                Some(SectionRole::Publish { .. } | SectionRole::Inactive) | None => None,
            };
            down_track.stream = participant.transport.outgoing(down_track.mid);
            if down_track.track == track {
                continue;
            }
            if let Some(former) = down_track.track.and_then(|t| tracks.get_mut(&t)) {
                former.subscribers.retain(|s| *s != (id, i));
            }
            down_track.stop();
            down_track.downgraded_at = None;
            down_track.track = track;
            down_track.settings = track.and_then(|t| participant.settings.get(&t).copied()).unwrap_or_default();
            (down_track.next, down_track.seen) = (0, 0);
            if let Some(track) = track.and_then(|t| tracks.get_mut(&t)).filter(|t| t.room == room) {
                track.subscribers.push((id, i));
                down_track.next = track.history.end();
            }
        }
    }

    fn set_track_settings(&mut self, id: ParticipantId, track: TrackId, settings: TrackSettings, now: Time) -> Result<(), CommandError> {
        let participant = self.participant(id)?;
        if participant.settings.len() >= MAX_SETTINGS && !participant.settings.contains_key(&track) {
            // The lowest number is the oldest track: most likely long gone.
            participant.settings.pop_first();
        }
        participant.settings.insert(track, settings);
        for down_track in participant.down_tracks.iter_mut().filter(|o| o.track == Some(track)) {
            down_track.settings = settings;
        }
        self.select_layers(id, now);
        self.ask_for_key_frames(track, now);
        Ok(())
    }

    fn mute(&mut self, id: TrackId, muted: bool, now: Time) {
        if let Some(track) = self.tracks.get_mut(&id) {
            track.muted = muted;
            self.select_layers_of_subscribers(id, now);
            self.ask_for_key_frames(id, now);
        }
    }

    pub(crate) fn remove_track(&mut self, id: TrackId) {
        let Some(track) = self.tracks.remove(&id) else {
            return;
        };
        if let Some(publisher) = self.participants.get_mut(&track.publisher) {
            publisher.receivers.retain(|_, (track, _)| *track != id);
            publisher.published.retain(|_, track| *track != id);
        }
        for (participant, down_track) in &track.subscribers {
            if let Some(down_track) = self.participants.get_mut(participant).and_then(|s| s.down_tracks.get_mut(*down_track)) {
                down_track.stop();
                down_track.track = None;
            }
        }
    }

    fn data(&mut self, to: ParticipantId, reliable: bool, payload: Vec<u8>) -> Result<(), CommandError> {
        if payload.len() > self.limits.message {
            return Err(CommandError::MessageTooLarge);
        }
        let participant = self.participants.get_mut(&to).ok_or(CommandError::NoParticipant)?;
        let channel = if reliable { Channel::Reliable } else { Channel::Lossy };
        let sent =
            if reliable && !participant.unsent.is_empty() { Err(SendRefused::Full) } else { participant.transport.send(channel, &payload) };
        if sent.is_err() && (!reliable || participant.unsent.push(payload).is_err()) {
            self.stats.messages_dropped += 1;
            return if reliable { Err(CommandError::ChannelFull) } else { Ok(()) };
        }
        self.mark_pollable(to);
        Ok(())
    }

    /// Sends what waits for the reliable channel, as far as it has room.
    pub(crate) fn send_unsent(&mut self, id: ParticipantId) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        while let Some(payload) = participant.unsent.front() {
            if participant.transport.send(Channel::Reliable, payload).is_err() {
                return;
            }
            participant.unsent.pop();
        }
    }

    fn close(&mut self, id: ParticipantId) -> Result<(), CommandError> {
        let mut participant = self.participants.remove(&id).ok_or(CommandError::NoParticipant)?;
        self.demux.unbind(id);
        if let Some(members) = self.rooms.get_mut(&participant.room) {
            members.remove(&id);
            if members.is_empty() {
                self.rooms.remove(&participant.room);
            }
        }
        self.timers.remove(&(participant.wake, id));
        let own: Vec<TrackId> = participant.published.values().copied().collect();
        for track in own {
            self.remove_track(track);
        }
        for (i, down_track) in participant.down_tracks.iter().enumerate() {
            if let Some(track) = down_track.track.and_then(|t| self.tracks.get_mut(&t)) {
                track.subscribers.retain(|s| *s != (id, i));
            }
        }
        // Its last datagrams are sent; its last events concern no participant any more.
        participant.transport.close();
        for _ in 0..16 {
            match participant.transport.poll() {
                TransportOutput::Datagram(datagram) => self.emit(Output::Datagram(datagram)),
                TransportOutput::Event(_) => {}
                TransportOutput::Idle(_) => break,
            }
        }
        Ok(())
    }
}

fn direction(role: &SectionRole) -> Direction {
    match role {
        SectionRole::Publish { .. } => Direction::Receive,
        SectionRole::Subscribe { .. } => Direction::Send,
        SectionRole::Inactive => Direction::Inactive,
    }
}
