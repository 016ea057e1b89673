//! Commits that a member or a newcomer with changed code can make, and may not: docs/security/against_the_rules.md.

use std::path::Path;

use anyhow::Context as _;
use conclave_base::{MemberId, Secret};
use conclave_kit::{Client, ObservedClient, Outsider, Server, create};
use conclave_mls::{Group, Outgoing, hostile};
use conclave_protocol::payload::GroupPolicy;

/// Something that the rules forbid, and which rule its victims name.
type Forbidden = (&'static str, fn(&mut Group, &MemberId) -> Outgoing, &'static str);

const BY_A_GUEST: [Forbidden; 3] = [
    ("removes the host", hostile::remove, "removeNotAllowed"),
    ("takes Alice's name", |group, _| hostile::rename(group, "Alice"), "leafMalformed"),
    ("opens the door", |group, _| change(group, |policy| policy.access.order += 1), "policyNotAllowed"),
];

/// A changed policy, in a commit of a client that asks no rule.
fn change(group: &mut Group, what: impl FnOnce(&mut GroupPolicy)) -> Outgoing {
    let mut policy = hostile::policy(group);
    what(&mut policy);
    hostile::change_policy(group, &policy)
}

fn commits_are_refused(
    members: &mut [&mut ObservedClient],
    mallory: &mut Outsider,
    victim: &MemberId,
    forbidden: &[Forbidden],
) -> anyhow::Result<()> {
    for (what, make, rule) in forbidden {
        mallory.append_as_member(|group| Ok(make(group, victim)))?;
        for member in members.iter_mut() {
            member.until(&format!("is told that somebody {what}"), |seen| {
                seen.notices.iter().any(|n| n["kind"] == "commitRefused" && n["rule"] == *rule).then_some(())
            })?;
            member.observed.notices.clear();
        }
    }
    Ok(())
}

#[test]
fn nobody_removes_renames_or_rules_who_may_not_and_newcomers_see_it_as_all_others() -> anyhow::Result<()> {
    let server = Server::start()?;
    let key = server.data.path().join("host.key");
    let link = create(&server.url, Some(&key))?;
    let mut alice = ObservedClient::join(&link, "Alice", &["--host-key-file", &key.to_string_lossy(), "--no-video", "--no-audio"])?;
    let alices: MemberId = alice.until_sees("Alice")?.parse()?;
    let mut mallory = Outsider::connect(&server.url, &link, "Mallory", true)?;
    mallory.become_member()?;
    // Whoever has just come has heard of nobody yet.
    let mut nadia = ObservedClient::watch(Client::Native, &link, "Nadia", "")?;
    nadia.until_sees("Mallory")?;
    commits_are_refused(&mut [&mut nadia, &mut alice], &mut mallory, &alices, &BY_A_GUEST)?;

    // The meeting is what it was.
    alice.say("still here")?;
    nadia.until_reads("still here")?;
    for member in [&nadia, &alice] {
        let names: Vec<_> = member.observed.members.keys().map(String::as_str).collect();
        assert_eq!(names, ["Alice", "Mallory", "Nadia"]);
        assert_eq!(member.observed.identity("Alice"), alices.to_text());
    }
    Ok(())
}

#[test]
fn a_host_changes_nothing_that_it_signed_once_and_for_all() -> anyhow::Result<()> {
    let server = Server::start()?;
    let key = server.data.path().join("host.key");
    let link = create(&server.url, Some(&key))?;
    let mut alice = ObservedClient::watch(Client::Native, &link, "Alice", "")?;
    let mut bob = ObservedClient::watch(Client::Native, &link, "Bob", "")?;
    let alices: MemberId = bob.until_sees("Alice")?.parse()?;
    let seed = host_seed(&key)?;
    let mut host = Outsider::connect_as(&server.url, &link, "Host", |setup| setup.host = Some(seed))?;
    host.become_member()?;
    bob.until_sees("Host")?;
    let louder: Forbidden =
        ("lets everybody hear who speaks", |group, _| change(group, |policy| policy.policy.hides_speech = false), "policyNotAllowed");
    commits_are_refused(&mut [&mut alice, &mut bob], &mut host, &alices, &[louder])?;
    alice.say("still here")?;
    bob.until_reads("still here")
}

/// As `conclave-client create` writes it.
fn host_seed(path: &Path) -> anyhow::Result<Secret<32>> {
    let text = std::fs::read_to_string(path)?;
    let digits = text.trim().as_bytes().chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two)?, 16).context("hexadecimal"));
    let bytes: Vec<_> = digits.collect::<anyhow::Result<_>>()?;
    Ok(Secret::new(bytes.try_into().ok().context("32 bytes")?))
}
