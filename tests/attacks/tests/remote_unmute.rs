//! The operator switches a muted microphone on: docs/security/remote_unmute.md.

use anyhow::ensure;
use conclave_kit::{Client, ObservedClient, Relay, Report, Server, against_every_client, create};

/// Reports of one second each in which nothing may come.
const SECONDS: usize = 6;

/// Whether something of a source came through in that second: a picture, or a sound. Silence flows on in place of a microphone.
fn came_through(source: &str, report: &Report) -> bool {
    if source == "microphone" { report.frequency.is_some() } else { report.arrived > 0 }
}

against_every_client!(what_its_person_switched_off_stays_off_whatever_the_server_says);

fn what_its_person_switched_off_stays_off_whatever_the_server_says(client: Client) -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let relay = Relay::start(server.port)?;
    let mut alice = ObservedClient::join(&link, "Alice", &["--no-video"])?;
    let mut bob = ObservedClient::send(client, &relay.link(&link)?, "Bob")?;
    let bobs = alice.until_sees("Bob")?;
    // What the client can switch off.
    let sources: &[&str] = match client {
        Client::Native => &["microphone"],
        Client::Browser => &["microphone", "camera"],
    };
    for source in sources {
        alice.until_played(&bobs, source)?;
    }

    bob.switch(false, &mut alice)?;
    let read = |bob: &mut ObservedClient, line: &str| bob.until("reads on", |seen| seen.chat.iter().any(|text| text == line).then_some(()));
    let silent = |alice: &mut ObservedClient, what: &str| {
        let before: Vec<_> = sources.iter().map(|source| alice.observed.reports(&bobs, source).len()).collect();
        alice.until(what, |seen| {
            let last = |(source, before): (&&str, &usize)| seen.reports(&bobs, source).get(before + 1..).and_then(|r| r.last().cloned());
            sources.iter().zip(&before).all(|each| last(each).is_some_and(|r| !came_through(each.0, &r))).then_some(())
        })
    };
    silent(&mut alice, "hears nothing any more")?;
    alice.say("Before.")?;
    read(&mut bob, "Before.")?;
    let told = bob.observed.captures.len();

    for _ in 0..2 {
        ensure!(relay.unmute() >= sources.len(), "Bob sends less than he should");
        let before: Vec<_> = sources.iter().map(|source| alice.observed.reports(&bobs, source).len()).collect();
        let came = alice.until("has waited", |seen| {
            let new = sources.iter().zip(&before).map(|(source, before)| (source, &seen.reports(&bobs, source)[*before..]));
            let enough = new.clone().all(|(_, reports)| reports.len() >= SECONDS);
            let came = |(source, reports): (&&str, &[Report])| reports.iter().filter(|report| came_through(source, report)).count();
            enough.then(|| new.map(came).sum::<usize>())
        })?;
        ensure!(came == 0, "in {came} seconds something of what Bob had switched off came");
    }
    alice.say("After.")?;
    read(&mut bob, "After.")?;
    let captures = &bob.observed.captures[told..];
    ensure!(captures.windows(2).all(|pair| pair[0] == pair[1]), "the page asked for a device: {captures:?}");

    // The way was open all the time.
    bob.switch(true, &mut alice)?;
    for source in sources {
        alice.until_played(&bobs, source)?;
    }
    Ok(())
}
