//! How long somebody who is gone still opens what the others send, in meetings too large for real processes: real sessions and frame cryptors,
//! the real server's state machine, lines that delay, and a clock that nobody waits for. No frame travels; each is tried as it is sealed.
//!
//! In a sparse meeting most members sleep once they are inside: what comes to them waits. The one whose turn it is to commit is woken and first
//! reads all that it missed. So it acts when it would have acted, and the others are not computed, who would only have read.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use conclave_admission::{ConnectionId, Input as ServerInput};
use conclave_base::{Codec, LeafIndex, Machine as _, MemberId, Polled, Redacted, Secret, Source, Time};
use conclave_media_crypto::{CryptorInput, EpochKeys, FrameCryptor, SFrameContext, Track};
use conclave_mls::SUITE_CLASSIC;
use conclave_protocol::http::{CreateMeeting, MeetingInfo};
use conclave_protocol::ws::{Class, ClientMessage, ServerMessage};
use conclave_session::snapshot::{Command, Phase};
use conclave_session::{Config, Input, NewMeeting, Output, Session, create};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::dice::Dice;
use crate::link_keys::LinkKeys;
use crate::server::{Said, Server};

/// Members who send sound, the host among them: the last frame of any of them counts.
const SENDERS: usize = 10;
const FRAME: Duration = Duration::from_millis(20);
/// The server's shell pings each connection this often.
const PING: Duration = Duration::from_secs(1);
/// Whoever sleeps says something every so many pings.
const SAYS: u64 = 10;
/// From coming in until the fact, at least; so that whoever goes has the keys by which all seal.
const BEFORE: Duration = Duration::from_millis(1500);
/// Nothing opens for so long: nothing will.
const AFTER: Duration = Duration::from_secs(1);
/// Nobody waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(20);
/// As clients have it: after so many commits newcomers need a snapshot.
const SNAPSHOT_COMMITS: u32 = 32;
/// Nobody sleeps longer by its own clock: a heartbeat that fell due in its sleep is sent when it wakes, and must not seem to have been without an
/// answer for so long that the client takes its connection for broken.
const NAP: Duration = Duration::from_secs(5);
/// While the meeting fills, lines take no time worth speaking of: nobody is to be silent for so long that it counts as away.
const FILLING: Duration = Duration::from_millis(1);
/// Afterwards, one way; each person has one of these, and up to half of it more.
const LATENCIES: [u64; 4] = [5, 10, 30, 80];

/// What happens to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// It says so.
    Leave,
    /// A host removes it.
    Removal,
    /// Its process is killed: the kernel closes the socket.
    Crash,
    /// Nothing comes from it, and nothing says so.
    Network,
}

impl Fact {
    /// All.
    pub const ALL: [Self; 4] = [Self::Leave, Self::Removal, Self::Crash, Self::Network];

    /// As figures name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leave => "leave",
            Self::Removal => "removal",
            Self::Crash => "crash",
            Self::Network => "network",
        }
    }
}

/// Somebody was not locked out, or something else is not as it is in meetings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck(String);

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowd {
    /// People inside, whoever goes among them.
    pub members: usize,
    /// Of each way to go.
    pub rounds: usize,
    /// Of lines, keys and moments.
    pub seed: u64,
    /// Most sleep.
    pub sparse: bool,
}

/// From each fact to the last frame that the keys of whoever went still open.
pub fn lockout(crowd: Crowd) -> Result<Vec<(Fact, Duration)>, Stuck> {
    let Crowd { members, rounds, seed, sparse } = crowd;
    conclave_base::known::begin();
    let mut hall = Hall::fill(members, seed, sparse)?;
    let mut times = Vec::new();
    for _ in 0..rounds {
        for fact in Fact::ALL {
            times.push((fact, hall.lose(fact)?));
        }
    }
    Ok(times)
}

