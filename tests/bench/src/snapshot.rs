//! What one member's worker tells its page, in bytes, in a simulated meeting.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use conclave_base::Time;
use conclave_protocol::ws::{Class, ServerMessage};
use conclave_session::Input;
use conclave_session::snapshot::Command;
use serde::Serialize;

use crate::report::{Figure, Report};
use crate::simulation::{Client, Local, Request, Simulation};

const MEMBERS: usize = 100;
/// Virtual time, in which each member sends heartbeats and, by turns, a commit with fresh keys.
const SPAN: Duration = Duration::from_secs(60);
const LINES: u32 = 100;
/// As the web client did before it told increments.
const FULL: &str = "full-snapshots";

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let mut meeting = Simulation::new()?;
    for _ in 1..MEMBERS {
        meeting.join_local()?;
    }
    let bytes = Rc::new(Cell::new(Bytes::default()));
    let client = Local::new(&meeting.link, MEMBERS - 1, meeting.now)?;
    meeting.join(Box::new(Observed { client, bytes: Rc::clone(&bytes) }))?;
    meeting.pass(Duration::from_secs(10))?;

    bytes.take();
    meeting.pass(SPAN)?;
    let Bytes { messages, commits, updates, full } = bytes.take();
    let seconds = SPAN.as_secs_f64();
    eprintln!("{MEMBERS} members, {messages} heartbeats and {commits} commits in {seconds} s");
    report
        .add(Figure::cost("snapshot.silence", updates / seconds, "B/s").beside(FULL, Some(full / seconds)).valid_if(messages >= MEMBERS))?;
    report.add(Figure::cost("snapshot.full_silence", full / seconds, "B/s"))?;

    for line in 0..LINES {
        meeting.give(0, Input::Command(Command::Chat { text: format!("Line {line}, as long as lines of chat are.") }))?;
        meeting.settle()?;
    }
    let Bytes { updates, full, .. } = bytes.take();
    let each = f64::from(LINES);
    report.add(Figure::cost("snapshot.chat_line", updates / each, "B").beside(FULL, Some(full / each)))?;
    report.add(Figure::cost("snapshot.full_chat_line", full / each, "B"))?;
    Ok(())
}

/// What the observed member's page was told, as JSON.
#[derive(Debug, Default, Clone, Copy)]
struct Bytes {
    messages: usize,
    commits: usize,
    /// By updates.
    updates: f64,
    /// If each application message, and each change, brought the whole snapshot.
    full: f64,
}

struct Observed {
    client: Local,
    bytes: Rc<Cell<Bytes>>,
}

impl Client for Observed {
    fn handle(&mut self, input: Input, now: Time) -> anyhow::Result<Vec<Request>> {
        let class = if let Input::Received(bytes) = &input
            && let ServerMessage::Entry(entry) = ServerMessage::decode(bytes)?
        {
            Some(entry.class)
        } else {
            None
        };
        let mut told = 0.0;
        let requests = self.client.handle_observed(input, now, |update| told += json(update));
        let mut bytes = self.bytes.get();
        bytes.messages += usize::from(class == Some(Class::Message));
        bytes.commits += usize::from(class == Some(Class::Commit));
        bytes.updates += told;
        if told > 0.0 || class == Some(Class::Message) {
            bytes.full += json(self.client.session.snapshot());
        }
        self.bytes.set(bytes);
        Ok(requests)
    }

    fn due(&self) -> Time {
        self.client.due()
    }
}

fn json<T: Serialize>(value: &T) -> f64 {
    serde_json::to_vec(value).map_or(f64::NAN, |bytes| bytes.len() as f64)
}
