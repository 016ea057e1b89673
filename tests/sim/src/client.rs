//! A program that somebody runs: session and frame cryptor, driven as `apps/cli` and the page's workers drive them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use conclave_base::{Codec, Machine as _, MemberId, Permission, Polled, Redacted, Source, Time};
use conclave_media_crypto::{CryptorInput, CryptorOutput, FrameCryptor, FrameReport, SealedFrame, Track};
use conclave_session::snapshot::{Command, Phase};
use conclave_session::software::page;
use conclave_session::{Config, Input, InputError, Output, Session};

use crate::devices;
use crate::dice::Dice;
use crate::encoders::{Encoders, On};
use crate::failure::Kind;
use crate::media::{Frame, MediaLink};
use crate::model::Gone;
use crate::world::{Event, World};

pub(crate) struct Client {
    pub(crate) person: usize,
    session: Session,
    pub(crate) cryptor: FrameCryptor,
    pub(crate) dice: Dice,
    /// Session and frame cryptor are in two workers, and the page draws when it comes to it.
    pub(crate) is_browser: bool,
    /// The own clock less the true one, in microseconds.
    clock: i64,
    pub(crate) alive: bool,
    pub(crate) asleep_until: Time,
    /// Until then, pings are answered although it sleeps.
    pub(crate) answers_until: Time,
    pub(crate) hidden_until: Time,
    /// When it is woken, if nothing comes before.
    wake_at: Time,
    pub(crate) connection: Option<u64>,
    pub(crate) to_cryptor: VecDeque<CryptorInput>,
    pub(crate) from_cryptor: VecDeque<FrameReport>,
    port_last: Time,
    pub(crate) media: Option<MediaLink>,
    pub(crate) media_attempts: u64,
    pub(crate) subscribed: BTreeSet<MemberId>,
    pub(crate) encoders: Encoders,
    /// Goes in as soon as it may.
    wants_in: bool,
    title: Option<String>,
    was_inside: bool,
    /// How often its microphone was switched off for it, as far as it did that.
    mutes: u32,
    draw_scheduled: bool,
    /// The epoch that the screen reported last.
    reported: Option<u64>,
    next_frame: u32,
    /// Frames that the cryptor has not given back.
    waiting: BTreeMap<u32, (MemberId, Source)>,
}

impl Client {
    /// The moment by the own clock.
    pub(crate) fn local(&self, now: Time) -> Time {
        Time::from_micros(now.as_micros().saturating_add_signed(self.clock))
    }

    fn global(&self, local: Time) -> Time {
        if local == Time::MAX { local } else { Time::from_micros(local.as_micros().saturating_add_signed(-self.clock)) }
    }

    /// The machine sleeps, and its clock with it.
    pub(crate) fn stop_clock(&mut self, span: Duration) {
        self.clock -= i64::try_from(span.as_micros()).expect("a short sleep");
    }

    pub(crate) fn snapshot(&self) -> &conclave_session::snapshot::Snapshot {
        self.session.snapshot()
    }

    /// What of this may be on, as its screen says.
    pub(crate) fn permitted(&self, on: On) -> On {
        let me = self.snapshot().members.iter().find(|m| m.me);
        let may = |what| !me.is_some_and(|m| m.denied.contains(&what));
        On { mic: on.mic && may(Permission::Speak), screen: on.screen && may(Permission::Share), ..on }
    }

    pub(crate) fn is_awake(&self, now: Time) -> bool {
        self.alive && self.asleep_until <= now
    }

    /// When a message from worker to worker arrives.
    pub(crate) fn port_delay(&mut self, now: Time) -> Time {
        let longest = self.dice.pick(&[1, 5, 40]);
        self.port_last = self.port_last.max(now + self.dice.millis(0, longest));
        self.port_last
    }
}

impl World {
    /// Somebody opens the link, and goes in as soon as possible.
    pub(crate) fn open_link(&mut self, person: usize, title: Option<String>) {
        let number = self.clients.len();
        let mut dice = Dice::new(self.seed, "client", number as u64);
        let config = Config {
            link: Redacted::new(self.link.clone()),
            host: (person == 0).then(|| self.host.clone()),
            passphrase: None,
            signer: None,
            device: (devices::of(person) == devices::Device::Verified).then(|| devices::seed(self.seed, person)),
            people: devices::verified(self.seed, &self.people),
            // All were served the same page, so that nobody is told otherwise.
            software: Some(page("meet.example".to_owned(), Some(&"0a".repeat(32)))),
            logged: None,
            seed: dice.secret(),
        };
        let ahead = i64::try_from(dice.below(20_000_000_000)).expect("small") - 10_000_000_000;
        let clock = dice.pick(&[0, ahead]);
        let is_browser = dice.chance(60);
        let local = Time::from_micros(self.now.as_micros().saturating_add_signed(clock));
        self.clients.push(Client {
            person,
            session: Session::new(config, local),
            cryptor: FrameCryptor::new(),
            is_browser,
            clock,
            alive: true,
            asleep_until: Time::ZERO,
            answers_until: Time::ZERO,
            hidden_until: Time::ZERO,
            wake_at: Time::MAX,
            connection: None,
            to_cryptor: VecDeque::new(),
            from_cryptor: VecDeque::new(),
            port_last: Time::ZERO,
            media: None,
            media_attempts: 0,
            subscribed: BTreeSet::new(),
            encoders: Encoders::new(&mut dice),
            wants_in: true,
            title,
            was_inside: false,
            mutes: 0,
            draw_scheduled: false,
            reported: None,
            next_frame: 0,
            waiting: BTreeMap::new(),
            dice,
        });
        self.people[person].client = Some(number);
        self.model.on_client(person, &self.people[person].name);
        self.drain(number);
        self.schedule(self.now, Event::Tick { client: number });
    }

