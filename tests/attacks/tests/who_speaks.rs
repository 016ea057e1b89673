//! The operator looks on, and wants to know who speaks and who is muted: docs/security/who_speaks.md.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use conclave_kit::{Channel, Client, Member, ObservedClient, Script, Seen, Server, Wiretap, against_every_client, create, create_with};
use serde_json::json;
use tempfile::TempDir;

/// For so long somebody stays at what they do.
const WINDOW: Duration = Duration::from_millis(1200);
/// Of which the beginning is looked at by itself: what is told when something changes comes then.
const ONSET: Duration = Duration::from_millis(500);
/// So many windows of each kind for each of two people.
const WINDOWS: usize = 14;
/// Packets of sound in a second.
const PACE: f64 = 50.0;
/// Who guesses by tossing a coin does as well as the attacker, or better, more often than this.
const CHANCE: f64 = 1e-4;

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Speaks,
    /// Says nothing, with the microphone on.
    Listens,
    Muted,
}

const DEEDS: [Deed; 3] = [Deed::Speaks, Deed::Listens, Deed::Muted];

/// What is asked of the attacker, of one person: it was one or the other, which?
const QUESTIONS: [(Deed, Deed); 3] = [(Deed::Speaks, Deed::Listens), (Deed::Muted, Deed::Listens), (Deed::Speaks, Deed::Muted)];

/// What the attacker measured in one window, and what the truth is.
struct Sample {
    features: Vec<f64>,
    truth: bool,
}

/// How often the attacker was right, of how many.
struct Score {
    question: String,
    right: usize,
    of: usize,
    /// By which of the [`features`].
    by: Vec<usize>,
}

impl fmt::Debug for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: right {} times of {}, by measures {:?}", self.question, self.right, self.of, self.by)
    }
}

impl Score {
    /// Whether it was more than luck.
    fn tells(&self) -> bool {
        tail(self.right, self.of) < CHANCE
    }
}

fn nobody_can_tell_from_the_servers_place(client: Client) -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let scores = look_on(&server, &link, client, WINDOWS)?;
    ensure!(!scores.iter().any(Score::tells), "the server can tell: {scores:#?}");
    Ok(())
}

against_every_client!(nobody_can_tell_from_the_servers_place);

/// The same eyes see it where nothing is done against them: else it would mean nothing that they see nothing.
#[test]
fn who_looks_like_that_sees_it_in_a_meeting_that_does_not_hide_it() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create_with(&server.url, &["--variable-bitrate"], "")?;
    let scores = look_on(&server, &link, Client::Native, WINDOWS)?;
    // Windows in which one of the two does it alone are too few to tell for sure.
    ensure!(scores[..QUESTIONS.len()].iter().all(Score::tells), "the attacker is blind: {scores:#?}");
    Ok(())
}

/// Two people, who do what they are told to.
enum People {
    Native(Vec<Member>),
    Browser { script: Script, begin: PathBuf, _folder: TempDir },
}

const NAMES: [&str; 2] = ["Alice", "Bob"];

impl People {
    fn join(client: Client, links: &[String], schedules: &[Vec<Deed>]) -> anyhow::Result<Self> {
        if client == Client::Native {
            let join = |(link, name): (&String, _)| Member::join(link, name, &["--no-video"]);
            return Ok(Self::Native(links.iter().zip(NAMES).map(join).collect::<Result<_, _>>()?));
        }
        let folder = tempfile::tempdir()?;
        let begin = folder.path().join("begin");
        let deeds: Vec<Vec<_>> = schedules.iter().map(|deeds| deeds.iter().map(|deed| format!("{deed:?}")).collect()).collect();
        let lists = [json!(links), json!(NAMES), json!(deeds)].map(|list| list.to_string());
        let window = WINDOW.as_millis().to_string();
        let env = [("LINKS", &lists[0]), ("NAMES", &lists[1]), ("DEEDS", &lists[2]), ("WINDOW", &window)]
            .map(|(name, value)| (name, value.as_str()));
        let env = [&env[..], &[("BEGIN", begin.to_str().context("a path of letters")?)]].concat();
        let mut script = Script::start("tests/kit/browser/deeds.mjs", &env)?;
        script.until("both are inside")?;
        Ok(Self::Browser { script, begin, _folder: folder })
    }

    /// All windows, one after the other; gives when each began.
    fn act(&mut self, schedules: &[Vec<Deed>]) -> anyhow::Result<Vec<Instant>> {
        let mut begins = Vec::new();
        if let Self::Browser { begin, .. } = self {
            fs::write(begin, "")?;
        }
        for window in 0..schedules[0].len() {
            match self {
                Self::Native(members) => {
                    begins.push(Instant::now());
                    for (member, deeds) in members.iter_mut().zip(schedules) {
                        for line in lines(deeds[window]) {
                            member.say(line)?;
                        }
                    }
                    sleep(WINDOW);
                }
                Self::Browser { script, .. } => {
                    script.until(&format!("window {window}"))?;
                    begins.push(Instant::now());
                }
            }
        }
        if let Self::Browser { script, .. } = self {
            script.until("all is done")?;
        }
        Ok(begins)
    }
}

