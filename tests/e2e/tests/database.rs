//! A server whose meetings are in PostgreSQL, which dies and comes back: a meeting that goes on notices nothing.

use anyhow::ensure;
use conclave_engines::Postgres;
use conclave_kit::{Member, Server, create};

fn until_read(member: &mut Member, text: &str) -> anyhow::Result<()> {
    member.wait(text, |event| (event["event"] == "chat" && event["line"]["text"] == text).then_some(()))
}

#[test]
fn a_meeting_goes_on_while_its_database_is_gone() -> anyhow::Result<()> {
    let mut postgres = Postgres::start()?;
    let mut server = Server::start_with([("CONCLAVE_DATABASE", postgres.url())])?;
    let link = create(&server.url, None)?;
    let mut ada = Member::join(&link, "Ada", &["--no-audio", "--no-video"])?;
    ada.until_inside(1)?;

    postgres.crash()?;
    let mut bela = Member::join(&link, "Bela", &["--no-audio", "--no-video"])?;
    bela.until_inside(2)?;
    ada.until_inside(2)?;
    bela.say("is anybody here?")?;
    until_read(&mut ada, "is anybody here?")?;
    let refused = create(&server.url, None).err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(refused.contains("try again"), "no meeting is made meanwhile, and it is said what to do: {refused:?}");

    postgres.start_again()?;
    let other = create(&server.url, None)?;
    bela.leave()?;
    ada.leave()?;
    server.crash()?;
    server.start_again()?;
    let mut cleo = Member::join(&other, "Cleo", &["--no-audio", "--no-video"])?;
    cleo.until_inside(1)?;
    cleo.leave()?;
    let log = server.end()?;
    ensure!(!log.contains(postgres.password()), "the password is in the log");
    Ok(())
}
