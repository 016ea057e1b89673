use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::people::{PeopleChange, VerifiedPerson};
use crate::snapshot::{Command, EndReason, NoticeKind, Phase, SecurityState, Snapshot};
use crate::software::LoggedBuilds;
use crate::stage::Stage;
use conclave_base::{Codec, Machine as _, MemberId, Polled, Redacted, Secret, Seq, Source, Time};
use conclave_delivery::{AppendError, Cursor, Log};
use conclave_media_crypto::{CryptorInput, CryptorOutput, FrameCryptor, OpenError, SealError, SealedFrame, Track};
use conclave_protocol::challenge;
use conclave_protocol::http::{
    ApiError, ApiErrorCode, CreateMeeting, EvaluatePassphrase, MeetingInfo, PassphraseEvaluated, PassphraseRight,
};
use conclave_protocol::limits::{LOG_BYTES, PEOPLE};
use conclave_protocol::payload::Software;
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, Entry, LogPosition, LogTime, Refusal, ServerMessage};
use ed25519_dalek::{Signature, VerifyingKey};
use voprf::{BlindedElement, Group as _, Ristretto255, VoprfServer};

use crate::{Config, Created, CreationWithPassphrase, Input, InputError, NewMeeting, Output, Session, create};

pub(super) const AMARA: usize = 0;
pub(super) const BELA: usize = 1;
pub(super) const CHIDI: usize = 2;

/// Everybody, the server between them, and the time.
pub(super) struct World {
    pub(super) now: Time,
    pub(super) created: Created,
    pub(super) server: Server,
    pub(super) people: Vec<Person>,
    /// The device key, and the verified people, of whoever opens the link next.
    pub(super) device: Option<Secret<32>>,
    pub(super) verified: Vec<VerifiedPerson>,
    /// What that client says that it is, and what it knows of releases.
    pub(super) software: Option<Software>,
    pub(super) logged: Option<LoggedBuilds>,
}

pub(super) struct Person {
    pub(super) meeting: Session,
    cryptor: FrameCryptor,
    /// Whether the screen reports what it shows.
    pub(super) shows: bool,
    /// Messages to and from this person are lost.
    pub(super) cut_off: bool,
    /// Messages to this person wait.
    pub(super) late: bool,
    /// Its attempts to connect come to nothing, and nobody says so.
    pub(super) unanswered: bool,
    /// The program is gone: it does nothing any more.
    pub(super) dead: bool,
    pub(super) tokens: Vec<String>,
    /// Who this person is at the media server, if connected there.
    pub(super) media: Option<MemberId>,
    pub(super) key_frames: u32,
    /// The last set that the shell was told to subscribe to.
    pub(super) subscribed: BTreeSet<MemberId>,
    /// What became of frames that were not given back at once.
    pub(super) received: BTreeMap<u32, Result<Vec<u8>, OpenError>>,
    next_frame: u32,
    /// How often the page was told something.
    pub(super) updates: u32,
    /// What the shell was told to keep of people.
    pub(super) kept: Vec<PeopleChange>,
    /// What the screen showed, one after the other.
    pub(super) phases: Vec<Phase>,
    /// For how long the own clock stood still.
    pub(super) stood_still: Duration,
    due: Time,
    inbox: VecDeque<ServerMessage>,
}

