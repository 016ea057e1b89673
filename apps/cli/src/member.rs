//! `join`: drives one [`Session`], its [`FrameCryptor`] and one media connection until it is over.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use conclave_base::{Machine as _, MemberId, Permission, Polled, Redacted, Time};
use conclave_device::identity::Identity;
use conclave_device::passphrase;
use conclave_livekit_client::{Command as MediaCommand, Event, LeaveReason};
use conclave_media_crypto::{CryptorInput, CryptorOutput, FrameCryptor, SealedFrame, Track};
use conclave_session::snapshot::{Command, PassphraseStep, Phase, Snapshot};
use conclave_session::{Input, Output, Session, software};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::sync::mpsc;

use crate::args::Join;
use crate::clock::{self, Clock};
use crate::host_key::{self, FROM_STDIN};
use crate::logged_builds::{self, own_build};
use crate::network::{MAX_DATAGRAM, Network, SocketId};
use crate::playback::{Playback, ReceivedFrame};
use crate::record::Recorder;
use crate::report::Report;
use crate::socket::SocketEvent;
use crate::terminal::{self, Line, Terminal};
use crate::test_media::TestMedia;

/// Messages of sockets that wait for the loop.
const MAX_WAITING: usize = 1024;
const REPORT_STEP: Duration = Duration::from_secs(1);
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long what was sent last may take to leave.
const FLUSH: Duration = Duration::from_secs(2);

/// Joins, until the meeting is over for this member or the time is up.
pub async fn run(args: Join) -> anyhow::Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let link = match args.link.as_str() {
        FROM_STDIN => lines.next_line().await?.context("no link on stdin")?,
        link => link.to_owned(),
    };
    let (found, origin, host_link) = host_key::find(&link)?;
    let recorder = args.record.as_deref().map(Recorder::new).transpose()?;
    let host = host_key::of(&args, &found, &origin, host_link.as_ref()).await?;
    let clock = Clock::new();
    let passphrase = match &args.passphrase_file {
        Some(file) => Some(passphrase::read(file)?),
        None if args.passphrase_stdin => lines.next_line().await?.map(Redacted::new),
        None => None,
    };
    let identity = match &args.identity {
        Some(file) => Some(Identity::open(file, &passphrase::of(file, args.identity_passphrase_file.as_deref()).await?)?),
        None => None,
    };
    let device = identity.as_ref().map(Identity::device);
    let people = identity.as_ref().map(|identity| identity.people().to_vec()).unwrap_or_default();
    let (software, logged) = (Some(software::native(own_build())), args.releases.as_deref().zip(args.policy.as_deref()));
    let logged = logged.map(|(folder, policy)| logged_builds::read(folder, policy)).transpose()?;
    let link = Redacted::new(link);
    let config = conclave_session::Config { link, host, passphrase, signer: None, device, people, software, logged, seed: clock::seed()? };
    let (socket_events, mut sockets) = mpsc::channel(MAX_WAITING);
    let (http_done, mut http_answers) = mpsc::channel(4);
    let end = args.seconds.map(|s| clock.now() + Duration::from_secs(s));
    let mut member = Member {
        session: Session::new(config, clock.now()),
        cryptor: FrameCryptor::new(),
        network: Network::new(origin, socket_events, http_done),
        playback: Playback::new(recorder),
        media: TestMedia::new(&args)?,
        terminal: Terminal::new(args.json),
        name: args.name,
        identity,
        clock,
        connected: BTreeSet::new(),
        next_report: clock.now() + REPORT_STEP,
        leaving: None,
        session_due: Time::ZERO,
        cryptor_due: Time::ZERO,
        network_due: Time::ZERO,
    };
    let mut stdin_open = true;
    let mut stop = std::pin::pin!(stop_signal());
    let mut stopping = false;
    loop {
        member.drain().await;
        if member.is_over() {
            return member.finish(sockets).await;
        }
        if end.is_some_and(|end| clock.now() >= end) {
            member.leave();
            member.drain().await;
        }
        let wake = clock.deadline(member.wake().min(end.filter(|end| *end > clock.now()).unwrap_or(Time::MAX)));
        let mut datagram = [0; MAX_DATAGRAM];
        // Not biased: a flood of datagrams must not keep the messages of the meeting waiting.
        tokio::select! {
            got = member.network.receive(&mut datagram) => {
                if let Some((len, src, dst)) = got { member.network.on_datagram(&datagram[..len], src, dst, clock.now()) }
            }
            Some(event) = sockets.recv() => {
                if let Some(input) = member.network.on_socket_event(event, clock.now()) { member.input(input) }
            }
            Some(answer) = http_answers.recv() => member.input(answer),
            line = lines.next_line(), if stdin_open => match line {
                Ok(Some(line)) => member.line(&line),
                Ok(None) | Err(_) => stdin_open = false,
            },
            () = &mut stop, if !stopping => {
                stopping = true;
                member.leave();
            }
            () = tokio::time::sleep_until(wake) => {}
        }
        member.on_timeout();
        // Those who read and write the sockets, and answer the server's pings, wait for one input at most, however many came.
        tokio::task::yield_now().await;
    }
}