/// Two people do in turn what a schedule says, and a third one is there. Gives what the attacker made of it.
fn look_on(server: &Server, link: &str, client: Client, windows: usize) -> anyhow::Result<Vec<Score>> {
    let mut listener = ObservedClient::join(link, "Chidi", &["--no-video", "--no-audio"])?;
    let taps = [Wiretap::start(server.port, server.media_port)?, Wiretap::start(server.port, server.media_port)?];
    let links = taps.iter().map(|tap| tap.link(link)).collect::<Result<Vec<_>, _>>()?;
    let schedules = [1, 2].map(|seed| schedule(seed, windows));
    let mut acting = People::join(client, &links, &schedules)?;
    for name in NAMES {
        let who = listener.until_sees(name)?;
        listener.until_played(&who, "microphone")?;
    }
    let begins = acting.act(&schedules)?;
    let people: Vec<_> = taps.iter().zip(&schedules).collect();
    for (tap, deeds) in &people {
        let seen = tap.seen();
        let on: Vec<_> = begins.iter().zip(*deeds).filter(|(_, deed)| **deed != Deed::Muted).map(|(begin, _)| *begin).collect();
        let is_sound = |s: &&Seen| s.channel == Channel::Media && s.up && !is_control(s);
        let came = seen.iter().filter(is_sound).filter(|s| on.iter().any(|begin| s.at >= *begin && s.at < *begin + WINDOW)).count();
        let due = on.len() as f64 * WINDOW.as_secs_f64() * PACE;
        // Where nothing flows there is nothing to be told, and where it stutters nothing to be learnt.
        ensure!(came as f64 > due * 0.7, "{came} packets of sound came where {due} were due: the machine is too busy");
    }
    let measured: Vec<Vec<Vec<f64>>> = people
        .iter()
        .map(|(tap, _)| {
            let seen = tap.seen();
            begins.iter().map(|begin| features(&seen, *begin)).collect()
        })
        .collect();
    let mut scores: Vec<_> = QUESTIONS
        .iter()
        .map(|(one, other)| {
            let of_one = |(person, features): (usize, &Vec<Vec<f64>>)| {
                let deeds = people[person].1;
                let asked = deeds.iter().zip(features).filter(|(deed, _)| [one, other].contains(deed));
                asked.map(|(deed, features)| Sample { features: features.clone(), truth: deed == one }).collect::<Vec<_>>()
            };
            judge(format!("{one:?} or {other:?}"), measured.iter().enumerate().flat_map(of_one).collect())
        })
        .collect();
    // Beside each other: one of the two does it, which one?
    for deed in [Deed::Speaks, Deed::Muted] {
        let alone = (0..begins.len()).filter(|window| (people[0].1[*window] == deed) != (people[1].1[*window] == deed));
        let samples = alone.map(|window| {
            let features = measured[0][window].iter().zip(&measured[1][window]).map(|(one, other)| one - other).collect();
            Sample { features, truth: people[0].1[window] == deed }
        });
        scores.push(judge(format!("which of two: {deed:?}"), samples.collect()));
    }
    Ok(scores)
}

/// What is typed to do so, whatever was done before.
fn lines(deed: Deed) -> [&'static str; 2] {
    match deed {
        Deed::Speaks => ["/resume", "/unmute"],
        Deed::Listens => ["/pause", "/unmute"],
        Deed::Muted => ["/pause", "/mute"],
    }
}

/// As many windows of each kind, in an order that looks like none.
fn schedule(seed: u32, windows: usize) -> Vec<Deed> {
    let mut deeds: Vec<_> = DEEDS.iter().cycle().take(windows * DEEDS.len()).copied().collect();
    let mut random = seed;
    for last in (1..deeds.len()).rev() {
        // Numerical Recipes' generator; its upper bits are the good ones.
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        deeds.swap(last, (random >> 8) as usize % (last + 1));
    }
    deeds
}