    pub(crate) fn session_input(&mut self, client: usize, input: Input) {
        let _told_to_the_model = self.try_input(client, input);
    }

    /// The user does something that may not be possible now.
    pub(crate) fn try_command(&mut self, client: usize, command: Command) -> Result<(), InputError> {
        self.try_input(client, Input::Command(command))
    }

    fn try_input(&mut self, client: usize, input: Input) -> Result<(), InputError> {
        let local = self.clients[client].local(self.now);
        // What a person does is possible, or the page would not offer it.
        let command = if let Input::Command(command) = &input { Some(command.clone()) } else { None };
        let done = self.clients[client].session.handle(input, local);
        if let (Err(error), Some(command)) = (done, command) {
            self.model.on_refused(client, &command, error, self.now);
        }
        self.drain(client);
        done
    }

    pub(crate) fn cryptor_input(&mut self, client: usize, input: CryptorInput) {
        let local = self.clients[client].local(self.now);
        if matches!(input, CryptorInput::Epoch { .. } | CryptorInput::Clear) {
            self.model.claimed.on_keys(client);
        }
        let Ok(()) = self.clients[client].cryptor.handle(input, local);
        self.drain(client);
    }

    pub(crate) fn on_wake(&mut self, client: usize) {
        let program = &self.clients[client];
        if program.wake_at != self.now {
            return;
        }
        if self.is_awake_or_later(client, |()| Event::Wake { client }, ()) {
            let local = self.clients[client].local(self.now);
            let program = &mut self.clients[client];
            let Ok(()) = program.cryptor.handle(CryptorInput::Timeout, local);
            let _nothing_to_refuse = program.session.handle(Input::Timeout, local);
            self.drain(client);
        } else if self.clients[client].alive {
            self.clients[client].wake_at = self.clients[client].asleep_until;
        }
    }

    /// Does all that session and frame cryptor ask for, until they are idle.
    fn drain(&mut self, client: usize) {
        for _ in 0..10_000 {
            let session = match self.clients[client].session.poll() {
                Polled::Output(output) => {
                    self.perform(client, output);
                    continue;
                }
                Polled::Idle(until) => until,
            };
            let cryptor = match self.clients[client].cryptor.poll() {
                Polled::Output(output) => {
                    self.frame_output(client, output);
                    continue;
                }
                Polled::Idle(until) => until,
            };
            let now = self.now;
            let program = &mut self.clients[client];
            let due = program.global(session.min(cryptor));
            if due < Time::MAX {
                // What asks for the past is woken at once, and that too often is noticed.
                program.wake_at = if due <= now { now + Duration::from_micros(1) } else { due };
                if due <= now {
                    self.model.on_restless(client, now);
                }
                let at = self.clients[client].wake_at;
                self.schedule(at, Event::Wake { client });
            } else {
                program.wake_at = Time::MAX;
            }
            return;
        }
        self.model.fail(Kind::NoRest, self.now, format!("client {client} gives outputs without end"));
    }

    fn perform(&mut self, client: usize, output: Output) {
        match output {
            Output::Http { path, body } => self.ask_http(client, path, body),
            Output::Connect => self.open_connection(client),
            Output::Send(bytes) => self.send_up(client, bytes),
            Output::Disconnect => self.close_connection(client),
            Output::Update(_) => self.on_update(client),
            Output::MediaToken { identity, .. } => {
                self.model.on_identity(client, identity, self.now);
                self.connect_media(client, identity);
            }
            Output::People(_) => {}
            Output::MediaDisconnect => self.leave_media(client),
            Output::Subscribe(members) => self.clients[client].subscribed = members,
            Output::Cryptor(input) => self.pass_to_cryptor(client, input),
        }
    }

