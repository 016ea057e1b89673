//! The server keeps two halves of a meeting from each other, in every way: docs/security/clean_partition.md.

use conclave_kit::{Client, HostileDelivery, Lie, ObservedClient, Server, create};

#[test]
fn whoever_is_on_the_other_side_is_lost_and_has_not_left() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let operator = HostileDelivery::start(&server, &link)?;
    let apart = operator.link(&link)?;
    let join = |link: &str, name| ObservedClient::watch(Client::Native, link, name, "");
    let mut all = [join(&link, "Alice")?, join(&link, "Bob")?, join(&apart, "Carol")?, join(&apart, "Dave")?];
    for member in &mut all {
        member.until("sees all", |seen| (seen.members.len() == 4).then_some(()))?;
    }
    operator.lie(Lie::Fork);
    for (member, others) in all.iter_mut().zip([["Carol", "Dave"], ["Carol", "Dave"], ["Alice", "Bob"], ["Alice", "Bob"]]) {
        member.until("calls the others lost", |seen| {
            let mut lost: Vec<_> = seen.lost.iter().map(String::as_str).collect();
            lost.sort_unstable();
            (lost == others && seen.members.len() == 2).then_some(())
        })?;
        member.until_state("parted")?;
        // What was on its way when the operator began was taken, and not passed on: that is true.
        let said = |n: &serde_json::Value| n["kind"] == "joined" || n["kind"] == "undelivered";
        assert!(member.observed.notices.iter().all(said), "{:?}", member.observed.notices);
    }
    Ok(())
}

#[test]
fn it_is_not_called_whole_in_a_browser() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let operator = HostileDelivery::start(&server, &link)?;
    let join = |client, link: &str, name| ObservedClient::watch(client, link, name, "clean_partition");
    let _others = [join(Client::Native, &link, "Alice")?, join(Client::Native, &link, "Bob")?];
    let mut carol = join(Client::Browser, &operator.link(&link)?, "Carol")?;
    carol.until("sees all", |seen| (seen.members.len() == 3).then_some(()))?;
    carol.until_state("secure")?;
    operator.lie(Lie::Fork);
    carol.until_state("parted")
}
