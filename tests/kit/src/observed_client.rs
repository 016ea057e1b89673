//! Somebody whose every event is noted, so that a test can ask what was ever played or told.

use std::collections::{BTreeMap, BTreeSet};

use crate::Member;
use anyhow::ensure;
use serde_json::Value;

use crate::page::Page;
use crate::rogue_sender;

/// Reports of one second each that an attack must last before "nothing was played" is believed.
const SECONDS: usize = 3;

/// The clients that people run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// `conclave-client`.
    Native,
    /// The page, in Chromium.
    Browser,
}

/// One test for each client that people run, of a scenario that takes one.
#[macro_export]
macro_rules! against_every_client {
    ($scenario:ident) => {
        mod $scenario {
            #[test]
            fn natively() -> anyhow::Result<()> {
                super::$scenario($crate::Client::Native)
            }

            #[test]
            fn in_a_browser() -> anyhow::Result<()> {
                super::$scenario($crate::Client::Browser)
            }
        }
    };
}

/// Somebody in a meeting, and all that their client told.
#[derive(Debug)]
pub struct ObservedClient {
    program: Program,
    /// What it told.
    pub observed: Observations,
}

#[derive(Debug)]
enum Program {
    Native(Member),
    Browser(Page),
}

/// What a client told: the native one by words for programs, the page by sentences on the screen.
#[derive(Debug, Default)]
pub struct Observations {
    /// Names to identities, of the newest roster.
    pub members: BTreeMap<String, String>,
    /// MLS epoch of that roster, as the native client tells it.
    pub epoch: u64,
    /// Names of all who were ever in a roster.
    pub ever: BTreeSet<String>,
    /// Names of those who ask to be let in, now, as a native host is told.
    pub waiting: Vec<String>,
    /// Names of those who are out for a lost connection, now.
    pub lost: Vec<String>,
    /// What became of comparing the safety code with each, by name, as the native client tells it.
    pub comparisons: BTreeMap<String, String>,
    /// What is known of each by the key of their device, by name, as the native client tells it.
    pub recognitions: BTreeMap<String, String>,
    /// Person codes that are shown, by name, as the native client tells them.
    pub person_codes: BTreeMap<String, String>,
    /// Notices of the native client, oldest first.
    pub notices: Vec<Value>,
    /// Sentences that stood on the page, oldest first.
    pub sentences: Vec<String>,
    /// Texts of the chat.
    pub chat: Vec<String>,
    /// States of the security chip, oldest first.
    pub security: Vec<String>,
    /// Where the native client was, oldest first.
    pub phases: Vec<String>,
    /// Why it is over, once it is, as the native client tells it.
    pub ended: Option<String>,
    /// How often the page had asked the browser for a device, each second.
    pub captures: Vec<u64>,
    /// One a second for each track, by identity and source.
    pub reports: BTreeMap<(String, String), Vec<Report>>,
}

/// One second of one track.
#[derive(Debug, Clone)]
pub struct Report {
    /// Frames that came; packets, in a browser.
    pub arrived: u64,
    /// Frames that were opened and decoded; in a browser those that were presented, or moments in which something was heard.
    pub decoded: u64,
    /// Frames refused since the start, all reasons together; in a browser seconds in which the user was told of it.
    pub refused: u64,
    /// Frames refused since the start, by reason.
    pub why: BTreeMap<String, u64>,
    /// Blue and red difference of the picture that is shown.
    pub chroma: Option<[f64; 2]>,
    /// The strongest frequency that was heard, hertz.
    pub frequency: Option<f64>,
}

impl ObservedClient {
    /// The native client joins, with more of its arguments; returns when it is inside.
    pub fn join(link: &str, name: &str, more: &[&str]) -> anyhow::Result<Self> {
        Self::inside(Program::Native(Member::join(link, name, more)?), name)
    }

    /// The native client asks to come in; returns when it waits.
    pub fn knock(link: &str, name: &str) -> anyhow::Result<Self> {
        let member = Member::join(link, name, &["--no-video", "--no-audio"])?;
        let mut client = Self { program: Program::Native(member), observed: Observations::default() };
        client.until("is at the door", |seen| seen.phases.iter().any(|phase| phase == "atTheDoor").then_some(()))?;
        Ok(client)
    }

    /// Somebody who only watches joins with this client. A browser's first alarm is kept as a picture under the name `shot`.
    pub fn watch(client: Client, link: &str, name: &str, shot: &str) -> anyhow::Result<Self> {
        match client {
            Client::Native => Self::join(link, name, &["--no-video", "--no-audio"]),
            // On its tile stands "You".
            Client::Browser => Self::inside(Program::Browser(Page::join(link, name, shot)?), "You"),
        }
    }