/// What can be measured of one window: of each kind of packet, each way, of the whole and of its beginning.
fn features(seen: &[Seen], begin: Instant) -> Vec<f64> {
    let mut features = Vec::new();
    for span in [WINDOW, ONSET] {
        let in_time: Vec<_> = seen.iter().filter(|s| s.at >= begin && s.at < begin + span).collect();
        for up in [true, false] {
            for channel in [Channel::Log, Channel::Signalling] {
                features.extend(statistics(&in_time, begin, |s| s.channel == channel && s.up == up));
            }
            for control in [true, false] {
                features.extend(statistics(&in_time, begin, |s| s.channel == Channel::Media && s.up == up && is_control(s) == control));
            }
        }
        // Readable in each packet: payload type and marker, and whether there is an extension.
        let media: Vec<_> = in_time.iter().filter(|s| s.channel == Channel::Media && s.up && !is_control(s)).collect();
        features.push(media.iter().filter(|s| s.header[1] & 0x80 != 0).count() as f64);
        features.push(media.iter().filter(|s| s.header[0] & 0x10 != 0).count() as f64);
    }
    features
}

/// RFC 5761, section 4: what is RTCP shows in the second byte.
fn is_control(seen: &Seen) -> bool {
    (64..96).contains(&(seen.header[1] & 0x7f))
}

fn statistics(seen: &[&Seen], begin: Instant, picked: impl Fn(&Seen) -> bool) -> Vec<f64> {
    let picked: Vec<_> = seen.iter().filter(|s| picked(s)).collect();
    let mut sizes: Vec<_> = picked.iter().map(|s| s.size as f64).collect();
    sizes.sort_by(f64::total_cmp);
    let times: Vec<_> = picked.iter().map(|s| s.at.duration_since(begin).as_secs_f64()).collect();
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let (count, sum) = (sizes.len() as f64, sizes.iter().sum::<f64>());
    let mean = sum / count.max(1.0);
    let spread = sizes.iter().map(|size| (size - mean).powi(2)).sum::<f64>() / count.max(1.0);
    let distinct = sizes.iter().map(|size| *size as u64).collect::<BTreeSet<_>>().len() as f64;
    let at = |part: usize| sizes.get(sizes.len().saturating_sub(1) * part / 4).copied().unwrap_or_default();
    let longest = gaps.iter().copied().fold(0.0, f64::max);
    let first = times.first().copied().unwrap_or(WINDOW.as_secs_f64());
    let rough = gaps.iter().map(|gap| gap * gap).sum::<f64>();
    [&[count, sum, mean, spread, distinct, longest, first, rough][..], &[0, 1, 2, 3, 4].map(at)].concat()
}

/// The attacker knows the truth of every other window and looks for the measures that tell best there; of the rest it says what most of these say.
fn judge(question: String, samples: Vec<Sample>) -> Score {
    let (known, rest): (Vec<_>, Vec<_>) = samples.into_iter().enumerate().partition(|(n, _)| n % 2 == 0);
    let features = known.first().map_or(0, |(_, sample)| sample.features.len());
    let mut rules: Vec<_> = (0..features).filter_map(|feature| Rule::best(feature, &known)).collect();
    let most = rules.iter().map(|rule| rule.right).max();
    rules.retain(|rule| Some(rule.right) == most);
    let says = |sample: &Sample| rules.iter().filter(|rule| rule.says(sample)).count() * 2 > rules.len();
    let right = rest.iter().filter(|(_, sample)| says(sample) == sample.truth).count();
    Score { question, right, of: rest.len(), by: rules.iter().map(|rule| rule.feature).collect() }
}

/// It is the one if that measure is above the limit, or if it is not.
struct Rule {
    feature: usize,
    limit: f64,
    above: bool,
    /// How often that is right where the truth is known.
    right: usize,
}

impl Rule {
    /// What one measure tells best: a limit in the middle between two values, the widest gap among equally good ones.
    fn best(feature: usize, known: &[(usize, Sample)]) -> Option<Self> {
        let mut values: Vec<_> = known.iter().map(|(_, sample)| sample.features[feature]).collect();
        values.sort_by(f64::total_cmp);
        let rules = values.windows(2).flat_map(|pair| {
            let (limit, gap) = (f64::midpoint(pair[0], pair[1]), pair[1] - pair[0]);
            [true, false].map(|above| (Self { feature, limit, above, right: 0 }, gap))
        });
        let rules = rules.map(|(mut rule, gap)| {
            rule.right = known.iter().filter(|(_, sample)| rule.says(sample) == sample.truth).count();
            (rule, gap)
        });
        rules.max_by(|(one, gap), (other, others)| one.right.cmp(&other.right).then(gap.total_cmp(others))).map(|(rule, _)| rule)
    }

    fn says(&self, sample: &Sample) -> bool {
        (sample.features[self.feature] > self.limit) == self.above
    }
}

/// How often somebody who tosses a coin `of` times is right `right` times or more.
fn tail(right: usize, of: usize) -> f64 {
    let mut ways = 1.0;
    let mut sum = 0.0;
    for hits in 0..=of {
        if hits >= right {
            sum += ways;
        }
        ways *= (of - hits) as f64 / (hits + 1) as f64;
    }
    sum / 2_f64.powi(i32::try_from(of).unwrap_or(i32::MAX))
}