async fn stop_signal() {
    let mut terminated = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(_) => return std::future::pending().await,
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

struct Member {
    session: Session,
    cryptor: FrameCryptor,
    network: Network,
    playback: Playback,
    media: TestMedia,
    terminal: Terminal,
    name: String,
    identity: Option<Identity>,
    clock: Clock,
    /// Identities connected to the media server.
    connected: BTreeSet<String>,
    next_report: Time,
    leaving: Option<Time>,
    /// When the session has something to do again.
    session_due: Time,
    /// When the frame cryptor has.
    cryptor_due: Time,
    /// When the media connection has.
    network_due: Time,
}

impl Member {
    /// Does all that session, frame cryptor and media connection ask for, until they are idle.
    async fn drain(&mut self) {
        loop {
            let now = self.clock.now();
            let session = match self.session.poll() {
                Polled::Output(output) => {
                    self.perform(output, now).await;
                    continue;
                }
                Polled::Idle(until) => until,
            };
            let cryptor = match self.cryptor.poll() {
                Polled::Output(output) => {
                    self.frame_output(output, now);
                    continue;
                }
                Polled::Idle(until) => until,
            };
            match self.network.poll(now) {
                Polled::Output(event) => self.media_event(event, now),
                Polled::Idle(network) => {
                    (self.session_due, self.cryptor_due, self.network_due) = (session, cryptor, network);
                    return;
                }
            }
        }
    }

    /// When [`Self::on_timeout`] has something to do.
    fn wake(&self) -> Time {
        let farewell = self.leaving.map_or(Time::MAX, |at| at + FAREWELL);
        self.session_due.min(self.cryptor_due).min(self.network_due).min(farewell).min(self.next_report).min(self.media.deadline())
    }

    /// Does what the session asks for.
    async fn perform(&mut self, output: Output, now: Time) {
        match output {
            Output::Http { path, body } => self.network.post(path, body),
            Output::Connect => self.network.connect(),
            Output::Send(bytes) => {
                if !self.network.send(bytes) {
                    self.input(Input::Closed);
                }
            }
            Output::Disconnect => self.network.disconnect(),
            Output::Update(_) => self.show(),
            Output::MediaToken { identity, url, jwt } => {
                if self.network.connect_media(url, jwt, identity, self.media.publications(), now).await {
                    self.media.on_disconnected();
                    self.connected.clear();
                }
            }
            Output::People(change) => {
                // Without a file the mark ends with this program.
                if let Some(identity) = &mut self.identity
                    && let Err(error) = identity.apply(change)
                {
                    self.terminal.say(&Report::Refused { why: &format!("{error:#}") });
                }
            }
            Output::MediaDisconnect => self.network.disconnect_media(now),
            Output::Subscribe(members) => {
                self.playback.keep(&members);
                self.network.set_subscribed(members.iter().map(MemberId::to_text).collect(), now);
            }
            Output::Cryptor(input) => self.cryptor_input(input),
        }
    }

    /// Does what the frame cryptor asks for.
    fn frame_output(&mut self, output: CryptorOutput, now: Time) {
        match output {
            CryptorOutput::GenerateKeyFrame => self.media.generate_key_frame(),
            CryptorOutput::FrameOpened { id, frame } => {
                if let Some(received) = self.playback.take_waiting(id) {
                    self.play(received, &frame, now);
                }
            }
            CryptorOutput::FrameDropped { id, reason } => {
                if let Some(received) = self.playback.take_waiting(id) {
                    self.playback.on_dropped(&received, &reason);
                }
            }
            CryptorOutput::RequestKeyFrame { owner, source } => {
                self.network.command(MediaCommand::RequestKeyFrame { identity: owner.to_text(), source }, now);
            }
            CryptorOutput::Report(report) => self.input(Input::FrameReport(report)),
        }
    }

    fn input(&mut self, input: Input) {
        if let Err(error) = self.session.handle(input, self.clock.now()) {
            self.terminal.say(&Report::Refused { why: &error.to_string() });
        }
    }

    fn cryptor_input(&mut self, input: CryptorInput) {
        let Ok(()) = self.cryptor.handle(input, self.clock.now());
    }

    fn command(&mut self, command: Command) {
        self.input(Input::Command(command));
    }

    fn media_event(&mut self, event: Event, now: Time) {
        let transport = |state| self.terminal.say(&Report::Transport { state });
        match event {
            Event::Joined => {
                transport("joined");
                // Nobody else may be there: whoever comes later did not come before.
                self.tell_connected();
            }
            Event::Connected => transport("connected"),
            Event::Reconnecting => transport("interrupted"),
            Event::ParticipantJoined { identity } => {
                self.connected.insert(identity);
                self.tell_connected();
            }
            Event::ParticipantLeft { identity } => {
                self.connected.remove(&identity);
                self.tell_connected();
            }
            Event::LocalTrackPublished { source } => self.media.on_published(source),
            Event::KeyFrameRequested { .. } => self.media.generate_key_frame(),
            Event::Frame { identity, source, codec, rtp_time, contiguous, bytes } => {
                let Ok(owner) = identity.parse() else { return };
                let received = ReceivedFrame { owner, source, codec, rtp_time, contiguous };
                let id = self.playback.on_arrived(&received);
                match self.cryptor.receive(Track { owner, source }, SealedFrame { id, codec, contiguous, bytes: &bytes }, now) {
                    Some(frame) => self.play(received, &frame, now),
                    None => self.playback.wait(id, received),
                }
            }
            Event::Left { reason } => {
                transport("left");
                self.media.on_disconnected();
                if self.leaving.is_none() && reason != LeaveReason::ClientInitiated {
                    self.input(Input::TokenWanted);
                }
            }
            // What is published is the members' own word, in the group; data goes through the group too.
            Event::TrackPublished { .. } | Event::TrackUnpublished { .. } | Event::Packet { .. } | Event::Data { .. } => {}
        }
    }

    fn tell_connected(&mut self) {
        let identities = self.connected.iter().cloned().collect();
        self.command(Command::MediaPeers { identities });
    }

    fn play(&mut self, received: ReceivedFrame, frame: &[u8], now: Time) {
        if !self.playback.play(&received, frame) {
            self.cryptor.request_key_frame(Track { owner: received.owner, source: received.source }, now);
        }
        let (terminal, at) = (&self.terminal, now.as_millis());
        self.playback.tell_started(|identity, source, codec, size| terminal.playing(identity, source, codec, at, size));
    }

    /// Reports what changed, and says that it was shown.
    fn show(&mut self) {
        let snapshot = self.session.snapshot().clone();
        let before = self.terminal.show(&snapshot);
        self.media.set_constant_bitrate(snapshot.hides_speech);
        if snapshot.mutes != before.mutes {
            self.media.set_muted(true);
        }
        if snapshot.phase != before.phase {
            match snapshot.phase {
                Phase::Prejoin { .. } => self.command(Command::Join { name: self.name.clone() }),
                Phase::Inside => self.command(self.media.state()),
                Phase::LookingUp
                | Phase::NeedsPassphrase { .. }
                | Phase::Joining { .. }
                | Phase::AtTheDoor { .. }
                | Phase::Reconnecting { .. }
                | Phase::Ended { .. } => {}
            }
        }
        // When a session began anew, its epoch may have the number of the last one.
        if snapshot.phase == Phase::Inside && (snapshot.epoch != before.epoch || snapshot.phase != before.phase) {
            self.command(Command::Shown { epoch: snapshot.epoch });
        }
    }

    fn line(&mut self, line: &str) {
        match terminal::parse(line) {
            Line::Nothing => {}
            Line::Leave => self.leave(),
            Line::Mute(muted) => {
                self.media.set_muted(muted);
                self.command(self.media.state());
                let snapshot = self.session.snapshot();
                let denied = snapshot.members.iter().any(|m| m.me && m.denied.contains(&Permission::Speak));
                self.media.set_muted(muted || denied);
            }
            Line::MuteOther(None) => self.command(Command::Mute { identity: None }),
            Line::MuteOther(Some(name)) => self.command_on(name, |identity, _| Command::Mute { identity: Some(identity) }),
            Line::Permit(name, what, given) => self.command_on(name, |identity, _| Command::Permit { identity, what, given }),
            Line::PermitEverybody(what, everybody) => self.command(Command::PermitEverybody { what, everybody }),
            Line::MuteAbove(people) => self.command(Command::MuteAbove { people }),
            Line::Limit(people) => self.command(Command::Limit { people }),
            Line::Pause(paused) => self.media.set_paused(paused),
            Line::Remove(name) => self.command_on(name, |identity, _| Command::Remove { identity, open: false }),
            Line::SendBack(name) => self.command_on(name, |identity, _| Command::SendBack { identity }),
            Line::HandOver(name) => self.command_on(name, |identity, _| Command::Appoint { identity }),
            Line::Door(door) => self.command(Command::SetDoor { door }),
            Line::Admit(name) => {
                let identities = self.waiting(name);
                self.command_waiting(&identities.clone(), Command::Admit { identities });
            }
            Line::Decline(name, word) => {
                let identities = self.waiting(name);
                let identity = identities.first().cloned().unwrap_or_default();
                self.command_waiting(&identities, Command::Decline { identity, word: word.to_owned() });
            }
            Line::Compare(name, same) => {
                self.command_on(name, |identity, shown| Command::Compare {
                    identity,
                    code: shown.safety_code.clone().unwrap_or_default(),
                    same,
                });
            }
            Line::Code(name) => self.command_on(name, |identity, _| Command::ShowPersonCode { identity }),
            Line::ComparePerson(name, same) => {
                self.command_on(name, |identity, shown| {
                    let member = shown.members.iter().find(|m| m.identity == identity);
                    let code = member.and_then(|m| m.person_code.clone()).unwrap_or_default();
                    Command::ComparePerson { identity, code, same }
                });
            }
            Line::Keep(name) => self.command_on(name, |identity, _| Command::KeepCompared { identity }),
            Line::Seen(name) => self.command_on(name, |identity, _| Command::AnswerChange { identity }),
            Line::Forget(name) => {
                let kept = self.identity.as_ref().and_then(|identity| identity.people().iter().find(|one| one.name.expose() == name));
                let key = kept.map(|one| one.key.expose().clone());
                self.command(Command::ForgetPerson { key: key.unwrap_or_default() });
            }
            Line::Chat(text) => self.command(Command::Chat { text: text.to_owned() }),
            Line::Unknown => self.terminal.say(&Report::Refused {
                why: "commands are /leave, /remove NAME, /send-back NAME, /admit [NAME], /decline NAME[: WORD], /open, /ask, /lock, \
                      /hand-over NAME, /mute [NAME], /mute-all, /unmute [NAME], /silence NAME, /permit NAME: WHAT, /deny NAME: WHAT, \
                      /only-hosts WHAT, /everybody WHAT (speak, chat or share), /mute-above NUMBER, /limit NUMBER, /same NAME, \
                      /different NAME, /code NAME, /matches NAME, /matches-not NAME, /keep NAME, /seen NAME, /forget NAME, /pause and \
                      /resume",
            }),
        }
    }

    /// Commands what concerns the member of this name.
    fn command_on(&mut self, name: &str, command: impl FnOnce(String, &Snapshot) -> Command) {
        let shown = self.session.snapshot();
        match shown.members.iter().find(|m| m.name == name) {
            Some(member) => {
                let command = command(member.identity.clone(), shown);
                self.command(command);
            }
            None => self.terminal.say(&Report::Refused { why: "no such member" }),
        }
    }

    /// Identities of those who wait under this name; of all, if it is empty.
    fn waiting(&self, name: &str) -> Vec<String> {
        let waiting = self.session.snapshot().waiting.iter().filter(|one| name.is_empty() || one.name == name);
        waiting.map(|one| one.identity.clone()).collect()
    }

    /// Commands what concerns these, who wait.
    fn command_waiting(&mut self, identities: &[String], command: Command) {
        if identities.is_empty() {
            self.terminal.say(&Report::Refused { why: "nobody of that name is at the door" });
        } else {
            self.command(command);
        }
    }

    fn leave(&mut self) {
        if self.leaving.is_none() {
            let now = self.clock.now();
            self.leaving = Some(now);
            self.network.command(MediaCommand::Leave, now);
            if !self.has_ended() {
                self.command(Command::Leave);
            }
        }
    }

    fn has_ended(&self) -> bool {
        // A passphrase is given at the start or not at all.
        match self.session.snapshot().phase {
            Phase::NeedsPassphrase { step, .. } => step != PassphraseStep::Asked,
            Phase::Ended { .. } => true,
            Phase::LookingUp
            | Phase::Prejoin { .. }
            | Phase::Joining { .. }
            | Phase::AtTheDoor { .. }
            | Phase::Inside
            | Phase::Reconnecting { .. } => false,
        }
    }

    fn is_over(&self) -> bool {
        self.has_ended() || self.leaving.is_some_and(|at| self.clock.now() >= at + FAREWELL)
    }

    /// Does what is due.
    fn on_timeout(&mut self) {
        let now = self.clock.now();
        if now >= self.session_due {
            self.input(Input::Timeout);
        }
        if now >= self.cryptor_due {
            self.cryptor_input(CryptorInput::Timeout);
        }
        if now >= self.network_due {
            self.network.on_timeout(now);
        }
        while let Some(frame) = self.media.next_frame(now) {
            let sealed = self.cryptor.seal(frame.source, frame.codec, &frame.bytes, now);
            if !sealed.is_ok_and(|sealed| self.network.send_frame(frame.source, frame.rtp_time, &sealed, now).is_ok()) {
                self.media.on_lost(frame.source);
            }
        }
        if now >= self.next_report {
            self.next_report = now + REPORT_STEP;
            let terminal = &self.terminal;
            self.playback.reports(now, |identity| terminal.name_of(identity), |report| terminal.media(report));
        }
    }

    async fn finish(mut self, mut sockets: mpsc::Receiver<SocketEvent<SocketId>>) -> anyhow::Result<()> {
        self.show();
        // Not to be taken for a ghost until the media server misses us.
        self.leave();
        self.drain().await;
        if let Some(recorder) = self.playback.recorder.take() {
            recorder.finish().context("the recording could not be completed")?;
        }
        let (origin, now) = (self.network.origin.clone(), self.clock.now());
        drop(self.network);
        // Each WebSocket ends after what was sent, and says nothing more then.
        let sent = async { while sockets.recv().await.is_some() {} };
        tokio::time::timeout(FLUSH, sent).await.ok();
        terminal::ending(&self.session.snapshot().phase, &self.session.snapshot().declined, &origin, now)
    }
}
