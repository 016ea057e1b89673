use std::fmt;
use std::time::Duration;

use crate::action::{Action, Cut, Person, Step};
use crate::agenda;
use crate::dice::Dice;
use crate::forgery::Imposture;
use crate::lie::{Kept, Lie};
use crate::mallory::{Junk, Misdeed};

/// A meeting that can be held again: all that happens follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Of lines, clocks, keys and delays.
    pub seed: u64,
    /// The server lies when a step says so.
    pub hostile: bool,
    /// How many devices there are.
    pub people: usize,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

impl Script {
    /// The meeting of a seed. In half of them nobody is hostile, in three of eight the server, in one of eight a member alone. In one
    /// of three hosts order something.
    pub fn of_seed(seed: u64) -> Self {
        agenda::woven(match seed % 8 {
            0 | 1 | 4 => Self::with_lies(seed),
            5 => Self::with_misdeeds(seed),
            _ => Self::honest(seed),
        })
    }

    fn honest(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "script", 0);
        let people = dice.pick(&[2, 2, 3, 3, 3, 4, 4, 5, 6]);
        let mut steps = Vec::new();
        // Most meetings begin with people coming in one after the other, some with all at once.
        let apart = dice.pick(&[0, 300, 2000]);
        for person in 0..people {
            if person == 0 && dice.chance(10) {
                steps.push(Step { after: Duration::ZERO, action: Action::Title });
            }
            steps.push(Step { after: dice.millis(0, apart), action: Action::Join(person) });
        }
        let faults = dice.pick(&[0, 15, 40, 70]);
        for round in 0..dice.pick(&[1, 1, 2, 3]) {
            for _ in 0..dice.pick(&[2, 4, 6, 8, 12]) {
                let pause = dice.pick(&[50, 500, 3000, 12_000]);
                let action = if dice.chance(faults) { fault(&mut dice, people) } else { deed(&mut dice, people) };
                steps.push(Step { after: dice.millis(0, pause), action });
            }
            steps.push(Step { after: dice.millis(0, 2000), action: Action::Calm });
            if round == 0 {
                steps.extend(
                    (0..people)
                        .filter(|_| dice.chance(20))
                        .map(|person| Step { after: Duration::ZERO, action: Action::Join(person) })
                        .collect::<Vec<_>>(),
                );
            }
        }
        steps.extend(hanging(seed, people));
        steps.extend(unseen(seed, people));
        Self { seed, hostile: false, people, steps }
    }

    /// A server that lies, and often a member on its side.
    fn with_lies(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "lies", 0);
        let people = dice.pick(&[2, 3, 3, 3, 4, 4, 5]);
        let mut steps = coming(&mut dice, people);
        let misdeeds = dice.pick(&[0, 0, 25]);
        steps.extend(forgery(seed, people));
        for _ in 0..dice.pick(&[3, 6, 10, 15]) {
            let pause = dice.pick(&[500, 3000, 12_000, 25_000]);
            let action = match dice.below(100) {
                0..40 => Action::Lie(lie(&mut dice, people)),
                40..45 => fault(&mut dice, people),
                n if n < 45 + misdeeds => misdeed(&mut dice, people),
                _ => deed(&mut dice, people),
            };
            steps.push(Step { after: dice.millis(0, pause), action });
        }
        steps.push(Step { after: dice.millis(0, 2000), action: Action::Calm });
        Self { seed, hostile: true, people, steps }
    }

    /// A member who is hostile in an honest meeting.
    fn with_misdeeds(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "misdeeds", 0);
        let people = dice.pick(&[2, 3, 3, 4]);
        let mut steps = coming(&mut dice, people);
        for _ in 0..dice.pick(&[3, 6, 9]) {
            let pause = dice.pick(&[500, 3000, 12_000]);
            let action = if dice.chance(50) { misdeed(&mut dice, people) } else { deed(&mut dice, people) };
            steps.push(Step { after: dice.millis(0, pause), action });
        }
        steps.push(Step { after: dice.millis(0, 2000), action: Action::Expel });
        steps.push(Step { after: dice.millis(0, 2000), action: Action::Calm });
        Self { seed, hostile: false, people, steps }
    }
}

