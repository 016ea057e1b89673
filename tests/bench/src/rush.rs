//! 200 people come in within ten seconds, and go within five: real clients in this process, over WebSockets, against one server process.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use conclave_cli::process::Usage;
use conclave_kit::{Server, make};
use conclave_protocol::ws::Class;

use crate::crowd::{Crowd, What, until};
use crate::report::{Figure, Report};
use crate::statistics::percentile;

/// All whom a meeting takes.
const PEOPLE: usize = 200;
const COMING: Duration = Duration::from_secs(10);
const GOING: Duration = Duration::from_secs(5);
/// From the last one who is inside to the first who goes.
const TOGETHER: Duration = Duration::from_secs(5);
/// Nobody waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = make(&server.url, "Rush", None, None)?;
    let (crowd, mut telling) = Crowd::new(&server.url, &link)?;
    let used = || anyhow::Ok([Usage::of(std::process::id())?.cpu, Usage::of(server.pid())?.cpu]);
    let (began, before) = (Instant::now(), used()?);
    let step = |of: Duration| of / u32::try_from(PEOPLE).unwrap_or(u32::MAX);
    let leaves: Vec<_> = (0..PEOPLE).map(|n| crowd.join(n, step(COMING) * u32::try_from(n).unwrap_or(u32::MAX))).collect();
    let started = |n: usize| began + step(COMING) * u32::try_from(n).unwrap_or(u32::MAX);

    let mut inside = BTreeMap::new();
    let mut secure = BTreeMap::new();
    let mut sees = BTreeMap::new();
    let mut entries = BTreeMap::<&str, u32>::new();
    let mut wrong = Vec::new();
    let mut identities = BTreeMap::new();
    let mut progress = began;
    let came = until(&mut telling, PATIENCE, |told| {
        if told.at >= progress + Duration::from_secs(2) {
            progress = told.at;
            eprintln!("{:.1} s: {} are inside, {entries:?}, {:?}", began.elapsed().as_secs_f64(), inside.len(), used().ok());
        }
        match &told.what {
            What::Inside(identity) => {
                inside.entry(told.who).or_insert(told.at);
                identities.insert(told.who, identity.clone());
            }
            What::Secure => _ = secure.entry(told.who).or_insert(told.at),
            What::Sees(people) => _ = sees.insert(told.who, (*people, told.at)),
            What::Entry(class) if told.who == 0 => *entries.entry(name(*class)).or_default() += 1,
            What::Entry(_) | What::Gone(_) => {}
            What::Wrong(what) => wrong.push((told.who, told.at.duration_since(began), what.clone())),
        }
        secure.len() == PEOPLE && sees.len() == PEOPLE && sees.values().all(|(people, _)| *people == PEOPLE)
    });
    for (who, at, what) in &wrong {
        eprintln!("{:.1} s: member {who} is told {what}", at.as_secs_f64());
    }
    eprintln!("the first one read {entries:?}");
    came.with_context(|| format!("{} of {PEOPLE} were inside, {} confirmed", inside.len(), secure.len()))?;
    let all = sees.values().map(|(_, at)| at.duration_since(began)).max().unwrap_or_default();
    let after = used()?;
    let millis = |times: &BTreeMap<usize, Instant>| {
        times.iter().map(|(n, at)| at.duration_since(started(*n)).as_secs_f64() * 1e3).collect::<Vec<_>>()
    };
    for percent in [50, 95, 100] {
        let of = |times| percentile(&millis(times), percent).unwrap_or(f64::NAN);
        report.add(Figure::cost(format!("rush.inside_p{percent}"), of(&inside), "ms"))?;
        report.add(Figure::cost(format!("rush.confirmed_p{percent}"), of(&secure), "ms"))?;
    }
    let last = secure.values().max().map_or(f64::NAN, |at| at.duration_since(began).as_secs_f64());
    report.add(Figure::cost("rush.last_confirmed", last, "s"))?;
    report.add(Figure::cost("rush.all_see_all", all.as_secs_f64(), "s"))?;
    for (what, n) in [("clients", 0), ("server", 1)] {
        report.add(Figure::cost(format!("rush.cpu_{what}"), (after[n] - before[n]).as_secs_f64(), "s"))?;
    }
    report.add(Figure::cost("rush.commits", f64::from(entries.get("commit").copied().unwrap_or_default()), ""))?;
    report.add(Figure::cost("rush.false_words", wrong.len() as f64, ""))?;
    go(report, &crowd, &mut telling, leaves, identities)?;
    ensure!(wrong.is_empty(), "{} were told what was not so", wrong.len());
    Ok(())
}

/// All but the first one leave.
fn go(
    report: &mut Report,
    crowd: &Crowd,
    telling: &mut crate::crowd::Telling,
    leaves: Vec<crate::crowd::Leave>,
    identities: BTreeMap<usize, String>,
) -> anyhow::Result<()> {
    let going = PEOPLE - 1;
    let step = GOING / u32::try_from(going).unwrap_or(u32::MAX);
    let (began, mut left) = (Instant::now() + TOGETHER, BTreeMap::new());
    for (n, leave) in leaves.into_iter().enumerate().skip(1) {
        let at = began + step * u32::try_from(n).unwrap_or(u32::MAX);
        left.insert(identities.get(&n).context("everybody is inside")?.clone(), at);
        crowd.leave(leave, at);
    }
    let mut late = Vec::new();
    let mut seen = BTreeSet::new();
    let mut entries = BTreeMap::<&str, u32>::new();
    let went = until(telling, PATIENCE, |told| {
        match &told.what {
            What::Gone(who) if told.who == 0 => {
                for who in who {
                    let at = left.get(who).filter(|_| seen.insert(who.clone()));
                    late.extend(at.map(|at| told.at.saturating_duration_since(*at).as_secs_f64() * 1e3));
                }
            }
            What::Entry(class) if told.who == 0 => *entries.entry(name(*class)).or_default() += 1,
            What::Wrong(what) => eprintln!("{:.1} s: member {} is told {what}", began.elapsed().as_secs_f64(), told.who),
            What::Inside(_) | What::Secure | What::Sees(_) | What::Gone(_) | What::Entry(_) => {}
        }
        late.len() == going
    });
    eprintln!("meanwhile the one who stays read {entries:?}");
    went.with_context(|| format!("{} of {going} were taken out", late.len()))?;
    for percent in [50, 95, 100] {
        report.add(Figure::cost(format!("rush.rekey_p{percent}"), percentile(&late, percent).unwrap_or(f64::NAN), "ms"))?;
    }
    Ok(())
}

const fn name(class: Class) -> &'static str {
    match class {
        Class::Commit => "commit",
        Class::Proposal => "proposal",
        Class::Message => "message",
        Class::JoinRequest => "join request",
        Class::Welcome => "welcome",
        Class::Snapshot => "snapshot",
        Class::Gone => "gone",
    }
}