    /// Somebody with a camera and a microphone joins with this client; see [`Self::switch`].
    pub fn send(client: Client, link: &str, name: &str) -> anyhow::Result<Self> {
        match client {
            Client::Native => Self::join(link, name, &[]),
            Client::Browser => Self::inside(Program::Browser(Page::join_and_send(link, name)?), "You"),
        }
    }

    /// The person switches microphone and, where the client can, camera; in a browser `other` asks for it in the chat.
    pub fn switch(&mut self, on: bool, other: &mut Self) -> anyhow::Result<()> {
        match &mut self.program {
            Program::Native(member) => member.say(if on { "/unmute" } else { "/mute" }),
            Program::Browser(_) => other.say(if on { "Please switch on." } else { "Please switch off." }),
        }
    }

    fn inside(program: Program, name: &str) -> anyhow::Result<Self> {
        let mut client = Self { program, observed: Observations::default() };
        client.until("is inside", |seen| seen.members.contains_key(name).then_some(()))?;
        Ok(client)
    }

    /// Writes this into the chat.
    pub fn say(&mut self, text: &str) -> anyhow::Result<()> {
        match &mut self.program {
            Program::Native(member) => member.say(text),
            Program::Browser(_) => anyhow::bail!("who watches in a browser writes nothing"),
        }
    }

    /// The native client's process stands still, or goes on.
    pub fn pause(&self, still: bool) -> anyhow::Result<()> {
        match &self.program {
            Program::Native(member) => member.pause(still),
            Program::Browser(_) => anyhow::bail!("a browser goes on"),
        }
    }

    /// Follows its events until `found` finds something in all that was told so far.
    pub fn until<T>(&mut self, what: &str, mut found: impl FnMut(&Observations) -> Option<T>) -> anyhow::Result<T> {
        if let Some(found) = found(&self.observed) {
            return Ok(found);
        }
        let seen = &mut self.observed;
        let pick = |event: &Value| {
            seen.note(event);
            found(seen)
        };
        match &mut self.program {
            Program::Native(member) => member.wait(what, pick),
            Program::Browser(page) => page.wait(what, pick),
        }
    }

    /// Until this member is in the roster; gives the identity.
    pub fn until_sees(&mut self, name: &str) -> anyhow::Result<String> {
        self.until(&format!("sees {name}"), |seen| seen.members.get(name).cloned())
    }

    /// Until frames of this track are played, from now on.
    pub fn until_played(&mut self, who: &str, source: &str) -> anyhow::Result<()> {
        let before = self.observed.reports(who, source).len();
        // The first report may tell of the time before this call.
        self.until(&format!("{source} is played"), |seen| {
            seen.reports(who, source).iter().skip(before + 1).any(|r| r.decoded > 0).then_some(())
        })
    }

    /// Until the user was told that media of `name` was refused, for one of these reasons.
    pub fn until_refused(&mut self, name: &str, source: &str, why: &[&str]) -> anyhow::Result<()> {
        self.until_told_of_refusal(name, source, why)?;
        self.until("shows on the chip that something was refused", |seen| {
            seen.security.iter().any(|state| state == "attacked" || state == "Locked · something was refused").then_some(())
        })
    }

    /// As [`Self::until_refused`], where the chip has something graver to say.
    pub fn until_told_of_refusal(&mut self, name: &str, source: &str, why: &[&str]) -> anyhow::Result<()> {
        self.until(&format!("tells that {source} of {name} was refused as one of {why:?}"), |seen| {
            let kind = |n: &Value| n["kind"] == "mediaRefused" && n["name"] == name && n["source"] == source;
            let noticed = seen.notices.iter().any(|n| kind(n) && n["reason"].as_str().is_some_and(|w| why.contains(&w)));
            let said = why.iter().any(|why| seen.sentences.contains(&refusal(name, source, why)));
            (noticed || said).then_some(())
        })
    }

    /// Until the user was told that media of `name` is played and not proved to be of `name`; `forged`: that it is somebody else's.
    pub fn until_doubted(&mut self, name: &str, source: &str, forged: bool) -> anyhow::Result<()> {
        let sentence = doubt(name, source, forged);
        self.until(&format!("tells that {source} of {name} is not proved (forged: {forged})"), |seen| {
            let kind = |n: &Value| n["kind"] == "mediaUnproved" && n["name"] == name && n["source"] == source && n["forged"] == forged;
            (seen.notices.iter().any(kind) || seen.sentences.contains(&sentence)).then_some(())
        })?;
        self.until("shows on the chip that something is not proved", |seen| {
            seen.security.iter().any(|state| state == "unproved" || state == "Locked · something is not proved").then_some(())
        })
    }

