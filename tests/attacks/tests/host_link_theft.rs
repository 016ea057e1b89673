//! Somebody is after the host key while it goes to another device: docs/security/host_link_theft.md.

use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_base::Secret;
use conclave_kit::{LinkKeys, Member, Server, create, now, program};
use conclave_protocol::http::{AskHostKeys, HostKeyTaken, OfferHostKey, TakeHostKey};
use conclave_protocol::{host, paths};
use conclave_session::MeetingLink;
use conclave_session::host_link::{self, HostLinkError, HostLinkKey, HostLinkState};
use ed25519_dalek::{Signer as _, SigningKey};
use serde::Serialize;

/// In the AAD of a host key that waits.
const SEALED_AS: u8 = 0x90;

/// A meeting, and its host.
struct Meeting {
    server: Server,
    url: String,
    link: MeetingLink,
    host: Secret<32>,
}

impl Meeting {
    fn new() -> anyhow::Result<Self> {
        let server = Server::start()?;
        let url = create(&server.url, Some(&server.data.path().join("host.key")))?;
        let text = std::fs::read_to_string(server.data.path().join("host.key"))?;
        let mut seed = [0; 32];
        for (byte, digits) in seed.iter_mut().zip(text.trim().as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits)?, 16)?;
        }
        Ok(Self { server, link: MeetingLink::parse(&url)?, url, host: Secret::new(seed) })
    }

    /// The host makes a host link; gives what passed, too.
    fn offer(&self, seed: u8) -> anyhow::Result<(HostLinkKey, OfferHostKey)> {
        let (key, request) = host_link::offer(&self.link, &self.host, &Secret::new([seed; 32]), now()).context("its host's")?;
        ensure!(self.post(request.path, &request.body)?.0 == 204, "not taken");
        Ok((key, serde_json::from_slice(&request.body)?))
    }

    fn take(&self, key: &HostLinkKey) -> anyhow::Result<Result<Secret<32>, HostLinkError>> {
        let request = key.take(&self.link);
        let (status, body) = self.post(request.path, &request.body)?;
        Ok(key.on_answer(&self.link, status, &body))
    }

    /// What the host is told of this link.
    fn told(&self, key: &HostLinkKey, take_back: bool) -> anyhow::Result<(HostLinkState, u32)> {
        let request = host_link::ask(&self.link, &self.host, take_back);
        let (status, body) = self.post(request.path, &request.body)?;
        let made = host_link::made(status, &body).context("an answer")?;
        let one = made.iter().find(|one| one.id == key.id(&self.link)).context("the server does not know it")?;
        Ok((one.state, one.tried))
    }

    /// What the client says that people run, when it does not get in.
    fn joins_and_fails(&self, key: &HostLinkKey) -> anyhow::Result<String> {
        let out = Command::new(program("conclave-client"))
            .args(["join", &key.url(&self.link, &self.server.url), "--no-video", "--no-audio"])
            .stdin(Stdio::null())
            .output()?;
        ensure!(!out.status.success(), "it got in");
        Ok(String::from_utf8(out.stderr)?)
    }

    fn send(&self, path: &str, message: &impl Serialize) -> anyhow::Result<u16> {
        Ok(self.post(path, &serde_json::to_vec(message)?)?.0)
    }

    fn post(&self, path: &str, body: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent.post(format!("{}{path}", self.server.url)).header("Content-Type", "application/json").send(body)?;
        Ok((answer.status().as_u16(), answer.body_mut().read_to_vec()?))
    }
}

#[test]
fn neither_a_guest_nor_the_server_nor_both_open_what_waits() -> anyhow::Result<()> {
    let meeting = Meeting::new()?;
    let (key, sent) = meeting.offer(1)?;
    ensure!(!sent.sealed.windows(8).any(|eight| eight == &meeting.host.expose()[..8]), "the key passed in the clear");
    // All keys that a guest has, and what she makes of the link and of all that the server was told.
    let keys = LinkKeys::of(&meeting.url)?;
    let mut known = vec![keys.admission, keys.psk, keys.envelope, keys.meta, sent.host_key];
    for second in [[].as_slice(), &[0; 16], &sent.offer, sent.meeting.as_bytes(), &keys.secret] {
        known.push(keys.host_link_key(second)?);
    }
    for key in known {
        for code in 0..=u8::MAX {
            ensure!(keys.open(&key, code, &sent.sealed).is_err(), "a key of a guest or of the server opens it");
        }
    }
    // With the second half it does: nothing but that is missing.
    let second = key.fragment(&meeting.link).split_once('.').map(|(_, second)| URL_SAFE_NO_PAD.decode(second)).context("a dot")??;
    ensure!(keys.open(&keys.host_link_key(&second)?, SEALED_AS, &sent.sealed)? == meeting.host.expose(), "not as docs/protocol.md says");
    // With another second half nothing comes, and nothing is used up.
    let (other, _) = host_link::offer(&meeting.link, &meeting.host, &Secret::new([2; 32]), now()).context("its host's")?;
    ensure!(meeting.take(&other)? == Err(HostLinkError::Gone), "another host link finds it");
    ensure!(meeting.told(&key, false)? == (HostLinkState::Waiting, 0), "it is used up");
    Ok(())
}