/// Everybody comes in, and has some time.
fn coming(dice: &mut Dice, people: usize) -> Vec<Step> {
    let mut steps: Vec<_> = (0..people).map(|person| Step { after: dice.millis(0, 1500), action: Action::Join(person) }).collect();
    steps.push(Step { after: dice.millis(2000, 7000), action: Action::Chat(0) });
    steps
}

/// In the end of some meetings a page hangs for so long that the others take its member out, and meanwhile another one naps.
fn hanging(seed: u64, people: usize) -> Vec<Step> {
    let mut dice = Dice::new(seed, "hanging", 0);
    if people < 3 || !dice.chance(10) {
        return Vec::new();
    }
    let mut steps: Vec<_> = (0..people).map(|person| Step { after: dice.millis(0, 300), action: Action::Join(person) }).collect();
    let (hangs, naps) = (dice.index(people), 1 + dice.index(people - 1));
    steps.push(Step { after: dice.millis(5000, 9000), action: Action::Freeze { who: hangs, span: dice.millis(13_000, 20_000) } });
    let nap = Action::Sleep { who: (hangs + naps) % people, span: dice.millis(500, 2500), stops: dice.chance(70) };
    steps.push(Step { after: dice.millis(500, 6000), action: nap });
    steps.push(Step { after: dice.millis(11_000, 14_000), action: Action::Calm });
    steps
}

/// In the end of some meetings a screen is not drawn while somebody comes in or is removed.
fn unseen(seed: u64, people: usize) -> Vec<Step> {
    let mut dice = Dice::new(seed, "unseen", 0);
    if people < 3 || !dice.chance(10) {
        return Vec::new();
    }
    let mut steps: Vec<_> = (0..people).map(|person| Step { after: dice.millis(0, 300), action: Action::Join(person) }).collect();
    // The host is not the one who comes and goes.
    let comes = 1 + dice.index(people - 1);
    let blind = (comes + 1 + dice.index(people - 1)) % people;
    let removed = dice.chance(50);
    let (before, after) = if removed { (Action::Chat(comes), Action::Remove(comes)) } else { (Action::Leave(comes), Action::Join(comes)) };
    steps.push(Step { after: dice.millis(5000, 9000), action: before });
    steps.push(Step { after: dice.millis(4000, 6000), action: Action::HideScreen { who: blind, span: dice.millis(2000, 5000) } });
    steps.push(Step { after: dice.millis(0, 1000), action: after });
    steps.push(Step { after: dice.millis(3000, 6000), action: Action::Calm });
    steps
}

/// In some meetings a member speaks as others, one after another.
fn forgery(seed: u64, people: usize) -> Vec<Step> {
    let mut dice = Dice::new(seed, "forgery", 0);
    if !dice.chance(15) {
        return Vec::new();
    }
    let mut steps = vec![
        Step { after: dice.millis(0, 2000), action: Action::Misdeed(Misdeed::Enter) },
        Step { after: dice.millis(500, 5000), action: Action::Misdeed(Misdeed::Enter) },
    ];
    for _ in 0..dice.pick(&[1, 2, 3]) {
        let how = Imposture { silences: dice.chance(60), signs: dice.chance(40), span: dice.millis(1000, 12_000) };
        let action = Action::Misdeed(Misdeed::Impersonate(dice.index(people), how));
        steps.push(Step { after: dice.millis(500, 9000), action });
    }
    steps
}

