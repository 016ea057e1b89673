//! What a member says on stdout: JSON for programs, sentences for people.

use conclave_base::{Door, Permission, Source};
use conclave_session::snapshot::{
    Agreement, ChatLine, Floor, Logged, LostMember, Member, NoticeKind, Phase, Program, Recognition, Security, Waiting,
};
use serde::Serialize;

/// One thing worth saying. With `--json` one object a line, `event` first.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Report<'a> {
    /// Where this member is.
    Phase {
        /// As on the screen.
        phase: &'a Phase,
    },
    /// Who is inside.
    Members {
        /// MLS epoch.
        epoch: u64,
        /// Everybody.
        members: &'a [Member],
    },
    /// What people compare.
    Safety {
        /// Six groups of five digits.
        code: &'a [String],
    },
    /// What two people compare, to know each other again.
    PersonCode {
        /// With whom.
        name: &'a str,
        /// Six groups of five digits.
        code: &'a [String],
    },
    /// How newcomers come in.
    Door {
        /// As on the screen.
        door: Door,
        /// Whether this member is a host.
        host: bool,
        /// Who asks to be let in; told to hosts alone.
        waiting: &'a [Waiting],
    },
    /// Who may do what.
    Floor {
        /// As on the screen.
        floor: &'a Floor,
    },
    /// Who is out of the group for a lost connection and may come back.
    Lost {
        /// Everybody.
        lost: &'a [LostMember],
    },
    /// The security chip.
    Security {
        /// As on the page.
        security: &'a Security,
    },
    /// A line of chat that reached the log.
    Chat {
        /// The line.
        line: &'a ChatLine,
    },
    /// What the user should know.
    Notice {
        /// As on the screen.
        what: &'a NoticeKind,
    },
    /// The media connection: `joined`, `connected`, `interrupted`, `left`.
    Transport {
        /// One of these words.
        state: &'a str,
    },
    /// The first frame of a track was opened and decoded.
    Playing {
        /// Whose.
        identity: &'a str,
        /// Their name.
        name: &'a str,
        /// Which.
        source: &'static str,
        /// `vp8`, `vp9` or `opus`.
        codec: &'static str,
        /// Milliseconds of the Unix epoch.
        at: u64,
        /// Pixels; zero for sound.
        width: u32,
        /// Pixels; zero for sound.
        height: u32,
    },
    /// One track in the last second.
    Media(MediaReport<'a>),
    /// A line of input was not followed.
    Refused {
        /// Why.
        why: &'a str,
    },
}

/// One track in the last second.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaReport<'a> {
    /// Whose.
    pub identity: &'a str,
    /// Their name.
    pub name: &'a str,
    /// Which.
    pub source: &'static str,
    /// Milliseconds of the Unix epoch at the end of the second.
    pub at: u64,
    /// Frames that arrived.
    pub arrived: u32,
    /// Frames that were opened and decoded.
    pub decoded: u32,
    /// Frames decoded since the start.
    pub decoded_total: u64,
    /// Frames that could not be decoded although they were opened.
    pub undecodable: u32,
    /// Pixels; zero for sound.
    pub width: u32,
    /// Pixels; zero for sound.
    pub height: u32,
    /// Mean change of luma from picture to picture, 0 to 255.
    pub change: f64,
    /// Mean luma, blue and red difference of the last picture.
    pub colour: Option<[f64; 3]>,
    /// dB below full scale; `None` for pictures.
    pub loudness: Option<f32>,
    /// The strongest frequency, hertz.
    pub frequency: Option<u32>,
    /// Frames that were refused, by reason, since the start.
    pub refused: std::collections::BTreeMap<&'static str, u64>,
}

/// Name of a source, as on the screen.
pub const fn source_name(source: Source) -> &'static str {
    match source {
        Source::Microphone => "microphone",
        Source::Camera => "camera",
        Source::Screen => "screen",
        Source::ScreenAudio => "screenAudio",
    }
}