#[test]
fn a_host_link_that_was_used_or_taken_back_makes_nobody_host_and_who_tries_it_is_told_of() -> anyhow::Result<()> {
    let meeting = Meeting::new()?;
    let (used, _) = meeting.offer(1)?;
    ensure!(meeting.take(&used)? == Ok(meeting.host.clone()), "the rightful device takes it");
    ensure!(meeting.take(&used)? == Err(HostLinkError::Used), "it is taken twice");
    ensure!(meeting.joins_and_fails(&used)?.contains("was used before"), "the second is not told that somebody was there before");
    let told = meeting.told(&used, false)?;
    ensure!(matches!(told, (HostLinkState::Used { .. }, 2)), "the host is told {told:?}");

    let (withdrawn, recorded) = meeting.offer(3)?;
    ensure!(meeting.told(&withdrawn, true)? == (HostLinkState::TakenBack, 0), "not taken back");
    ensure!(meeting.joins_and_fails(&withdrawn)?.contains("was taken back"), "the client does not say why");
    // Whoever recorded the host's request puts it there once more.
    meeting.send(paths::HOST_KEY, &recorded)?;
    ensure!(meeting.take(&withdrawn)? == Err(HostLinkError::Gone), "a recorded offer counts again");
    ensure!(meeting.told(&withdrawn, false)? == (HostLinkState::TakenBack, 2), "the host is not told who tries");
    Ok(())
}

#[test]
fn nobody_but_the_host_leaves_a_key_or_takes_one_back_or_is_told() -> anyhow::Result<()> {
    let meeting = Meeting::new()?;
    let (key, sent) = meeting.offer(1)?;
    let mallory = SigningKey::from_bytes(&[9; 32]);
    let signed = |claim: &[u8]| mallory.sign(claim).to_bytes();
    // By her own key, and as if by the host's.
    for host_key in [mallory.verifying_key().to_bytes(), sent.host_key] {
        for withdraw in [true, false] {
            let signature = signed(&host::ask_claim(&sent.meeting, withdraw));
            let ask = AskHostKeys { meeting: sent.meeting, host_key, withdraw, signature };
            ensure!(meeting.send(paths::HOST_KEY_OFFERS, &ask)? == 403, "a guest is told, or takes it back");
        }
        let claim = host::offer_claim(&sent.meeting, &[5; 16], &[6; 60], sent.expires_at);
        let offer = OfferHostKey { host_key, offer: [5; 16], sealed: vec![6; 60], signature: signed(&claim), ..sent.clone() };
        ensure!(meeting.send(paths::HOST_KEY, &offer)? == 403, "a guest leaves one");
    }
    // What the host signed to be told, turned into a word to take back.
    let mut recorded: AskHostKeys = serde_json::from_slice(&host_link::ask(&meeting.link, &meeting.host, false).body)?;
    recorded.withdraw = true;
    ensure!(meeting.send(paths::HOST_KEY_OFFERS, &recorded)? == 403, "a question is taken for an order");
    let guests = TakeHostKey { meeting: sent.meeting, offer: [5; 16] };
    ensure!(meeting.send(paths::HOST_KEY_TAKE, &guests)? == 404, "a guest's is there");
    // A server that gives something else in its place is found out.
    let lie = serde_json::to_vec(&HostKeyTaken { sealed: vec![6; 60] })?;
    ensure!(key.on_answer(&meeting.link, 200, &lie) == Err(HostLinkError::Wrong), "rubbish is taken for a key");
    ensure!(meeting.take(&key)? == Ok(meeting.host.clone()), "the host's is still there");
    Ok(())
}

#[test]
fn who_took_it_in_time_is_told_of_inside_whatever_the_server_says() -> anyhow::Result<()> {
    let meeting = Meeting::new()?;
    let (stolen, _) = meeting.offer(1)?;
    let file = meeting.server.data.path().join("host.key");
    let file = file.to_str().context("a path of letters")?;
    let quiet = ["--no-video", "--no-audio"];
    let mut host = Member::join(&meeting.url, "Alice", &[&["--host-key-file", file], quiet.as_slice()].concat())?;
    host.wait("is inside", |event| (event["event"] == "phase" && event["phase"]["kind"] == "inside").then_some(()))?;
    let mut guest = Member::join(&meeting.url, "Bob", &quiet)?;
    let no_host =
        |event: &serde_json::Value| event["members"].as_array()?.iter().find(|one| one["me"] == true && one["host"] == false).map(|_| ());
    guest.wait("is no host", no_host)?;
    let mut thief = Member::join(&stolen.url(&meeting.link, &meeting.server.url), "Mallory", &quiet)?;
    thief.wait("is host", |event| (event["event"] == "door" && event["host"] == true).then_some(()))?;
    let who = host.wait("is told", |event| {
        let what = &event["what"];
        (event["event"] == "notice" && what["kind"] == "hostElsewhere").then(|| what["name"].clone())
    })?;
    ensure!(who == "Mallory", "{who} is told of");
    Ok(())
}
