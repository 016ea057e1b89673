//! A member appends a snapshot that opens to nothing, from which newcomers are to start: docs/security/snapshot_poison.md.

use conclave_kit::{Client, ObservedClient, Outsider, Server, create};
use conclave_mls::Outgoing;
use conclave_protocol::ws::Class;

#[test]
fn a_newcomer_comes_in_although_the_last_snapshot_is_of_no_use() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut alice = ObservedClient::watch(Client::Native, &link, "Alice", "")?;
    let mut mallory = Outsider::connect(&server.url, &link, "Mallory", true)?;
    mallory.become_member()?;
    alice.until_sees("Mallory")?;
    mallory.append(|_| Ok(Outgoing { class: Class::Snapshot, bytes: vec![7; 300] }))?;
    let mut nadia = ObservedClient::watch(Client::Native, &link, "Nadia", "")?;
    alice.until_sees("Nadia")?;
    nadia.until_state("secure")?;
    alice.say("welcome")?;
    nadia.until_reads("welcome")
}
