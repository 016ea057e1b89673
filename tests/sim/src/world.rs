//! Everybody, the server between them, and a clock that only the script moves.

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_base::{Secret, Time};
use conclave_media_crypto::CryptorInput;
use conclave_mls::SUITE_CLASSIC;
use conclave_protocol::http::CreateMeeting;
use conclave_session::snapshot::Command;
use conclave_session::{Input, NewMeeting, create};

use crate::client::Client;
use crate::dice::Dice;
use crate::failure::{Failure, Kind};
use crate::forgery::Forgery;
use crate::liar::Liar;
use crate::link_keys::LinkKeys;
use crate::mallory::Mallory;
use crate::media::{Frame, MediaServer};
use crate::model::Model;
use crate::network::{Connection, Line};
use crate::script::Script;
use crate::server::{Said, Server};

/// One meeting in so many has keys that outlast a quantum computer: those take five times as long to make.
const HYBRID: u64 = 8;
/// Events of one moment, beyond which nothing comes to rest.
const RESTLESS: u32 = 50_000;
/// How often screens are compared, and the media server looks who is silent.
const SWEEP: Duration = Duration::from_secs(1);

/// Somebody with a device.
pub(crate) struct Someone {
    pub(crate) name: String,
    pub(crate) line: Line,
    /// Its program, dead or alive; the last one.
    pub(crate) client: Option<usize>,
}

#[derive(Debug)]
pub(crate) enum Event {
    Pipe {
        conn: u64,
        up: bool,
    },
    Ping {
        conn: u64,
    },
    HttpAtServer {
        id: u64,
        path: &'static str,
        body: Vec<u8>,
    },
    HttpAnswer {
        client: usize,
        answer: Option<(u16, Vec<u8>)>,
    },
    ServerWakes,
    ServerStarts,
    Wake {
        client: usize,
    },
    /// What the session said reaches the frame cryptor's worker.
    ToCryptor {
        client: usize,
    },
    /// What the frame cryptor says reaches the session's worker.
    FromCryptor {
        client: usize,
    },
    Draw {
        client: usize,
    },
    /// Encoders give frames.
    Tick {
        client: usize,
    },
    Online {
        client: usize,
    },
    MediaOpens {
        client: usize,
        attempt: u64,
    },
    MediaFails {
        client: usize,
        attempt: u64,
    },
    MediaList {
        client: usize,
    },
    FrameAtServer(Frame),
    FrameAtClient {
        client: usize,
        attempt: u64,
        frame: Frame,
    },
    KeyFrameWanted {
        client: usize,
        picture: conclave_base::Source,
    },
    /// The hostile member speaks as another.
    Forge,
    Sweep,
}

pub(crate) struct World {
    pub(crate) start: Time,
    pub(crate) now: Time,
    events: BTreeMap<(Time, u64), Event>,
    last_event: u64,
    events_now: (Time, u32),
    pub(crate) seed: u64,
    pub(crate) people: Vec<Someone>,
    pub(crate) clients: Vec<Client>,
    pub(crate) server: Server,
    pub(crate) media: MediaServer,
    pub(crate) connections: BTreeMap<u64, Connection>,
    pub(crate) last_connection: u64,
    pub(crate) http: BTreeMap<u64, usize>,
    pub(crate) last_http: u64,
    pub(crate) link: String,
    pub(crate) host: Secret<32>,
    pub(crate) mallory: Mallory,
    pub(crate) mallory_connected: bool,
    pub(crate) forgery: Option<Forgery>,
    /// Until when the media server gives frames as what they are not.
    pub(crate) relabels_until: Time,
    pub(crate) model: Model,
    server_woken_at: Time,
}

impl World {
    pub(crate) fn new(script: &Script) -> Self {
        let seed = script.seed;
        let created = create(NewMeeting { title: "zq-mark first title", ..NewMeeting::default() }, &Dice::new(seed, "meeting", 0).secret())
            .expect("the title is short");
        let mut made: CreateMeeting = serde_json::from_slice(&created.body).expect("a body that the server can read");
        let start = Time::from_millis(1_700_000_000_000);
        let people =
            (0..script.people).map(|n| Someone { name: format!("zq-mark person {n}"), line: Line::new(seed, n), client: None }).collect();
        let link = created.link.url("https://meet.example");
        if !seed.is_multiple_of(HYBRID) {
            LinkKeys::of(&link, made.meeting)
                .with_policy(&mut made, &created.host, &mut Dice::new(seed, "suite", 0), |policy| policy.suite = SUITE_CLASSIC);
        }
        let body = serde_json::to_vec(&made).expect("the type has no failing serializer");
        let mut world = Self {
            start,
            now: start,
            events: BTreeMap::new(),
            last_event: 0,
            events_now: (start, 0),
            seed,
            people,
            clients: Vec::new(),
            server: Server::new(seed, script.hostile.then(|| Liar::new(start))),
            media: MediaServer::default(),
            connections: BTreeMap::new(),
            last_connection: 0,
            http: BTreeMap::new(),
            last_http: 0,
            mallory: Mallory::new(&link, &made, seed),
            mallory_connected: false,
            forgery: None,
            relabels_until: start,
            model: Model::new(start, &link, made.meeting),
            link,
            host: created.host,
            server_woken_at: Time::MAX,
        };
        world.server.start(start);
        let said = world.server.http(0, created.path, &body, start);
        debug_assert!(matches!(said.as_slice(), [Said::Http { status: 201, .. }]));
        world.schedule_server();
        world.schedule(start + SWEEP, Event::Sweep);
        world
    }

