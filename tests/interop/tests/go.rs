//! LiveKit's Go SDK, on which its command line, load tester, egress and SIP are built. It sends no pings of LiveKit's own.

use std::time::{Duration, Instant};

use anyhow::Result;
use conclave_interop::{Client, Kind, Network, job};
use serde_json::json;

/// How long it must stay.
const STAY: Duration = Duration::from_secs(300);
/// Pictures that must be decoded: more than the first key frame.
const FRAMES: u64 = 30;

#[test]
#[ignore = "five minutes, and Go; `cargo xtask interop --go` runs it"]
fn it_perceives_and_is_perceived_for_five_minutes() -> Result<()> {
    let network = Network::new()?;
    let server = network.server()?;
    let mut browser = Client::start(Kind::Chromium, &network, &server, "room", "browser")?;
    browser.connected()?;
    let mut job = job(&server, "room", "go")?;
    job["echo"] = json!("browser");
    let mut go = Client::start_with(Kind::Go, &network, "go", &job)?;
    go.connected()?;
    let began = Instant::now();
    while began.elapsed() < STAY {
        go.perceives("browser", FRAMES)?;
        browser.perceives("go", FRAMES)?;
    }
    go.leave()
}
