//! A member writes as many and as long lines as the server takes: docs/security/chat_flood.md.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use conclave_base::Redacted;
use conclave_kit::{Client, ObservedClient, Outsider, PATIENCE, Script, Server, create};
use conclave_protocol::limits;
use conclave_protocol::payload::App;

/// Lines of the greatest length that are under way at a time.
const AT_ONCE: usize = 50;
/// How often so many are written.
const TIMES: usize = 8;
/// Of so many short lines at a time the server must refuse some.
const HASTE: usize = 350;
/// Whoever says nothing for longer is called gone.
const BEAT: Duration = Duration::from_millis(500);

/// How many of these lines the server took.
struct Taken {
    of: usize,
    taken: usize,
}

/// Somebody who writes what it is told to, and goes on.
struct Flood {
    wanted: Sender<(String, usize)>,
    written: Receiver<Taken>,
}

impl Flood {
    fn begin(server: &Server, link: &str) -> Self {
        let (wanted, orders) = channel();
        let (report, written) = channel();
        let (url, link) = (server.url.clone(), link.to_owned());
        thread::spawn(move || {
            let mut ids = 0..;
            let mut open = true;
            while open {
                // Whoever is put out for its haste comes again.
                let Ok(mut mallory) = Outsider::connect(&url, &link, "Mallory", true) else { continue };
                let mut write = || -> anyhow::Result<()> {
                    mallory.become_member()?;
                    while open {
                        let (text, many) = match orders.recv_timeout(BEAT) {
                            Ok(order) => order,
                            Err(RecvTimeoutError::Timeout) => (".".to_owned(), 1),
                            Err(RecvTimeoutError::Disconnected) => {
                                open = false;
                                return Ok(());
                            }
                        };
                        let text = Redacted::new(text);
                        let lines: Vec<_> = ids.by_ref().take(many).map(|id| App::Chat { id, text: text.clone() }).collect();
                        let taken = mallory.say_at_once(&lines);
                        if many > 1 {
                            // Of what was written in too great haste, the server may say nothing any more.
                            report.send(Taken { of: many, taken: *taken.as_ref().unwrap_or(&0) })?;
                        }
                        taken?;
                    }
                    Ok(())
                };
                let (Ok(()) | Err(_)) = write();
            }
        });
        Self { wanted, written }
    }

    /// Has so many lines written, all at once.
    fn write(&self, text: &str, many: usize) -> anyhow::Result<Taken> {
        self.wanted.send((text.to_owned(), many))?;
        self.written.recv_timeout(PATIENCE).context("no lines are taken")
    }

    /// Has the longest lines written, and Alice a line behind each of them that are under way at a time: `read` waits until that is read.
    fn flood(&self, alice: &mut ObservedClient, mut read: impl FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let longest = "\u{1f4a3}".repeat(limits::CHAT_CHARS);
        for time in 1..=TIMES {
            let begun = Instant::now();
            // Whoever was put out for its haste has to wait until the server takes something again.
            while self.write(&longest, AT_ONCE)?.taken == 0 {
                ensure!(begun.elapsed() < PATIENCE, "nothing of the flood is taken");
            }
            let line = format!("still here, {time}");
            alice.say(&line)?;
            read(&line)?;
        }
        self.write(&longest, AT_ONCE).map(|_| ())
    }
}

#[test]
fn what_others_say_passes_through_a_flood() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut alice = ObservedClient::join(&link, "Alice", &[])?;
    let alices = alice.until_sees("Alice")?;
    let mut bob = ObservedClient::watch(Client::Native, &link, "Bob", "")?;
    bob.until_sees("Alice")?;
    alice.until_sees("Bob")?;
    let mallory = Flood::begin(&server, &link);
    let short = mallory.write("!", HASTE)?;
    ensure!(short.taken < short.of, "the server takes whatever is written");
    mallory.flood(&mut alice, |line| bob.until_reads(line))?;
    let mut nadia = ObservedClient::watch(Client::Native, &link, "Nadia", "")?;
    nadia.until_sees("Alice")?;
    for member in [&mut alice, &mut bob] {
        member.until_sees("Nadia")?;
    }
    alice.say("welcome")?;
    nadia.until_reads("welcome")?;
    bob.until_played(&alices, "camera")?;
    ensure!(!bob.observed.was_alarmed(), "{:?}", bob.observed.notices);
    Ok(())
}

#[test]
fn what_others_say_passes_through_a_flood_in_a_browser() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let (earlier, later, own) = ("said before", "said behind all that", "Bob can write");
    let mut alice = ObservedClient::join(&link, "Alice", &[])?;
    let page = [("LINK", link.as_str()), ("EARLIER", earlier), ("LATER", later), ("OWN", own)];
    let mut bob = Script::start("tests/kit/browser/chat-flood.mjs", &page)?;
    bob.until("is inside")?;
    alice.until_sees("Bob")?;
    alice.say(earlier)?;
    bob.until("has read what was said before")?;
    let mut carol = ObservedClient::watch(Client::Native, &link, "Carol", "")?;
    alice.until_sees("Carol")?;
    Flood::begin(&server, &link).flood(&mut alice, |line| carol.until_reads(line))?;
    bob.until("is flooded")?;
    alice.say(later)?;
    alice.until_reads(own)?;
    bob.end()
}
