//! Members talk on several nodes while one thing after the other fails under them: all are back soon after, nothing that was said is lost, and all
//! read one order. `cargo xtask soak cluster` goes on for minutes; the test has each fault once, and shorter.

use std::collections::BTreeSet;
use std::fmt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use conclave_kit::{Line, Member, Site, create};
use serde_json::Value;

/// All are back within this after the cause has ended, and have read what all say then. Far more than it takes: the machine may be busy.
const BACK: Duration = Duration::from_secs(30);
/// From one look at what members print to the next.
const LOOK: Duration = Duration::from_millis(100);
/// From one line of everybody to the next.
const TALK: Duration = Duration::from_secs(2);
/// Who has not read what all said by then may have been out of the group.
const AGAIN: Duration = Duration::from_secs(5);
/// What no fault of a machine may bring about.
const ACCUSATIONS: [&str; 4] = ["logForked", "undelivered", "ghost", "clockOff"];

#[derive(Debug, Clone, Copy)]
enum Fault {
    /// A node dies, and is there again.
    Kill,
    /// A node is asked to end, and is there again.
    Drain,
    /// Redis stands still.
    Redis,
    /// LiveKit dies, and is there again.
    LiveKit,
    /// A node stands still.
    Node,
    /// A member's process stands still.
    Process,
    /// Nothing passes between a member and the nodes.
    Line,
    /// PostgreSQL stands still.
    Postgres,
}

/// Which, and for how long.
const SHORT: [(Fault, u64); 5] = [(Fault::Kill, 3), (Fault::Drain, 1), (Fault::Redis, 4), (Fault::Line, 7), (Fault::Postgres, 2)];
const LONG: [(Fault, u64); 8] = [
    (Fault::Kill, 5),
    (Fault::Redis, 30),
    (Fault::LiveKit, 2),
    (Fault::Node, 10),
    (Fault::Line, 15),
    (Fault::Drain, 2),
    (Fault::Process, 10),
    (Fault::Postgres, 30),
];
/// From the beginning of one fault to the next, if the first is over by then.
const EVERY: Duration = Duration::from_secs(20);

struct Talker {
    name: String,
    line: Line,
    member: Member,
    /// What it shows of the chat.
    lines: Vec<String>,
    /// So many were shown before this fault.
    before: usize,
    /// Since when it is not inside, and for how long it was not, during this fault.
    since: Option<Instant>,
    away: Vec<Duration>,
    /// Whom it did not see inside, at some time during this fault.
    missed: BTreeSet<String>,
    is_inside: bool,
    /// How many it sees inside.
    sees: usize,
}

struct Meeting {
    site: Site,
    talkers: Vec<Talker>,
    said: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "a node is killed",
            Self::Drain => "a node is asked to end",
            Self::Redis => "Redis stands still",
            Self::LiveKit => "LiveKit is killed",
            Self::Node => "a node stands still",
            Self::Process => "a member stands still",
            Self::Line => "a member's line is cut",
            Self::Postgres => "PostgreSQL stands still",
        })
    }
}