fn lie(dice: &mut Dice, people: usize) -> Lie {
    let victim: Person = dice.index(people);
    let long = dice.pick(&[3000, 15_000, 30_000]);
    let span = dice.millis(500, long);
    match dice.below(20) {
        0 | 1 => Lie::Fork { who: u8::try_from(dice.below(1 << people)).expect("at most 8 people"), gone: dice.chance(30) },
        2..5 => Lie::Withhold { from: victim, what: dice.pick(&[Kept::Commit, Kept::Message, Kept::Any]) },
        5 | 6 => Lie::Freeze { whom: victim, span },
        7 => Lie::Isolate { whom: victim, span },
        8 => Lie::AckAndDrop { of: victim, span },
        9 => Lie::Swallow { of: victim, span },
        10 => Lie::Delay { to: victim, span },
        11 => Lie::Drip { to: victim, span },
        12 => Lie::Swap { to: victim },
        13 => Lie::Replay { to: victim, back: u8::try_from(dice.below(12)).expect("small") },
        14 => Lie::Rewind { whom: victim, commits: u8::try_from(dice.below(3)).expect("small") },
        15 => Lie::Yesterday { whom: victim },
        16 if dice.chance(50) => Lie::Stale { of: victim, span },
        16 => Lie::Forget { whom: victim },
        17 if dice.chance(50) => Lie::Gone { who: victim },
        17 => Lie::NoGone { span },
        18 => Lie::Clock { percent: dice.pick(&[0, 10, 100, 300]), leap: dice.pick(&[Duration::ZERO, Duration::from_secs(60)]) },
        _ if dice.chance(50) => Lie::Relabel { span },
        _ => Lie::Truth,
    }
}

fn misdeed(dice: &mut Dice, people: usize) -> Action {
    let victim: Person = dice.index(people);
    Action::Misdeed(match dice.below(10) {
        0..3 => Misdeed::Enter,
        3 => Misdeed::EnterWithoutPsk,
        4 | 5 => Misdeed::Append(dice.pick(&[Junk::Commit, Junk::Proposal, Junk::Snapshot, Junk::Message, Junk::Unsealed])),
        6 => Misdeed::ForeignSnapshot,
        7 => Misdeed::Remove(victim),
        8 => Misdeed::Rename(victim),
        _ if dice.chance(50) => return Action::Expel,
        _ => Misdeed::Seal,
    })
}

/// What somebody does.
fn deed(dice: &mut Dice, people: usize) -> Action {
    let who: Person = dice.index(people);
    match dice.below(16) {
        0 | 1 => Action::Join(who),
        2 => Action::Leave(who),
        3 => Action::Reload(who),
        4 if people > 1 => Action::Remove(1 + dice.index(people - 1)),
        5..=7 => Action::Media { who, mic: dice.chance(60), camera: dice.chance(40), screen: dice.chance(20) },
        8 => Action::Compare { who, with: dice.index(people) },
        _ => Action::Chat(who),
    }
}

/// What happens to somebody, or to all.
fn fault(dice: &mut Dice, people: usize) -> Action {
    let who: Person = dice.index(people);
    let long = dice.pick(&[300, 3000, 9000, 20_000, 50_000]);
    let span = dice.millis(100, long);
    match dice.below(14) {
        0 => Action::Crash(who),
        1 => Action::PowerOff(who),
        2 => Action::Sleep { who, span, stops: dice.chance(50) },
        3 | 4 => Action::CutLine { who, how: Cut::Both, span },
        5 => Action::CutLine { who, how: dice.pick(&[Cut::Up, Cut::Down]), span },
        6 => Action::CutMedia { who, span },
        7 => Action::ChangeNetwork(who),
        8 | 9 => Action::Partition { who: u8::try_from(dice.below(1 << people)).expect("at most 8 people"), span },
        10 => Action::KillServer { span: span.min(Duration::from_secs(10)) },
        11 => Action::StopServer { span: span.min(Duration::from_secs(10)) },
        12 => Action::HideScreen { who, span: span.min(Duration::from_secs(5)) },
        _ => Action::Reload(who),
    }
}

/// One line for each step.
impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = if self.hostile { ", a server that lies" } else { "" };
        writeln!(f, "seed {}, {} people{server}", self.seed, self.people)?;
        let mut at = Duration::ZERO;
        for Step { after, action } in &self.steps {
            at += *after;
            writeln!(f, "  {:>9.3} s  {action:?}", at.as_secs_f64())?;
        }
        Ok(())
    }
}
