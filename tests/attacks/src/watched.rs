//! A member whose every event is noted, so that a test can ask what was ever played or told.

use std::collections::BTreeMap;

use anyhow::ensure;
use harness::Member;
use serde_json::Value;

/// Reports of one second each that an attack must last before "nothing was played" is believed.
const SECONDS: usize = 3;

/// A running member and all that it told.
#[derive(Debug)]
pub struct Watched {
    /// The program.
    pub member: Member,
    /// What it told.
    pub seen: Seen,
}

/// What a member told.
#[derive(Debug, Default)]
pub struct Seen {
    /// Names to identities, of the newest roster.
    pub members: BTreeMap<String, String>,
    /// Its notices, oldest first.
    pub notices: Vec<Value>,
    /// Texts of the chat.
    pub chat: Vec<String>,
    /// States of the lock chip, oldest first.
    pub locks: Vec<String>,
    /// States of the media connection, oldest first.
    pub transport: Vec<String>,
    /// One a second for each track, by identity and source.
    pub reports: BTreeMap<(String, String), Vec<Report>>,
}

/// One second of one track.
#[derive(Debug, Clone)]
pub struct Report {
    /// Frames that came.
    pub arrived: u64,
    /// Frames that were opened and decoded.
    pub decoded: u64,
    /// Frames refused since the start, all reasons together.
    pub refused: u64,
    /// Frames refused since the start, by reason.
    pub why: BTreeMap<String, u64>,
}

impl Watched {
    /// Joins and waits until it is inside.
    pub fn join(link: &str, name: &str, more: &[&str]) -> anyhow::Result<Self> {
        let mut watched = Self { member: Member::join(link, name, more)?, seen: Seen::default() };
        watched.until("is inside", |seen| seen.members.contains_key(name).then_some(()))?;
        Ok(watched)
    }

    /// Follows its events until `found` finds something in all that was told so far.
    pub fn until<T>(&mut self, what: &str, mut found: impl FnMut(&Seen) -> Option<T>) -> anyhow::Result<T> {
        if let Some(found) = found(&self.seen) {
            return Ok(found);
        }
        let seen = &mut self.seen;
        self.member.wait(what, |event| {
            seen.note(event);
            found(seen)
        })
    }

    /// Until frames of this track are played, from now on.
    pub fn until_played(&mut self, who: &str, source: &str) -> anyhow::Result<()> {
        let before = self.seen.reports(who, source).len();
        // The first report may tell of the time before this call.
        self.until(&format!("{source} is played"), |seen| {
            seen.reports(who, source).iter().skip(before + 1).any(|r| r.decoded > 0).then_some(())
        })
    }

    /// Until the user was told that media of `name` was refused; gives the reason told.
    pub fn until_refused(&mut self, name: &str, source: &str, why: &[&str]) -> anyhow::Result<String> {
        self.until(&format!("tells that {source} of {name} was refused as one of {why:?}"), |seen| {
            let told = seen.notices.iter().filter(|n| n["kind"] == "mediaRefused" && n["name"] == name && n["source"] == source);
            told.filter_map(|n| n["why"].as_str()).find(|w| why.contains(w)).map(str::to_owned)
        })
    }

    /// Until a notice of this kind.
    pub fn until_notice(&mut self, kind: &str) -> anyhow::Result<Value> {
        self.until(&format!("tells of {kind}"), |seen| seen.notices.iter().find(|n| n["kind"] == kind).cloned())
    }

    /// Watches for some seconds in which frames come on this track, from the first refusal on; not one of them may be played.
    pub fn plays_nothing(&mut self, who: &str, source: &str) -> anyhow::Result<Vec<Report>> {
        let start = self.seen.reports(who, source).len();
        let before = self.seen.reports(who, source).last().map_or(0, |r| r.refused);
        let reports = self.until(&format!("refuses frames of {source} for {SECONDS} s"), |seen| {
            let new = seen.reports(who, source).get(start..)?;
            // The second in which it began may hold frames of before.
            let began = new.iter().position(|r| r.refused > before)? + 1;
            let whole: Vec<_> = new[began..].iter().filter(|r| r.arrived > 0).cloned().collect();
            (whole.len() >= SECONDS).then_some(whole)
        })?;
        for report in &reports {
            ensure!(report.decoded == 0, "frames of {source} were played under attack: {reports:#?}");
        }
        Ok(reports)
    }
}

impl Seen {
    /// Identity of the member of this name; empty if there is none.
    pub fn identity(&self, name: &str) -> &str {
        self.members.get(name).map_or("", String::as_str)
    }

    /// All reports of one track.
    pub fn reports(&self, who: &str, source: &str) -> &[Report] {
        self.reports.get(&(who.to_owned(), source.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// Frames of one track that were ever played.
    pub fn played(&self, who: &str, source: &str) -> u64 {
        self.reports(who, source).iter().map(|r| r.decoded).sum()
    }

    fn note(&mut self, event: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match event["event"].as_str() {
            Some("members") => {
                let members = event["members"].as_array().into_iter().flatten();
                self.members = members.map(|m| (text(&m["name"]), text(&m["identity"]))).collect();
            }
            Some("notice") => self.notices.push(event["what"].clone()),
            Some("chat") => self.chat.push(text(&event["line"]["text"])),
            Some("lock") => self.locks.push(text(&event["lock"]["state"])),
            Some("transport") => self.transport.push(text(&event["state"])),
            Some("media") => {
                let number = |name: &str| event[name].as_u64().unwrap_or(0);
                let why = event["refused"].as_object().into_iter().flatten();
                let why: BTreeMap<_, _> = why.map(|(word, count)| (word.clone(), count.as_u64().unwrap_or(0))).collect();
                let report = Report { arrived: number("arrived"), decoded: number("decoded"), refused: why.values().sum(), why };
                self.reports.entry((text(&event["identity"]), text(&event["source"]))).or_default().push(report);
            }
            _ => {}
        }
    }
}
