//! Somebody with the link fills the log with what nobody can open: docs/security/junk_fills_the_log.md.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use anyhow::Context as _;
use conclave_kit::{Client, ObservedClient, PATIENCE, Server, Vandal, against_every_client, create};
use conclave_protocol::limits;
use conclave_protocol::ws::Class;

against_every_client!(a_meeting_goes_on_while_somebody_fills_its_log);

/// Connections of the attacker at a time: one alone has little room.
const HANDS: usize = 8;
/// Bytes that were tried before anybody else does anything: more than the log takes.
const JUNK: usize = 2 * limits::LOG_BYTES;

fn a_meeting_goes_on_while_somebody_fills_its_log(client: Client) -> anyhow::Result<()> {
    let server = Server::start()?;
    let host_key = server.data.path().join("host.key");
    let link = create(&server.url, Some(&host_key))?;
    let mut alice = ObservedClient::join(&link, "Alice", &["--host-key-file", &host_key.to_string_lossy()])?;
    alice.until_sees("Alice")?;
    let mut bob = ObservedClient::watch(client, &link, "Bob", "junk_fills_the_log")?;
    bob.until_sees("Alice")?;
    let mut chidi = ObservedClient::join(&link, "Chidi", &[])?;
    chidi.until_sees("Bob")?;
    alice.until_sees("Chidi")?;

    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let (tried, heard) = sync_channel(HANDS);
        for _ in 0..HANDS {
            let (tried, port, link, stop) = (tried.clone(), server.port, &link, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    // Who is put out for its haste comes again, if it is let in.
                    let Ok(mut hand) = Vandal::connect(port, link) else { continue };
                    let junk = [0x5a; limits::SEALED_MESSAGE];
                    // Proposals: members see no commit that breaks a rule, and the log takes no snapshot behind one.
                    while !stop.load(Ordering::Relaxed) && hand.append(Class::Proposal, &junk).is_ok() {
                        // The test may have heard enough.
                        let _unheard = tried.try_send(junk.len());
                    }
                }
            });
        }
        let mut meanwhile = || -> anyhow::Result<()> {
            let mut bytes = 0;
            while bytes < JUNK {
                bytes += heard.recv_timeout(PATIENCE).context("the junk is not even tried")?;
            }
            alice.say("still here")?;
            bob.until("reads Alice", |seen| seen.chat.iter().any(|text| text == "still here").then_some(()))?;
            let mut nadia = ObservedClient::join(&link, "Nadia", &[])?;
            nadia.until_sees("Alice")?;
            alice.until_sees("Nadia")?;
            alice.say("/remove Chidi")?;
            bob.until("Chidi is gone", |seen| (!seen.members.contains_key("Chidi")).then_some(()))
        };
        let done = meanwhile();
        stop.store(true, Ordering::Relaxed);
        done
    })
}
