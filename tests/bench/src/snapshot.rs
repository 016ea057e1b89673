//! What one member's worker tells its page, in bytes: a meeting of real sessions in this process, with a true log between them and a
//! clock that only the figure moves. The server's proofs and limits are left out.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::Context as _;
use conclave_base::{Machine as _, Polled, Redacted, Secret, Time};
use conclave_delivery::{Cursor, Log};
use conclave_protocol::http::{CreateMeeting, MeetingInfo};
use conclave_protocol::limits::{LOG_BYTES, PEOPLE};
use conclave_protocol::ws::{Class, ClientMessage, Refusal, ServerMessage};
use conclave_session::snapshot::{Command, Phase};
use conclave_session::{Config, Input, Output, Session, create};
use serde::Serialize;

use crate::report::{Figure, Report};

const MEMBERS: usize = 100;
/// Virtual time, in which each member sends heartbeats and, by turns, a commit with fresh keys.
const SPAN: Duration = Duration::from_secs(60);
const LINES: u32 = 100;
/// As the web client did before it told increments.
const FULL: &str = "full-snapshots";

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let mut world = World::new()?;
    for _ in 0..MEMBERS {
        world.join()?;
    }
    world.pass(Duration::from_secs(10))?;

    world.bytes = Bytes::default();
    world.pass(SPAN)?;
    let Bytes { messages, commits, updates, full } = world.bytes;
    let seconds = SPAN.as_secs_f64();
    eprintln!("{MEMBERS} members, {messages} heartbeats and {commits} commits in {seconds} s");
    report
        .add(Figure::cost("snapshot.silence", updates / seconds, "B/s").beside(FULL, Some(full / seconds)).valid_if(messages >= MEMBERS))?;
    report.add(Figure::cost("snapshot.full_silence", full / seconds, "B/s"))?;

    world.bytes = Bytes::default();
    for line in 0..LINES {
        world.give(0, Input::Command(Command::Chat { text: format!("Line {line}, as long as lines of chat are.") }))?;
        world.settle()?;
    }
    let Bytes { updates, full, .. } = world.bytes;
    let each = f64::from(LINES);
    report.add(Figure::cost("snapshot.chat_line", updates / each, "B").beside(FULL, Some(full / each)))?;
    report.add(Figure::cost("snapshot.full_chat_line", full / each, "B"))?;
    Ok(())
}

/// What the last member's page was told, as JSON.
#[derive(Debug, Default, Clone, Copy)]
struct Bytes {
    messages: usize,
    commits: usize,
    /// By [`Output::Update`].
    updates: f64,
    /// If each application message, and each change, brought the whole snapshot.
    full: f64,
}

struct World {
    now: Time,
    link: String,
    made: CreateMeeting,
    log: Log,
    members: Vec<Member>,
    bytes: Bytes,
}

struct Member {
    session: Session,
    due: Time,
    cursor: Option<Cursor>,
}

impl World {
    fn new() -> anyhow::Result<Self> {
        let created = create("Planning", None, &Secret::new([42; 32]))?;
        Ok(Self {
            now: Time::from_millis(1_700_000_000_000),
            link: created.link.url("https://meet.example"),
            made: serde_json::from_slice(&created.body)?,
            log: Log::new(LOG_BYTES),
            members: Vec::new(),
            bytes: Bytes::default(),
        })
    }

    fn join(&mut self) -> anyhow::Result<()> {
        let n = self.members.len();
        let seed = Secret::new([u8::try_from(n + 1)?; 32]);
        let config = Config { link: Redacted::new(self.link.clone()), host: None, passphrase: None, seed };
        self.members.push(Member { session: Session::new(config, self.now), due: Time::MAX, cursor: None });
        self.give(n, Input::Timeout)?;
        self.give(n, Input::Command(Command::Join { name: format!("Member {n}") }))?;
        self.settle()?;
        self.pass(Duration::from_millis(600))?;
        anyhow::ensure!(self.members[n].session.snapshot().phase == Phase::Inside, "member {n} did not come in");
        Ok(())
    }

