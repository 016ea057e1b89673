//! What `verify` found, for a person and for a monitor.

use std::collections::BTreeMap;
use std::process::ExitCode;

use conclave_transparency::{Accepted, Difference, Refused};
use serde_json::{Value, json};

/// Of those to whom something was served, so many are named.
const NAMED: usize = 3;

/// What differs, at which address, and to whom.
pub(crate) type Differences = BTreeMap<(String, Difference), Vec<String>>;

/// What is said in the end.
pub(crate) enum Verdict {
    /// A file that people fetch, by its name in the release.
    File(Accepted, String),
    /// A file that is in no release.
    OtherFile(Accepted),
    /// All that was served is the release.
    Same(Accepted, Fetches),
    /// Something is not.
    Differs(Accepted, Fetches, Differences),
    /// There is no release to compare with.
    NotProved(Refused),
}

/// How much was looked at.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Fetches {
    pub(crate) files: usize,
    pub(crate) browsers: usize,
}

impl Verdict {
    /// 0: all is a release. 3: something else is served. 4: no release is proved.
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::File(..) | Self::Same(..) => 0,
            Self::OtherFile(..) | Self::Differs(..) => 3,
            Self::NotProved(..) => 4,
        })
    }

    /// For people.
    pub(crate) fn text(&self, target: &str) -> String {
        match self {
            Self::File(accepted, name) => format!("{target} is {name}\nof {}", proved(accepted)),
            Self::OtherFile(accepted) => format!("{target} is NO file\nof {}", proved(accepted)),
            Self::Same(accepted, Fetches { files, browsers }) => {
                format!("{target} serves, in {files} files to {browsers} kinds of browsers, byte for byte\n{}", proved(accepted))
            }
            Self::Differs(accepted, Fetches { browsers, .. }, differences) => {
                let lines = differences.iter().map(|((address, what), to)| format!("  {address}: {what}\n      {}", whom(to, *browsers)));
                let lines: Vec<_> = lines.collect();
                format!("{target} does NOT serve what was released:\n{}\ncompared with {}", lines.join("\n"), proved(accepted))
            }
            Self::NotProved(why) => format!("{target} shows no release that can be relied on: {why}"),
        }
    }

    /// For monitors.
    pub(crate) fn json(&self, target: &str) -> Value {
        let mut said = json!({ "target": target });
        let (verdict, accepted) = match self {
            Self::File(accepted, name) => {
                said["file"] = json!(name);
                ("same", Some(accepted))
            }
            Self::OtherFile(accepted) => ("differs", Some(accepted)),
            Self::Same(accepted, fetches) => {
                said["files"] = json!(fetches.files);
                said["browsers"] = json!(fetches.browsers);
                ("same", Some(accepted))
            }
            Self::Differs(accepted, fetches, differences) => {
                said["browsers"] = json!(fetches.browsers);
                let each = |((address, what), to): (&(String, Difference), &Vec<String>)| json!({ "address": address, "what": what.to_string(), "to": to });
                said["differences"] = differences.iter().map(each).collect();
                ("differs", Some(accepted))
            }
            Self::NotProved(why) => {
                said["why"] = json!(why.to_string());
                ("notProved", None)
            }
        };
        said["verdict"] = json!(verdict);
        if let Some(accepted) = accepted {
            said["release"] = json!(accepted.release.version.to_string());
            said["rebuilders"] = json!(accepted.rebuilders);
            said["witnesses"] = json!(accepted.witnesses);
            said["warning"] = json!(accepted.warning);
        }
        said
    }
}

fn proved(Accepted { release, witnesses, rebuilders, warning }: &Accepted) -> String {
    let commit = release.commit_text();
    let warning = if *warning { "\nToo few have rebuilt it. It is taken since it has been public for long enough." } else { "" };
    format!(
        "release {} of {} (commit {commit}), rebuilt by {rebuilders}, seen lately by {witnesses} witnesses.{warning}",
        release.version, release.product
    )
}

fn whom(to: &[String], browsers: usize) -> String {
    if to.len() == browsers {
        return "to everybody".to_owned();
    }
    let named = to.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    let more = to.len().saturating_sub(NAMED);
    if more == 0 { format!("to {named}") } else { format!("to {named}; and {more} more") }
}
