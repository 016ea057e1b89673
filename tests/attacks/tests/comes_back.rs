//! Somebody who was removed tries everything to come back: docs/security/comes_back.md.

use anyhow::ensure;
use conclave_base::Secret;
use conclave_kit::{Client, ObservedClient, Outsider, Server, create};
use conclave_mls::{ExternalJoin, GroupConfig, Outgoing, hostile};

/// Joins by force, with the right link and PSK, whatever the policy says.
const BY_FORCE: usize = 94;
/// Joins by the client that people run, under a new name and a new key.
const BY_ASKING: usize = 4;
/// Joins by a session that the server lets her found.
const BY_A_NEW_SESSION: usize = 2;

/// A name, and what she changes of what she brings.
type Guise<'a> = (&'a str, &'a dyn Fn(&mut GroupConfig));

/// The members' clients, and what they must never have shown.
struct Inside {
    alice: ObservedClient,
    bob: ObservedClient,
}

impl Inside {
    fn is_as_it_was(&mut self, line: &str) -> anyhow::Result<()> {
        self.alice.say(line)?;
        self.bob.until_reads(line)?;
        let shown = &self.bob.observed;
        ensure!(shown.members.keys().eq(["Alice", "Bob"]), "{:?}", shown.members);
        // A host goes into a session that somebody else founded, and puts out whom nobody let in.
        ensure!(shown.ever.iter().all(|name| !name.starts_with("Intruder")), "{:?}", shown.ever);
        Ok(())
    }
}

#[test]
fn who_was_removed_does_not_come_back() -> anyhow::Result<()> {
    let mut server = Server::start()?;
    let key = server.data.path().join("host.key");
    let link = create(&server.url, Some(&key))?;
    let alice = ObservedClient::join(&link, "Alice", &["--host-key-file", &key.to_string_lossy(), "--no-video", "--no-audio"])?;
    let bob = ObservedClient::watch(Client::Native, &link, "Bob", "")?;
    let mut inside = Inside { alice, bob };
    let leaf = Secret::new([7; 32]);
    let mut mallory = Outsider::connect_as(&server.url, &link, "Mallory", |setup| setup.signer = leaf.clone())?;
    mallory.become_member()?;
    inside.bob.until_sees("Mallory")?;
    inside.alice.until_sees("Mallory")?;
    inside.alice.say("/remove Mallory")?;
    for member in [&mut inside.alice, &mut inside.bob] {
        member.until("Mallory is gone", |seen| (!seen.members.contains_key("Mallory")).then_some(()))?;
    }

    // By force: with the key that she had, with new ones, as somebody who is inside, and with the proof of a host key of her own.
    let own_host = Secret::new([8; 32]);
    let guises: [Guise<'_>; 4] = [
        ("Intruder", &|setup| setup.signer = leaf.clone()),
        ("Intruder two", &|_| {}),
        ("Intruder, host", &|setup| setup.host = Some(own_host.clone())),
        ("Intruder\u{202e}boB", &|_| {}),
    ];
    let mut intruders = Vec::new();
    for (name, guise) in guises {
        intruders.push(Outsider::connect_as(&server.url, &link, name, guise)?);
    }
    // What she saw before others went on: she joins at a state that is over, too.
    let stale = hostile::join_unasked(intruders[1].joiner()?);
    for attempt in 0..BY_FORCE {
        let intruder = &mut intruders[attempt % 4];
        let force: &dyn Fn(&ExternalJoin) -> Outgoing = &hostile::join_unasked;
        intruder.append(|joiner| Ok(if attempt % 10 == 9 { stale.clone() } else { force(joiner) }))?;
    }
    inside.is_as_it_was("after force")?;
    drop(intruders);

    // By asking: she waits, and Alice sees it.
    let mut waiting = Vec::new();
    for attempt in 0..BY_ASKING {
        waiting.push(ObservedClient::knock(&link, &format!("Intruder {attempt}"))?);
    }
    inside.alice.until("all knock", |seen| (seen.waiting.len() == BY_ASKING).then_some(()))?;
    inside.is_as_it_was("after asking")?;
    drop(waiting);

    // By a server that begins anew, takes her first and the host last: who was inside does not go in where no host of theirs is.
    for attempt in 0..BY_A_NEW_SESSION {
        inside.alice.pause(true)?;
        server.crash()?;
        server.start_again()?;
        let mut intruder = Outsider::connect(&server.url, &link, &format!("Intruder, founder {attempt}"), true)?;
        intruder.found()?;
        let before = inside.bob.observed.phases.len();
        inside.bob.until("waits", |seen| seen.phases[before..].iter().any(|phase| phase == "atTheDoor").then_some(()))?;
        inside.alice.pause(false)?;
        let before = inside.bob.observed.phases.len();
        inside.bob.until("is back", |seen| seen.phases[before..].iter().any(|phase| phase == "inside").then_some(()))?;
        inside.bob.until("sees Alice alone", |seen| seen.members.keys().eq(["Alice", "Bob"]).then_some(()))?;
        inside.is_as_it_was(&format!("after session {attempt}"))?;
    }
    Ok(())
}