    /// Gives one member an input and all that follows from it at once, as a worker does before it rests.
    fn give(&mut self, n: usize, input: Input) -> anyhow::Result<()> {
        let observed = n + 1 == self.members.len();
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            // Whatever is refused is refused to the page.
            let _ = self.members[n].session.handle(input, self.now);
            loop {
                let output = match self.members[n].session.poll() {
                    Polled::Output(output) => output,
                    Polled::Idle(due) => {
                        self.members[n].due = due;
                        break;
                    }
                };
                match output {
                    Output::Http { .. } => {
                        let sealed_meta = self.made.sealed_meta.clone();
                        let info = MeetingInfo { sealed_meta, expires_at: 0, inside: 0, limit: PEOPLE };
                        inputs.push_back(Input::HttpDone { status: 200, body: serde_json::to_vec(&info)? });
                    }
                    Output::Connect => inputs.push_back(Input::Opened),
                    Output::Send(bytes) => {
                        let answer = self.answer(n, ClientMessage::decode(&bytes)?);
                        inputs.extend(answer.map(|answer| Input::Received(answer.encode())));
                    }
                    Output::Disconnect => self.members[n].cursor = None,
                    Output::Update(update) => {
                        if observed {
                            self.bytes.updates += json(&update)?;
                        }
                        if let Some(status) = update.status.filter(|status| status.phase == Phase::Inside) {
                            inputs.push_back(Input::Command(Command::Shown { epoch: status.epoch }));
                        }
                    }
                    Output::MediaToken { .. }
                    | Output::MediaDisconnect
                    | Output::GenerateKeyFrame
                    | Output::Subscribe(_)
                    | Output::FrameOpened { .. }
                    | Output::FrameDropped { .. }
                    | Output::RequestKeyFrame { .. } => {}
                }
            }
        }
        Ok(())
    }

    fn answer(&mut self, n: usize, message: ClientMessage) -> Option<ServerMessage> {
        match message {
            ClientMessage::Hello { .. } => Some(ServerMessage::Challenge { nonce: [0; 32] }),
            ClientMessage::Prove { .. } => {
                self.members[n].cursor = Some(self.log.reader_from_snapshot());
                Some(ServerMessage::Admitted {
                    media_token: String::new(),
                    media_url: None,
                    head: self.log.head(),
                    last_commit: self.log.last_commit(),
                    chain_hash: self.log.chain_hash(),
                    stale: false,
                })
            }
            ClientMessage::Append { request, class, parent_commit, sealed } => Some(match self.log.append(class, parent_commit, sealed) {
                Ok(seq) => ServerMessage::Appended { request, seq },
                Err(_) => ServerMessage::Refused { request, why: Refusal::Stale { last_commit: self.log.last_commit() } },
            }),
            ClientMessage::RenewToken => None,
            ClientMessage::Ping => Some(ServerMessage::Pong),
        }
    }

    /// Entries reach everybody until nobody has anything to say at this moment.
    fn settle(&mut self) -> anyhow::Result<()> {
        loop {
            let head = self.log.head();
            for n in 0..self.members.len() {
                while let Some(entry) = self.members[n].cursor.as_mut().and_then(|cursor| self.log.read(cursor).ok().flatten()) {
                    let (class, received) = (entry.class, Input::Received(ServerMessage::Entry(entry.as_ref().clone()).encode()));
                    let before = self.bytes.updates;
                    self.give(n, received)?;
                    if n + 1 == self.members.len() {
                        self.count(class, self.bytes.updates > before)?;
                    }
                }
            }
            if self.log.head() == head {
                return Ok(());
            }
        }
    }

    fn count(&mut self, class: Class, changed: bool) -> anyhow::Result<()> {
        self.bytes.messages += usize::from(class == Class::Message);
        self.bytes.commits += usize::from(class == Class::Commit);
        if changed || class == Class::Message {
            let observed = self.members.last().context("somebody is inside")?;
            self.bytes.full += json(observed.session.snapshot())?;
        }
        Ok(())
    }

    /// Lets time pass, moment by moment as the sessions ask for it.
    fn pass(&mut self, span: Duration) -> anyhow::Result<()> {
        let end = self.now + span;
        while let Some(next) = self.members.iter().map(|member| member.due).min().filter(|next| *next <= end) {
            self.now = next.max(self.now);
            for n in 0..self.members.len() {
                if self.members[n].due <= self.now {
                    self.give(n, Input::Timeout)?;
                }
            }
            self.settle()?;
        }
        self.now = end;
        Ok(())
    }
}

fn json<T: Serialize>(value: &T) -> anyhow::Result<f64> {
    Ok(serde_json::to_vec(value)?.len() as f64)
}
