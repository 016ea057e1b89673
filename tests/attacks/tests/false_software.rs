//! A member says that it runs what draws over the others' screens, and another thing later: docs/security/false_software.md.

use conclave_base::Redacted;
use conclave_kit::{Member, Outsider, Server, create};
use conclave_mls::hostile;
use conclave_protocol::payload::{Program, Software};
use serde_json::Value;

fn page(site: &str, build: u8) -> Software {
    Software { program: Program::Page { site: Redacted::new(site.to_owned()) }, version: [0, 1, 0], build: Some([build; 32]) }
}

/// What Alice is shown that the member of this name runs, once she is.
fn shown(alice: &mut Member, name: &str) -> anyhow::Result<Value> {
    alice.wait(&format!("{name} is shown"), |event| {
        let found = event["members"].as_array()?.iter().find(|member| member["name"] == name)?;
        Some(found["software"].clone())
    })
}

#[test]
fn what_a_member_says_that_it_runs_draws_over_nothing_and_stays() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut alice = Member::join(&link, "Alice", &["--no-video", "--no-audio"])?;
    let own = shown(&mut alice, "Alice")?;
    assert!(own["program"]["kind"] == "native" && own["build"].as_str().is_some_and(|build| build.len() == 64), "{own}");

    let hostile_sites = ["meet.example\u{202E}gro.liated", "the released page", "\u{1b}[2J\u{1b}[H", "b\u{430}nk.example"];
    for (n, site) in hostile_sites.iter().enumerate() {
        let name = format!("Mallory {n}");
        let mut mallory = Outsider::connect(&server.url, &link, &name, true)?;
        mallory.append(|joiner| Ok(hostile::join_saying(joiner, page(site, 1))))?;
        let software = shown(&mut alice, &name)?;
        assert_eq!(software["program"], serde_json::json!({ "kind": "page", "site": "" }), "{site:?}");
        mallory.stay();
    }

    // More than a leaf may hold is no leaf.
    let mut long = Outsider::connect(&server.url, &link, "Mallory at length", true)?;
    long.append(|joiner| Ok(hostile::join_saying(joiner, page(&"a".repeat(30_000), 1))))?;
    let refused = |event: &Value| (event["what"]["kind"] == "commitRefused").then_some(());
    alice.wait("a leaf that is too long is refused", refused)?;

    // Once a member is inside, its word stays: what it said while it was looked at holds.
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut alice = Member::join(&link, "Alice", &["--no-video", "--no-audio"])?;
    alice.until_inside(1)?;
    let mut inside = Outsider::connect_as(&server.url, &link, "Mallory", |config| config.software = Some(page("meet.example", 1)))?;
    inside.become_member()?;
    let before = shown(&mut alice, "Mallory")?;
    assert_eq!(before["program"]["site"], "meet.example");
    inside.append_as_member(|group| Ok(hostile::say(group, "Mallory", page("meet.example", 2))))?;
    alice.wait("another word is refused", refused)?;
    Ok(())
}