pub(super) struct Server {
    pub(super) up: bool,
    pub(super) log: Log,
    pub(super) made: CreateMeeting,
    connections: BTreeMap<usize, Connection>,
    /// What a hostile server does to an entry on its way to a person; `None` withholds it.
    pub(super) twist: Box<dyn FnMut(usize, Entry) -> Option<Entry>>,
    /// Whether entries for a person stay on their way.
    pub(super) slow: Box<dyn Fn(usize) -> bool>,
    /// What it says of how long a session lasts, in ms.
    pub(super) lasts: Option<u64>,
    /// Every answer to a look-up, if not the true one.
    pub(super) answer: Option<(u16, Vec<u8>)>,
    /// Claims that whoever comes back comes back to this log, whatever they had read before.
    pub(super) claims_the_past: bool,
    /// Whether what a person appends is acknowledged and dropped.
    pub(super) swallows: Box<dyn Fn(usize, Class) -> bool>,
    /// What a person appended, as the server sees it.
    pub(super) overhears: Box<Overhear>,
    /// How fast the server's clock runs.
    pub(super) clock_percent: u64,
    /// Whether what a person appends stays on its way until [`World::release_held`].
    pub(super) holds: Box<dyn Fn(usize, Class) -> bool>,
    held: Vec<(usize, ClientMessage)>,
    /// Whether the log says who is gone.
    pub(super) says_gone: bool,
    /// Members whose connection ended or fell silent, and when the log says so.
    gone_at: BTreeMap<MemberId, Time>,
    /// Of whom the log said so.
    pub(super) gone: BTreeSet<MemberId>,
    /// Who may be in the group, or asks to be.
    known: BTreeSet<MemberId>,
    /// When a person's client last said something.
    pub(super) last_received: BTreeMap<usize, Time>,
    /// When somebody last asked to be let in.
    asked: Option<Time>,
    appended: Vec<(Class, Vec<u8>)>,
    /// By which it does its part of passphrases.
    pub(super) passphrase_key: u8,
    /// What it answers instead.
    pub(super) passphrase_answer: Option<(u16, Vec<u8>)>,
    /// What it was asked about them.
    pub(super) tries: Vec<Vec<u8>>,
    /// How often it was shown that one was right.
    pub(super) rights: usize,
}

type Overhear = dyn FnMut(usize, &[u8]);

#[derive(Default)]
struct Connection {
    nonce: [u8; 32],
    after: Option<LogPosition>,
    who: Option<MemberId>,
    cursor: Option<Cursor>,
    newcomer: bool,
}

/// When the world began.
const START: Time = Time::from_millis(1_700_000_000_000);

fn log_time(now: Time) -> LogTime {
    LogTime(now.as_millis() - START.as_millis())
}

impl World {
    pub(super) fn new() -> Self {
        Self::of_meeting(None, false, false)
    }

    /// Another meeting of the same people.
    pub(super) fn another() -> Self {
        Self::of_seed(43, None, false, false)
    }

    pub(super) fn with_passphrase(passphrase: &str) -> Self {
        Self::of_meeting(Some(passphrase), false, false)
    }

    /// A meeting in which newcomers ask from the beginning.
    pub(super) fn with_lobby() -> Self {
        Self::of_meeting(None, false, true)
    }

    fn of_meeting(passphrase: Option<&str>, hides_speech: bool, lobby: bool) -> Self {
        Self::of_seed(42, passphrase, hides_speech, lobby)
    }

    fn of_seed(seed: u8, passphrase: Option<&str>, hides_speech: bool, lobby: bool) -> Self {
        let (meeting, seed) = (NewMeeting { title: "Planning", hides_speech, lobby, ..NewMeeting::default() }, Secret::new([seed; 32]));
        let created = match passphrase {
            Some(passphrase) => {
                let creation = CreationWithPassphrase::new(meeting, passphrase, &seed).expect("the passphrase is long");
                let evaluated = evaluate(1, &creation.body);
                creation.finish(&evaluated).expect("evaluated")
            }
            None => create(meeting, &seed).expect("the title is short"),
        };
        let made = serde_json::from_slice(&created.body).expect("a body that the server can read");
        let server = Server {
            up: true,
            log: Log::new(LOG_BYTES),
            made,
            connections: BTreeMap::new(),
            twist: Box::new(|_, entry| Some(entry)),
            slow: Box::new(|_| false),
            lasts: None,
            answer: None,
            claims_the_past: false,
            swallows: Box::new(|_, _| false),
            overhears: Box::new(|_, _| {}),
            clock_percent: 100,
            holds: Box::new(|_, _| false),
            held: Vec::new(),
            says_gone: true,
            gone_at: BTreeMap::new(),
            gone: BTreeSet::new(),
            last_received: BTreeMap::new(),
            known: BTreeSet::new(),
            asked: None,
            appended: Vec::new(),
            passphrase_key: 1,
            passphrase_answer: None,
            tries: Vec::new(),
            rights: 0,
        };
        Self { now: START, created, server, people: Vec::new(), device: None, verified: Vec::new(), software: None, logged: None }
    }

