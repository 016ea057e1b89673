use crate::failure::Failure;
use crate::script::Script;

/// Finds a short script that fails in the same way: leaves out ever smaller parts as long as that remains (delta debugging).
/// Gives the script and its failure; at most `runs` meetings are held, each by `hold`, which gives how it failed.
pub fn shrink(script: &Script, failure: Failure, mut runs: u32, hold: impl Fn(&Script) -> Option<Failure>) -> (Script, Failure) {
    let (mut best, mut found) = (script.clone(), failure);
    let mut parts = 2;
    while best.steps.len() > 1 && runs > 0 {
        let size = best.steps.len().div_ceil(parts);
        let shorter = (0..best.steps.len()).step_by(size).find_map(|from| {
            if runs == 0 {
                return None;
            }
            runs -= 1;
            let candidate = without(&best, from, (from + size).min(best.steps.len()));
            let failure = hold(&candidate).filter(|failure| failure.kind == found.kind)?;
            Some((candidate, failure))
        });
        match shorter {
            Some((candidate, failure)) => {
                (best, found) = (candidate, failure);
                parts = (parts - 1).max(2);
            }
            None if size == 1 => break,
            None => parts = (parts * 2).min(best.steps.len()),
        }
    }
    (best, found)
}

/// What follows keeps its moment.
fn without(script: &Script, from: usize, to: usize) -> Script {
    let mut steps = script.steps.clone();
    let left_out = steps.drain(from..to).map(|step| step.after).sum::<std::time::Duration>();
    if let Some(next) = steps.get_mut(from) {
        next.after += left_out;
    }
    Script { steps, ..script.clone() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use conclave_base::Time;

    use super::*;
    use crate::action::{Action, Step};
    use crate::failure::Kind;

    #[test]
    fn what_does_not_matter_is_left_out_and_the_rest_keeps_its_moment() {
        let steps = (0..20).map(|n| Step { after: Duration::from_secs(1), action: Action::Chat(n) }).collect();
        let script = Script { seed: 1, hostile: false, people: 3, steps };
        let failure = Failure { kind: Kind::ChatOrder, at: Time::ZERO, detail: String::new(), story: Vec::new() };
        let needs = [Action::Chat(4), Action::Chat(17)];
        let fails = |script: &Script| {
            let fails = needs.iter().all(|action| script.steps.iter().any(|step| step.action == *action));
            fails.then(|| failure.clone())
        };
        let (short, found) = shrink(&script, failure.clone(), 200, fails);
        assert_eq!((short.steps.iter().map(|step| step.action).collect::<Vec<_>>(), found), (needs.to_vec(), failure.clone()));
        assert_eq!(short.steps.iter().map(|step| step.after.as_secs()).collect::<Vec<_>>(), [5, 13]);
        let (unshortened, _) = shrink(&script, failure.clone(), 0, fails);
        assert_eq!(unshortened, script);
    }
}
