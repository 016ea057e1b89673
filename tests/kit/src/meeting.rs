//! Meetings as a test wants them: with a passphrase or a lifetime of its choice.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use conclave_base::Secret;
use conclave_protocol::http::{CreateMeeting, LookupMeeting};
use conclave_protocol::payload::Meta;
use ed25519_dalek::{Signer as _, SigningKey};

use conclave_session::{CreationWithPassphrase, NewMeeting};

use crate::{LinkKeys, PATIENCE, random};

/// Makes a meeting as a client does, but with a passphrase or a lifetime (seconds) of the test's choice. Gives its link.
pub fn make(server: &str, title: &str, passphrase: Option<&str>, expires_in: Option<u64>) -> anyhow::Result<String> {
    make_with(server, title, passphrase, |asked, _| {
        asked.expires_in = expires_in.unwrap_or(asked.expires_in);
        Ok(())
    })
}

/// Makes a meeting by a host whose client is changed: its key signs whatever `change` makes of title and policy. Gives its link.
pub fn make_as_host(server: &str, change: impl FnOnce(&mut Meta)) -> anyhow::Result<String> {
    let created = conclave_session::create(NewMeeting::default(), &Secret::new(random()?))?;
    let link = created.link.url(server);
    let keys = LinkKeys::of(&link)?;
    let mut asked: CreateMeeting = serde_json::from_slice(&created.body)?;
    let (&code, sealed) = asked.sealed_meta.split_first().context("an empty record")?;
    let mut meta = Meta::decode(&keys.open(&keys.meta, code, sealed)?)?;
    change(&mut meta);
    let signed = postcard::to_stdvec(&(&meta.title, &meta.policy))?;
    let claim = [b"conclave/1 meta".as_slice(), keys.meeting.as_bytes(), &signed].concat();
    meta.signature = SigningKey::from_bytes(created.host.expose()).sign(&claim).to_bytes();
    asked.sealed_meta = [&[code], keys.seal(&keys.meta, code, &meta.encode())?.as_slice()].concat();
    post(server, created.path, &asked)?;
    Ok(link)
}

/// As [`make`], with whatever `change` does to the request; it is given the link too.
pub(crate) fn make_with(
    server: &str,
    title: &str,
    passphrase: Option<&str>,
    change: impl FnOnce(&mut CreateMeeting, &str) -> anyhow::Result<()>,
) -> anyhow::Result<String> {
    let (meeting, seed) = (NewMeeting { title, ..NewMeeting::default() }, Secret::new(random()?));
    let created = match passphrase {
        Some(passphrase) => {
            let creation = CreationWithPassphrase::new(meeting, passphrase, &seed)?;
            let asked = ureq::post(format!("{server}{}", creation.path)).header("Content-Type", "application/json");
            let answer = asked.send(&creation.body[..])?.body_mut().read_to_vec()?;
            creation.finish(&answer)?
        }
        None => conclave_session::create(meeting, &seed)?,
    };
    let link = created.link.url(server);
    let mut asked: CreateMeeting = serde_json::from_slice(&created.body)?;
    change(&mut asked, &link)?;
    post(server, created.path, &asked)?;
    Ok(link)
}

fn post(server: &str, path: &str, asked: &CreateMeeting) -> anyhow::Result<()> {
    let body = serde_json::to_vec(asked)?;
    let answer = ureq::post(format!("{server}{path}")).header("Content-Type", "application/json").send(&body[..])?;
    ensure!(answer.status() == 201, "{}", answer.status());
    Ok(())
}

/// Waits until the server no longer knows the meeting of `link`.
pub fn until_expired(server: &str, link: &str) -> anyhow::Result<()> {
    let meeting = conclave_session::MeetingLink::parse(link).context("a link of ours")?.meeting();
    let body = serde_json::to_vec(&LookupMeeting { meeting })?;
    let until = Instant::now() + PATIENCE;
    loop {
        let looked_up = ureq::post(format!("{server}/api/meetings/lookup")).header("Content-Type", "application/json").send(&body[..]);
        match looked_up {
            Err(ureq::Error::StatusCode(404)) => return Ok(()),
            Err(error) => return Err(error.into()),
            Ok(_) => ensure!(Instant::now() < until, "the meeting does not expire"),
        }
        // Look-ups are limited: a second apart they are not.
        std::thread::sleep(Duration::from_secs(1));
    }
}