    /// A world in which that many people are inside; the first is the host.
    pub(super) fn of(people: usize) -> Self {
        Self::new().with_people(people)
    }

    /// The same, in a meeting that hides speech.
    pub(super) fn hiding_speech(people: usize) -> Self {
        Self::of_meeting(None, true, false).with_people(people)
    }

    /// The same, on a server that says that a session lasts so long.
    pub(super) fn lasting(people: usize, lasts: Duration) -> Self {
        let mut world = Self::new();
        world.server.lasts = Some(u64::try_from(lasts.as_millis()).expect("short"));
        world.with_people(people)
    }

    fn with_people(self, people: usize) -> Self {
        let mut world = self;
        for _ in 0..people {
            let person = world.open();
            world.join(person);
            world.pass(Duration::from_millis(600));
            assert_eq!(world.screen(person).phase, Phase::Inside);
        }
        world
    }

    /// Somebody opens the link. The first has the host key.
    pub(super) fn open(&mut self) -> usize {
        let link = self.created.link.url("https://meet.example");
        self.open_link(&link, None)
    }

    /// The host opens the link once more.
    pub(super) fn open_as_host(&mut self) -> usize {
        let link = self.created.link.url("https://meet.example");
        self.open_with(&link, None, true, None)
    }

    /// The page of `person`, who is inside as `name`, is loaded anew: it says that it leaves, and the next one goes in with the same key.
    pub(super) fn reload(&mut self, person: usize, name: &str) -> usize {
        let Stage::Joined(joined) = &self.people[person].meeting.stage else { panic!("not inside") };
        let signer = Secret::new(joined.delivery.config.leaf_key().to_bytes());
        self.command(person, Command::Leave).expect("inside");
        let link = self.created.link.url("https://meet.example");
        let next = self.open_with(&link, None, false, Some(signer));
        self.command(next, Command::Join { name: name.to_owned() }).expect("ready to join");
        next
    }

    pub(super) fn open_link(&mut self, link: &str, passphrase: Option<&str>) -> usize {
        self.open_with(link, passphrase, self.people.is_empty(), None)
    }

    fn open_with(&mut self, link: &str, passphrase: Option<&str>, host: bool, signer: Option<Secret<32>>) -> usize {
        let n = self.people.len();
        let (device, people) = (self.device.clone(), self.verified.clone());
        let config = Config {
            link: Redacted::new(link.to_owned()),
            host: host.then(|| self.created.host.clone()),
            passphrase: passphrase.map(|text| Redacted::new(text.to_owned())),
            signer,
            device,
            people,
            software: self.software.clone(),
            logged: self.logged.clone(),
            seed: Secret::new([u8::try_from(n).expect("few people") + 1; 32]),
        };
        let meeting = Session::new(config, self.now);
        let mut cryptor = FrameCryptor::new();
        // Until somebody switches something on or off, all is on.
        let all_on = CryptorInput::SourcesOn { mic: true, camera: true, screen: true, silence: false, until: Time::MAX };
        let Ok(()) = cryptor.handle(all_on, self.now);
        let (tokens, inbox) = (Vec::new(), VecDeque::new());
        self.people.push(Person {
            meeting,
            cryptor,
            shows: true,
            cut_off: false,
            late: false,
            unanswered: false,
            dead: false,
            tokens,
            media: None,
            key_frames: 0,
            subscribed: BTreeSet::new(),
            received: BTreeMap::new(),
            next_frame: 0,
            updates: 0,
            kept: Vec::new(),
            phases: Vec::new(),
            stood_still: Duration::ZERO,
            due: Time::MAX,
            inbox,
        });
        self.settle();
        n
    }

    /// This person's frame cryptor begins as those of shells do.
    pub(super) fn nothing_on(&mut self, person: usize) {
        self.people[person].cryptor = FrameCryptor::new();
    }

    pub(super) fn join(&mut self, person: usize) {
        let name = ["Amara", "Bela", "Chidi", "Dana"][person];
        self.command(person, Command::Join { name: name.to_owned() }).expect("ready to join");
    }