enum Event {
    Wake(usize),
    Up(usize, Up),
    Down(usize, Down),
    ServerWakes,
    Ping,
    Seal,
}

enum Up {
    Open,
    Message(Vec<u8>),
    Close,
}

/// What all are sent is kept once.
enum Down {
    Message(Arc<[u8]>),
    Other(Input),
}

impl Down {
    fn into_input(self) -> Input {
        match self {
            Self::Message(bytes) => Input::Received(bytes.to_vec()),
            Self::Other(input) => input,
        }
    }
}

/// One member's program and its line.
struct Seat {
    session: Session,
    cryptor: FrameCryptor,
    sends: bool,
    latency: Duration,
    /// When the last message up and down arrives: none overtakes another.
    arrival: (Time, Time),
    connection: Option<u64>,
    alive: bool,
    wake_at: Time,
    reported: Option<u64>,
    /// Of the newest epoch.
    keys: Option<EpochKeys>,
    /// What came while it sleeps.
    asleep: Option<VecDeque<(Time, Down)>>,
    sealed: Time,
}

struct Hall {
    seed: u64,
    dice: Dice,
    now: Time,
    /// Later than [`Self::now`] while somebody reads what it missed.
    latest: Time,
    events: BTreeMap<(Time, u64), Event>,
    last_event: u64,
    server: Server,
    server_at: Time,
    link: String,
    host: Secret<32>,
    made: CreateMeeting,
    seats: Vec<Seat>,
    connections: BTreeMap<u64, usize>,
    filling: bool,
    /// Most sleep.
    sparse: bool,
    pings: u64,
    /// Since the last snapshot, as the host reads.
    commits: u32,
    hoard: Option<Hoard>,
}

/// What whoever goes has, and goes on to learn from the log as long as it is a member: it may be given the log, or somebody may have its keys.
struct Hoard {
    leaf: LeafIndex,
    key: [u8; 32],
    context: SFrameContext,
    /// When the last frame was sealed that it opened.
    opened: Time,
}

impl Hoard {
    /// An epoch began, by these keys of another member: the secret of the frames is the same for all.
    fn on_epoch(&mut self, keys: &EpochKeys) {
        if keys.members.contains(&(self.leaf, self.key)) {
            let _known_already = self.context.add_epoch(EpochKeys { me: self.leaf, ..keys.clone() }, Time::ZERO);
        }
    }

    fn opens(&mut self, sender: &[u8; 32], sealed: &[u8]) -> bool {
        let track = Track { owner: MemberId::of_key(sender), source: Source::Microphone };
        self.context.open(track, Codec::Opus, sealed, Time::ZERO).is_ok()
    }
}

fn own_leaf(keys: &EpochKeys) -> Option<(LeafIndex, [u8; 32])> {
    keys.members.iter().find(|(leaf, _)| *leaf == keys.me).copied()
}

impl Hall {
    /// All but whoever will go.
    fn fill(members: usize, seed: u64, sparse: bool) -> Result<Self, Stuck> {
        let limit = u32::try_from(members).ok().filter(|limit| *limit >= 2).ok_or_else(|| Stuck(format!("{members} are no meeting")))?;
        let created = create(NewMeeting::default(), &Dice::new(seed, "meeting", 0).secret()).expect("the title is short");
        let mut made: CreateMeeting = serde_json::from_slice(&created.body).expect("a body that the server can read");
        let link = created.link.url("https://meet.example");
        LinkKeys::of(&link, made.meeting).with_policy(&mut made, &created.host, &mut Dice::new(seed, "suite", 0), |policy| {
            (policy.suite, policy.limit) = (SUITE_CLASSIC, limit);
        });
        let now = Time::from_millis(1_700_000_000_000);
        let mut server = Server::new(seed, None);
        // Connections of which nobody said that they ended count for a while.
        server.people = limit * 2;
        server.start(now);
        server.http(0, created.path, &serde_json::to_vec(&made).expect("the type has no failing serializer"), now);
        let mut hall = Self {
            seed,
            dice: Dice::new(seed, "lockout", 0),
            now,
            latest: now,
            events: BTreeMap::new(),
            last_event: 0,
            server,
            server_at: Time::MAX,
            link,
            host: created.host,
            made,
            seats: Vec::new(),
            connections: BTreeMap::new(),
            filling: true,
            sparse,
            pings: 0,
            commits: 0,
            hoard: None,
        };
        hall.schedule_server();
        hall.schedule(now, Event::Ping);
        let others = members - 1;
        for n in 0..others {
            let sends = n == 0 || n + SENDERS > others;
            hall.join(sends)?;
            hall.let_sleep();
        }
        hall.filling = false;
        hall.schedule(hall.now, Event::Seal);
        Ok(hall)
    }

