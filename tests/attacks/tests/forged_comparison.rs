//! A member says in Bob's name that the safety code is the same, or that it is not: docs/security/forged_comparison.md.

use conclave_base::Secret;
use conclave_kit::{ObservedClient, Outsider, Server, create};
use conclave_mls::hostile;
use conclave_protocol::payload::App;

#[test]
fn nobody_answers_for_another_whether_the_code_is_the_same() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut alice = ObservedClient::join(&link, "Alice", &["--no-video", "--no-audio"])?;
    let alices = alice.until_sees("Alice")?.parse()?;

    // Bob's group is what Mallory, a true member, knows of Bob too, but for his signature key: every member can derive his ratchet.
    let mut bob = Outsider::connect(&server.url, &link, "Bob", true)?;
    let mut group = bob.enter()?;
    alice.until_sees("Bob")?;
    assert!(!alice.observed.was_alarmed(), "{:?}", alice.observed);
    let mallorys = Secret::new([7; 32]);
    let answer = |authenticator, same| App::Comparison { with: alices, authenticator, same };
    let code = group.authenticator8();
    for same in [true, false] {
        let forged = hostile::speak_as(&mut group, &mallorys, &answer(code, same));
        bob.append(|_| Ok(forged.clone()))?;
        // In the log everything has its place: what follows is read after it.
        let word = App::Chat { id: u64::from(same), text: conclave_base::Redacted::new(format!("after {same}")) };
        let word = group.application(&word)?;
        bob.append(|_| Ok(word.clone()))?;
        alice.until("reads on", |seen| seen.chat.iter().any(|text| *text == format!("after {same}")).then_some(()))?;
        assert_eq!(alice.observed.comparisons["Bob"], "none");
        assert!(alice.observed.notices.iter().all(|notice| notice["kind"] != "codeDiffers"), "{:?}", alice.observed.notices);
    }
    alice.until("is told that something was refused", |seen| seen.security.iter().any(|state| state == "attacked").then_some(()))?;

    // By Bob's own hand: a code that Alice never had is nothing, hers counts. What was refused was the signature.
    for authenticator in [[0; 8], code] {
        let own = group.application(&answer(authenticator, true))?;
        bob.append(|_| Ok(own.clone()))?;
    }
    alice.until("reads Bob's answer", |seen| (seen.comparisons["Bob"] == "theirs").then_some(()))?;
    Ok(())
}
