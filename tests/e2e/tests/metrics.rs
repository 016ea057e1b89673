//! What an operator sees of a meeting, in figures and in the log: how much there is, and nobody.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use conclave_kit::{LinkKeys, Member, Server, create};
use serde_json::Value;

/// Everything here happens long before; this bounds a failing test.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every word that a label may say, beside bounds in seconds, statuses and routes.
const WORDS: &[&str] = &[
    "in",
    "out",
    "meeting",
    "media", // what kind, which way
    "stored",
    "stale",
    "too_large",
    "busy",
    "left",
    "lost",
    "silent", // entries and members
    "malformed",
    "bad_proof",
    "limited",
    "refused",
    "unknown",
    "overflow",
    "datagram",
    "packet",
    "message", // refusals
    "find",
    "insert",
    "update",
    "delete_expired",
    "failed", // the store
    "ended",
    "rewound", // the bus
];
const ROUTES: &[&str] = &["other", "/healthz", "/readyz", "/config.json", "/api/", "/rtc"];

/// A figure, and whether its value is right.
type Wanted = (&'static str, fn(f64) -> bool);

/// The port for figures.
struct Metrics(u16);

impl Metrics {
    fn of(server: &mut Server) -> anyhow::Result<Self> {
        let port = |line: &str| line.strip_prefix("Figures at http://localhost:")?.strip_suffix("/metrics")?.parse().ok();
        Ok(Self(server.output.wait("where figures are", PATIENCE, port)?))
    }

    /// Status line, headers and body.
    fn get(&self, path: &str) -> anyhow::Result<(String, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.0))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("head and body")?;
        Ok((head.to_owned(), body.to_owned()))
    }

    fn text(&self) -> anyhow::Result<String> {
        let (head, text) = self.get("/metrics")?;
        ensure!(head.starts_with("HTTP/1.1 200") && head.contains("text/plain; version=0.0.4"), "{head}");
        Ok(text)
    }

    /// Asks until each of these figures is as it should be.
    fn until<const N: usize>(&self, wanted: [Wanted; N]) -> anyhow::Result<String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let text = self.text()?;
            let wrong = wanted.iter().find(|(name, is_right)| !figure(&text, name).is_some_and(is_right));
            let Some((name, _)) = wrong else { return Ok(text) };
            ensure!(Instant::now() < end, "{name} is {:?} in\n{text}", figure(&text, name));
        }
    }
}

/// The value of a line that begins with this name and these labels.
fn figure(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// Each label and its value.
fn labels(text: &str) -> Vec<(&str, &str)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let labels = lines.filter_map(|line| Some(line.split_once('{')?.1.split_once('}')?.0)).flat_map(|labels| labels.split(','));
    labels.filter_map(|label| label.split_once('=')).map(|(name, value)| (name, value.trim_matches('"'))).collect()
}

#[test]
fn the_figures_of_a_meeting_move_with_it_and_neither_they_nor_the_log_name_anybody() -> anyhow::Result<()> {
    let variables = [("CONCLAVE_METRICS", "127.0.0.1:0"), ("CONCLAVE_LOG_FORMAT", "json"), ("CONCLAVE_LOG", "debug")];
    let mut server = Server::start_with(variables.map(|(name, value)| (name, value.to_owned())))?;
    let metrics = Metrics::of(&mut server)?;
    metrics.until([("conclave_sessions", |n| n == 0.0), ("conclave_members", |n| n == 0.0)])?;

    let link = create(&server.url, None)?;
    let mut ada = Member::join(&link, "Ada Amsel", &["--no-video"])?;
    let mut identities = ada.until_inside(1)?;
    let mut bela = Member::join(&link, "Bela Buchfink", &["--no-video"])?;
    identities.extend(bela.until_inside(2)?);
    let both = metrics.until([
        ("conclave_sessions", |n| n == 1.0),
        ("conclave_members", |n| n == 2.0),
        ("conclave_websockets{kind=\"meeting\"}", |n| n == 2.0),
        ("conclave_log_bytes", |n| n > 0.0),
        ("conclave_appends_total{result=\"stored\"}", |n| n > 0.0),
        ("conclave_gone_total{cause=\"left\"}", |n| n == 0.0),
        ("conclave_store_seconds_count{operation=\"insert\"}", |n| n == 1.0),
        ("conclave_http_requests_total{path_template=\"/api/meetings\",status=\"201\"}", |n| n == 1.0),
    ])?;
    if server.livekit.is_none() {
        metrics.until([
            ("conclave_websockets{kind=\"media\"}", |n| n == 2.0),
            ("conclave_media_participants", |n| n == 2.0),
            ("conclave_media_tracks", |n| n == 2.0),
            ("conclave_media_packets_total{direction=\"in\"}", |n| n > 50.0),
            ("conclave_media_packets_total{direction=\"out\"}", |n| n > 50.0),
            ("conclave_media_bytes_total{direction=\"in\"}", |n| n > 1000.0),
            ("conclave_media_bytes_total{direction=\"out\"}", |n| n > 1000.0),
        ])?;
    }

    let appended = |text: &str| figure(text, "conclave_appends_total{result=\"stored\"}").unwrap_or_default();
    ada.say("do you count this?")?;
    bela.wait("a line", |event| (event["line"]["text"] == "do you count this?").then_some(()))?;
    ensure!(appended(&metrics.text()?) > appended(&both), "a line is an entry");
    bela.leave()?;
    metrics.until([("conclave_gone_total{cause=\"left\"}", |n| n == 1.0), ("conclave_members", |n| n == 1.0)])?;
    // Killed, so that it says nothing.
    drop(ada);
    let text = metrics.until([("conclave_gone_total{cause=\"lost\"}", |n| n == 1.0), ("conclave_members", |n| n == 0.0)])?;

    for (name, value) in labels(&text) {
        let is_right = match name {
            "le" | "status" => value == "+Inf" || value.parse::<f64>().is_ok(),
            "path_template" => ROUTES.iter().any(|route| value.starts_with(route)),
            _ => WORDS.contains(&value),
        };
        ensure!(is_right, "a label says {name}={value}");
    }
    for path in ["/", "/healthz", "/readyz", "/config.json", "/api/live", "/rtc", "/metrics/", "/metrics/x"] {
        let (head, body) = metrics.get(path)?;
        ensure!(head.starts_with("HTTP/1.1 404") && body.is_empty(), "{path}: {head}\n{body}");
    }

    let log = server.end()?;
    let lines: Vec<&str> = log.lines().filter(|line| !line.starts_with("Conclave serves ") && !line.starts_with("Figures at ")).collect();
    ensure!(lines.len() > 3, "it logs: {log}");
    for line in &lines {
        let said: Value = serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
        ensure!(said["level"].is_string() && said["timestamp"].is_string() && said["message"].is_string(), "{line}");
    }
    ensure!(identities.len() == 3, "{identities:?}");
    let keys = LinkKeys::of(&link)?;
    let meeting = keys.meeting.to_text();
    let names = ["Ada", "Bela", "127.0.0.1", "::1", "localhost", &meeting, &keys.fragment];
    for said in [&text, &lines.join("\n")] {
        for name in names.into_iter().chain(identities.iter().map(String::as_str)) {
            ensure!(!said.contains(name), "{name} stands in\n{said}");
        }
    }
    Ok(())
}
