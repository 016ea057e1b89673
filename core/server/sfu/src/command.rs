//! What the signalling decides, carried out.

use conclave_base::Time;

use crate::api::{Command, Event, Output, Refused, Section, Setting, Usage};
use crate::outlet::Outlet;
use crate::session::Session;
use crate::sfu::Sfu;
use crate::track::{MAX_LAYERS, Track};
use crate::transport::{Channel, Direction, Polled, SendRefused, Transport};
use crate::{Mid, RoomId, SessionId, TrackId};

/// Tracks that a subscriber has told its tile sizes of.
const MAX_SETTINGS: usize = 1024;

impl<T: Transport> Sfu<T> {
    pub(crate) fn command(&mut self, command: Command, now: Time) -> Result<(), Refused> {
        match command {
            Command::Open { session, room } => self.open(session, room, now),
            Command::Offer { session, sdp, sections } => self.offer(session, &sdp, &sections, now),
            Command::Candidate { session, candidate } => {
                self.session(session)?.transport.add_candidate(&candidate);
                self.queue(session);
                Ok(())
            }
            Command::Setting { session, track, setting } => self.set(session, track, setting, now),
            Command::Mute { track, muted } => {
                self.mute(track, muted, now);
                Ok(())
            }
            Command::Unpublish { track } => {
                self.remove_track(track);
                Ok(())
            }
            Command::Data { to, reliable, payload } => self.data(to, reliable, payload),
            Command::Close { session } => self.close(session),
        }
    }

    fn session(&mut self, id: SessionId) -> Result<&mut Session<T>, Refused> {
        self.sessions.get_mut(&id).ok_or(Refused::NoSession)
    }

    fn open(&mut self, id: SessionId, room: RoomId, now: Time) -> Result<(), Refused> {
        if self.sessions.contains_key(&id) {
            return Err(Refused::SessionExists);
        }
        if self.sessions.len() >= self.limits.sessions {
            return Err(Refused::TooManySessions);
        }
        let mut session = Session::new(T::open(&self.config, now), room);
        self.routes.learn_ufrag(id, &mut session.route, session.transport.ufrag());
        self.sessions.insert(id, session);
        self.queue(id);
        Ok(())
    }

    fn offer(&mut self, id: SessionId, sdp: &str, sections: &[Section], now: Time) -> Result<(), Refused> {
        let room = self.session(id)?.room;
        self.check(id, room, sections)?;
        let directions: Vec<(Mid, Direction)> = sections.iter().map(|s| (s.mid, direction(&s.usage))).collect();
        let session = self.session(id)?;
        let answer = session.transport.accept(sdp, &directions, now)?;
        if let Some(session) = self.sessions.get_mut(&id) {
            self.routes.learn_ufrag(id, &mut session.route, session.transport.ufrag());
        }
        self.publish(id, room, sections);
        self.subscribe(id, room, sections);
        self.tell(Event::Answer { session: id, sdp: answer });
        self.queue(id);
        self.review_session(id, now);
        for section in sections {
            if let Usage::Subscribe { track } = section.usage {
                self.ask_for_key_frames(track, now);
            }
        }
        Ok(())
    }

    /// Whether the tracks of an offer can be what it says.
    fn check(&self, id: SessionId, room: RoomId, sections: &[Section]) -> Result<(), Refused> {
        let mut seen = Vec::new();
        for section in sections {
            let acceptable = match &section.usage {
                Usage::Publish { track, layers } => {
                    let new = !seen.contains(track);
                    seen.push(*track);
                    new && layers.len() <= MAX_LAYERS && self.tracks.get(track).is_none_or(|t| t.publisher == id)
                }
                Usage::Subscribe { track } => self.tracks.get(track).is_none_or(|t| t.room == room),
                Usage::Inactive => true,
            };
            if !acceptable {
                return Err(Refused::BadTrack);
            }
        }
        Ok(())
    }

