//! The host's key: from which file or link it comes, and how it goes to another device.

use std::path::Path;

use anyhow::{Context as _, bail};
use conclave_base::{Secret, Time};
use conclave_device::passphrase;
use conclave_session::host_link::{self, HostLinkError, HostLinkKey, HostLinkState, MadeHostLink, Request};
use conclave_session::{FoundLink, MeetingLink, meetings_file};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::args::{HostLink, Join};
use crate::create::{new_key_file, read_key, unreachable, why, write_key};
use crate::{clock, http};

/// In the link's place: it stands in the first line of stdin.
pub(crate) const FROM_STDIN: &str = "-";

/// `host-link`: the new link goes to stdout, or what became of those that were made.
#[expect(clippy::print_stdout, reason = "that is what this command is for")]
pub async fn host_link(args: &HostLink) -> anyhow::Result<()> {
    let text = match args.link.as_str() {
        FROM_STDIN => BufReader::new(tokio::io::stdin()).lines().next_line().await?.context("no link on stdin")?,
        link => link.to_owned(),
    };
    let (link, origin, _) = find(&text)?;
    let (host, now) = (read_key(&args.host_key_file)?, clock::Clock::new().now());
    if args.list || args.take_back {
        let request = host_link::ask(&link, &host, args.take_back);
        let (status, body) = post(&origin, request).await?;
        let made = host_link::made(status, &body).with_context(|| format!("the server did not say: {}", why(status, &body)))?;
        made.iter().for_each(|one| println!("{}", describe(one, now)));
        return Ok(());
    }
    let Some((key, request)) = host_link::offer(&link, &host, &clock::seed()?, now) else {
        bail!("{} holds the key of another meeting's host", args.host_key_file.display());
    };
    let (status, body) = post(&origin, request).await?;
    anyhow::ensure!(status == 204, "the server did not take it: {}", why(status, &body));
    println!("{}", key.url(&link, &origin));
    Ok(())
}

async fn post(origin: &str, Request { path, body }: Request) -> anyhow::Result<(u16, Vec<u8>)> {
    http::post(origin, path, body).await.with_context(|| unreachable(origin))
}

/// One line for people.
fn describe(made: &MadeHostLink, now: Time) -> String {
    let minutes = |from: f64, to: f64| ((to - from) / 60_000.0).max(0.0).round();
    let now = now.as_millis() as f64;
    let state = match made.state {
        HostLinkState::Waiting => format!("not used yet, works for {} more minutes", minutes(now, made.until)),
        HostLinkState::Used { at } => format!("used {} minutes ago: whoever opened it is a host", minutes(at, now)),
        HostLinkState::TakenBack => "taken back".to_owned(),
    };
    let tried =
        if made.tried == 0 { String::new() } else { format!("; tried since then by somebody who should not have it: {}", made.tried) };
    format!("{}: {state}{tried}", made.id)
}

/// A link, its server, and what makes it a host link.
pub(crate) fn find(text: &str) -> anyhow::Result<(MeetingLink, String, Option<HostLinkKey>)> {
    use conclave_session::LinkError;
    let FoundLink { link, origin, host } = match conclave_session::meeting_link::find(text) {
        Ok(found) => found,
        Err(LinkError::Missing | LinkError::Cut) => bail!("this link is not whole: copy all of it, with the 43 characters behind the #"),
        Err(LinkError::Several) => bail!("these are two links: give the one that is meant"),
    };
    Ok((link, origin.context("this link names no server: it starts with https:// or http://")?, host))
}

/// The host key with which to join, if there is one.
pub(crate) async fn of(
    args: &Join,
    link: &MeetingLink,
    origin: &str,
    host_link: Option<&HostLinkKey>,
) -> anyhow::Result<Option<Secret<32>>> {
    match (&args.host_key_file, &args.meetings_file, host_link) {
        (Some(file), _, None) => read_key(file).map(Some),
        // It was used before, and the key kept.
        (Some(file), _, Some(_)) if file.exists() => read_key(file).map(Some),
        (file, None, Some(key)) => take(link, origin, key, file.as_deref()).await.map(Some),
        (None, Some(file), _) => {
            let passphrase = args.meetings_passphrase_file.as_deref().context("no passphrase for the file of meetings")?;
            from_meetings(file, passphrase, link).map(Some)
        }
        (Some(_), Some(_), Some(_)) => bail!("give one file with the host's key"),
        (None, None, None) => Ok(None),
    }
}

