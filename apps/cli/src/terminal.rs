//! What a member reads on stdin and says on stdout.

use anyhow::bail;
use clap::ValueEnum as _;
use conclave_base::{Door, Permission, Source, Time};
use conclave_session::snapshot::{EndReason, PassphraseStep, Phase, Snapshot};

use crate::args::Permitted;
use crate::report::{MediaReport, Report, say, source_name};

/// A line of input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Nothing,
    Leave,
    Mute(bool),
    /// Whose microphone is switched off, by name; everybody's but the hosts', if `None`.
    MuteOther(Option<&'a str>),
    /// Whom, by name, hosts let do what, or not.
    Permit(&'a str, Permission, bool),
    /// Whether everybody may do what.
    PermitEverybody(Permission, bool),
    /// Above how many people newcomers have the microphone off.
    MuteAbove(Option<u32>),
    /// How many people may be inside.
    Limit(u32),
    /// The tone stops, or goes on, with the microphone as it is.
    Pause(bool),
    /// Whom, by name.
    Remove(&'a str),
    /// Whom, by name.
    SendBack(&'a str),
    /// Whom, by name, of those who wait; everybody, if empty.
    Admit(&'a str),
    /// Whom, by name, of those who wait, and what is said to them.
    Decline(&'a str, &'a str),
    /// How newcomers come in.
    Door(Door),
    /// Who becomes a host, by name.
    HandOver(&'a str),
    /// With whom, by name, the safety code was compared, and whether both have the same.
    Compare(&'a str, bool),
    /// With whom, by name, the person code is to be shown.
    Code(&'a str),
    /// With whom, by name, the person code was compared, and whether both have the same.
    ComparePerson(&'a str, bool),
    /// Who, by name, is verified because both found the same safety code.
    Keep(&'a str),
    /// Who, by name, was seen to be another than the verified person of that name.
    Seen(&'a str),
    /// Which verified person, by name, is forgotten.
    Forget(&'a str),
    Chat(&'a str),
    /// No such command.
    Unknown,
}

/// Reads a line: chat, or a command behind a slash.
pub(crate) fn parse(line: &str) -> Line<'_> {
    let line = line.trim();
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "" => Line::Nothing,
        "/leave" => Line::Leave,
        "/mute" if rest.trim().is_empty() => Line::Mute(true),
        "/mute" => Line::MuteOther(Some(rest.trim())),
        "/mute-all" => Line::MuteOther(None),
        "/unmute" if rest.trim().is_empty() => Line::Mute(false),
        "/unmute" => Line::Permit(rest.trim(), Permission::Speak, true),
        "/silence" => Line::Permit(rest.trim(), Permission::Speak, false),
        "/permit" | "/deny" => match rest.rsplit_once(':').and_then(|(name, what)| Some((name.trim(), permission(what)?))) {
            Some((name, what)) => Line::Permit(name, what, word == "/permit"),
            None => Line::Unknown,
        },
        "/only-hosts" | "/everybody" => permission(rest).map_or(Line::Unknown, |what| Line::PermitEverybody(what, word == "/everybody")),
        "/mute-above" if rest.trim() == "never" => Line::MuteAbove(None),
        "/mute-above" => rest.trim().parse().map_or(Line::Unknown, |people| Line::MuteAbove(Some(people))),
        "/limit" => rest.trim().parse().map_or(Line::Unknown, Line::Limit),
        "/pause" => Line::Pause(true),
        "/resume" => Line::Pause(false),
        "/remove" => Line::Remove(rest.trim()),
        "/send-back" => Line::SendBack(rest.trim()),
        "/admit" => Line::Admit(rest.trim()),
        "/decline" => {
            let (name, word) = rest.split_once(':').unwrap_or((rest, ""));
            Line::Decline(name.trim(), word.trim())
        }
        "/open" => Line::Door(Door::Open),
        "/ask" => Line::Door(Door::Ask),
        "/lock" => Line::Door(Door::Locked),
        "/hand-over" => Line::HandOver(rest.trim()),
        "/same" => Line::Compare(rest.trim(), true),
        "/different" => Line::Compare(rest.trim(), false),
        "/code" => Line::Code(rest.trim()),
        "/matches" => Line::ComparePerson(rest.trim(), true),
        "/matches-not" => Line::ComparePerson(rest.trim(), false),
        "/keep" => Line::Keep(rest.trim()),
        "/seen" => Line::Seen(rest.trim()),
        "/forget" => Line::Forget(rest.trim()),
        _ if word.starts_with('/') => Line::Unknown,
        _ => Line::Chat(line),
    }
}

/// By the words that `create --hosts-only` takes.
fn permission(word: &str) -> Option<Permission> {
    Permitted::from_str(word.trim(), false).ok().map(Permitted::permission)
}

/// Reports, and what was reported last.
#[derive(Debug)]
pub(crate) struct Terminal {
    json: bool,
    shown: Snapshot,
}

impl Terminal {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, shown: Snapshot::default() }
    }

    pub(crate) fn say(&self, report: &Report<'_>) {
        say(self.json, report);
    }

    /// Reports what changed; gives what was shown before.
    pub(crate) fn show(&mut self, snapshot: &Snapshot) -> Snapshot {
        let before = std::mem::replace(&mut self.shown, snapshot.clone());
        if snapshot.phase != before.phase {
            self.say(&Report::Phase { phase: &snapshot.phase });
        }
        if snapshot.epoch != before.epoch || snapshot.members != before.members {
            self.say(&Report::Members { epoch: snapshot.epoch, members: &snapshot.members });
        }
        for member in &snapshot.members {
            let told = before.members.iter().any(|m| m.identity == member.identity && m.person_code == member.person_code);
            if let Some(code) = member.person_code.as_ref().filter(|_| !told) {
                self.say(&Report::PersonCode { name: &member.name, code });
            }
        }
        if (snapshot.door, snapshot.host) != (before.door, before.host) || snapshot.waiting != before.waiting {
            self.say(&Report::Door { door: snapshot.door, host: snapshot.host, waiting: &snapshot.waiting });
        }
        if snapshot.floor != before.floor {
            self.say(&Report::Floor { floor: &snapshot.floor });
        }
        if snapshot.lost != before.lost {
            self.say(&Report::Lost { lost: &snapshot.lost });
        }
        if let Some(code) = snapshot.safety_code.as_ref().filter(|_| snapshot.safety_code != before.safety_code) {
            self.say(&Report::Safety { code });
        }
        if snapshot.security != before.security {
            self.say(&Report::Security { security: &snapshot.security });
        }
        for line in snapshot.lines_after(before.chat.last().map_or(0, |line| line.place)) {
            self.say(&Report::Chat { line });
        }
        let last = before.notices.last().map(|n| n.id);
        for notice in snapshot.notices.iter().filter(|n| last.is_none_or(|last| n.id > last)) {
            self.say(&Report::Notice { what: &notice.what });
        }
        before
    }

    /// Reports that the first frame of a track was decoded, `at` milliseconds of the Unix epoch.
    pub(crate) fn playing(&self, identity: &str, source: Source, codec: &'static str, at: u64, (width, height): (u32, u32)) {
        let (name, source) = (&self.name_of(identity), source_name(source));
        self.say(&Report::Playing { identity, name, source, codec, at, width, height });
    }

    pub(crate) fn media(&self, report: MediaReport<'_>) {
        self.say(&Report::Media(report));
    }

    /// A member's name; empty for who is none.
    pub(crate) fn name_of(&self, identity: &str) -> String {
        self.shown.members.iter().find(|m| m.identity == identity).map(|m| m.name.clone()).unwrap_or_default()
    }
}

/// The end in a sentence: what happened and what to do.
pub(crate) fn ending(phase: &Phase, declined: &str, origin: &str, now: Time) -> anyhow::Result<()> {
    let reason = match phase {
        Phase::Ended { reason } => reason,
        Phase::NeedsPassphrase { wrong, step } => {
            let how = "give it with --passphrase-stdin or --passphrase-file";
            match step {
                PassphraseStep::Wanted if *wrong == 0 => bail!("this meeting has a passphrase: ask whoever invited you, and {how}"),
                PassphraseStep::Wanted => {
                    bail!("the passphrase does not open the meeting: check it, and {how}. Nobody but whoever invited you can tell it again")
                }
                PassphraseStep::Asked => return Ok(()),
                PassphraseStep::TooManyTries { until } => {
                    let seconds = ((until - now.as_millis() as f64) / 1000.0).max(1.0).ceil();
                    bail!(
                        "too many wrong passphrases were tried, here or elsewhere, and nothing was found out about this one: the server \
                         answers again in {seconds} s. Who is inside is not concerned"
                    )
                }
                PassphraseStep::Unreachable => {
                    bail!("the server {origin} did not answer, and nothing was found out about the passphrase: try again")
                }
                PassphraseStep::OtherServerKey => bail!(
                    "the server {origin} answers by another key than when the meeting was made, so that no passphrase opens it: \
                     tell whoever runs it, and who sent the link"
                ),
            }
        }
        Phase::LookingUp
        | Phase::Prejoin { .. }
        | Phase::Joining { .. }
        | Phase::AtTheDoor { .. }
        | Phase::Inside
        | Phase::Reconnecting { .. } => return Ok(()),
    };
    match reason {
        EndReason::Left => Ok(()),
        EndReason::Removed => bail!("a host removed you from the meeting"),
        EndReason::Declined if declined.is_empty() => bail!("a host did not let you in"),
        EndReason::Declined => bail!("a host did not let you in: {declined}"),
        EndReason::LinkCut => bail!("this link is not whole: copy all of it, with the 43 characters behind the #"),
        EndReason::TimeOver => bail!("the time of this session is over: the link is good for another one"),
        EndReason::NotFound => bail!("there is no such meeting at {origin}, or it has expired: ask for a new link"),
        EndReason::LinkWrong => bail!("this link does not fit the meeting: copy it again from where you got it"),
        EndReason::HostMismatch => {
            bail!("the host's signature does not fit the link: do not trust this server, and tell who sent the link")
        }
        EndReason::Full => bail!("as many people as allowed are inside: try again later"),
        EndReason::Version => bail!("client and server speak different versions: update the older one"),
        EndReason::Replaced => bail!("the same member connected elsewhere"),
        EndReason::Refused => bail!("the server refused what this client sent: update it, or try again"),
        EndReason::Unreachable => bail!("the server {origin} cannot be reached: check the address, your connection, and that it runs"),
        EndReason::LogBroken => {
            bail!("the server withheld or changed what the members said: do not trust it, and tell the others by another way")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_a_slash_is_a_command() {
        let lines = [
            "hello /leave",
            " /leave",
            "/mute",
            "/unmute",
            "/mute Bela B",
            "/mute-all",
            "/unmute Bela B",
            "/silence Bela",
            "/permit Bela: B : chat",
            "/deny Bela: share",
            "/deny Bela",
            "/only-hosts speak",
            "/everybody chat",
            "/everybody dance",
            "/mute-above 7",
            "/mute-above never",
            "/limit 9",
            "/limit all",
            "/pause",
            "/resume",
            "/remove Bela B ",
            "/send-back Bela B",
            "/admit",
            "/admit Bela B",
            "/decline Bela B : later: at nine",
            "/decline Bela",
            "/open",
            "/ask",
            "/lock",
            "/hand-over Bela B",
            "/same Bela B",
            "/different Bela",
            "/code Bela B",
            "/matches Bela B",
            "/matches-not Bela",
            "/keep Bela",
            "/seen Bela",
            "/forget Bela B ",
            "/frobnicate",
            "",
        ];
        let parsed = [
            Line::Chat("hello /leave"),
            Line::Leave,
            Line::Mute(true),
            Line::Mute(false),
            Line::MuteOther(Some("Bela B")),
            Line::MuteOther(None),
            Line::Permit("Bela B", Permission::Speak, true),
            Line::Permit("Bela", Permission::Speak, false),
            Line::Permit("Bela: B", Permission::Chat, true),
            Line::Permit("Bela", Permission::Share, false),
            Line::Unknown,
            Line::PermitEverybody(Permission::Speak, false),
            Line::PermitEverybody(Permission::Chat, true),
            Line::Unknown,
            Line::MuteAbove(Some(7)),
            Line::MuteAbove(None),
            Line::Limit(9),
            Line::Unknown,
            Line::Pause(true),
            Line::Pause(false),
            Line::Remove("Bela B"),
            Line::SendBack("Bela B"),
            Line::Admit(""),
            Line::Admit("Bela B"),
            Line::Decline("Bela B", "later: at nine"),
            Line::Decline("Bela", ""),
            Line::Door(Door::Open),
            Line::Door(Door::Ask),
            Line::Door(Door::Locked),
            Line::HandOver("Bela B"),
            Line::Compare("Bela B", true),
            Line::Compare("Bela", false),
            Line::Code("Bela B"),
            Line::ComparePerson("Bela B", true),
            Line::ComparePerson("Bela", false),
            Line::Keep("Bela"),
            Line::Seen("Bela"),
            Line::Forget("Bela B"),
            Line::Unknown,
            Line::Nothing,
        ];
        assert_eq!(lines.map(parse), parsed);
    }
}
