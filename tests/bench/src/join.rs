//! How long it takes from the click on Join to the first picture of somebody else.

use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use conclave_kit::{Script, Server, create, program};
use serde_json::{Value, json};

use crate::load;
use crate::report::{Figure, Report};
use crate::statistics::{median, percentile};

/// Joins that count.
const JOINS: usize = 20;
/// Browsers with a new profile.
const COLD: usize = 5;
const PATIENCE: Duration = Duration::from_secs(900);
/// The same browser, server and picture, and nothing encrypted between the ends.
const BASELINE: &str = "livekit-client-unencrypted";
const ROOM: &str = "plain";

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let url = format!("ws://127.0.0.1:{}", server.port);
    let _sender = Sender::start(&url)?;
    // One more than is counted, to warm up.
    let tokens = (0..=JOINS).map(|n| Server::member_token(ROOM, &format!("browser-{n}"))).collect::<anyhow::Result<Vec<_>>>()?;
    let plain = json!({ "url": url, "tokens": tokens }).to_string();
    let client = program("conclave-client");
    let (joins, cold) = (JOINS.to_string(), COLD.to_string());
    let env = [
        ("LINK", link.as_str()),
        ("CLIENT", client.to_str().context("a target directory that is UTF-8")?),
        ("PLAIN", &plain),
        ("JOINS", &joins),
        ("COLD", &cold),
    ];
    let mut script = Script::start("tests/bench/pages/join.mjs", &env)?;
    let times: Value = script.lines.wait("the joins", PATIENCE, |line| {
        let told: Value = serde_json::from_str(line).ok()?;
        told.get("cold").is_some().then_some(told)
    })?;
    script.end()?;

    let list = |name: &str, count: usize| {
        let list: Vec<f64> = times[name].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        ensure!(list.len() == count, "{} of {count} joins were measured ({name})", list.len());
        Ok(list)
    };
    let (ours, theirs, cold) = (list("ours", JOINS)?, list("plain", JOINS)?, list("cold", COLD)?);
    for (name, percent) in [("p50", 50), ("p95", 95)] {
        let (our, their) = (percentile(&ours, percent).unwrap_or(f64::NAN), percentile(&theirs, percent));
        report.add(Figure::cost(format!("join.{name}"), our, "ms").beside(BASELINE, their))?;
        report.add(Figure::cost(format!("join.unencrypted_{name}"), their.unwrap_or(f64::NAN), "ms"))?;
    }
    report.add(Figure::cost("join.cold_profile", median(&cold).unwrap_or(f64::NAN), "ms"))?;
    Ok(())
}

/// Sends what a native member sends, but not sealed; killed on drop.
struct Sender(Child);

impl Sender {
    fn start(url: &str) -> anyhow::Result<Self> {
        let mut command = load::command(url);
        command.args(["--room", ROOM, "--publishers", "1", "--receivers", "0", "--seconds", "3600"]);
        // As `join` does by default.
        command.args(["--picture", "--bitrate", "400000", "--fps", "15"]);
        Ok(Self(command.stdout(Stdio::null()).spawn().context("starting conclave-client")?))
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}
