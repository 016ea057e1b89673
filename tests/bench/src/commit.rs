//! How long a commit holds each of the page's two workers: the page's own WebAssembly module, run by V8, is a member of a simulated meeting.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use conclave_base::Time;
use conclave_protocol::ws::{Class, ClientMessage, ServerMessage};
use conclave_session::Input;
use conclave_session::snapshot::Command;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::report::{Figure, Report};
use crate::simulation::{Client, Request, Simulation};
use crate::statistics::{median, percentile};

const LARGE: usize = 200;
const SMALL: &str = "2-members";
/// In each the observed member removes somebody, and somebody else comes.
const ROUNDS: usize = 10;

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let (small, large) = (measure(2)?, measure(LARGE)?);
    let whole = small.is_whole() && large.is_whole();
    for (name, small, large) in [
        ("join", percentile(&small.joining, 100), percentile(&large.joining, 100)),
        ("received", median(&small.received), median(&large.received)),
        ("own", median(&small.own), median(&large.own)),
        ("frames", percentile(&small.frames, 100), percentile(&large.frames, 100)),
    ] {
        let figure = Figure::cost(format!("commit.{name}"), large.unwrap_or(f64::NAN), "ms");
        report.add(figure.beside(SMALL, small).valid_if(whole))?;
    }
    Ok(())
}

/// What is known of the observed member.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// Milliseconds that an input on the way in held the worker, what it asked for included.
    joining: Vec<f64>,
    /// Those of another member's commit that took effect.
    received: Vec<f64>,
    /// Those in which an own commit was made.
    own: Vec<f64>,
    /// Milliseconds for which an epoch kept frames waiting.
    frames: Vec<f64>,
    /// Somebody else in the group.
    another: Option<String>,
}

impl Observed {
    fn is_whole(&self) -> bool {
        self.own.len() >= ROUNDS && self.received.len() >= ROUNDS
    }
}

fn measure(members: usize) -> anyhow::Result<Observed> {
    let mut meeting = Simulation::new()?;
    for _ in 1..members {
        meeting.join_local()?;
    }
    let observed = Rc::new(RefCell::new(Observed::default()));
    let module = Module::start(&meeting, Rc::clone(&observed))?;
    let host = meeting.join(Box::new(module))?;
    for _ in 0..ROUNDS {
        let identity = observed.borrow().another.clone().context("somebody else is in the group")?;
        meeting.give(host, Input::Command(Command::Remove { identity, open: true }))?;
        meeting.pass(Duration::from_secs(2))?;
        meeting.join_local()?;
    }
    Ok(observed.take())
}

/// The module in a process of its own, which is given a line of JSON for each input and answers with one.
pub(crate) struct Module {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    due: Time,
    inside: bool,
    /// An own commit is on its way through the log.
    committing: bool,
    observed: Rc<RefCell<Observed>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    ms: f64,
    frames_ms: f64,
    http: bool,
    connect: bool,
    disconnect: bool,
    sent: Vec<Vec<u8>>,
    /// Epochs whose rosters were told, while inside.
    shown: Vec<u64>,
    due: Option<f64>,
    another: Option<String>,
}

impl Module {
    pub(crate) fn start(meeting: &Simulation, observed: Rc<RefCell<Observed>>) -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut process = Process::new("node")
            .arg(root.join("tests/bench/pages/module.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting node")?;
        let stdin = process.stdin.take().context("its input")?;
        let stdout = BufReader::new(process.stdout.take().context("its output")?);
        let mut module = Self { process, stdin, stdout, due: meeting.now, inside: false, committing: false, observed };
        module.ask(json!({ "link": meeting.link, "host": meeting.host.expose(), "now": millis(meeting.now) }))?;
        Ok(module)
    }

    /// Gives it a line, and reads one.
    pub(crate) fn exchange<T: DeserializeOwned>(&mut self, line: &Value) -> anyhow::Result<T> {
        writeln!(self.stdin, "{line}")?;
        let mut answer = String::new();
        self.stdout.read_line(&mut answer)?;
        serde_json::from_str(&answer).context("what the module answered")
    }

    fn ask(&mut self, line: Value) -> anyhow::Result<Answer> {
        let answer: Answer = self.exchange(&line)?;
        self.due = answer.due.map_or(Time::MAX, |due| Time::from_micros((due * 1000.0).ceil() as u64));
        Ok(answer)
    }

    /// Files the time under what the input was.
    fn observe(&mut self, is_commit: bool, answer: &Answer) -> anyhow::Result<()> {
        let mut committed = false;
        for bytes in &answer.sent {
            committed |= matches!(ClientMessage::decode(bytes)?, ClientMessage::Append { class: Class::Commit, .. });
        }
        let mut observed = self.observed.borrow_mut();
        if is_commit && self.inside {
            observed.frames.push(answer.frames_ms);
        }
        if !self.inside {
            observed.joining.push(answer.ms);
        } else if committed {
            observed.own.push(answer.ms);
        } else if is_commit && !std::mem::take(&mut self.committing) {
            observed.received.push(answer.ms);
        }
        self.committing |= committed;
        if !answer.shown.is_empty() {
            (self.inside, self.committing) = (true, self.committing && self.inside);
        }
        if let Some(another) = &answer.another {
            observed.another = Some(another.clone());
        }
        Ok(())
    }
}

impl Client for Module {
    fn handle(&mut self, input: Input, now: Time) -> anyhow::Result<Vec<Request>> {
        let mut is_commit = false;
        let mut line = match input {
            Input::HttpDone { status, body } => json!({ "kind": "httpDone", "status": status, "bytes": body }),
            Input::Opened => json!({ "kind": "opened" }),
            Input::Received(bytes) => {
                is_commit = matches!(ServerMessage::decode(&bytes)?, ServerMessage::Entry(entry) if entry.class == Class::Commit);
                json!({ "kind": "received", "bytes": bytes })
            }
            Input::Command(command) => json!({ "kind": "command", "command": command }),
            Input::Timeout => json!({ "kind": "timeout" }),
            Input::HttpFailed | Input::Closed | Input::TokenWanted | Input::FrameReport(_) | Input::Online | Input::Device(_) => {
                bail!("{input:?} does not happen here")
            }
        };
        line["now"] = json!(millis(now));
        let answer = self.ask(line)?;
        self.observe(is_commit, &answer)?;
        let mut requests = Vec::new();
        requests.extend(answer.http.then_some(Request::Http));
        requests.extend(answer.connect.then_some(Request::Connect));
        requests.extend(answer.disconnect.then_some(Request::Disconnect));
        requests.extend(answer.sent.into_iter().map(Request::Send));
        requests.extend(answer.shown.into_iter().map(Request::Shown));
        Ok(requests)
    }

    fn due(&self) -> Time {
        self.due
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}

pub(crate) fn millis(now: Time) -> f64 {
    now.as_micros() as f64 / 1000.0
}
