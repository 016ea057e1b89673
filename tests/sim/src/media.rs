//! A small media server: it knows who is connected, forwards sealed frames to who subscribed, and tells of comings and goings.

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_admission::{Input as ServerInput, MediaEvent};
use conclave_base::{MemberId, Source, Time};
use conclave_media_crypto::SealError;
use conclave_session::Input;
use conclave_session::snapshot::Command;

use crate::client::codec;
use crate::world::{Event, World};

/// From one frame of each source to the next.
pub(crate) const TICK: Duration = Duration::from_millis(300);
/// A media server keeps who fell silent, and whose connection closed without a farewell.
const SILENT: Duration = Duration::from_secs(35);
const CLOSED: Duration = Duration::from_secs(20);
/// A client that hears nothing gives its media connection up.
const GIVEN_UP: Duration = Duration::from_secs(15);
/// A client notices that its network is another one.
const NOTICED: Duration = Duration::from_secs(5);
/// An attempt to connect fails.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// As the transport says.
    pub(crate) owner: MemberId,
    pub(crate) source: Source,
    pub(crate) number: u64,
    pub(crate) sealed: Vec<u8>,
    /// Nothing was lost before it.
    pub(crate) contiguous: bool,
}

/// A client's connection to the media server.
#[derive(Debug)]
pub(crate) struct MediaLink {
    identity: MemberId,
    attempt: u64,
    connected: bool,
    /// It was of a network that is gone.
    broken: bool,
    last_heard: Time,
}

#[derive(Debug)]
struct Participant {
    client: usize,
    attempt: u64,
    last_heard: Time,
    /// It is gone then.
    until: Option<Time>,
}

#[derive(Debug, Default)]
pub(crate) struct MediaServer {
    participants: BTreeMap<MemberId, Participant>,
    /// When the last frame of a track leaves, and whether one was lost since.
    tracks: BTreeMap<(usize, usize, Source), (Time, bool)>,
}

impl World {
    fn media_passes(&self, client: usize) -> bool {
        let program = &self.clients[client];
        let broken = program.media.as_ref().is_some_and(|link| link.broken);
        !broken && program.is_awake(self.now) && self.people[program.person].line.media_until <= self.now && self.server.is_up()
    }

    pub(crate) fn connect_media(&mut self, client: usize, identity: MemberId) {
        if self.clients[client].media.as_ref().is_some_and(|link| link.identity == identity) {
            return;
        }
        self.leave_media(client);
        let now = self.now;
        let program = &mut self.clients[client];
        program.media_attempts += 1;
        let attempt = program.media_attempts;
        program.media = Some(MediaLink { identity, attempt, connected: false, broken: false, last_heard: now });
        let at = now + self.line(client).delay() * 6;
        self.schedule(at, Event::MediaOpens { client, attempt });
    }

    pub(crate) fn on_media_opens(&mut self, client: usize, attempt: u64) {
        let now = self.now;
        if self.clients[client].media.as_ref().is_none_or(|link| link.attempt != attempt) {
            return;
        }
        if !self.media_passes(client) {
            return self.schedule(now + PATIENCE, Event::MediaFails { client, attempt });
        }
        let link = self.clients[client].media.as_mut().expect("it was there");
        (link.connected, link.last_heard) = (true, now);
        let identity = link.identity;
        self.media.participants.insert(identity, Participant { client, attempt, last_heard: now, until: None });
        self.clients[client].encoders.want_key_frames();
        self.server_media_event(true, identity);
        self.tell_participants();
    }

    /// The connection to the media server failed: a new token is asked for, and with it comes another.
    pub(crate) fn on_media_fails(&mut self, client: usize, attempt: u64) {
        if self.clients[client].media.as_ref().is_some_and(|link| link.attempt == attempt)
            && self.is_awake_or_later(client, |()| Event::MediaFails { client, attempt }, ())
        {
            self.clients[client].media = None;
            self.session_input(client, Input::TokenWanted);
        }
    }

