//! A client goes on when the time of the session is over, and more people come than may: docs/security/after_the_end.md.

use std::thread;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use conclave_kit::{Challenged, Ghost, Member, PATIENCE, Plan, Server, Site, Vandal, create};
use conclave_protocol::ws::{Class, CloseReason, ServerMessage};
use ed25519_dalek::SigningKey;

/// Of a session: long enough for all to come in.
const SHORT: &str = r#"{"minutes": 0.4}"#;

#[test]
fn who_ignores_the_end_appends_nothing_and_gets_no_media() -> anyhow::Result<()> {
    let plan = Plan::of(SHORT)?;
    goes_on_after_the_end(&[&Server::start_with(plan.variables())?])
}

#[test]
fn who_ignores_the_end_appends_nothing_at_any_node() -> anyhow::Result<()> {
    let plan = Plan::of(SHORT)?;
    let site = Site::start_with(2, Some(&plan))?;
    goes_on_after_the_end(&[&site.nodes[0], &site.nodes[1]])
}

/// The members are at the first of these nodes, and Mallory at the last.
fn goes_on_after_the_end(nodes: &[&Server]) -> anyhow::Result<()> {
    let (first, last) = (nodes.first().context("one")?, nodes.last().context("one")?);
    let link = create(&first.url, None)?;
    let mut ada = Member::join_silently(&link, "Ada")?;
    ada.until_inside(1)?;
    let mut mallory = Vandal::connect(last.port, &link)?;
    let (token, identity) = (mallory.token.clone(), mallory.identity.clone());
    let connected = Ghost::connect_with(&last.url, token.clone(), &identity)?;
    ensure!(mallory.append(Class::Message, b"while there is time")?, "before the end it may");

    let stays = thread::spawn(move || {
        let reason = mallory.until_put_out();
        (mallory, reason)
    });
    ada.wait("the end is told", |event| (event["what"]["kind"] == "ends").then_some(()))?;
    ada.wait("it is over", |event| (event["phase"]["reason"] == "timeOver").then_some(()))?;
    let (mut mallory, reason) = stays.join().ok().context("no panic")?;
    ensure!(reason? == CloseReason::Expired);
    ensure!(mallory.append(Class::Message, b"after the end").is_err(), "it is taken after the end");
    let told = connected.until("something that it never reports").expect_err("it reports nothing of the kind").to_string();
    ensure!(told.contains("sent away"), "it is still there: {told}");
    for node in nodes {
        let error = Ghost::connect_with(&node.url, token.clone(), &identity).err().context("the token still counts")?.to_string();
        ensure!(error.contains("sent away") || error.contains("403 Forbidden"), "{error}");
    }

    // The link is good for another session, in which nothing is left of this one.
    let mut bela = Member::join_silently(&Site::at(&last.url, &link), "Bela")?;
    bela.until_inside(1)?;
    ensure!(bela.lines().is_empty(), "something was left");
    bela.leave()
}

#[test]
fn more_people_than_the_plan_has_are_never_inside_at_two_nodes_together() -> anyhow::Result<()> {
    let plan = Plan::of(r#"{"people": 3}"#)?;
    let site = Site::start_with(2, Some(&plan))?;
    let link = create(&site.nodes[0].url, None)?;
    let nodes = [site.nodes[0].url.as_str(), site.nodes[1].url.as_str()];
    let come = &|n: u8| -> anyhow::Result<Option<Challenged>> {
        let leaf = SigningKey::from_bytes(&[n + 1; 32]);
        let mut connection = Challenged::at(nodes[usize::from(n) % 2], &link, &leaf)?;
        let answer = connection.answer().clone();
        let told = connection.send(&answer)?;
        let is_in = matches!(told, ServerMessage::Admitted { .. });
        ensure!(is_in || told == ServerMessage::Closing { reason: CloseReason::Full }, "{told:?}");
        Ok(is_in.then_some(connection))
    };
    // All at once, and again and again while they stay.
    let inside = thread::scope(|scope| {
        let all: Vec<_> = (0..12).map(|n| scope.spawn(move || come(n))).collect();
        all.into_iter().map(|one| one.join().expect("no panic")).collect::<anyhow::Result<Vec<_>>>()
    })?;
    let inside: Vec<Challenged> = inside.into_iter().flatten().collect();
    ensure!(inside.len() == 3, "{} are inside", inside.len());
    for n in 20..30 {
        ensure!(come(n)?.is_none(), "one more came in");
    }
    drop(inside);
    let until = Instant::now() + PATIENCE;
    while come(40)?.is_none() {
        ensure!(Instant::now() < until, "there is room again, and nobody comes in");
    }
    Ok(())
}
