//! The operator's plans: what a meeting may cost, by name.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use conclave_admission::Plan;
use conclave_protocol::limits::PEOPLE;
use serde::Deserialize;

/// A shorter session would end before anybody is in.
const SHORTEST: Duration = Duration::from_secs(1);
/// Nothing is kept for longer.
const LONGEST: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

/// All plans of a file.
#[derive(Debug, Default)]
pub(crate) struct Plans(BTreeMap<String, NamedPlan>);

/// What whoever makes meetings by it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct NamedPlan {
    /// Of each meeting.
    pub(crate) plan: Plan,
    /// Meetings that one creator makes at once, and again in a day's time.
    pub(crate) meetings_a_day: Option<u32>,
}

/// As it stands in the file. What is left out is not limited.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    people: Option<u32>,
    minutes: Option<f64>,
    meetings_a_day: Option<u32>,
}

impl Plans {
    /// From a JSON file.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("the file {} of --plans", file.display()))?;
        Self::parse(&text).with_context(|| format!("the plans in {}", file.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let written: BTreeMap<String, Written> = serde_json::from_str(text).context(
            "write them as {\"free\": {\"people\": 50, \"minutes\": 60, \"meetings_a_day\": 20}}, and leave out what is not limited",
        )?;
        let plans = written.into_iter().map(|(name, written)| {
            let plan = written.check().with_context(|| format!("the plan {name:?}"))?;
            Ok((name, plan))
        });
        plans.collect::<anyhow::Result<_>>().map(Self)
    }

    /// The plan of this name.
    pub(crate) fn named(&self, name: &str) -> anyhow::Result<NamedPlan> {
        let known = || self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        self.0.get(name).copied().with_context(|| match self.0.is_empty() {
            true => format!("the plan {name:?} stands nowhere: name the file of plans with --plans"),
            false => format!("there is no plan {name:?}: the file of --plans has {}", known()),
        })
    }
}

impl Written {
    fn check(self) -> anyhow::Result<NamedPlan> {
        let Self { people, minutes, meetings_a_day } = self;
        ensure!(people.is_none_or(|people| (2..=PEOPLE).contains(&people)), "people is a number from 2 to {PEOPLE}");
        ensure!(meetings_a_day != Some(0), "meetings_a_day is 1 or more: with --create token only some people make meetings");
        let lasts = minutes.map(|minutes| Duration::try_from_secs_f64(minutes * 60.0)).transpose();
        let lasts = lasts.ok().filter(|lasts| lasts.is_none_or(|lasts| (SHORTEST..=LONGEST).contains(&lasts)));
        let lasts = lasts.context("minutes is how long a session lasts, a second at least")?;
        Ok(NamedPlan { plan: Plan { people, lasts }, meetings_a_day })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_that_is_shipped_is_of_fifty_people_and_sixty_minutes() {
        let shipped = Plans::parse(include_str!("../share/plans.json")).expect("well-formed");
        let free = shipped.named("free").expect("there");
        assert_eq!(free.plan, Plan { people: Some(50), lasts: Some(Duration::from_secs(3600)) });
    }

    #[test]
    fn what_is_left_out_is_not_limited_and_parts_of_minutes_count() {
        let plans = Plans::parse(r#"{"staff": {}, "short": {"minutes": 0.5}}"#).expect("well-formed");
        assert_eq!(plans.named("staff").expect("there"), NamedPlan::default());
        assert_eq!(plans.named("short").expect("there").plan.lasts, Some(Duration::from_secs(30)));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        let said = |text: &str| format!("{:#}", Plans::parse(text).expect_err(text));
        for (text, wanted) in [
            ("people = 50", "write them as"),
            (r#"{"free": {"peple": 50}}"#, "peple"),
            (r#"{"free": {"people": 500}}"#, "\"free\": people is a number from 2 to 200"),
            (r#"{"free": {"minutes": 0}}"#, "minutes is how long"),
            (r#"{"free": {"minutes": -1}}"#, "minutes is how long"),
            (r#"{"free": {"minutes": 1e300}}"#, "minutes is how long"),
            (r#"{"free": {"meetings_a_day": 0}}"#, "--create token"),
        ] {
            assert!(said(text).contains(wanted), "{text}: {}", said(text));
        }
        let missing = Plans::parse(r#"{"free": {}, "staff": {}}"#).expect("well-formed").named("gratis").expect_err("no such plan");
        assert!(missing.to_string().contains("free, staff"), "{missing}");
        assert!(Plans::default().named("free").expect_err("no file").to_string().contains("--plans"));
    }
}