    /// Makes the session's tracks those of the offer.
    fn publish(&mut self, id: SessionId, room: RoomId, sections: &[Section]) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let before = std::mem::take(&mut session.published);
        let mut new = Vec::new();
        for section in sections {
            let Usage::Publish { track: track_id, layers } = &section.usage else { continue };
            session.published.insert(section.mid, *track_id);
            match self.tracks.get_mut(track_id) {
                Some(track) => track.resize(layers),
                None => {
                    self.tracks.insert(*track_id, Track::new(id, room, layers));
                    new.push(*track_id);
                }
            }
        }
        let kept = session.published.clone();
        for gone in before.values().filter(|t| !kept.values().any(|k| k == *t)) {
            self.remove_track(*gone);
        }
        for track in new {
            self.attach_waiting(track, room);
        }
    }

    /// Gives a new track to those of the room who already wait for it.
    fn attach_waiting(&mut self, id: TrackId, room: RoomId) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        for (to, session) in self.sessions.iter().filter(|(_, s)| s.room == room) {
            let waiting = session.outlets.iter().enumerate().filter(|(_, o)| o.track == Some(id));
            track.subscribers.extend(waiting.map(|(i, _)| (*to, i)));
        }
    }

    /// Makes the session's outlets those of the offer.
    fn subscribe(&mut self, id: SessionId, room: RoomId, sections: &[Section]) {
        let Self { sessions, tracks, .. } = self;
        let Some(session) = sessions.get_mut(&id) else {
            return;
        };
        for section in sections {
            let subscribes = matches!(section.usage, Usage::Subscribe { .. });
            if subscribes && !session.outlets.iter().any(|o| o.mid == section.mid) {
                session.outlets.push(Outlet::new(section.mid));
            }
        }
        for (i, outlet) in session.outlets.iter_mut().enumerate() {
            let usage = sections.iter().find(|s| s.mid == outlet.mid).map(|s| &s.usage);
            let track = match usage {
                Some(Usage::Subscribe { track }) => Some(*track),
                Some(Usage::Publish { .. } | Usage::Inactive) | None => None,
            };
            outlet.stream = session.transport.outgoing(outlet.mid);
            if outlet.track == track {
                continue;
            }
            if let Some(former) = outlet.track.and_then(|t| tracks.get_mut(&t)) {
                former.subscribers.retain(|s| *s != (id, i));
            }
            outlet.stop();
            outlet.narrow_at = None;
            outlet.track = track;
            outlet.setting = track.and_then(|t| session.settings.get(&t).copied()).unwrap_or_default();
            if let Some(track) = track.and_then(|t| tracks.get_mut(&t)).filter(|t| t.room == room) {
                track.subscribers.push((id, i));
            }
        }
    }

    fn set(&mut self, id: SessionId, track: TrackId, setting: Setting, now: Time) -> Result<(), Refused> {
        let session = self.session(id)?;
        if session.settings.len() >= MAX_SETTINGS && !session.settings.contains_key(&track) {
            // The lowest number is the oldest track: most likely long gone.
            session.settings.pop_first();
        }
        session.settings.insert(track, setting);
        for outlet in session.outlets.iter_mut().filter(|o| o.track == Some(track)) {
            outlet.setting = setting;
        }
        self.review_session(id, now);
        self.ask_for_key_frames(track, now);
        Ok(())
    }

    fn mute(&mut self, id: TrackId, muted: bool, now: Time) {
        if let Some(track) = self.tracks.get_mut(&id) {
            track.muted = muted;
            self.review_track(id, now);
            self.ask_for_key_frames(id, now);
        }
    }

    pub(crate) fn remove_track(&mut self, id: TrackId) {
        let Some(track) = self.tracks.remove(&id) else {
            return;
        };
        if let Some(publisher) = self.sessions.get_mut(&track.publisher) {
            publisher.inlets.retain(|_, (track, _)| *track != id);
            publisher.published.retain(|_, track| *track != id);
        }
        for (session, outlet) in &track.subscribers {
            if let Some(outlet) = self.sessions.get_mut(session).and_then(|s| s.outlets.get_mut(*outlet)) {
                outlet.stop();
                outlet.track = None;
            }
        }
    }

    fn data(&mut self, to: SessionId, reliable: bool, payload: Vec<u8>) -> Result<(), Refused> {
        if payload.len() > self.limits.message {
            return Err(Refused::MessageTooLarge);
        }
        let session = self.sessions.get_mut(&to).ok_or(Refused::NoSession)?;
        let channel = if reliable { Channel::Reliable } else { Channel::Lossy };
        let sent = if reliable && !session.unsent.is_empty() { Err(SendRefused::Full) } else { session.transport.send(channel, &payload) };
        if sent.is_err() && (!reliable || session.unsent.push(payload).is_err()) {
            self.stats.messages_dropped += 1;
            return if reliable { Err(Refused::ChannelFull) } else { Ok(()) };
        }
        self.queue(to);
        Ok(())
    }

    /// Sends what waits for the reliable channel, as far as it has room.
    pub(crate) fn send_unsent(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        while let Some(payload) = session.unsent.front() {
            if session.transport.send(Channel::Reliable, payload).is_err() {
                return;
            }
            session.unsent.pop();
        }
    }

    fn close(&mut self, id: SessionId) -> Result<(), Refused> {
        let mut session = self.sessions.remove(&id).ok_or(Refused::NoSession)?;
        self.routes.forget(id, &session.route);
        self.timers.remove(&(session.wake, id));
        let own: Vec<TrackId> = session.published.values().copied().collect();
        for track in own {
            self.remove_track(track);
        }
        for (i, outlet) in session.outlets.iter().enumerate() {
            if let Some(track) = outlet.track.and_then(|t| self.tracks.get_mut(&t)) {
                track.subscribers.retain(|s| *s != (id, i));
            }
        }
        // The goodbye is a datagram or two; what else the connection has to say is nobody's any more.
        session.transport.close();
        for _ in 0..16 {
            match session.transport.poll() {
                Polled::Datagram(datagram) => self.emit(Output::Datagram(datagram)),
                Polled::Event(_) => {}
                Polled::Idle(_) => break,
            }
        }
        Ok(())
    }
}

fn direction(usage: &Usage) -> Direction {
    match usage {
        Usage::Publish { .. } => Direction::Receive,
        Usage::Subscribe { .. } => Direction::Send,
        Usage::Inactive => Direction::Inactive,
    }
}