    /// Until the user was told this: a notice of this kind, or the sentence for it.
    pub fn until_told(&mut self, kind: &str) -> anyhow::Result<()> {
        let sentence = match kind {
            "ghost" => "The server connected somebody who is not in this meeting. They are not shown and have no keys.",
            "commitRefused" => "A change to who is inside broke the rules and was ignored. Nobody came in by it.",
            "undelivered" => "The server took something that you sent and did not pass it on. It is being sent again.",
            "logForked" => "The server shows people here different versions of this meeting. You are entering it anew.",
            _ => anyhow::bail!("no sentence is known for {kind}"),
        };
        self.until(&format!("tells of {kind}"), |seen| {
            let told = seen.notices.iter().any(|n| n["kind"] == kind) || seen.sentences.iter().any(|said| said == sentence);
            told.then_some(())
        })
    }

    /// Until this line stands in the chat.
    pub fn until_reads(&mut self, line: &str) -> anyhow::Result<()> {
        self.until(&format!("reads {line:.20}"), |seen| seen.chat.iter().any(|text| text == line).then_some(()))
    }

    /// Until the security chip shows this state, as the native client calls it.
    pub fn until_state(&mut self, state: &str) -> anyhow::Result<()> {
        let shown = match state {
            "secure" => "Locked from inside · ",
            "keyChanged" => "Someone’s key changed",
            "unsure" => "Silent · nobody is heard for sure",
            "parted" => "Locked · several people lost",
            _ => anyhow::bail!("nothing is known to be shown for {state}"),
        };
        let is = |seen: &Observations| seen.security.last().is_some_and(|chip| chip == state || chip.starts_with(shown));
        self.until(&format!("shows {state}"), |seen| is(seen).then_some(()))
    }

    /// Watches for some seconds in which frames come in each of these places (who and source), from the first refusal on; not one of
    /// them may be played.
    pub fn plays_nothing(&mut self, places: &[(&str, &str)]) -> anyhow::Result<Vec<Report>> {
        let before = |(who, source): &(&str, &str)| {
            let reports = self.observed.reports(who, source);
            (reports.len(), reports.last().map_or(0, |r| r.refused))
        };
        let before: Vec<_> = places.iter().map(before).collect();
        // The second in which it began may hold frames of before; what a browser invents to bridge the gap in a sound may reach into the next.
        let rest = match self.program {
            Program::Native(_) => 1,
            Program::Browser(_) => 2,
        };
        let reports = self.until(&format!("refuses frames of {places:?} for {SECONDS} s"), |seen| {
            let whole = places.iter().zip(&before).map(|((who, source), (start, refused))| {
                let new = seen.reports(who, source).get(*start..)?;
                let began = new.iter().position(|r| r.refused > *refused)?;
                let whole: Vec<_> = new.iter().skip(began + rest).filter(|r| r.arrived > 0).cloned().collect();
                (whole.len() >= SECONDS).then_some(whole)
            });
            // Nobody needs to wait longer to know that the attack succeeded.
            if seen.was_fooled() { Some(Vec::new()) } else { whole.collect::<Option<Vec<_>>>().map(|whole| whole.concat()) }
        })?;
        ensure!(!self.observed.was_fooled(), "what a ghost made was played: {:#?}", self.observed.reports);
        for report in &reports {
            ensure!(report.decoded == 0, "frames were played under attack in one of {places:?}: {report:?}");
        }
        Ok(reports)
    }
}

fn words(source: &str) -> &str {
    match source {
        "camera" => "video",
        "microphone" => "sound",
        source => source,
    }
}

/// What the page says of media that is not proved.
fn doubt(name: &str, source: &str, forged: bool) -> String {
    let what = words(source);
    if forged {
        format!("Some of this {what} is not {name}’s: somebody else inside made it.")
    } else {
        format!("Nothing proves now that this {what} is {name}’s: their signatures do not come.")
    }
}

/// What the page says when it refuses media.
fn refusal(name: &str, source: &str, why: &str) -> String {
    let what = words(source);
    let because = match why {
        "notSFrame" => "it was not sealed",
        "wrongSender" => "it was not sealed by them",
        "replayed" => "it had been played before",
        "authenticationFailed" => "it was altered on the way",
        "silenced" => "hosts do not let them be heard or seen by it now",
        _ => "it was sealed with a key that this device does not have",
    };
    format!("We cannot open {name}’s {what}: {because}.")
}