    /// Somebody comes in; gives its seat.
    fn join(&mut self, sends: bool) -> Result<usize, Stuck> {
        let n = self.seats.len();
        let mut dice = Dice::new(self.seed, "seat", n as u64);
        let config = Config {
            link: Redacted::new(self.link.clone()),
            host: (n == 0).then(|| self.host.clone()),
            passphrase: None,
            signer: None,
            device: None,
            people: Vec::new(),
            software: None,
            logged: None,
            seed: dice.secret(),
        };
        self.seats.push(Seat {
            session: Session::new(config, self.now),
            cryptor: FrameCryptor::new(),
            sends,
            latency: Duration::from_millis(dice.pick(&LATENCIES)),
            arrival: (self.now, self.now),
            connection: None,
            alive: true,
            wake_at: Time::MAX,
            reported: None,
            keys: None,
            asleep: None,
            sealed: self.now,
        });
        self.drain(n);
        self.pass_while("coming in", |hall| hall.seats[n].session.snapshot().phase != Phase::Inside || hall.seats[n].keys.is_none())?;
        // Its first sign of life, and that all have read of it.
        self.pass(if self.filling { FILLING * 6 } else { BEFORE });
        Ok(n)
    }

    /// Somebody comes in and goes.
    fn lose(&mut self, fact: Fact) -> Result<Duration, Stuck> {
        let goer = self.join(false)?;
        let after = self.dice.millis(0, 999);
        self.pass(after);
        let keys = self.seats[goer].keys.clone().ok_or_else(|| Stuck("no keys".to_owned()))?;
        let (leaf, key) = own_leaf(&keys).ok_or_else(|| Stuck("no leaf".to_owned()))?;
        let mut context = SFrameContext::new();
        context.add_epoch(keys, Time::ZERO).map_err(|_| Stuck("keys of no use".to_owned()))?;
        self.hoard = Some(Hoard { leaf, key, context, opened: Time::ZERO });
        self.pass(FRAME * 10);
        let fact_at = self.now;
        let is_away = |seat: &Seat| seat.alive && seat.asleep.is_none() && seat.session.snapshot().phase != Phase::Inside;
        if let Some(away) = self.seats.iter().position(is_away) {
            return Err(Stuck(format!("seat {away} is away, and nothing happened to it")));
        }
        if self.hoard.as_ref().is_none_or(|hoard| hoard.opened + FRAME * 2 < fact_at) {
            return Err(Stuck(format!("the keys of seat {goer} are not those by which others seal")));
        }
        match fact {
            Fact::Leave => self.input(goer, Input::Command(Command::Leave)),
            Fact::Removal => self.input(0, Input::Command(Command::Remove { identity: MemberId::of_key(&key).to_text(), open: true })),
            Fact::Crash => self.up(goer, Up::Close),
            Fact::Network => {}
        }
        if fact != Fact::Removal {
            self.seats[goer].alive = false;
        }
        self.pass_while("being locked out", |hall| {
            let last = hall.hoard.as_ref().map_or(fact_at, |hoard| hoard.opened);
            hall.now < last + AFTER
        })?;
        let last = self.hoard.take().map_or(fact_at, |hoard| hoard.opened);
        if let Some(silent) = (0..self.seats.len()).find(|n| self.seats[*n].sends && self.seats[*n].sealed + FRAME * 2 < self.now) {
            return Err(Stuck(format!("seat {silent} seals nothing")));
        }
        self.seats[goer].alive = false;
        self.let_sleep();
        Ok(last.since(fact_at))
    }

