//! The server gives one member another log than the others, with a chain that adds up: docs/security/rechained_withholding.md.

use conclave_kit::{Client, HostileDelivery, Instead, Lie, ObservedClient, Server, against_every_client, create};

/// Long enough for the operator to tell it from a heartbeat by its size.
fn line(word: &str) -> String {
    word.repeat(1200 / word.len())
}

/// Alice and Carol write lines, of which Bob is made to believe this. All must be told, and then read one log again.
fn tell(client: Client, lie: Lie) -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let operator = HostileDelivery::start(&server, &link)?;
    let mut alice = ObservedClient::watch(Client::Native, &link, "Alice", "")?;
    let mut carol = ObservedClient::watch(Client::Native, &link, "Carol", "")?;
    let mut bob = ObservedClient::watch(client, &operator.link(&link)?, "Bob", "rechained_withholding")?;
    for member in [&mut alice, &mut bob, &mut carol] {
        for name in ["Alice", "Carol"] {
            member.until(name, |seen| (seen.members.contains_key(name) && seen.members.len() == 3).then_some(()))?;
        }
        member.until_state("secure")?;
    }
    alice.say("for all")?;
    bob.until_reads("for all")?;

    let before = carol.observed.epoch;
    operator.lie(lie);
    alice.say(&line("first "))?;
    carol.until_reads(line("first ").trim())?;
    carol.say(&line("second "))?;
    operator.until_lied()?;
    for member in [&mut alice, &mut bob, &mut carol] {
        member.until_told("logForked")?;
    }
    // Who entered anew reads what the others read.
    bob.until("is inside again", |seen| (seen.members.len() == 3).then_some(()))?;
    bob.until_state("secure")?;
    // What is sealed before she knows of that is not for him.
    carol.until("knows who entered anew", |seen| (seen.epoch > before).then_some(()))?;
    carol.say("one log again")?;
    for member in [&mut alice, &mut bob] {
        member.until_reads("one log again")?;
    }
    Ok(())
}

against_every_client!(a_line_left_out_and_all_else_moved_up_is_told);

fn a_line_left_out_and_all_else_moved_up_is_told(client: Client) -> anyhow::Result<()> {
    tell(client, Lie::InsteadOfLine(Instead::Nothing))
}

#[test]
fn the_victims_own_words_in_a_line_s_place_are_told() -> anyhow::Result<()> {
    tell(Client::Native, Lie::InsteadOfLine(Instead::OwnWords))
}

#[test]
fn words_of_an_old_epoch_in_a_line_s_place_are_told() -> anyhow::Result<()> {
    tell(Client::Native, Lie::InsteadOfLine(Instead::OldWords))
}

#[test]
fn two_lines_that_changed_places_are_told() -> anyhow::Result<()> {
    tell(Client::Native, Lie::SwapLines)
}
