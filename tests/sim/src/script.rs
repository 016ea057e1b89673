use std::fmt;
use std::time::Duration;

use crate::action::{Action, Cut, Person, Step};
use crate::dice::Dice;

/// A meeting that can be held again: all that happens follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Of lines, clocks, keys and delays.
    pub seed: u64,
    /// How many devices there are.
    pub people: usize,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

impl Script {
    /// The meeting of a seed.
    pub fn of_seed(seed: u64) -> Self {
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
        Self { seed, people, steps }
    }
}

/// What somebody does.
fn deed(dice: &mut Dice, people: usize) -> Action {
    let who: Person = dice.index(people);
    match dice.below(16) {
        0 | 1 => Action::Join(who),
        2 => Action::Leave(who),
        3 => Action::Reload(who),
        4 if people > 1 => Action::Remove(1 + dice.index(people - 1)),
        5 | 6 => Action::Media { who, mic: dice.chance(60), camera: dice.chance(40), screen: dice.chance(20) },
        7 => Action::Speak { who, on: dice.chance(50) },
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
        writeln!(f, "seed {}, {} people", self.seed, self.people)?;
        let mut at = Duration::ZERO;
        for Step { after, action } in &self.steps {
            at += *after;
            writeln!(f, "  {:>9.3} s  {action:?}", at.as_secs_f64())?;
        }
        Ok(())
    }
}
