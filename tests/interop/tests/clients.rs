//! Each client publishes camera and microphone, and perceives those of all others.

use std::time::Duration;

use anyhow::Result;
use conclave_interop::{Client, Kind, Network, job};
use serde_json::json;

const ALL: [(Kind, &str); 4] = [(Kind::Chromium, "chromium"), (Kind::Firefox, "firefox"), (Kind::Python, "python"), (Kind::Node, "node")];

/// Pictures that must be decoded: more than the first key frame.
const FRAMES: u64 = 30;

#[test]
fn all_perceive_all_others() -> Result<()> {
    let network = Network::new()?;
    let server = network.server()?;
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

/// A client's first offer has room for three sounds: the rest needs more sections, and more again as people come and go.
#[test]
fn five_are_heard_also_after_some_went() -> Result<()> {
    let network = Network::new()?;
    let server = network.server()?;
    let mut listener = Client::start(Kind::Chromium, &network, &server, "room", "listener")?;
    listener.connected()?;
    let start = |name: &str| {
        let mut job = job(&server, "room", name)?;
        job["publish"] = json!("sound");
        Client::start_with(Kind::Python, &network, name, &job)
    };
    let hears = |listener: &mut Client, names: &[&str]| {
        let what = format!("the sound of {names:?}");
        listener.wait(&what, Duration::from_secs(120), |line| names.iter().all(|name| line["audio"][name].as_u64().unwrap_or(0) > 0))
    };
    let names = ["a", "b", "c", "d", "e"];
    let mut talkers = names.iter().map(|name| start(name)).collect::<Result<Vec<_>>>()?;
    hears(&mut listener, &names)?;
    for talker in talkers.drain(..2) {
        talker.leave()?;
    }
    listener.wait("two to go", Duration::from_secs(20), |line| line["people"].as_array().is_some_and(|p| p.len() == 3))?;
    let _late = ["f", "g", "h"].iter().map(|name| start(name)).collect::<Result<Vec<_>>>()?;
    hears(&mut listener, &["c", "d", "e", "f", "g", "h"])?;
    Ok(())
}