/// Says it on stdout; a closed pipe is no reason to stop.
pub fn say(json: bool, report: &Report<'_>) {
    use std::io::Write as _;
    let line = if json { serde_json::to_string(report).ok() } else { sentence(report) };
    if let Some(line) = line {
        let mut out = std::io::stdout().lock();
        let _closed = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}

fn sentence(report: &Report<'_>) -> Option<String> {
    Some(match report {
        Report::Phase { phase: Phase::Inside } => "You are inside. What you type goes to everybody; /leave leaves.".into(),
        Report::Phase { phase: Phase::Reconnecting { .. } } => "The connection broke; trying again.".into(),
        Report::Phase { phase: Phase::AtTheDoor { locked: true, .. } } => "The meeting is locked: nobody can come in now. You wait.".into(),
        Report::Phase { phase: Phase::AtTheDoor { hosts: true, .. } } => "You asked to come in. A host has to let you in.".into(),
        Report::Phase { phase: Phase::AtTheDoor { .. } } => "You asked to come in. No host is here yet.".into(),
        Report::Door { waiting, .. } if !waiting.is_empty() => {
            let names: Vec<_> = waiting.iter().map(|one| one.name.as_str()).collect();
            format!("At the door: {}. /admit lets everybody in, /admit NAME one of them.", names.join(", "))
        }
        Report::Phase { .. }
        | Report::Door { .. }
        | Report::Floor { .. }
        | Report::Lost { .. }
        | Report::Security { .. }
        | Report::Playing { .. }
        | Report::Media(_) => return None,
        Report::Members { members, .. } => {
            let name = |m: &Member| match &m.recognition {
                _ if m.me => format!("{} (you)", m.name),
                Recognition::Verified { name, .. } if *name == m.name => format!("{name} (verified)"),
                Recognition::Verified { name, .. } => format!("{} (verified as {name})", m.name),
                Recognition::Changed { name, .. } => format!("{} (not the verified {name})", m.name),
                Recognition::Differs { .. } => format!("{} (another code)", m.name),
                Recognition::Guest | Recognition::Unverified => m.name.clone(),
            };
            format!("Here: {}", members.iter().map(|m| format!("{} [{}]", name(m), says(m))).collect::<Vec<_>>().join(", "))
        }
        Report::Safety { code } => format!("Safety code: {}", code.join(" ")),
        Report::PersonCode { name, code } => {
            format!("Person code with {name}: {}. If {name} has the same: /matches NAME, else /matches-not NAME.", code.join(" "))
        }
        Report::Chat { line } => format!("{}: {}", line.name, line.text),
        Report::Notice { what } => match what {
            NoticeKind::Joined { name } => format!("{name} came in."),
            NoticeKind::Left { name } => format!("{name} left."),
            NoticeKind::Lost { name } => format!("{name} lost the connection."),
            NoticeKind::Removed { name } => format!("{name} was removed."),
            NoticeKind::SentBack { name } => format!("{name} was sent back to the door."),
            NoticeKind::Knocked { name } => format!("{name} asks to come in."),
            NoticeKind::Door { door: Door::Open } => "Whoever has the link comes in now.".into(),
            NoticeKind::Door { door: Door::Ask } => "Newcomers ask now, and a host lets them in.".into(),
            NoticeKind::Door { door: Door::Locked } => "The meeting is locked now.".into(),
            NoticeKind::Appointed { me: true, .. } => "You are a host now.".into(),
            NoticeKind::Appointed { name, me: false } => format!("{name} is a host now."),
            NoticeKind::HostElsewhere { name } => {
                format!("{name} came in with the host key of this meeting. If that is not a device of yours, start another meeting.")
            }
            NoticeKind::Floor { what, everybody: true } => format!("Everybody may {} now.", deed(*what)),
            NoticeKind::Floor { what, everybody: false } => format!("Only hosts may {} now, and whom they let.", deed(*what)),
            NoticeKind::Permitted { what, given: true } => format!("A host lets you {}.", deed(*what)),
            NoticeKind::Permitted { what, given: false } => format!("A host does not let you {} any more.", deed(*what)),
            NoticeKind::Muted { by } => format!("{by} switched your microphone off. /unmute switches it on again."),
            NoticeKind::MutedOnEntry => "So many are here that your microphone is off. /unmute switches it on.".into(),
            NoticeKind::LineNotTaken => "Your line was shown to nobody: only hosts may write now, and whom they let.".into(),
            NoticeKind::MediaRefused { name, source, reason } => format!("Refused and not played: {source:?} of {name} ({reason:?})."),
            NoticeKind::MediaUnproved { name, source, forged: true } => {
                format!("Some of what is played as {source:?} of {name} is not theirs: somebody else in the group made it.")
            }
            NoticeKind::MediaUnproved { name, source, forged: false } => {
                format!("Nothing proves now that {source:?} of {name} is theirs: their signatures do not come.")
            }
            NoticeKind::Ghost => "Somebody who is not in the group is connected to the media server. They get no keys.".into(),
            NoticeKind::CodeDiffers { name, by_me: true } => {
                format!("You found another safety code than {name}: somebody may be in between.")
            }
            NoticeKind::CodeDiffers { name, by_me: false } => {
                format!("{name} found another safety code than yours: somebody may be in between. Leave, and start another meeting.")
            }
            NoticeKind::OtherSoftware { me: true, unlogged: true, .. } => "This program is in no log of releases that you trust.".into(),
            NoticeKind::OtherSoftware { me: true, unlogged: false, .. } => {
                "This program is another build than those of the others, as they say.".into()
            }
            NoticeKind::OtherSoftware { name, unlogged: true, .. } => {
                format!("{name} says that it runs something that is in no log of releases that you trust.")
            }
            NoticeKind::OtherSoftware { name, unlogged: false, .. } => {
                format!("{name} says that it runs another build than the others.")
            }
            NoticeKind::KeyChanged { name, verified, has_device } => {
                let how = if *has_device { "another device key than" } else { "no device key, unlike" };
                format!(
                    "{name} has {how} {verified}, whom you verified: it may be another device of theirs, or somebody else. Compare again with \
                     /code NAME or /same NAME; /seen NAME answers this without a mark."
                )
            }
            NoticeKind::Ends { minutes: 0, .. } => "The time of this session is over in less than a minute.".into(),
            NoticeKind::Ends { minutes: 1, .. } => "The time of this session is over in a minute.".into(),
            NoticeKind::Ends { minutes, .. } => format!("The time of this session is over in {minutes} minutes."),
            NoticeKind::PeopleFull => "As many verified people are kept as may be. /forget NAME makes room.".into(),
            NoticeKind::Undelivered => "The server took something that you sent and did not pass it on. It is sent again.".into(),
            NoticeKind::NotRemoved { name } => format!("{name} is still inside: the removal did not go through yet. It is tried again."),
            NoticeKind::LogForked => "The server shows people here different versions of this meeting. It is entered anew.".into(),
            NoticeKind::ClockOff => "The server's clock does not run as yours does: one of the two is wrong.".into(),
            NoticeKind::CommitRefused { rule } => format!("A change to the group broke a rule and was ignored ({rule:?})."),
        },
        Report::Transport { state } => format!("Media: {state}."),
        Report::Refused { why } => format!("That was not possible: {why}."),
    })
}

/// What a member says that it runs, and how that compares.
fn says(member: &Member) -> String {
    let Some(software) = &member.software else { return "does not say what it runs".into() };
    let version = &software.version;
    let mut said = match &software.program {
        Program::Page { site } if site.is_empty() => format!("says: page {version}"),
        Program::Page { site } => format!("says: page {version} of {site}"),
        Program::Native => format!("says: program {version}"),
    };
    if software.agreement == Agreement::Differs {
        said += ", another build than others";
    }
    match &software.logged {
        Logged::Unknown => {}
        Logged::Named { version } => said += &format!(", release {version} in the log"),
        Logged::NotNamed => said += ", in no log that you trust",
    }
    said
}

const fn deed(what: Permission) -> &'static str {
    match what {
        Permission::Speak => "speak",
        Permission::Chat => "write in the chat",
        Permission::Share => "share a screen",
    }
}
