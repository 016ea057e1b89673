//! LiveKit's Go SDK, on which its command line, load tester, egress and SIP are built. It sends no pings of LiveKit's own, and uses one connection to
//! send and one to receive unless told otherwise.

use std::time::{Duration, Instant};

use anyhow::Result;
use conclave_interop::{Client, Kind, Network, job};
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);
/// How long each has to stay: longer than a WebSocket on which nothing is heard.
const STAY: Duration = Duration::from_secs(150);
/// Pictures that must be decoded: more than the first key frame.
const FRAMES: u64 = 30;

#[test]
#[ignore = "minutes, and Go; `cargo xtask interop --go` runs it"]
fn it_perceives_and_is_perceived_over_two_connections() -> Result<()> {
    stays_inside(false)
}

#[test]
#[ignore = "minutes, and Go; `cargo xtask interop --go` runs it"]
fn it_perceives_and_is_perceived_over_a_single_connection() -> Result<()> {
    stays_inside(true)
}

/// It sends back what it receives of a browser, its picture in two layers, loses its signalling, comes back, and stays.
fn stays_inside(single: bool) -> Result<()> {
    let network = Network::new()?;
    let server = network.server()?;
    let mut browser = Client::start(Kind::Chromium, &network, &server, "room", "browser")?;
    browser.connected()?;
    let mut job = job(&server, "room", "go")?;
    (job["echo"], job["single"]) = (json!("browser"), json!(single));
    let mut go = Client::start_with(Kind::Go, &network, "go", &job)?;
    go.connected()?;
    go.perceives("browser", FRAMES)?;
    browser.perceives("go", FRAMES)?;

    // Both layers show the same; that the small one is sent shows in who is asked for its key frame.
    go.wait("a key frame of the large layer", SOON, |line| line["wanted"]["HIGH"].as_u64().is_some())?;
    browser.act("low")?;
    go.wait("a key frame of the small layer", SOON, |line| line["wanted"]["LOW"].as_u64().is_some())?;
    browser.perceives("go", FRAMES)?;

    go.say("resume")?;
    go.wait("the end of the resume", SOON, |line| line["event"] == "Reconnected")?;
    let began = Instant::now();
    while began.elapsed() < STAY {
        go.perceives("browser", FRAMES)?;
        browser.perceives("go", FRAMES)?;
    }
    go.leave()?;
    browser.wait("go to be gone", SOON, |line| line["people"] == json!([]))?;
    Ok(())
}