impl Observations {
    /// Identity of the member of this name; empty if there is none.
    pub fn identity(&self, name: &str) -> &str {
        self.members.get(name).map_or("", String::as_str)
    }

    /// Whether the user was told of anything that was refused.
    pub fn was_alarmed(&self) -> bool {
        let alarms = ["mediaRefused", "mediaUnproved", "ghost", "commitRefused", "codeDiffers", "keyChanged"];
        let noticed = self.notices.iter().any(|n| alarms.iter().any(|kind| n["kind"] == *kind));
        noticed
            || self
                .security
                .iter()
                .any(|state| !["secure", "unsure", "parted"].contains(&state.as_str()) && !state.starts_with("Locked from inside"))
            || !self.quiet()
    }

    fn quiet(&self) -> bool {
        self.sentences.iter().all(|text| {
            !["We cannot open", "Nothing proves now", "Some of this"].iter().any(|start| text.starts_with(start))
                && !text.starts_with("The server connected")
        })
    }

    /// All reports of one track.
    pub fn reports(&self, who: &str, source: &str) -> &[Report] {
        self.reports.get(&(who.to_owned(), source.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// Refusals of one track since the start, as [`Report::refused`] counts them.
    pub fn refusals(&self, who: &str, source: &str) -> u64 {
        self.reports(who, source).last().map_or(0, |report| report.refused)
    }

    /// Frames of one track that were ever played.
    pub fn played(&self, who: &str, source: &str) -> u64 {
        self.reports(who, source).iter().map(|r| r.decoded).sum()
    }

    /// Whether the picture or the sound of a ghost, as [`rogue_sender`] makes them, ever came through, in anybody's place.
    pub fn was_fooled(&self) -> bool {
        let red = |[u, v]: [f64; 2]| (u - f64::from(rogue_sender::CHROMA[0])).hypot(v - f64::from(rogue_sender::CHROMA[1])) < 20.0;
        let shrill = |hertz: f64| (hertz - f64::from(rogue_sender::HERTZ)).abs() < 30.0;
        self.reports.values().flatten().any(|r| r.chroma.is_some_and(red) || r.frequency.is_some_and(shrill))
    }

    fn note(&mut self, event: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match event["event"].as_str() {
            Some("members") => {
                let members = event["members"].as_array().into_iter().flatten();
                self.comparisons = members.clone().map(|m| (text(&m["name"]), text(&m["comparison"]["kind"]))).collect();
                self.recognitions = members.clone().map(|m| (text(&m["name"]), text(&m["recognition"]["kind"]))).collect();
                let code = |m: &Value| m["personCode"].as_array().map(|code| code.iter().map(text).collect::<Vec<_>>().join(" "));
                self.person_codes = members.clone().filter_map(|m| Some((text(&m["name"]), code(m)?))).collect();
                self.members = members.map(|m| (text(&m["name"]), text(&m["identity"]))).collect();
                self.ever.extend(self.members.keys().cloned());
                self.epoch = event["epoch"].as_u64().unwrap_or_default();
            }
            Some("door") => self.waiting = event["waiting"].as_array().into_iter().flatten().map(|m| text(&m["name"])).collect(),
            Some("lost") => self.lost = event["lost"].as_array().into_iter().flatten().map(|m| text(&m["name"])).collect(),
            Some("notice") => self.notices.push(event["what"].clone()),
            Some("told") => self.sentences.push(text(&event["text"])),
            Some("chat") => self.chat.push(text(&event["line"]["text"])),
            Some("phase") => {
                self.phases.push(text(&event["phase"]["kind"]));
                self.ended = event["phase"]["reason"].as_str().map(str::to_owned);
            }
            Some("captures") => self.captures.extend(event["captures"].as_u64()),
            Some("security") => self.security.push(text(&event["security"]["state"])),
            Some("media") => {
                let number = |name: &str| event[name].as_u64().unwrap_or(0);
                let why = event["refused"].as_object().into_iter().flatten();
                let why: BTreeMap<_, _> = why.map(|(word, count)| (word.clone(), count.as_u64().unwrap_or(0))).collect();
                let report = Report {
                    arrived: number("arrived"),
                    decoded: number("decoded"),
                    refused: why.values().sum(),
                    why,
                    chroma: event["colour"][1].as_f64().zip(event["colour"][2].as_f64()).map(|(u, v)| [u, v]),
                    frequency: event["frequency"].as_f64(),
                };
                self.reports.entry((text(&event["identity"]), text(&event["source"]))).or_default().push(report);
            }
            _ => {}
        }
    }
}