    fn on_update(&mut self, client: usize) {
        let now = self.now;
        self.model.on_screen(client, self.clients[client].session.snapshot(), now);
        let program = &mut self.clients[client];
        let phase = program.session.snapshot().phase.clone();
        let is_inside = phase == Phase::Inside;
        if is_inside && !program.was_inside {
            // When a session began anew, its epoch may have the number of the last one.
            program.reported = None;
        }
        let began = is_inside && !program.was_inside;
        program.was_inside = is_inside;
        if began && devices::of(self.clients[client].person) == devices::Device::TakenOnInside {
            let device = devices::seed(self.seed, self.clients[client].person);
            self.session_input(client, Input::Device(Some(device)));
        }
        let program = &mut self.clients[client];
        if let Phase::Ended { .. } = phase {
            return self.on_ended(client);
        }
        if let Phase::Prejoin { .. } = phase {
            if let Some(title) = program.title.take() {
                return self.command(client, Command::SetTitle { title });
            }
            if std::mem::take(&mut program.wants_in) {
                let name = self.people[self.clients[client].person].name.clone();
                return self.command(client, Command::Join { name });
            }
        }
        let on = program.encoders.on;
        let is_muted = std::mem::replace(&mut program.mutes, program.session.snapshot().mutes) != program.session.snapshot().mutes;
        let permitted = program.permitted(On { mic: on.mic && !is_muted, ..on });
        program.encoders.on = permitted;
        if began || permitted != on {
            self.tell_media(client);
        }
        let program = &mut self.clients[client];
        if program.is_browser {
            if !std::mem::replace(&mut program.draw_scheduled, true) {
                let frame = program.dice.millis(0, 50);
                let at = (now + frame).max(program.hidden_until);
                self.schedule(at, Event::Draw { client });
            }
        } else {
            self.on_draw(client);
        }
    }

    /// The program has no more to do.
    fn on_ended(&mut self, client: usize) {
        self.model.on_gone(client, Gone::Ended, self.now);
        self.leave_media(client);
        self.clients[client].alive = false;
    }

    /// The screen shows what the session told last, and says so.
    pub(crate) fn on_draw(&mut self, client: usize) {
        if !self.is_awake_or_later(client, |()| Event::Draw { client }, ()) {
            return;
        }
        let (now, program) = (self.now, &mut self.clients[client]);
        if program.hidden_until > now {
            let at = program.hidden_until;
            return self.schedule(at, Event::Draw { client });
        }
        program.draw_scheduled = false;
        let snapshot = program.session.snapshot();
        self.model.on_shown(client, snapshot, now);
        if snapshot.phase == Phase::Inside && program.reported != Some(snapshot.epoch) {
            let epoch = snapshot.epoch;
            program.reported = Some(epoch);
            self.command(client, Command::Shown { epoch });
        }
    }

    fn frame_output(&mut self, client: usize, output: CryptorOutput) {
        match output {
            CryptorOutput::GenerateKeyFrame => self.clients[client].encoders.want_key_frames(),
            CryptorOutput::FrameOpened { id, frame } => {
                if let Some((owner, source)) = self.clients[client].waiting.remove(&id) {
                    self.play(client, owner, source, &frame);
                }
            }
            CryptorOutput::FrameDropped { id, .. } => _ = self.clients[client].waiting.remove(&id),
            CryptorOutput::RequestKeyFrame { owner, source } => self.request_key_frame(client, owner, source),
            CryptorOutput::Report(report) => {
                if self.clients[client].is_browser {
                    let at = self.clients[client].port_delay(self.now);
                    self.clients[client].from_cryptor.push_back(report);
                    self.schedule(at, Event::FromCryptor { client });
                } else {
                    self.session_input(client, Input::FrameReport(report));
                }
            }
        }
    }

    /// A frame came from the media server.
    pub(crate) fn receive_frame(&mut self, client: usize, frame: &Frame, contiguous: bool) {
        let now = self.now;
        let program = &mut self.clients[client];
        let local = program.local(now);
        program.next_frame += 1;
        let (id, codec) = (program.next_frame, codec(frame.source));
        let sealed = SealedFrame { id, codec, contiguous, bytes: &frame.sealed };
        let opened = program.cryptor.receive(Track { owner: frame.owner, source: frame.source }, sealed, local);
        match opened {
            Some(opened) => self.play(client, frame.owner, frame.source, &opened),
            None => _ = self.clients[client].waiting.insert(id, (frame.owner, frame.source)),
        }
        self.drain(client);
    }

    fn play(&mut self, client: usize, owner: MemberId, source: Source, frame: &[u8]) {
        let local = self.clients[client].local(self.now);
        self.model.on_opened(client, owner, source, frame, local, self.now);
    }

    /// Tells the session which sources are on.
    pub(crate) fn tell_media(&mut self, client: usize) {
        let on = self.clients[client].encoders.on;
        self.command(client, Command::Media { mic: on.mic, camera: on.camera, screen: on.screen });
    }
}

pub(crate) const fn codec(source: Source) -> Codec {
    if source.is_audio() { Codec::Opus } else { Codec::Vp8 }
}