    pub(super) fn command(&mut self, person: usize, command: Command) -> Result<(), InputError> {
        let now = self.time_of(person);
        let done = self.people[person].meeting.handle(Input::Command(command), now);
        self.settle();
        done
    }

    pub(super) fn say(&mut self, person: usize, text: &str) {
        self.command(person, Command::Chat { text: text.to_owned() }).expect("inside");
    }

    pub(super) fn screen(&self, person: usize) -> &Snapshot {
        self.people[person].meeting.snapshot()
    }

    pub(super) fn chat(&self, person: usize) -> Vec<&str> {
        self.screen(person).chat.iter().map(|line| line.text.as_str()).collect()
    }

    pub(super) fn unsent(&self, person: usize) -> Vec<&str> {
        self.screen(person).unsent.iter().map(|line| line.text.as_str()).collect()
    }

    pub(super) fn names(&self, person: usize) -> Vec<&str> {
        self.screen(person).members.iter().map(|m| m.name.as_str()).collect()
    }

    pub(super) fn notices(&self, person: usize) -> Vec<NoticeKind> {
        self.screen(person).notices.iter().map(|notice| notice.what.clone()).collect()
    }

    pub(super) fn lock(&self, person: usize) -> SecurityState {
        self.screen(person).security.state
    }

    pub(super) fn over(&self, person: usize) -> Option<EndReason> {
        match &self.screen(person).phase {
            Phase::Ended { reason: why } => Some(*why),
            Phase::LookingUp
            | Phase::NeedsPassphrase { .. }
            | Phase::Prejoin { .. }
            | Phase::Joining { .. }
            | Phase::AtTheDoor { .. }
            | Phase::Inside
            | Phase::Reconnecting { .. } => None,
        }
    }

    pub(super) fn identity(&self, person: usize) -> MemberId {
        let me = self.screen(person).members.iter().find(|m| m.me).expect("inside");
        me.identity.parse().expect("an identity")
    }

    pub(super) fn seal(&mut self, person: usize, source: Source, frame: &[u8]) -> Result<Vec<u8>, SealError> {
        let now = self.time_of(person);
        let sealed = self.people[person].cryptor.seal(source, Codec::Opus, frame, now);
        self.settle();
        sealed
    }

    /// Hands a frame to a member; one that waits for its epoch is [`OpenError::EpochUnknown`] until [`Person::received`] says more.
    pub(super) fn open_frame(&mut self, person: usize, owner: MemberId, source: Source, frame: &[u8]) -> Result<Vec<u8>, OpenError> {
        let id = self.people[person].next_frame;
        self.people[person].next_frame += 1;
        let sealed = SealedFrame { id, codec: Codec::Opus, contiguous: true, bytes: frame };
        let now = self.time_of(person);
        let opened = self.people[person].cryptor.receive(Track { owner, source }, sealed, now);
        self.settle();
        opened.map_or_else(|| self.people[person].received.remove(&id).unwrap_or(Err(OpenError::EpochUnknown)), Ok)
    }

    /// Classes of everything appended so far.
    pub(super) fn appended(&self, class: Class) -> usize {
        self.server.appended.iter().filter(|(c, _)| *c == class).count()
    }

    /// The sealed bytes of the last entry of a class.
    pub(super) fn last(&self, class: Class) -> Vec<u8> {
        self.server.appended.iter().rev().find(|(c, _)| *c == class).expect("such an entry").1.clone()
    }

    /// Somebody with a connection of their own appends this, sealed or not.
    pub(super) fn append_raw(&mut self, class: Class, sealed: Vec<u8>) {
        let expected = self.server.log.last_commit();
        self.server.log.append(class, expected, sealed, log_time(self.now)).expect("the log takes it");
        self.settle();
    }

    /// The connection of a person breaks.
    pub(super) fn break_connection(&mut self, person: usize) {
        self.server.disconnect(person, self.now);
        self.people[person].inbox.clear();
        self.handle(person, Input::Closed);
        self.settle();
    }

    /// The network of a person is back or another one.
    pub(super) fn online(&mut self, person: usize) {
        self.handle(person, Input::Online);
        self.settle();
    }

