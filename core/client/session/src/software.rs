//! What each member says that it runs, and how that compares: with what the others run, and with the logs of releases that this client trusts.
//!
//! A member's word proves nothing: whoever runs a changed client can say what it likes. An honest client that was served another page than the
//! others says so without knowing, which is what this finds.

use std::collections::{BTreeMap, BTreeSet};

use conclave_base::{MemberId, hex};
use conclave_mls::Member;
use conclave_protocol::payload::{Program, Software};

use crate::snapshot::{self, Agreement, Logged, NoticeKind};

/// Major, minor and patch of this release.
pub const VERSION: [u32; 3] =
    [number(env!("CARGO_PKG_VERSION_MAJOR")), number(env!("CARGO_PKG_VERSION_MINOR")), number(env!("CARGO_PKG_VERSION_PATCH"))];
/// Members of whom something was told that are remembered.
const REMEMBERED: usize = 1024;

const fn number(text: &str) -> u32 {
    match u32::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("Cargo's versions are numbers"),
    }
}

/// Builds that a log of releases names, by their SHA-256, and the version of each.
pub type LoggedBuilds = BTreeMap<[u8; 32], [u32; 3]>;

/// What a page says of itself that was loaded from `site`; `bundle` is the SHA-256 of its `bundle.txt` in hexadecimal, if it knows that.
pub fn page(site: String, bundle: Option<&str>) -> Software {
    let build = bundle.and_then(|text| hex::decode(&text.to_ascii_lowercase()));
    Software { program: Program::Page { site: conclave_base::Redacted::new(site) }, version: VERSION, build }
}

/// What a program says of itself; `build` is the SHA-256 of its own file.
pub const fn native(build: Option<[u8; 32]>) -> Software {
    Software { program: Program::Native, version: VERSION, build }
}

/// What this client says, what it knows of releases, and what it has told its user.
#[derive(Debug, Default)]
pub(crate) struct SoftwareMonitor {
    pub(crate) own: Option<Software>,
    /// `None`: it trusts no log.
    logged: Option<LoggedBuilds>,
    told: BTreeSet<MemberId>,
}

impl SoftwareMonitor {
    pub(crate) fn new(own: Option<Software>, logged: Option<LoggedBuilds>) -> Self {
        Self { own, logged, told: BTreeSet::new() }
    }

    /// What is shown of each of these members who says what it runs.
    pub(crate) fn compare(&self, members: &[Member]) -> BTreeMap<MemberId, snapshot::Software> {
        let said = members.iter().filter_map(|member| Some((member.identity, member.software.as_ref()?)));
        let (pages, natives): (Vec<_>, Vec<_>) = said.clone().partition(|(_, software)| is_page(software));
        let usual = [pages, natives].map(|of_kind| Usual::of(of_kind.iter().filter_map(|(_, software)| software.build)));
        let shown = |software: &Software| {
            let [pages, natives] = &usual;
            snapshot::Software {
                program: match &software.program {
                    Program::Page { site } => snapshot::Program::Page { site: site.expose().clone() },
                    Program::Native => snapshot::Program::Native,
                },
                version: text_of(software.version),
                build: software.build.map(|build| hex::encode(&build)),
                agreement: if is_page(software) { pages } else { natives }.judge(software.build),
                logged: self.look_up(software.build),
            }
        };
        said.map(|(who, software)| (who, shown(software))).collect()
    }

    fn look_up(&self, build: Option<[u8; 32]>) -> Logged {
        match (&self.logged, build) {
            (None, _) | (_, None) => Logged::Unknown,
            (Some(logged), Some(build)) => match logged.get(&build) {
                Some(version) => Logged::Named { version: text_of(*version) },
                None => Logged::NotNamed,
            },
        }
    }

    /// What the user is to be told of a member of whom this is shown: once.
    pub(crate) fn tell(&mut self, member: &Member, me: &MemberId, shown: &snapshot::Software) -> Option<NoticeKind> {
        let unlogged = matches!(shown.logged, Logged::NotNamed);
        if shown.agreement != Agreement::Differs && !unlogged || self.told.contains(&member.identity) {
            return None;
        }
        if self.told.len() >= REMEMBERED {
            self.told.clear();
        }
        self.told.insert(member.identity);
        Some(NoticeKind::OtherSoftware { name: member.name.expose().clone(), me: member.identity == *me, unlogged })
    }
}

const fn is_page(software: &Software) -> bool {
    matches!(software.program, Program::Page { .. })
}

fn text_of([major, minor, patch]: [u32; 3]) -> String {
    format!("{major}.{minor}.{patch}")
}

/// What members of one kind run.
struct Usual {
    /// Members who say a build.
    members: usize,
    /// Different ones.
    builds: usize,
    /// That of more members than any other; `None` if there is no such one.
    most: Option<[u8; 32]>,
}

impl Usual {
    fn of(builds: impl Iterator<Item = [u8; 32]>) -> Self {
        let mut counts = BTreeMap::<_, usize>::new();
        builds.for_each(|build| *counts.entry(build).or_default() += 1);
        let highest = counts.values().copied().max().unwrap_or_default();
        let mut of_most = counts.iter().filter(|(_, count)| **count == highest).map(|(build, _)| *build);
        let most = of_most.next().filter(|_| of_most.next().is_none());
        Self { members: counts.values().sum(), builds: counts.len(), most }
    }

    fn judge(&self, build: Option<[u8; 32]>) -> Agreement {
        match build {
            None => Agreement::Unknown,
            Some(_) if self.members == 1 => Agreement::Alone,
            Some(_) if self.builds == 1 => Agreement::Same,
            Some(build) if self.most == Some(build) => Agreement::Same,
            Some(_) => Agreement::Differs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(builds: &[u8]) -> Vec<Agreement> {
        let usual = Usual::of(builds.iter().map(|build| [*build; 32]));
        builds.iter().map(|build| usual.judge(Some([*build; 32]))).collect()
    }

    #[test]
    fn who_runs_another_build_than_most_differs_and_where_there_is_no_most_all_do() {
        use Agreement::{Alone, Differs, Same};
        assert_eq!(judged(&[1]), [Alone]);
        assert_eq!(judged(&[1, 1]), [Same, Same]);
        assert_eq!(judged(&[1, 2, 1]), [Same, Differs, Same]);
        assert_eq!(judged(&[1, 2]), [Differs, Differs]);
        assert_eq!(judged(&[1, 1, 2, 2, 3]), [Differs; 5]);
        assert_eq!(Usual::of([].into_iter()).judge(None), Agreement::Unknown);
    }

    #[test]
    fn a_bundle_is_read_whole_or_not_at_all() {
        let build = |text: &str| page(String::new(), Some(text)).build;
        assert_eq!(build(&"0a".repeat(32)), Some([10; 32]));
        for wrong in ["", "0a", &"0g".repeat(32), &"0a".repeat(33), &"é".repeat(32), &"+1".repeat(32)] {
            assert_eq!(build(wrong), None, "{wrong}");
        }
    }
}
