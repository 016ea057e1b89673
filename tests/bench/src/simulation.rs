//! A meeting of real sessions, with a true log between them and a clock that only the figure moves. The server's proofs and limits are left out.

use std::collections::VecDeque;
use std::time::Duration;

use conclave_base::{Machine as _, Polled, Redacted, Secret, Time};
use conclave_delivery::{Cursor, Log};
use conclave_protocol::http::{CreateMeeting, MeetingInfo};
use conclave_protocol::limits::{LOG_BYTES, PEOPLE};
use conclave_protocol::ws::{ClientMessage, LogTime, Refusal, ServerMessage};
use conclave_session::snapshot::{Command, Phase};
use conclave_session::update::SnapshotUpdate;
use conclave_session::{Config, Input, NewMeeting, Output, Session, create};

/// From one join to the next.
const BETWEEN_JOINS: Duration = Duration::from_millis(600);

/// A client, here or in another process.
pub(crate) trait Client {
    /// Takes an input; gives what is asked for until the client is idle.
    fn handle(&mut self, input: Input, now: Time) -> anyhow::Result<Vec<Request>>;
    /// When it is to be woken.
    fn due(&self) -> Time;
}

/// What a client asks for, as far as it matters here.
#[derive(Debug)]
pub(crate) enum Request {
    Http,
    Connect,
    Send(Vec<u8>),
    Disconnect,
    /// The roster of this epoch is on the page.
    Shown(u64),
}

/// A session in this process.
pub(crate) struct Local {
    pub(crate) session: Session,
    due: Time,
}

impl Local {
    pub(crate) fn new(link: &str, n: usize, now: Time) -> anyhow::Result<Self> {
        let seed = Secret::new([u8::try_from(n + 1)?; 32]);
        let config = Config::new(Redacted::new(link.to_owned()), seed);
        Ok(Self { session: Session::new(config, now), due: now })
    }

    /// As [`Client::handle`], and each update is shown to `observe` first.
    pub(crate) fn handle_observed(&mut self, input: Input, now: Time, mut observe: impl FnMut(&SnapshotUpdate)) -> Vec<Request> {
        // Whatever is refused is refused to the page.
        let _ = self.session.handle(input, now);
        let mut requests = Vec::new();
        loop {
            match self.session.poll() {
                Polled::Output(Output::Http { .. }) => requests.push(Request::Http),
                Polled::Output(Output::Connect) => requests.push(Request::Connect),
                Polled::Output(Output::Send(bytes)) => requests.push(Request::Send(bytes)),
                Polled::Output(Output::Disconnect) => requests.push(Request::Disconnect),
                Polled::Output(Output::Update(update)) => {
                    observe(&update);
                    let inside = update.status.filter(|status| status.phase == Phase::Inside);
                    requests.extend(inside.map(|status| Request::Shown(status.epoch)));
                }
                Polled::Output(
                    Output::MediaToken { .. } | Output::MediaDisconnect | Output::Subscribe(_) | Output::People(_) | Output::Cryptor(_),
                ) => {}
                Polled::Idle(due) => {
                    self.due = due;
                    return requests;
                }
            }
        }
    }
}

impl Client for Local {
    fn handle(&mut self, input: Input, now: Time) -> anyhow::Result<Vec<Request>> {
        Ok(self.handle_observed(input, now, |_| {}))
    }

    fn due(&self) -> Time {
        self.due
    }
}

/// See the module.
pub(crate) struct Simulation {
    pub(crate) now: Time,
    pub(crate) link: String,
    /// The seed of the host key.
    pub(crate) host: Secret<32>,
    made: CreateMeeting,
    log: Log,
    clients: Vec<(Box<dyn Client>, Option<Cursor>)>,
}