    fn let_sleep(&mut self) {
        if self.sparse {
            self.seats.iter_mut().filter(|seat| !seat.sends).for_each(|seat| _ = seat.asleep.get_or_insert_default());
        }
    }

    fn schedule(&mut self, at: Time, event: Event) {
        self.last_event += 1;
        self.events.insert((at.max(self.latest), self.last_event), event);
    }

    fn schedule_server(&mut self) {
        let due = self.server.due();
        if due != self.server_at && due < Time::MAX {
            self.schedule(due, Event::ServerWakes);
        }
        self.server_at = due;
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while self.events.first_key_value().is_some_and(|((at, _), _)| *at <= end) {
            self.step();
        }
        (self.now, self.latest) = (end, end);
    }

    fn pass_while(&mut self, what: &str, waits: impl Fn(&Self) -> bool) -> Result<(), Stuck> {
        let end = self.now + PATIENCE;
        while waits(self) {
            self.step();
            if self.now > end {
                let (last, since) = (self.seats.len() - 1, self.commits);
                let phase = &self.seats[last].session.snapshot().phase;
                return Err(Stuck(format!(
                    "seat {last}, {phase:?}: {what} takes over {} s; {since} commits and no snapshot",
                    PATIENCE.as_secs()
                )));
            }
        }
        Ok(())
    }

    fn step(&mut self) {
        let Some(((at, _), event)) = self.events.pop_first() else { return };
        (self.now, self.latest) = (at, at);
        match event {
            Event::Wake(n) => {
                let seat = &mut self.seats[n];
                if seat.wake_at == at && seat.alive && seat.asleep.is_none() {
                    let Ok(()) = seat.cryptor.handle(CryptorInput::Timeout, at);
                    self.input(n, Input::Timeout);
                }
            }
            Event::Up(n, up) => self.at_server(n, up),
            Event::Down(n, down) => self.at_client(n, down),
            Event::ServerWakes => {
                if self.server_at == at {
                    self.server_at = Time::MAX;
                    let said = self.server.input(ServerInput::Timeout, at);
                    self.perform(said);
                }
            }
            Event::Ping => {
                // Those who sleep here answer all the same, and say something: in truth they do not sleep, and the server ends what says nothing.
                for n in 0..self.seats.len() {
                    if let Some(conn) = self.seats[n].connection.filter(|_| self.seats[n].alive) {
                        let said = self.server.input(ServerInput::Alive { conn: ConnectionId(conn) }, at);
                        self.perform(said);
                        if self.seats[n].asleep.is_some() && (self.pings + n as u64).is_multiple_of(SAYS) {
                            let said = self.server.message(conn, &ClientMessage::Ping.encode(), at);
                            self.perform(said);
                        }
                    }
                }
                self.pings += 1;
                self.schedule(at + PING, Event::Ping);
            }
            Event::Seal => self.seal(),
        }
    }

    fn seal(&mut self) {
        let now = self.now;
        for seat in self.seats.iter_mut().filter(|seat| seat.sends) {
            let Ok(sealed) = seat.cryptor.seal(Source::Microphone, Codec::Opus, b"sound", now) else { continue };
            seat.sealed = now;
            if let Some(hoard) = &mut self.hoard
                && let Some((_, key)) = seat.keys.as_ref().and_then(own_leaf)
                && hoard.opens(&key, &sealed)
            {
                hoard.opened = now;
            }
        }
        self.schedule(now + FRAME, Event::Seal);
    }