    pub(crate) fn schedule(&mut self, at: Time, event: Event) {
        self.last_event += 1;
        self.events.insert((at.max(self.now), self.last_event), event);
    }

    pub(crate) fn line(&mut self, client: usize) -> &mut Line {
        let person = self.clients[client].person;
        &mut self.people[person].line
    }

    pub(crate) fn schedule_server(&mut self) {
        let due = self.server.due();
        if due != self.server_woken_at {
            self.server_woken_at = due;
            if due < Time::MAX {
                self.schedule(due, Event::ServerWakes);
            }
        }
    }

    /// Lets time pass until `end`, or until something is broken.
    pub(crate) fn pass_until(&mut self, end: Time) -> Result<(), Failure> {
        while let Some(entry) = self.events.first_entry()
            && entry.key().0 <= end
        {
            let (at, _) = *entry.key();
            let event = entry.remove();
            self.now = at;
            self.events_now = if self.events_now.0 == at { (at, self.events_now.1 + 1) } else { (at, 0) };
            if self.events_now.1 > RESTLESS {
                self.model.fail(Kind::NoRest, at, format!("still at {event:?}"));
            }
            self.on_event(event);
            self.model.check()?;
        }
        self.now = end;
        Ok(())
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Pipe { conn, up } => self.on_pipe(conn, up),
            Event::Ping { conn } => self.on_ping(conn),
            Event::HttpAtServer { id, path, body } => self.on_http(id, path, &body),
            Event::HttpAnswer { client, answer } => {
                if self.is_awake_or_later(client, |answer| Event::HttpAnswer { client, answer }, answer.clone()) {
                    let input = answer.map_or(Input::HttpFailed, |(status, body)| Input::HttpDone { status, body });
                    self.session_input(client, input);
                }
            }
            Event::ServerWakes => {
                self.server_woken_at = Time::MAX;
                if self.server.due() <= self.now {
                    self.server_input(conclave_admission::Input::Timeout);
                }
                self.schedule_server();
            }
            Event::ServerStarts => {
                self.server.start(self.now);
                self.model.on_server_started(self.now);
                self.schedule_server();
            }
            Event::Wake { client } => self.on_wake(client),
            Event::ToCryptor { client } => {
                if self.is_awake_or_later(client, |()| Event::ToCryptor { client }, ())
                    && let Some(input) = self.clients[client].to_cryptor.pop_front()
                {
                    self.cryptor_input(client, input);
                }
            }
            Event::FromCryptor { client } => {
                if self.is_awake_or_later(client, |()| Event::FromCryptor { client }, ())
                    && let Some(report) = self.clients[client].from_cryptor.pop_front()
                {
                    self.session_input(client, Input::FrameReport(report));
                }
            }
            Event::Draw { client } => self.on_draw(client),
            Event::Tick { client } => self.on_tick(client),
            Event::Online { client } => {
                if self.is_awake_or_later(client, |()| Event::Online { client }, ()) {
                    self.session_input(client, Input::Online);
                }
            }
            Event::MediaOpens { client, attempt } => self.on_media_opens(client, attempt),
            Event::MediaFails { client, attempt } => self.on_media_fails(client, attempt),
            Event::MediaList { client } => self.on_media_list(client),
            Event::FrameAtServer(frame) => self.on_frame_at_server(&frame),
            Event::FrameAtClient { client, attempt, frame } => self.on_frame_at_client(client, attempt, &frame),
            Event::KeyFrameWanted { client, picture } => self.clients[client].encoders.want_key_frame(picture),
            Event::Forge => self.on_forge(),
            Event::Sweep => {
                self.sweep_media();
                self.tick_mallory();
                self.model.on_sweep(self.now);
                self.schedule(self.now + SWEEP, Event::Sweep);
            }
        }
    }

    /// Whether the program runs. Of one that sleeps, the event happens when it wakes; of one that is dead, never.
    pub(crate) fn is_awake_or_later<T>(&mut self, client: usize, event: impl FnOnce(T) -> Event, with: T) -> bool {
        let Client { alive, asleep_until, .. } = self.clients[client];
        if alive && asleep_until > self.now {
            self.schedule(asleep_until, event(with));
        }
        alive && asleep_until <= self.now
    }

    /// The user does something, or the shell for the user.
    pub(crate) fn command(&mut self, client: usize, command: Command) {
        self.session_input(client, Input::Command(command));
    }

    pub(crate) fn since_start(&self) -> Duration {
        self.now - self.start
    }

    /// An input of the session for the frame cryptor.
    pub(crate) fn pass_to_cryptor(&mut self, client: usize, input: CryptorInput) {
        let local = self.clients[client].local(self.now);
        self.model.on_cryptor_input(client, &input, local, self.now);
        if self.clients[client].is_browser {
            let at = self.clients[client].port_delay(self.now);
            self.clients[client].to_cryptor.push_back(input);
            self.schedule(at, Event::ToCryptor { client });
        } else {
            self.cryptor_input(client, input);
        }
    }
}
