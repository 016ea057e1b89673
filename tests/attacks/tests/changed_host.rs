//! A host's changed client signs a title that draws over others, or a policy of a later version: docs/security/changed_host.md.

use conclave_base::{Machine as _, Polled, Redacted, Secret};
use conclave_kit::{Member, Server, make_as_host, now};
use conclave_protocol::payload::Meta;
use conclave_session::snapshot::Snapshot;
use conclave_session::{Config, Input, Output, Session};

/// What a client shows before it goes in.
fn look_up(server: &Server, link: &str) -> anyhow::Result<Snapshot> {
    let mut session = Session::new(Config::new(Redacted::new(link.to_owned()), Secret::new([1; 32])), now());
    loop {
        match session.poll() {
            Polled::Output(Output::Http { path, body }) => {
                let request = ureq::post(format!("{}{path}", server.url)).header("Content-Type", "application/json");
                let mut answer = request.send(&body[..])?;
                let input = Input::HttpDone { status: answer.status().as_u16(), body: answer.body_mut().read_to_vec()? };
                let _ = session.handle(input, now());
            }
            Polled::Output(_) => {}
            Polled::Idle(_) => return Ok(session.snapshot().clone()),
        }
    }
}

#[test]
fn a_title_is_one_line_and_draws_over_nothing() -> anyhow::Result<()> {
    let server = Server::start()?;
    let raw = format!("Pay\u{202e}roll\n\n\u{200b}meeting\u{7}{}", "x".repeat(1000));
    let link = make_as_host(&server.url, |meta| meta.title = Redacted::new(raw))?;
    let shown = look_up(&server, &link)?.title;
    assert!(shown.starts_with("Payroll meeting xxx"), "{shown:?}");
    assert_eq!(shown.chars().count(), 120);
    Ok(())
}

#[test]
fn a_policy_that_this_version_does_not_keep_is_not_entered_and_a_lobby_is_kept() -> anyhow::Result<()> {
    let server = Server::start()?;
    let later: [fn(&mut Meta); 2] = [|meta| meta.policy.version += 1, |meta| meta.policy.suite = 2];
    for change in later {
        let link = make_as_host(&server.url, change)?;
        let mut bob = Member::join(&link, "Bob", &["--no-video", "--no-audio"])?;
        bob.wait("stays outside, and says why", |event| (event["phase"]["reason"] == "version").then_some(()))?;
    }
    let link = make_as_host(&server.url, |meta| meta.policy.lobby = true)?;
    let mut bob = Member::join(&link, "Bob", &["--no-video", "--no-audio"])?;
    bob.wait("waits for a host", |event| (event["phase"]["kind"] == "atTheDoor").then_some(()))?;
    let link = make_as_host(&server.url, |_| {})?;
    let mut bob = Member::join(&link, "Bob", &["--no-video", "--no-audio"])?;
    bob.wait("is inside", |event| (event["phase"]["kind"] == "inside").then_some(()))
}
