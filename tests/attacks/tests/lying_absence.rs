//! The server says that somebody is gone who is there, or lets its clock jump: docs/security/lying_absence.md.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use conclave_base::MemberId;
use conclave_kit::{Client, HostileDelivery, Lie, ObservedClient, Server, create};

/// Who is still there is called gone again.
const AGAIN: Duration = Duration::from_millis(200);

/// Alice, Bob and Carol, to all of whom the operator can lie.
fn open() -> anyhow::Result<(Server, HostileDelivery, [ObservedClient; 3])> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let operator = HostileDelivery::start(&server, &link)?;
    let link = operator.link(&link)?;
    let join = |name| ObservedClient::watch(Client::Native, &link, name, "");
    let mut all = [join("Alice")?, join("Bob")?, join("Carol")?];
    for member in &mut all {
        member.until("sees all", |seen| (seen.members.len() == 3).then_some(()))?;
    }
    Ok((server, operator, all))
}

#[test]
fn who_is_called_gone_loses_no_more_than_the_connection() -> anyhow::Result<()> {
    let (_server, operator, [mut alice, mut bob, mut carol]) = open()?;
    let bobs = alice.until_sees("Bob")?;
    // A word of his may come in between: then he is there, and has to be called gone again.
    let bob_id = bobs.parse::<MemberId>()?;
    thread::scope(|scope| {
        let (is_out, waits) = channel::<()>();
        let operator = &operator;
        scope.spawn(move || {
            while waits.recv_timeout(AGAIN) == Err(RecvTimeoutError::Timeout) {
                operator.call_gone(&bob_id);
            }
        });
        let seen = alice.until("has Bob out", |seen| (!seen.members.contains_key("Bob")).then_some(()));
        drop(is_out);
        seen
    })?;
    // He comes back by himself, as the same person.
    for member in [&mut alice, &mut carol] {
        assert_eq!(member.until_sees("Bob")?, bobs);
    }
    let is_back =
        |phases: &[String]| phases.iter().any(|phase| phase == "reconnecting") && phases.last().is_some_and(|phase| phase == "inside");
    bob.until("is inside again", |seen| is_back(&seen.phases).then_some(()))?;
    bob.say("here I am")?;
    for member in [&mut alice, &mut carol, &mut bob] {
        member.until_reads("here I am")?;
        member.until_state("secure")?;
        assert!(member.observed.notices.iter().all(|n| n["kind"] == "joined"), "{:?}", member.observed.notices);
    }
    Ok(())
}

#[test]
fn a_jump_of_the_clock_makes_nobody_absent() -> anyhow::Result<()> {
    let (_server, operator, mut all) = open()?;
    // From one entry to the next hours pass; then it stands still.
    operator.lie(Lie::Clock(1_000_000));
    all[0].say("before")?;
    operator.until_lied()?;
    operator.lie(Lie::Nothing);
    for (n, line) in ["one", "two", "three"].iter().enumerate() {
        all[n].say(line)?;
        for member in &mut all {
            member.until_reads(line)?;
        }
    }
    for member in &all {
        assert_eq!(member.observed.members.len(), 3);
        assert!(!member.observed.phases.contains(&"reconnecting".to_owned()), "somebody was thrown out");
    }
    Ok(())
}
