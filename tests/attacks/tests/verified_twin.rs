//! Somebody comes under the name of a person whom Alice verified: docs/security/verified_twin.md.

use conclave_kit::{Identity, ObservedClient, Server, create, verify_each_other};

#[test]
fn who_has_the_name_of_a_verified_person_and_not_the_key_is_told_of_and_has_no_mark() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (alices, bobs, mallorys) = (Identity::new()?, Identity::new()?, Identity::new()?);
    verify_each_other(&server, ("Alice", &alices), ("Bob", &bobs))?;

    // With a device key of its own, without one, and with a Cyrillic letter in the name.
    for (name, key) in [("Bob", Some(&mallorys)), ("Bob", None), ("Воb", None)] {
        let link = create(&server.url, None)?;
        let mut alice = alices.join(&link, "Alice")?;
        let mut twin = match key {
            Some(identity) => identity.join(&link, name)?,
            None => ObservedClient::join(&link, name, &["--no-video", "--no-audio"])?,
        };
        alice.until_state("keyChanged")?;
        alice.until("is told who it is and who it is not", |seen| {
            let told = |n: &serde_json::Value| {
                n["kind"] == "keyChanged" && n["name"] == name && n["verified"] == "Bob" && n["hasDevice"] == key.is_some()
            };
            seen.notices.iter().any(told).then_some(())
        })?;
        assert_eq!(alice.observed.recognitions[name], "changed");
        // Nothing of it is held back.
        twin.say("hello")?;
        alice.until_reads("hello")?;
        alice.say(&format!("/seen {name}"))?;
        alice.until_state("secure")?;
        assert_eq!(alice.observed.recognitions[name], "changed", "answered, and no mark");
    }
    Ok(())
}