    /// The client says farewell to the media server, if that can be heard.
    pub(crate) fn leave_media(&mut self, client: usize) {
        if let Some(link) = self.clients[client].media.take()
            && self.media_passes(client)
            && self.media.participants.get(&link.identity).is_some_and(|participant| participant.client == client)
        {
            self.remove_participant(link.identity);
        }
    }

    /// The network is another one; some seconds later the client notices.
    pub(crate) fn break_media(&mut self, client: usize) {
        if let Some(link) = &mut self.clients[client].media {
            link.broken = true;
            let attempt = link.attempt;
            self.schedule(self.now + NOTICED, Event::MediaFails { client, attempt });
        }
    }

    /// The program is gone: by a crash, of which the kernel tells, or with its machine.
    pub(crate) fn lose_media(&mut self, client: usize, told: bool) {
        let until = self.now + if told { CLOSED } else { SILENT };
        for participant in self.media.participants.values_mut().filter(|participant| participant.client == client) {
            participant.until.get_or_insert(until);
        }
    }

    pub(crate) fn remove_participant(&mut self, identity: MemberId) {
        if self.media.participants.remove(&identity).is_some() {
            self.server_media_event(false, identity);
            self.tell_participants();
        }
    }

    /// The process ended.
    pub(crate) fn kill_media(&mut self) {
        self.media.participants.clear();
    }

    fn server_media_event(&mut self, joined: bool, identity: MemberId) {
        let meeting = self.model.meeting;
        let event = if joined { MediaEvent::Joined { meeting, identity } } else { MediaEvent::Left { meeting, identity } };
        self.server_input(ServerInput::Media(event));
    }

    fn tell_participants(&mut self) {
        for client in self.media.participants.values().map(|participant| participant.client).collect::<Vec<_>>() {
            let at = self.now + self.line(client).delay();
            self.schedule(at, Event::MediaList { client });
        }
    }

    pub(crate) fn on_media_list(&mut self, client: usize) {
        let Some(link) = self.clients[client].media.as_ref().filter(|link| link.connected) else { return };
        let me = link.identity;
        if !self.media_passes(client) {
            if self.clients[client].alive {
                self.schedule(self.now + Duration::from_secs(1), Event::MediaList { client });
            }
            return;
        }
        let identities = self.media.participants.keys().filter(|who| **who != me).map(MemberId::to_text).collect();
        self.command(client, Command::MediaPeers { identities });
    }

    /// Who was not heard for too long is gone; who hears nothing connects anew.
    pub(crate) fn sweep_media(&mut self) {
        let now = self.now;
        let mut gone = Vec::new();
        for (identity, participant) in &self.media.participants {
            let program = &self.clients[participant.client];
            let heard =
                self.media_passes(participant.client) && program.media.as_ref().is_some_and(|link| link.attempt == participant.attempt);
            let silent = !heard && now >= participant.last_heard + SILENT;
            if silent || participant.until.is_some_and(|until| now >= until) {
                gone.push(*identity);
            }
        }
        gone.into_iter().for_each(|identity| self.remove_participant(identity));
        for client in 0..self.clients.len() {
            let passes = self.media_passes(client);
            let Some(link) = &mut self.clients[client].media else { continue };
            let participant = self.media.participants.get_mut(&link.identity).filter(|participant| participant.attempt == link.attempt);
            if passes && let Some(participant) = participant {
                (participant.last_heard, link.last_heard) = (now, now);
            } else if link.connected && (passes || now >= link.last_heard + GIVEN_UP) {
                // Who is expelled or whose server is another is told at once.
                let attempt = link.attempt;
                self.on_media_fails(client, attempt);
            }
        }
    }