impl Simulation {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let created = create(NewMeeting { title: "Planning", ..NewMeeting::default() }, &Secret::new([42; 32]))?;
        Ok(Self {
            now: Time::from_millis(1_700_000_000_000),
            link: created.link.url("https://meet.example"),
            host: created.host,
            made: serde_json::from_slice(&created.body)?,
            log: Log::new(LOG_BYTES),
            clients: Vec::new(),
        })
    }

    /// A session of this process comes in.
    pub(crate) fn join_local(&mut self) -> anyhow::Result<()> {
        let client = Local::new(&self.link, self.clients.len(), self.now)?;
        self.join(Box::new(client)).map(drop)
    }

    /// Lets a client in; gives its number.
    pub(crate) fn join(&mut self, client: Box<dyn Client>) -> anyhow::Result<usize> {
        let n = self.clients.len();
        self.clients.push((client, None));
        self.give(n, Input::Timeout)?;
        self.give(n, Input::Command(Command::Join { name: format!("Member {n}") }))?;
        self.settle()?;
        self.pass(BETWEEN_JOINS)?;
        anyhow::ensure!(self.clients[n].1.is_some(), "member {n} did not come in");
        Ok(n)
    }

    /// Gives one member an input and all that follows from it at once, as a worker does before it rests.
    pub(crate) fn give(&mut self, n: usize, input: Input) -> anyhow::Result<()> {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for request in self.clients[n].0.handle(input, self.now)? {
                match request {
                    Request::Http => {
                        let sealed_meta = self.made.sealed_meta.clone();
                        let info = MeetingInfo { sealed_meta, expires_at: 0, inside: 0, limit: PEOPLE, lasts: None };
                        inputs.push_back(Input::HttpDone { status: 200, body: serde_json::to_vec(&info)? });
                    }
                    Request::Connect => inputs.push_back(Input::Opened),
                    Request::Send(bytes) => {
                        let answer = self.answer(n, ClientMessage::decode(&bytes)?);
                        inputs.extend(answer.map(|answer| Input::Received(answer.encode())));
                    }
                    Request::Disconnect => self.clients[n].1 = None,
                    Request::Shown(epoch) => inputs.push_back(Input::Command(Command::Shown { epoch })),
                }
            }
        }
        Ok(())
    }

    fn answer(&mut self, n: usize, message: ClientMessage) -> Option<ServerMessage> {
        match message {
            ClientMessage::Hello { .. } => Some(ServerMessage::Challenge { nonce: [0; 32] }),
            ClientMessage::Prove { .. } => {
                self.clients[n].1 = Some(self.log.reader_from_snapshot());
                Some(ServerMessage::Admitted {
                    media_token: String::new(),
                    media_url: None,
                    head: self.log.head(),
                    last_commit: self.log.last_commit(),
                    chain_hash: self.log.chain_hash(),
                    stale: false,
                })
            }
            ClientMessage::Append { request, class, parent_commit, sealed } => {
                Some(match self.log.append(class, parent_commit, sealed, LogTime(self.now.as_millis())) {
                    Ok(seq) => ServerMessage::Appended { request, seq },
                    Err(_) => ServerMessage::Refused { request, why: Refusal::Stale { last_commit: self.log.last_commit() } },
                })
            }
            ClientMessage::RenewToken | ClientMessage::Leave => None,
            ClientMessage::Ping => Some(ServerMessage::Pong),
        }
    }

    /// Entries reach everybody until nobody has anything to say at this moment.
    pub(crate) fn settle(&mut self) -> anyhow::Result<()> {
        loop {
            let head = self.log.head();
            for n in 0..self.clients.len() {
                while let Some(entry) = self.clients[n].1.as_mut().and_then(|cursor| self.log.read(cursor).ok().flatten()) {
                    self.give(n, Input::Received(ServerMessage::Entry(entry.as_ref().clone()).encode()))?;
                }
            }
            if self.log.head() == head {
                return Ok(());
            }
        }
    }

    /// Lets time pass, moment by moment as the sessions ask for it.
    pub(crate) fn pass(&mut self, span: Duration) -> anyhow::Result<()> {
        let end = self.now + span;
        while let Some(next) = self.clients.iter().map(|(client, _)| client.due()).min().filter(|next| *next <= end) {
            self.now = next.max(self.now);
            for n in 0..self.clients.len() {
                if self.clients[n].0.due() <= self.now {
                    self.give(n, Input::Timeout)?;
                }
            }
            self.settle()?;
        }
        self.now = end;
        Ok(())
    }
}