impl Talker {
    /// Reads what it has printed since.
    fn look(&mut self, names: &BTreeSet<String>) -> anyhow::Result<()> {
        while let Some((came, line)) = self.member.events.take_next() {
            let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
            match event["event"].as_str() {
                Some("chat") => self.lines.push(event["line"]["text"].as_str().context("a line has a text")?.to_owned()),
                Some("phase") => {
                    self.is_inside = event["phase"]["kind"] == "inside";
                    match (self.is_inside, self.since) {
                        (false, None) => self.since = Some(came),
                        (true, Some(since)) => {
                            self.away.push(came - since);
                            self.since = None;
                        }
                        _ => {}
                    }
                }
                Some("members") => {
                    let inside = event["members"].as_array().into_iter().flatten().filter_map(|member| member["name"].as_str());
                    let inside: BTreeSet<String> = inside.map(str::to_owned).collect();
                    self.sees = inside.len();
                    self.missed.extend(names.difference(&inside).cloned());
                }
                Some("notice") => {
                    let kind = event["what"]["kind"].as_str().unwrap_or_default();
                    ensure!(!ACCUSATIONS.contains(&kind), "{} is told of {kind}", self.name);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn new_lines(&self) -> &[String] {
        &self.lines[self.before..]
    }
}

impl Meeting {
    fn start(nodes: usize, members: usize) -> anyhow::Result<Self> {
        let site = Site::start(nodes)?;
        let link = create(&site.nodes[0].url, None)?;
        let mut talkers = Vec::new();
        for n in 0..members {
            let line = Line::start(site.balancer.port)?;
            let name = format!("Member {n}");
            let mut member = Member::join_silently(&Site::at(&line.url, &link), &name)?;
            member.until_inside(n + 1)?;
            talkers.push(Talker {
                name,
                line,
                member,
                lines: Vec::new(),
                before: 0,
                since: None,
                away: Vec::new(),
                missed: BTreeSet::new(),
                is_inside: true,
                sees: members,
            });
        }
        for talker in &mut talkers {
            while talker.member.until_inside(members).is_err() {}
        }
        Ok(Self { site, talkers, said: 0 })
    }

    fn look(&mut self) -> anyhow::Result<()> {
        let names: BTreeSet<String> = self.talkers.iter().map(|talker| talker.name.clone()).collect();
        self.talkers.iter_mut().try_for_each(|talker| talker.look(&names))
    }

    /// Everybody says something; gives what.
    fn talk(&mut self) -> anyhow::Result<Vec<String>> {
        let mut said = Vec::new();
        for talker in &mut self.talkers {
            self.said += 1;
            let line = format!("{} says {}", talker.name, self.said);
            talker.member.say(&line)?;
            said.push(line);
        }
        Ok(said)
    }

    /// Whether there is such a thing here.
    fn set(&mut self, fault: Fault, target: usize, is_on: bool) -> anyhow::Result<bool> {
        let node = target % self.site.nodes.len();
        let talker = target % self.talkers.len();
        match (fault, is_on) {
            (Fault::Kill, true) => self.site.nodes[node].crash()?,
            (Fault::Kill | Fault::Drain, false) => self.site.nodes[node].start_again()?,
            (Fault::Drain, true) => {
                self.site.nodes[node].ask_to_end()?;
                ensure!(self.site.nodes[node].until_ended()?.success(), "a node that is asked to end ends well");
            }
            (Fault::Redis, true) => self.site.redis.pause()?,
            (Fault::Redis, false) => self.site.redis.resume()?,
            (Fault::LiveKit, is_on) => {
                let Some(livekit) = &mut self.site.nodes[0].livekit else { return Ok(false) };
                if is_on { livekit.crash()? } else { livekit.start_again()? }
            }
            (Fault::Node, still) => self.site.nodes[node].pause(still)?,
            (Fault::Process, still) => self.talkers[talker].member.pause(still)?,
            (Fault::Line, cut) => self.talkers[talker].line.cut(cut),
            (Fault::Postgres, true) => self.site.postgres.pause()?,
            (Fault::Postgres, false) => self.site.postgres.resume()?,
        }
        Ok(true)
    }

    /// Gives what happened, in words.
    fn hold(&mut self, fault: Fault, target: usize, lasts: Duration) -> anyhow::Result<String> {
        for talker in &mut self.talkers {
            (talker.before, talker.away, talker.missed) = (talker.lines.len(), Vec::new(), BTreeSet::new());
        }
        let mut said = self.talk()?;
        let began = Instant::now();
        if !self.set(fault, target, true)? {
            return Ok(format!("{fault}: there is none"));
        }
        let mut talked = Instant::now();
        while began.elapsed() < lasts {
            if talked.elapsed() > TALK {
                talked = Instant::now();
                said.extend(self.talk()?);
            }
            self.look()?;
            sleep(LOOK);
        }
        self.set(fault, target, false)?;
        let ended = Instant::now();
        self.until_all_are_inside(fault, ended)?;
        let back = ended.elapsed();
        // What is said while somebody is out of the group is not for them: then all say something more.
        let mut last = self.talk()?;
        let mut talked = Instant::now();
        loop {
            self.look()?;
            let has_read = |talker: &Talker| last.iter().all(|line| talker.new_lines().contains(line));
            let missing: Vec<&str> = self.talkers.iter().filter(|talker| !has_read(talker)).map(|talker| talker.name.as_str()).collect();
            if missing.is_empty() {
                break;
            }
            ensure!(ended.elapsed() < BACK, "{fault}: {missing:?} have not read all after {BACK:?}");
            if talked.elapsed() > AGAIN {
                self.until_all_are_inside(fault, ended)?;
                said.append(&mut last);
                (last, talked) = (self.talk()?, Instant::now());
            }
            sleep(LOOK);
        }
        let read = ended.elapsed();
        said.extend(last);
        self.check(fault, &said)?;
        let mut away: Vec<Duration> = self.talkers.iter().flat_map(|talker| talker.away.clone()).collect();
        away.sort();
        let figures = away.last().map_or_else(String::new, |max| {
            format!("; {} times away, p50 {:.2} s, max {:.2} s", away.len(), away[away.len() / 2].as_secs_f64(), max.as_secs_f64())
        });
        let (lasts, back, read) = (lasts.as_secs(), back.as_secs_f64(), read.as_secs_f64());
        Ok(format!("{fault} for {lasts} s: all were inside {back:.2} s after its end, and had read all after {read:.2} s{figures}"))
    }

    /// Until each is, by what each of them shows.
    fn until_all_are_inside(&mut self, fault: Fault, since: Instant) -> anyhow::Result<()> {
        loop {
            self.look()?;
            let all = self.talkers.len();
            let missing: Vec<String> =
                self.talkers.iter().filter(|talker| !talker.is_inside || talker.sees < all).map(|talker| talker.name.clone()).collect();
            if missing.is_empty() {
                return Ok(());
            }
            ensure!(since.elapsed() < BACK, "{fault}: {missing:?} do not see all inside after {BACK:?}");
            sleep(LOOK);
        }
    }

    /// Whoever was inside throughout has each line once, all of these in one order; the others have a part of them, in that order.
    fn check(&self, fault: Fault, said: &[String]) -> anyhow::Result<()> {
        let missed: BTreeSet<&String> = self.talkers.iter().flat_map(|talker| &talker.missed).collect();
        let stayed = |talker: &&Talker| !missed.contains(&talker.name);
        let all = self.talkers.iter().find(stayed).context("nobody stayed")?.new_lines();
        let (mut wanted, mut sorted) = (said.to_vec(), all.to_vec());
        wanted.sort();
        sorted.sort();
        ensure!(wanted == sorted, "{fault}: each line once: {:?}", differences(&wanted, &sorted));
        for talker in &self.talkers {
            let mut rest = all.iter();
            let in_order = talker.new_lines().iter().all(|line| rest.any(|other| other == line));
            ensure!(in_order, "{fault}: {} reads another order: {:?} and {all:?}", talker.name, talker.new_lines());
            let is_whole = talker.new_lines().len() == all.len() || !stayed(&talker);
            ensure!(is_whole, "{fault}: {} lacks {:?}", talker.name, differences(all, talker.new_lines()));
        }
        Ok(())
    }
}

/// What stands in one list, and as often not in the other.
fn differences(wanted: &[String], is: &[String]) -> Vec<String> {
    let count = |list: &[String], line: &String| list.iter().filter(|other| *other == line).count();
    let all: BTreeSet<&String> = wanted.iter().chain(is).collect();
    let differ = all.into_iter().filter(|line| count(wanted, line) != count(is, line));
    differ.map(|line| format!("{line}: {} for {}", count(is, line), count(wanted, line))).collect()
}

#[test]
fn whatever_fails_members_are_back_soon_and_have_read_one_order_with_nothing_lost() -> anyhow::Result<()> {
    let mut meeting = Meeting::start(2, 4)?;
    for (target, (fault, seconds)) in SHORT.into_iter().enumerate() {
        println!("{}", meeting.hold(fault, target, Duration::from_secs(seconds))?);
    }
    Ok(())
}

#[test]
#[ignore = "takes minutes: cargo xtask soak cluster"]
fn ten_members_on_three_nodes_for_minutes() -> anyhow::Result<()> {
    let minutes = std::env::var("CONCLAVE_MINUTES").ok().and_then(|minutes| minutes.parse().ok()).unwrap_or(5);
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let mut meeting = Meeting::start(3, 10)?;
    for (target, (fault, seconds)) in LONG.into_iter().cycle().enumerate() {
        let began = Instant::now();
        if began >= end {
            break;
        }
        println!("{}", meeting.hold(fault, target, Duration::from_secs(seconds))?);
        while began.elapsed() < EVERY {
            meeting.look()?;
            sleep(LOOK);
        }
    }
    println!("{} lines were said", meeting.said);
    Ok(())
}
