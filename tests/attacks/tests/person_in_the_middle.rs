//! Alice and Bob are given two meetings instead of one, and somebody is in both: docs/security/person_in_the_middle.md.

use conclave_kit::{Identity, Script, Server, create, verify_each_other};

/// Both think that they meet each other: in each meeting Mallory goes by the name of the one who is not there, and passes on what it likes.
#[test]
fn who_stands_between_two_people_has_another_code_with_each_and_is_nobody_they_know() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (alices, bobs, mallorys) = (Identity::new()?, Identity::new()?, Identity::new()?);
    let between = |alice_knows_bob: bool| -> anyhow::Result<()> {
        let links = [create(&server.url, None)?, create(&server.url, None)?];
        let mut alice = alices.join(&links[0], "Alice")?;
        let mut bob = bobs.join(&links[1], "Bob")?;
        let _as_bob = mallorys.join(&links[0], "Bob")?;
        let _as_alice = mallorys.join(&links[1], "Alice")?;
        if alice_knows_bob {
            alice.until_state("keyChanged")?;
            return bob.until_state("keyChanged");
        }
        // They never met: nothing is known, and the code that each reads to the other is not the other's.
        let mut codes = Vec::new();
        for (person, name) in [(&mut alice, "Bob"), (&mut bob, "Alice")] {
            person.until_sees(name)?;
            person.say(&format!("/code {name}"))?;
            codes.push(person.until("shows the person code", |seen| seen.person_codes.get(name).cloned())?);
        }
        assert_ne!(codes[0], codes[1]);
        alice.say("/matches-not Bob")?;
        alice.until("is told that the code differs", |seen| (seen.security.last()? == "codeDiffers").then_some(()))?;
        assert_eq!(alice.observed.recognitions["Bob"], "differs");
        Ok(())
    };
    between(false)?;
    verify_each_other(&server, ("Alice", &alices), ("Bob", &bobs))?;
    between(true)
}

/// Alice and Bob stand side by side, each before a page in another meeting; Alice's camera films what Bob's screen shows.
#[test]
fn who_stands_between_is_found_out_by_a_camera_in_a_browser() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (bobs, mallorys) = (Identity::new()?, Identity::new()?);
    let links = [create(&server.url, None)?, create(&server.url, None)?];
    let _as_bob = mallorys.join(&links[0], "Bob")?;
    let mut bob = bobs.join(&links[1], "Bob")?;
    let _as_alice = mallorys.join(&links[1], "Alice")?;
    bob.until_sees("Alice")?;
    bob.say("/code Alice")?;
    let digits = bob.until("shows the person code", |seen| seen.person_codes.get("Alice").cloned())?.replace(' ', "");
    // As a page writes it that has this on its screen: apps/web/src/view/panel/compare-code.ts.
    let shown = format!("conclave/1 person code {} {digits}", bob.observed.identity("Bob"));
    let mut alice =
        Script::start("tests/kit/browser/scan.mjs", &[("LINK", &links[0]), ("NAME", "Alice"), ("OTHER", "Bob"), ("TEXT", &shown)])?;
    alice.until("is told loudly that the code differs, and marks nobody")?;
    alice.end()
}