/// Uses a host link, and keeps the key in a new file, if one is named: which is made first, since the link works once.
async fn take(link: &MeetingLink, origin: &str, key: &HostLinkKey, keep: Option<&Path>) -> anyhow::Result<Secret<32>> {
    let file = keep.map(new_key_file).transpose()?;
    let taken = ask_for_key(link, origin, key).await;
    match (&taken, keep, file) {
        (Ok(host), Some(path), Some(mut file)) => write_key(&mut file, path, host)?,
        (Err(_), Some(path), _) => std::fs::remove_file(path)?,
        _ => {}
    }
    taken
}

async fn ask_for_key(link: &MeetingLink, origin: &str, key: &HostLinkKey) -> anyhow::Result<Secret<32>> {
    let (status, body) = post(origin, key.take(link)).await?;
    key.on_answer(link, status, &body).map_err(|error| match error {
        HostLinkError::Used => anyhow::anyhow!(
            "this host link was used before: if that was not you, somebody else is host by it, so tell whoever gave it to you. Without what stands \
             behind the dot it is the meeting's link, by which you come in as a guest"
        ),
        HostLinkError::Gone => anyhow::anyhow!(
            "this host link was taken back, or is older than a day: ask the host for another. Without what stands behind the dot it is the meeting's \
             link, by which you come in as a guest"
        ),
        HostLinkError::Wrong => anyhow::anyhow!("the server {origin} did not bring the host key that belongs to this link: tell the host"),
        HostLinkError::Unreachable => anyhow::anyhow!("the server {origin} did not answer: {}", why(status, &body)),
    })
}

/// From a file into which the page saved meetings.
fn from_meetings(file: &Path, passphrase: &Path, link: &MeetingLink) -> anyhow::Result<Secret<32>> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let meetings = meetings_file::open(&bytes, passphrase::read(passphrase)?.expose()).with_context(|| format!("{}", file.display()))?;
    let kept = meetings.into_iter().find(|meeting| MeetingLink::parse(meeting.link.expose()).as_ref() == Ok(link));
    Ok(kept.with_context(|| format!("this meeting is not in {}: save it again in the page that made it", file.display()))?.host)
}

#[cfg(test)]
mod tests {
    use conclave_base::Redacted;
    use conclave_session::meetings_file::KeptMeeting;

    use super::*;

    #[test]
    fn a_cut_link_is_told_before_anything_is_asked() {
        let error = find("https://meet.example.org/#abc").expect_err("cut");
        assert!(error.to_string().contains("not whole"));
        let bare = "A".repeat(43);
        assert!(find(&bare).is_err(), "no server named");
        let two = format!("https://meet.example.org/#{bare} https://meet.example.org/#B{}", &bare[1..]);
        assert!(find(&two).expect_err("which one?").to_string().contains("two links"));
        assert_eq!(find(&format!("http://localhost:8080/#{bare}")).expect("whole").1, "http://localhost:8080");
    }

    #[test]
    fn what_became_of_a_host_link_is_one_line() {
        let one = |state, tried| describe(&MadeHostLink { id: "AbC".into(), until: 3_600_000.0, state, tried }, Time::from_millis(600_000));
        assert_eq!(one(HostLinkState::Waiting, 0), "AbC: not used yet, works for 50 more minutes");
        assert_eq!(one(HostLinkState::Used { at: 0.0 }, 0), "AbC: used 10 minutes ago: whoever opened it is a host");
        assert_eq!(one(HostLinkState::TakenBack, 2), "AbC: taken back; tried since then by somebody who should not have it: 2");
    }

    #[test]
    fn the_page_s_file_of_meetings_gives_the_host_key() {
        let folder = tempfile::tempdir().expect("folder");
        let (file, passphrase) = (folder.path().join("meetings"), folder.path().join("passphrase"));
        let url = |c: &str| format!("https://meet.example.org/m#{}A", c.repeat(42));
        let kept =
            KeptMeeting { title: Redacted::new(String::new()), link: Redacted::new(url("B")), created_at: 7, host: Secret::new([4; 32]) };
        let sealed = meetings_file::seal(&[kept], "violet harbour seventeen", &Secret::new([1; 32])).expect("sealed");
        std::fs::write(&file, sealed).expect("written");
        std::fs::write(&passphrase, "violet harbour seventeen\n").expect("written");
        let of = |link: &str| from_meetings(&file, &passphrase, &MeetingLink::parse(link).expect("whole"));
        assert_eq!(of(&url("B")).expect("there").expose(), &[4; 32]);
        assert!(of(&url("C")).expect_err("another").to_string().contains("not in"));
        std::fs::write(&passphrase, "violet harbour sixteen").expect("written");
        assert!(format!("{:#}", of(&url("B")).expect_err("wrong")).contains("passphrase wrong"));
    }
}
