//! Nothing that members say or show is readable on the server, and the same search finds all of it once they seal nothing.

use anyhow::ensure;
use conclave_canary::{Findings, Place, What, meet, meet_on_engines, meet_readable, meet_readable_on_engines};

/// What is looked for.
const ALL: [What; 8] = [What::Title, What::Name, What::Chat, What::Passphrase, What::Link, What::Keys, What::Picture, What::Tone];

/// Where what must be found once nothing is sealed. Passphrase, link and keys are not here: no client sends them, sealing or not; that the
/// search finds them shows in [`Place::Member`]. Titles alone are kept in files. What the log tells at its lowest level is the WebSocket
/// library's: each message that came.
const READABLE: [(Place, &[What]); 6] = [
    (Place::Tcp, &[What::Title, What::Name, What::Chat]),
    (Place::Memory, &[What::Title, What::Name, What::Chat, What::Picture, What::Tone]),
    (Place::Files, &[What::Title]),
    (Place::Log, &[What::Name, What::Chat]),
    (Place::Media, &[What::Picture, What::Tone]),
    (Place::Decoders, &[What::Picture, What::Tone]),
];

/// All that is the server's. [`Place::Member`] is not.
const SERVER: [Place; 6] = [Place::Tcp, Place::Memory, Place::Files, Place::Log, Place::Media, Place::Decoders];

#[test]
fn nothing_that_members_say_or_show_is_readable_on_the_server() -> anyhow::Result<()> {
    nothing_is_readable(&meet()?)
}

#[test]
#[ignore = "needs LiveKit's server; `cargo xtask canary --livekit` runs it"]
fn nothing_that_members_say_or_show_is_readable_in_postgres_and_livekit() -> anyhow::Result<()> {
    nothing_is_readable(&meet_on_engines()?)
}

fn nothing_is_readable(findings: &Findings) -> anyhow::Result<()> {
    eprintln!("{findings}");
    searched(findings)?;
    for what in ALL {
        ensure!(findings.has(Place::Member, what), "{what:?} was not found in a member's own memory\n{findings}");
    }
    for place in SERVER {
        for what in ALL {
            ensure!(!findings.has(place, what), "{what:?} is readable in {place:?}\n{findings}");
        }
    }
    Ok(())
}

#[test]
fn the_same_search_finds_everything_when_nothing_is_sealed() -> anyhow::Result<()> {
    everything_is_found(&meet_readable()?)
}

#[test]
#[ignore = "needs LiveKit's server; `cargo xtask canary --livekit` runs it"]
fn the_same_search_finds_everything_in_postgres_and_livekit_when_nothing_is_sealed() -> anyhow::Result<()> {
    everything_is_found(&meet_readable_on_engines()?)
}

fn everything_is_found(findings: &Findings) -> anyhow::Result<()> {
    eprintln!("{findings}");
    searched(findings)?;
    for (place, readable) in READABLE {
        for what in readable {
            ensure!(findings.has(place, *what), "{what:?} was sent readable and not found in {place:?}\n{findings}");
        }
    }
    Ok(())
}

/// What is surely in each place was found there.
fn searched(findings: &Findings) -> anyhow::Result<()> {
    for place in [Place::Tcp, Place::Memory, Place::Files, Place::Log] {
        ensure!(findings.has(place, What::Known), "{place:?} was not searched: not even the server's own words were found\n{findings}");
    }
    Ok(())
}
