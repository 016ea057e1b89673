//! The operator has members ask a server of somebody else for their addresses: docs/security/third_party_stun.md.

use std::net::UdpSocket;

use anyhow::ensure;
use conclave_kit::{Client, ObservedClient, Relay, Server, address, against_every_client, create};

against_every_client!(nobody_else_learns_who_meets);

fn nobody_else_learns_who_meets(client: Client) -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let stranger = UdpSocket::bind((address().as_str(), 0))?;
    stranger.set_nonblocking(true)?;
    let relay = Relay::start(server.port)?;
    relay.name_ice_server(format!("stun:{}", stranger.local_addr()?));
    let mut alice = ObservedClient::join(&link, "Alice", &["--no-video"])?;
    let mut bob = ObservedClient::send(client, &relay.link(&link)?, "Bob")?;
    let (bobs, alices) = (alice.until_sees("Bob")?, bob.until_sees("Alice")?);
    // Whoever gathers addresses asks for them before media flow.
    alice.until_played(&bobs, "microphone")?;
    bob.until_played(&alices, "microphone")?;
    let asked = stranger.recv_from(&mut [0; 1500]);
    ensure!(asked.is_err(), "a server that the operator named was asked: {asked:?}");
    Ok(())
}
