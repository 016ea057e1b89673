//! Each client publishes camera and microphone, and perceives those of all others.

use anyhow::Result;
use interop::{Client, Kind, Network, Server};

const ALL: [(Kind, &str); 3] = [(Kind::Browser, "browser"), (Kind::Python, "python"), (Kind::Node, "node")];

/// Pictures that must be decoded: more than the first key frame.
const FRAMES: u64 = 30;

#[test]
fn all_perceive_all_others() -> Result<()> {
    let network = Network::new()?;
    let server = Server::start(&network)?;
    let mut clients = Vec::new();
    for (kind, name) in ALL {
        let mut client = Client::start(kind, &network, &server, "room", name)?;
        client.connected()?;
        clients.push((client, name));
    }
    for (client, name) in &mut clients {
        for (_, other) in ALL.iter().filter(|(_, other)| other != name) {
            client.perceives(other, FRAMES)?;
        }
    }
    Ok(())
}