    fn delay(&mut self, n: usize) -> Duration {
        let latency = if self.filling { FILLING } else { self.seats[n].latency };
        latency + Duration::from_micros(self.dice.below(1 + u64::try_from(latency.as_micros() / 2).expect("short")))
    }

    fn up(&mut self, n: usize, up: Up) {
        let at = (self.now + self.delay(n)).max(self.seats[n].arrival.0);
        self.seats[n].arrival.0 = at;
        self.schedule(at, Event::Up(n, up));
    }

    fn down(&mut self, n: usize, down: Down) {
        let at = (self.now + self.delay(n)).max(self.seats[n].arrival.1);
        self.seats[n].arrival.1 = at;
        self.schedule(at, Event::Down(n, down));
    }

    fn at_server(&mut self, n: usize, up: Up) {
        let said = match (up, self.seats[n].connection) {
            (Up::Open, _) => {
                let conn = n as u64 + 1;
                self.seats[n].connection = Some(conn);
                self.connections.insert(conn, n);
                let said = self.server.connected(conn, n, self.now);
                self.down(n, Down::Other(Input::Opened));
                said
            }
            (Up::Message(bytes), Some(conn)) => self.server.message(conn, &bytes, self.now),
            (Up::Close, Some(conn)) => {
                self.seats[n].connection = None;
                self.server.input(ServerInput::Disconnected { conn: ConnectionId(conn) }, self.now)
            }
            (Up::Message(_) | Up::Close, None) => Vec::new(),
        };
        self.perform(said);
    }

    fn perform(&mut self, said: Vec<Said>) {
        let mut said = VecDeque::from(said);
        while let Some(next) = said.pop_front() {
            match next {
                Said::Send { conn, bytes } => {
                    // The kernel takes it; what the server sends then comes after all that it sent.
                    let taken = ServerInput::Sent { conn: ConnectionId(conn), bytes: bytes.len() };
                    self.down(self.connections[&conn], Down::Message(bytes));
                    said.extend(self.server.input(taken, self.now));
                }
                Said::Close { conn } => {
                    let n = self.connections[&conn];
                    self.seats[n].connection = None;
                    self.down(n, Down::Other(Input::Closed));
                }
                Said::Http { .. } | Said::Expel(_) => {}
            }
        }
        self.schedule_server();
    }

    fn at_client(&mut self, n: usize, down: Down) {
        let (now, seat) = (self.now, &mut self.seats[n]);
        if !seat.alive {
            return;
        }
        if let Some(waiting) = &mut seat.asleep {
            return waiting.push_back((now, down));
        }
        if n == 0
            && let Down::Message(bytes) = &down
            && let Ok(ServerMessage::Entry(entry)) = ServerMessage::decode(bytes)
        {
            self.commits = match entry.class {
                Class::Commit => self.commits + 1,
                Class::Snapshot => 0,
                Class::Proposal | Class::Message | Class::JoinRequest | Class::Welcome | Class::Gone => self.commits,
            };
        }
        self.input(n, down.into_input());
    }

    fn input(&mut self, n: usize, input: Input) {
        let now = self.now;
        // What is refused is refused to the page.
        let _refused = self.seats[n].session.handle(input, now);
        self.drain(n);
    }

    fn drain(&mut self, n: usize) {
        let mut epoch = false;
        loop {
            let now = self.now;
            let seat = &mut self.seats[n];
            let due = match seat.session.poll() {
                Polled::Output(output) => {
                    epoch |= matches!(output, Output::Cryptor(CryptorInput::Epoch { .. }));
                    self.output(n, output);
                    continue;
                }
                Polled::Idle(due) => due,
            };
            let due = loop {
                if let Polled::Idle(until) = seat.cryptor.poll() {
                    break due.min(until);
                }
            };
            seat.wake_at = due.max(now + Duration::from_micros(1));
            if due < Time::MAX {
                let at = seat.wake_at;
                self.schedule(at, Event::Wake(n));
            }
            break;
        }
        if epoch && n == 0 && self.sparse {
            self.wake_committer();
        }
    }

