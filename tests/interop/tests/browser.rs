//! What livekit-client does besides joining: mute, change cameras, lose its connection, come back.

use std::time::Duration;

use anyhow::Result;
use conclave_interop::{Client, Kind, Network, job};
use conclave_kit::Server;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);
const FRAMES: u64 = 15;

/// Two browsers in one room that perceive each other.
fn pair(network: &Network, server: &Server) -> Result<(Client, Client)> {
    let mut ann = Client::start(Kind::Chromium, network, server, "room", "ann")?;
    let mut ben = Client::start(Kind::Chromium, network, server, "room", "ben")?;
    ann.connected()?;
    ben.connected()?;
    ann.perceives("ben", FRAMES)?;
    ben.perceives("ann", FRAMES)?;
    Ok((ann, ben))
}

#[test]
fn it_is_told_of_our_protocol_and_of_no_foreign_stun() -> Result<()> {
    let network = Network::new()?;
    let server = network.server()?;
    let mut ann = Client::start(Kind::Chromium, &network, &server, "room", "ann")?;
    let connected = ann.connected()?;
    assert_eq!((&connected["protocol"], &connected["iceServers"]), (&json!(17), &json!(0)));
    Ok(())
}

#[test]
fn it_mutes_unpublishes_and_publishes_again() -> Result<()> {
    let network = Network::new()?;
    let server = network.server()?;
    let (mut ann, mut ben) = pair(&network, &server)?;
    ann.act("mute")?;
    ben.wait("ann to be mute", SOON, |line| line["muted"]["ann"] == "microphone")?;
    ann.act("unpublish")?;
    ben.wait("ann's camera to go", SOON, |line| line["tracks"]["ann"] == 1)?;
    ann.act("republish")?;
    ben.perceives("ann", FRAMES)?;
    Ok(())
}

#[test]
fn it_gets_the_layer_that_it_asks_for() -> Result<()> {
    let network = Network::new()?;
    let server = network.server()?;
    let (mut ann, _ben) = pair(&network, &server)?;
    ann.wait("the large picture", SOON, |line| line["size"]["ben"] == "1280x720")?;
    ann.act("low")?;
    ann.wait("the small picture", SOON, |line| line["size"]["ben"] == "320x180")?;
    ann.perceives("ben", FRAMES)?;
    ann.act("high")?;
    ann.wait("the large picture again", SOON, |line| line["size"]["ben"] == "1280x720")?;
    Ok(())
}

#[test]
fn it_resumes_and_restarts() -> Result<()> {
    let network = Network::new()?;
    let server = network.server()?;
    let (mut ann, mut ben) = pair(&network, &server)?;
    ann.say("resume")?;
    ann.wait("the end of the resume", SOON, |line| line["event"] == "Reconnected")?;
    ann.perceives("ben", FRAMES)?;
    ben.perceives("ann", FRAMES)?;
    ann.say("restart")?;
    ann.wait("the end of the restart", SOON, |line| line["event"] == "Reconnected")?;
    ann.perceives("ben", FRAMES)?;
    ben.perceives("ann", FRAMES)?;
    Ok(())
}

#[test]
fn whoever_leaves_is_gone_and_the_same_identity_takes_over() -> Result<()> {
    let network = Network::new()?;
    let server = network.server()?;
    let (mut ann, ben) = pair(&network, &server)?;
    let is_alone = |line: &Value| line["people"] == json!([]);
    ben.leave()?;
    ann.wait("ben to go", SOON, is_alone)?;
    let mut again = Client::start(Kind::Chromium, &network, &server, "room", "ann")?;
    again.connected()?;
    // livekit-client's number for DUPLICATE_IDENTITY.
    ann.wait("its end", SOON, |line| line["event"] == "Disconnected" && line["reason"] == "2")?;
    Ok(())
}

/// The older form, with one connection to send and one to receive.
#[test]
fn it_does_all_that_over_two_connections_too() -> Result<()> {
    let network = Network::new()?;
    let server = network.server()?;
    let mut job = job(&server, "room", "ann")?;
    (job["publish"], job["room"]) = (json!(true), json!({ "singlePeerConnection": false }));
    let mut ann = Client::start_with(Kind::Chromium, &network, "ann", &job)?;
    ann.connected()?;
    let mut ben = Client::start(Kind::Chromium, &network, &server, "room", "ben")?;
    ben.connected()?;
    ann.perceives("ben", FRAMES)?;
    ben.perceives("ann", FRAMES)?;
    ann.act("low")?;
    ann.wait("the small picture", SOON, |line| line["size"]["ben"] == "320x180")?;
    ben.act("unpublish")?;
    ann.wait("ben's camera to go", SOON, |line| line["tracks"]["ben"] == 1)?;
    ben.act("republish")?;
    ann.perceives("ben", FRAMES)?;
    for how in ["resume", "restart"] {
        ann.say(how)?;
        ann.wait(how, SOON, |line| line["event"] == "Reconnected")?;
        ann.perceives("ben", FRAMES)?;
        ben.perceives("ann", FRAMES)?;
    }
    ann.leave()?;
    ben.wait("ann to go", SOON, |line| line["people"] == json!([]))?;
    Ok(())
}

#[test]
fn it_finds_its_way_back_when_the_server_starts_anew() -> Result<()> {
    let network = Network::new()?;
    let mut server = network.server()?;
    let (mut ann, mut ben) = pair(&network, &server)?;
    server.crash()?;
    server.start_again()?;
    for client in [&mut ann, &mut ben] {
        client.wait("the end of the reconnect", Duration::from_secs(60), |line| line["event"] == "Reconnected")?;
    }
    ann.perceives("ben", FRAMES)?;
    ben.perceives("ann", FRAMES)?;
    Ok(())
}
