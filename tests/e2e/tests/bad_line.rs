//! One datagram in ten is lost on the way up and on the way down: what was lost comes again, and nobody is called an attacker for it.

use anyhow::ensure;
use conclave_kit::{Client, LossyLink, ObservedClient, Relay, Server, against_every_client, create};

/// Of a hundred datagrams, on each of the two lines and each way.
const LOSS: u32 = 10;
/// For how many reports of one second each.
const SECONDS: usize = 10;

against_every_client!(picture_and_sound_go_on_over_a_bad_line);

fn picture_and_sound_go_on_over_a_bad_line(client: Client) -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let (up, down) = (LossyLink::start(server.media_port)?, LossyLink::start(server.media_port)?);
    let (alices, bobs) = (Relay::start(server.port)?, Relay::start(server.port)?);
    alices.move_media(up.address);
    bobs.move_media(down.address);
    let _alice = ObservedClient::join(&alices.link(&link)?, "Alice", &[])?;
    let mut bob = ObservedClient::watch(client, &bobs.link(&link)?, "Bob", "bad_line")?;
    let alice = bob.until_sees("Alice")?;
    for source in ["camera", "microphone"] {
        bob.until_played(&alice, source)?;
    }

    up.lose(LOSS);
    down.lose(LOSS);
    let before = ["camera", "microphone"].map(|source| (source, bob.observed.reports(&alice, source).len()));
    for (source, before) in before {
        let seconds = bob.until(&format!("reports {SECONDS} s of {source}"), |seen| {
            let new = seen.reports(&alice, source).get(before..)?;
            (new.len() >= SECONDS).then(|| new.to_vec())
        })?;
        let played: Vec<_> = seconds.iter().map(|second| second.decoded).collect();
        eprintln!("{source}: {played:?}");
        let stood = played.iter().filter(|frames| **frames == 0).count();
        ensure!(stood <= 1, "{source} stood still for {stood} s: {played:?}");
    }
    ensure!(up.lost() > 50 && down.lost() > 50, "the lines lost {} and {} datagrams: too few to prove anything", up.lost(), down.lost());
    ensure!(!bob.observed.was_alarmed(), "loss was taken for an attack: {:?}", bob.observed);
    Ok(())
}