    /// Encoders give a frame of each source, on or off: what is off must not be sealed.
    pub(crate) fn on_tick(&mut self, client: usize) {
        if !self.is_awake_or_later(client, |()| Event::Tick { client }, ()) {
            return;
        }
        self.schedule(self.now + TICK, Event::Tick { client });
        for source in [Source::Microphone, Source::Camera, Source::Screen] {
            let is_on = self.clients[client].encoders.on.has(source);
            // What was switched off a moment ago may still be on its way to the frame cryptor, where nothing comes from it any more.
            if is_on || self.clients[client].dice.chance(5) && self.clients[client].to_cryptor.is_empty() {
                self.send_frame(client, source, is_on);
            }
        }
    }

    fn send_frame(&mut self, client: usize, source: Source, is_on: bool) {
        let now = self.now;
        let number = self.model.next_frame();
        let program = &mut self.clients[client];
        let local = program.local(now);
        let frame = program.encoders.encode(source, number);
        let sealed = match program.cryptor.seal(source, codec(source), &frame, local) {
            Ok(sealed) => sealed,
            Err(error) => {
                program.encoders.on_lost(source);
                return self.model.on_not_sealed(client, source, error, is_on, now);
            }
        };
        self.model.on_sealed(client, source, &sealed, is_on, now);
        let connected = self.clients[client].media.as_ref().filter(|link| link.connected).map(|link| link.identity);
        let passes = self.media_passes(client);
        let Some(owner) = connected else { return self.clients[client].encoders.on_lost(source) };
        let line = self.line(client);
        let (lost, delay) = (line.loses() || !passes, line.delay());
        let track = self.media.tracks.entry((client, usize::MAX, source)).or_default();
        if lost {
            track.1 = true;
            return;
        }
        let contiguous = !std::mem::take(&mut track.1);
        track.0 = track.0.max(now + delay);
        let at = track.0;
        self.schedule(at, Event::FrameAtServer(Frame { owner, source, number, sealed, contiguous }));
    }

    pub(crate) fn on_frame_at_server(&mut self, frame: &Frame) {
        let Some(owner) = self.media.participants.get(&frame.owner).map(|participant| participant.client) else { return };
        if self.is_silenced(frame) {
            return;
        }
        let receivers: Vec<_> =
            self.media.participants.iter().filter(|(who, _)| **who != frame.owner).map(|(_, p)| (p.client, p.attempt)).collect();
        for (client, attempt) in receivers {
            if !self.clients[client].subscribed.contains(&frame.owner) {
                continue;
            }
            let now = self.now;
            let line = self.line(client);
            let (lost, delay) = (line.loses(), line.delay());
            let track = self.media.tracks.entry((owner, client, frame.source)).or_default();
            track.1 |= lost || !frame.contiguous;
            if !lost {
                let contiguous = !std::mem::take(&mut track.1);
                track.0 = track.0.max(now + delay);
                let at = track.0;
                self.schedule(at, Event::FrameAtClient { client, attempt, frame: Frame { contiguous, ..frame.clone() } });
            }
        }
        self.model.on_forwarded(frame, self.now);
    }

    pub(crate) fn on_frame_at_client(&mut self, client: usize, attempt: u64, frame: &Frame) {
        if self.media_passes(client) && self.clients[client].media.as_ref().is_some_and(|link| link.connected && link.attempt == attempt) {
            for frame in self.relabelled(client, frame) {
                self.receive_frame(client, &frame, frame.contiguous);
            }
        }
    }

    pub(crate) fn request_key_frame(&mut self, client: usize, owner: MemberId, picture: Source) {
        if let Some(participant) = self.media.participants.get(&owner)
            && self.media_passes(client)
        {
            let sender = participant.client;
            let at = self.now + self.line(client).delay() + self.line(sender).delay();
            self.schedule(at, Event::KeyFrameWanted { client: sender, picture });
        }
    }
}

/// Why a frame of a source that is on may not be sealed.
pub(crate) const fn is_keyless(error: SealError) -> bool {
    matches!(error, SealError::NoKey)
}
