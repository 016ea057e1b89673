//! Two members meet, talk and send a picture; then everything that the server holds is searched for what they said and who they are.

use anyhow::ensure;
use canary::{contains, in_files, in_memory};
use harness::{Member, Server, create};

/// Unlikely enough to occur by chance nowhere.
const NAME: &str = "Quetzalcoatlus Vexillifer";
const CHAT: &str = "zymurgy-kakapo-0xC0FFEE-whispered";

#[test]
fn names_and_chat_leave_nothing_readable_on_the_server() -> anyhow::Result<()> {
    let mut server = Server::start()?;
    let link = create(&server.url, None)?;
    let secret = link.split('#').nth(1).unwrap_or_default().to_owned();
    let mut one = Member::join(&link, NAME, &[])?;
    let mut two = Member::join(&link, "Plain", &[])?;
    two.wait("sees the picture", |e| {
        (e["event"] == "media" && e["name"] == NAME && e["source"] == "camera" && e["decoded"].as_u64() > Some(0)).then_some(())
    })?;
    one.say(CHAT)?;
    two.wait("reads the chat", |e| (e["event"] == "chat" && e["line"]["text"] == CHAT).then_some(()))?;

    let secrets = [NAME, CHAT, secret.as_str()].map(|s| s.as_bytes().to_vec());
    let memory = in_memory(server.pid(), &secrets)?;
    ensure!(memory.is_empty(), "found in the server's memory: {memory:?} of name, chat, link secret");
    let files = in_files(server.data.path(), &secrets)?;
    ensure!(files.is_empty(), "found in the data folder: {files:?} of name, chat, link secret");
    let printed = server.output.all().join("\n");
    ensure!(!secrets.iter().any(|s| contains(printed.as_bytes(), s)), "found in what the server printed");
    Ok(())
}

/// The same search finds what the server does hold, and what a client holds: it can find.
#[test]
fn the_search_finds_what_is_there() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut member = Member::join(&link, NAME, &[])?;
    member.wait("is inside", |e| (e["event"] == "phase" && e["phase"]["kind"] == "inside").then_some(()))?;
    ensure!(
        in_memory(server.pid(), &[Server::SECRET.as_bytes().to_vec()])? == [0],
        "the server's own API secret was not found in its memory"
    );
    ensure!(in_memory(member.pid(), &[NAME.as_bytes().to_vec()])? == [0], "the member's name was not found in the member's memory");
    ensure!(in_files(server.data.path(), &[b"CREATE TABLE meeting".to_vec()])?.contains(&0), "the schema was not found in the data folder");
    Ok(())
}