    fn output(&mut self, n: usize, output: Output) {
        match output {
            Output::Http { .. } => {
                let sealed_meta = self.made.sealed_meta.clone();
                let limit = self.server.people;
                let info = MeetingInfo { sealed_meta, expires_at: 0, inside: 0, limit, lasts: None };
                let body = serde_json::to_vec(&info).expect("the type has no failing serializer");
                self.down(n, Down::Other(Input::HttpDone { status: 200, body }));
            }
            Output::Connect => self.up(n, Up::Open),
            Output::Send(bytes) => self.up(n, Up::Message(bytes)),
            Output::Disconnect => self.up(n, Up::Close),
            Output::Update(_) => self.on_update(n),
            Output::Cryptor(input) => {
                let seat = &mut self.seats[n];
                if let CryptorInput::Epoch { keys, .. } = &input {
                    seat.keys = Some(keys.clone());
                    if n == 0
                        && let Some(hoard) = &mut self.hoard
                    {
                        hoard.on_epoch(keys);
                    }
                }
                if seat.sends {
                    let Ok(()) = seat.cryptor.handle(input, self.now);
                }
            }
            Output::MediaToken { .. } | Output::MediaDisconnect | Output::Subscribe(_) | Output::People(_) => {}
        }
    }

    fn on_update(&mut self, n: usize) {
        let (now, seat) = (self.now, &mut self.seats[n]);
        let (phase, epoch) = (seat.session.snapshot().phase.clone(), seat.session.snapshot().epoch);
        let mut commands = Vec::new();
        if matches!(phase, Phase::Prejoin { .. }) && seat.reported.is_none() {
            seat.reported = Some(0);
            commands.push(Command::Join { name: format!("Member {n}") });
        } else if phase == Phase::Inside && seat.reported != Some(epoch) {
            let is_first = seat.reported.replace(epoch) == Some(0);
            commands.extend(is_first.then_some(Command::Media { mic: seat.sends, camera: false, screen: false }));
            commands.push(Command::Shown { epoch });
        }
        for command in commands {
            let _refused = seat.session.handle(Input::Command(command), now);
        }
    }

    /// Wakes whoever commits first in the host's epoch, if anything is to be done there.
    fn wake_committer(&mut self) {
        let is_due = !self.filling || self.commits >= SNAPSHOT_COMMITS;
        let Some(keys) = self.seats[0].keys.as_ref().filter(|_| is_due) else { return };
        let hmac = Hkdf::<Sha256>::from_prk(keys.base_key.expose()).expect("it has 32 bytes");
        let draw = |leaf: LeafIndex| {
            let mut out = [0; 32];
            hmac.expand(&[b"conclave/1 committer".as_slice(), &leaf.0.to_be_bytes()].concat(), &mut out).expect("it is short");
            out
        };
        let Some((_, first)) = keys.members.iter().min_by_key(|(leaf, _)| draw(*leaf)) else { return };
        let first = *first;
        let n = self.seats.iter().position(|seat| {
            seat.keys.as_ref().is_some_and(|keys| keys.members.iter().any(|(leaf, key)| *leaf == keys.me && *key == first))
        });
        if let Some(n) = n {
            self.wake(n);
        }
    }

    /// It reads what it missed, each piece at the moment when it came, or [`NAP`] ago.
    fn wake(&mut self, n: usize) {
        let Some(waiting) = self.seats[n].asleep.take() else { return };
        let nap_began = Time::ZERO + (self.latest - (Time::ZERO + NAP));
        for (at, down) in waiting {
            self.now = at.max(nap_began);
            self.input(n, down.into_input());
        }
        self.now = self.latest;
        self.input(n, Input::Timeout);
    }
}