    /// Lets time pass, moment by moment as the machines ask for it.
    pub(super) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        // Whoever was dead has something due since long.
        for person in 0..self.people.len() {
            self.wake(person);
        }
        self.settle();
        loop {
            self.notice_silence();
            let next = self.people.iter().filter(|p| !p.dead).map(|p| p.due).min().unwrap_or(Time::MAX);
            let next = self.server.gone_at.values().copied().fold(next, Time::min);
            if next > end {
                break;
            }
            assert!(next > self.now, "somebody asks for the past: {next:?} at {:?}", self.now);
            self.now = next;
            self.server.say_gone(self.now);
            for person in 0..self.people.len() {
                self.wake(person);
            }
            self.settle();
        }
        self.now = end;
        for person in 0..self.people.len() {
            self.wake(person);
        }
        self.settle();
    }

    /// The server pings every connection each second.
    fn notice_silence(&mut self) {
        for (n, person) in self.people.iter().enumerate() {
            let Some(who) = self.server.connections.get(&n).and_then(|connection| connection.who) else { continue };
            if !(person.dead || person.cut_off) {
                self.server.gone_at.remove(&who);
                self.server.gone.remove(&who);
            } else if !self.server.gone.contains(&who) {
                self.server.gone_at.entry(who).or_insert(self.now + Duration::from_secs(3));
            }
        }
    }

    /// Gives a member's machines the moment.
    fn wake(&mut self, person: usize) {
        let now = self.time_of(person);
        let Ok(()) = self.people[person].cryptor.handle(CryptorInput::Timeout, now);
        self.handle(person, Input::Timeout);
    }

    pub(super) fn handle(&mut self, person: usize, input: Input) {
        if !self.people[person].dead {
            let now = self.time_of(person);
            let _ = self.people[person].meeting.handle(input, now);
        }
    }

    /// The moment by a person's own clock.
    fn time_of(&self, person: usize) -> Time {
        Time::ZERO + (self.now - (Time::ZERO + self.people[person].stood_still))
    }

    /// Moves messages until nobody has anything to say at this moment.
    pub(super) fn settle(&mut self) {
        for _ in 0..10_000 {
            let mut busy = false;
            for person in 0..self.people.len() {
                busy |= self.drain(person);
            }
            for person in 0..self.people.len() {
                busy |= self.deliver(person);
            }
            if !busy {
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    fn drain(&mut self, person: usize) -> bool {
        let mut busy = false;
        while !self.people[person].dead {
            let output = match self.people[person].meeting.poll() {
                Polled::Output(output) => output,
                Polled::Idle(meeting) => match self.people[person].cryptor.poll() {
                    Polled::Output(output) => {
                        self.frame_output(person, output);
                        busy = true;
                        continue;
                    }
                    Polled::Idle(cryptor) => {
                        let due = meeting.min(cryptor);
                        let still = self.people[person].stood_still;
                        self.people[person].due = if due == Time::MAX { due } else { due + still };
                        break;
                    }
                },
            };
            match output {
                Output::Update(_) => {
                    let Person { meeting, phases, shows, updates, .. } = &mut self.people[person];
                    *updates += 1;
                    let snapshot = meeting.snapshot();
                    if phases.last() != Some(&snapshot.phase) {
                        phases.push(snapshot.phase.clone());
                    }
                    if *shows && snapshot.phase == Phase::Inside {
                        let epoch = snapshot.epoch;
                        self.handle(person, Input::Command(Command::Shown { epoch }));
                    }
                }
                Output::Http { path, body } => {
                    let input = self.server.respond(path, &body);
                    self.handle(person, input);
                }
                Output::Connect if self.people[person].unanswered => {}
                Output::Connect => {
                    let reachable = self.server.up && !self.people[person].cut_off;
                    if reachable {
                        self.server.connections.insert(person, Connection::default());
                    }
                    self.handle(person, if reachable { Input::Opened } else { Input::Closed });
                }
                Output::Send(bytes) => {
                    if !self.people[person].cut_off {
                        let message = ClientMessage::decode(&bytes).expect("a well-formed message");
                        let answers = self.server.receive(person, message, self.now);
                        self.people[person].inbox.extend(answers);
                    }
                }
                Output::Disconnect => {
                    if !self.people[person].cut_off {
                        self.server.disconnect(person, self.now);
                    }
                    self.people[person].inbox.clear();
                }
                Output::MediaToken { identity, jwt, .. } => {
                    self.people[person].tokens.push(jwt);
                    self.people[person].media = Some(identity);
                }
                Output::People(change) => self.people[person].kept.push(change),
                Output::MediaDisconnect => self.people[person].media = None,
                Output::Subscribe(identities) => self.people[person].subscribed = identities,
                Output::Cryptor(input) => {
                    let now = self.time_of(person);
                    let Ok(()) = self.people[person].cryptor.handle(input, now);
                }
            }
            busy = true;
        }
        busy
    }

    fn frame_output(&mut self, person: usize, output: CryptorOutput) {
        match output {
            CryptorOutput::GenerateKeyFrame => self.people[person].key_frames += 1,
            CryptorOutput::FrameOpened { id, frame } => _ = self.people[person].received.insert(id, Ok(frame)),
            CryptorOutput::FrameDropped { id, reason } => _ = self.people[person].received.insert(id, Err(reason)),
            CryptorOutput::RequestKeyFrame { .. } => {}
            CryptorOutput::Report(report) => self.handle(person, Input::FrameReport(report)),
        }
    }

    fn deliver(&mut self, person: usize) -> bool {
        if self.people[person].late {
            return false;
        }
        let mut busy = false;
        while !self.people[person].dead
            && let Some(message) = self.people[person].inbox.pop_front().or_else(|| self.server.next_entry(person))
        {
            busy = true;
            if !self.people[person].cut_off {
                self.handle(person, Input::Received(message.encode()));
            }
        }
        busy
    }

    /// The media layer of this person tells who is connected to the media server.
    pub(super) fn report_participants(&mut self, person: usize) {
        let others = self.people.iter().enumerate().filter(|(n, _)| *n != person);
        let identities = others.filter_map(|(_, other)| other.media).map(|who| who.to_text()).collect();
        self.command(person, Command::MediaPeers { identities }).expect("inside");
    }

    /// What was held back reaches the log, and nothing is held back any more. Gives how many entries that were.
    pub(super) fn release_held(&mut self) -> usize {
        self.hold_only(|_, _| false)
    }

    /// What was held comes to the server; it holds something else from now on.
    pub(super) fn hold_only(&mut self, what: impl Fn(usize, Class) -> bool + 'static) -> usize {
        self.server.holds = Box::new(what);
        let held = std::mem::take(&mut self.server.held);
        let count = held.len();
        for (person, append) in held {
            let answers = self.server.receive(person, append, self.now);
            self.people[person].inbox.extend(answers);
        }
        self.settle();
        count
    }

    /// The server tells everybody that a media connection is gone.
    pub(super) fn hint_media_gone(&mut self, who: MemberId) {
        for person in 0..self.people.len() {
            self.people[person].inbox.push_back(ServerMessage::MediaDisconnected { identity: who });
        }
        self.settle();
    }

    /// The server says this to one person.
    pub(super) fn tell(&mut self, person: usize, message: ServerMessage) {
        self.people[person].inbox.push_back(message);
        self.settle();
    }
}

fn append_gone(log: &mut Log, who: &MemberId, at: LogTime) {
    log.append(Class::Gone, Seq(0), who.as_bytes().to_vec(), at).expect("a small entry");
}

/// As a server does it that has this key.
pub(super) fn evaluate(key: u8, body: &[u8]) -> Vec<u8> {
    let asked: EvaluatePassphrase = serde_json::from_slice(body).expect("of ours");
    let key = VoprfServer::<Ristretto255>::new_from_seed(&[key; 32], asked.meeting.as_bytes()).expect("short");
    let blinded = BlindedElement::deserialize(&asked.blinded).expect("an element");
    let answer = key.blind_evaluate(crate::rng::Rng::new(&Secret::new([5; 32])).source(), &blinded);
    let evaluated = PassphraseEvaluated {
        evaluated: answer.message.serialize().into(),
        proof: answer.proof.serialize().into(),
        server_key: Ristretto255::serialize_elem(key.get_public_key()).into(),
    };
    serde_json::to_vec(&evaluated).expect("no failing serializer")
}

impl Server {
    fn respond(&mut self, path: &str, body: &[u8]) -> Input {
        match path {
            conclave_protocol::paths::MEETING_UPDATE => self.update(body),
            conclave_protocol::paths::PASSPHRASE => self.evaluate(body),
            conclave_protocol::paths::PASSPHRASE_RIGHT => self.note_right(body),
            _ => self.look_up(body),
        }
    }

    /// Does its part of a passphrase.
    fn evaluate(&mut self, body: &[u8]) -> Input {
        self.tries.push(body.to_vec());
        match self.passphrase_answer.clone() {
            _ if !self.up => Input::HttpFailed,
            Some((status, body)) => Input::HttpDone { status, body },
            None => Input::HttpDone { status: 200, body: evaluate(self.passphrase_key, body) },
        }
    }

    fn note_right(&mut self, body: &[u8]) -> Input {
        let PassphraseRight { meeting, blinded, signature } = serde_json::from_slice(body).expect("of ours");
        let key = VerifyingKey::from_bytes(&self.made.admission_key).expect("a key");
        let claim = challenge::passphrase(&meeting, &blinded);
        key.verify_strict(&claim, &Signature::from_bytes(&signature)).expect("signed by the admission key");
        self.rights += 1;
        Input::HttpDone { status: 204, body: Vec::new() }
    }

    /// Keeps what it is given: whether it comes from the host is for `core/server/admission` to check.
    fn update(&mut self, body: &[u8]) -> Input {
        if !self.up {
            return Input::HttpFailed;
        }
        let update: conclave_protocol::http::UpdateMeeting = serde_json::from_slice(body).expect("an update");
        let claim = conclave_protocol::host::update_claim(&update.meeting, &update.sealed_meta);
        let key = VerifyingKey::from_bytes(&update.host_key).expect("a key");
        key.verify_strict(&claim, &Signature::from_bytes(&update.signature)).expect("signed by the host");
        self.made.sealed_meta = update.sealed_meta;
        Input::HttpDone { status: 204, body: Vec::new() }
    }

    fn look_up(&self, body: &[u8]) -> Input {
        if !self.up {
            return Input::HttpFailed;
        }
        if let Some((status, body)) = self.answer.clone() {
            return Input::HttpDone { status, body };
        }
        let asked: conclave_protocol::http::LookupMeeting = serde_json::from_slice(body).expect("a look-up");
        if asked.meeting != self.made.meeting {
            let problem = ApiError::new(ApiErrorCode::NotFound, String::new());
            return Input::HttpDone { status: 404, body: serde_json::to_vec(&problem).expect("no failing serializer") };
        }
        let info = MeetingInfo { sealed_meta: self.made.sealed_meta.clone(), expires_at: 0, inside: 0, limit: PEOPLE, lasts: self.lasts };
        Input::HttpDone { status: 200, body: serde_json::to_vec(&info).expect("no failing serializer") }
    }

    fn receive(&mut self, person: usize, message: ClientMessage, now: Time) -> Vec<ServerMessage> {
        self.last_received.insert(person, now);
        let at = LogTime(log_time(now).0 * self.clock_percent / 100);
        let Some(connection) = self.connections.get_mut(&person) else { return Vec::new() };
        match message {
            ClientMessage::Hello { meeting, after, .. } => {
                assert_eq!(meeting, self.made.meeting);
                connection.after = after;
                connection.nonce = [u8::try_from(person).expect("few people"); 32];
                vec![ServerMessage::Challenge { nonce: connection.nonce }]
            }
            ClientMessage::Prove { admission, identity_key, identity } => {
                let holds = |key: &[u8; 32], claim: Vec<u8>, signature: &[u8; 64]| {
                    let key = VerifyingKey::from_bytes(key).expect("a key");
                    key.verify_strict(&claim, &Signature::from_bytes(signature)).is_ok()
                };
                let admitted = holds(&self.made.admission_key, challenge::admission(&self.made.meeting, &connection.nonce), &admission)
                    && holds(&identity_key, challenge::identity(&self.made.meeting, &connection.nonce), &identity);
                if !admitted {
                    return vec![ServerMessage::Closing { reason: CloseReason::BadProof }];
                }
                let who = MemberId::of_key(&identity_key);
                let claimed = |seq| LogPosition { seq, chain_hash: self.log.chain_hash() };
                let after = connection.after.map(|after| if self.claims_the_past { claimed(after.seq) } else { after });
                let returning = after.map(|after| self.log.reader_from(after));
                let stale = matches!(returning, Some(Err(_)));
                let returning = returning.and_then(Result::ok);
                connection.newcomer = returning.is_none();
                connection.cursor = Some(returning.unwrap_or_else(|| self.log.reader_from_snapshot()));
                connection.who = Some(who);
                self.gone_at.remove(&who);
                self.gone.remove(&who);
                vec![ServerMessage::Admitted {
                    media_token: who.to_text(),
                    media_url: None,
                    head: self.log.head(),
                    last_commit: self.log.last_commit(),
                    chain_hash: self.log.chain_hash(),
                    stale,
                }]
            }
            append @ ClientMessage::Append { class, .. } if (self.holds)(person, class) => {
                self.held.push((person, append));
                Vec::new()
            }
            ClientMessage::Append { request, class, .. } if (self.swallows)(person, class) => {
                vec![ServerMessage::Appended { request, seq: self.log.head().next() }]
            }
            ClientMessage::Append { request, class, parent_commit, sealed } => {
                let answer = match self.log.append(class, parent_commit, sealed.clone(), at) {
                    Ok(seq) => {
                        (self.overhears)(person, &sealed);
                        self.appended.push((class, sealed));
                        if matches!(class, Class::Commit | Class::JoinRequest) {
                            self.known.extend(connection.who);
                        }
                        if class == Class::JoinRequest {
                            self.asked = Some(now);
                        }
                        let may_add = self.asked.is_some_and(|at| now < at + Duration::from_secs(10));
                        if class == Class::Commit && (std::mem::take(&mut connection.newcomer) || may_add) {
                            self.gone.iter().for_each(|who| append_gone(&mut self.log, who, at));
                        }
                        ServerMessage::Appended { request, seq }
                    }
                    Err(AppendError::Stale { last_commit }) => ServerMessage::Refused { request, why: Refusal::Stale { last_commit } },
                    Err(AppendError::TooLarge) => ServerMessage::Refused { request, why: Refusal::TooLarge },
                    Err(AppendError::Full | AppendError::Over) => ServerMessage::Refused { request, why: Refusal::Busy },
                };
                vec![answer]
            }
            ClientMessage::RenewToken => vec![ServerMessage::Token { media_token: "renewed".to_owned() }],
            ClientMessage::Ping => vec![ServerMessage::Pong],
            ClientMessage::Leave => {
                self.gone_at.extend(connection.who.map(|who| (who, now)));
                self.say_gone(now);
                Vec::new()
            }
        }
    }

    fn disconnect(&mut self, person: usize, now: Time) {
        let who = self.connections.remove(&person).and_then(|connection| connection.who);
        if let Some(who) = who.filter(|who| !self.gone.contains(who)) {
            self.gone_at.insert(who, now + Duration::from_secs(2));
        }
    }

    fn say_gone(&mut self, now: Time) {
        let due: Vec<_> = self.gone_at.extract_if(.., |_, at| *at <= now).map(|(who, _)| who).collect();
        for who in due {
            if self.gone.insert(who) && self.known.contains(&who) && self.says_gone {
                append_gone(&mut self.log, &who, log_time(now));
            }
        }
    }

    fn next_entry(&mut self, person: usize) -> Option<ServerMessage> {
        if (self.slow)(person) {
            return None;
        }
        let cursor = self.connections.get_mut(&person)?.cursor.as_mut()?;
        loop {
            let entry = self.log.read(cursor).expect("nothing is dropped")?;
            if let Some(entry) = (self.twist)(person, Entry::clone(entry)) {
                return Some(ServerMessage::Entry(entry));
            }
        }
    }

    /// A server that forgot everything, as after a restart.
    pub(super) fn forget(&mut self) {
        self.log = Log::new(LOG_BYTES);
        self.connections.clear();
        self.gone_at.clear();
        self.gone.clear();
        self.known.clear();
    }
}
