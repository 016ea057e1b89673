//! `conclave-client load` against real servers: ours, and LiveKit's own where it is there.

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context as _, ensure};
use conclave_engines::{LiveKit, Settings};
use conclave_kit::{Server, free_tcp_port, program};
use serde_json::Value;

fn command(url: &str) -> Command {
    let mut command = Command::new(program("conclave-client"));
    command.args(["load", "--json", "--url", url, "--api-key", Server::KEY, "--warm-up=1s", "--duration=3s"]);
    command.env("CONCLAVE_LIVEKIT_SECRET", Server::SECRET);
    command
}

fn load(url: &str, arguments: &[&str]) -> anyhow::Result<Value> {
    let Output { status, stdout, stderr } = command(url).args(arguments).output()?;
    ensure!(status.success(), "{}\n{}", String::from_utf8_lossy(&stderr), String::from_utf8_lossy(&stdout));
    serde_json::from_slice(&stdout).context("what was measured")
}

/// What it says when it does not run.
fn refusal(mut command: Command) -> anyhow::Result<String> {
    let Output { status, stdout, stderr } = command.output()?;
    ensure!(!status.success(), "it ran: {}", String::from_utf8_lossy(&stdout));
    Ok(String::from_utf8(stderr)?)
}

fn number(report: &Value, name: &str) -> anyhow::Result<f64> {
    report.pointer(name).and_then(Value::as_f64).with_context(|| format!("no {name} in {report}"))
}

fn livekit() -> anyhow::Result<LiveKit> {
    let program = std::env::var_os("CONCLAVE_TEST_LIVEKIT").context("CONCLAVE_TEST_LIVEKIT names no server of LiveKit's")?;
    LiveKit::start(&PathBuf::from(program), Settings::by_itself(Server::KEY, Server::SECRET))
}

/// Everybody sends and watches, and every byte of every packet is compared.
fn small_gallery_arrives_whole(url: &str, pid: u32) -> anyhow::Result<()> {
    let report = load(url, &["--shape=gallery", "--publishers=4", "--bitrate=400000", "--open=100%", "--pid", &pid.to_string()])?;
    for nothing in ["/packets_lost", "/packets_wrong", "/packets_withheld"] {
        ensure!(number(&report, nothing)? == 0.0, "{nothing}: {report}");
    }
    let received = number(&report, "/packets_received")?;
    ensure!(number(&report, "/packets_opened")? == received, "not all were opened: {report}");
    // Sound alone is 50 packets a second from each of three to each of four, and a picture 30 at least.
    ensure!(received > 4.0 * 3.0 * 3.0 * 70.0, "too few packets: {report}");
    ensure!(number(&report, "/delay_p50")? < number(&report, "/delay_p99")? + 0.001, "{report}");
    ensure!(number(&report, "/server/cpu_seconds")? > 0.0 && number(&report, "/server/resident")? > 1e6, "{report}");
    Ok(())
}

/// Of what the line loses most is repaired, and what is lost before the server as well.
fn loss_is_repaired(url: &str) -> anyhow::Result<()> {
    let small = ["--subscribers=4", "--bitrate=1000000", "--open=100%"];
    let report = load(url, &[&small[..], &["--impair=loss=5%"]].concat())?;
    let (passed, lost) = (number(&report, "/down/passed")?, number(&report, "/down/lost")?);
    ensure!((0.03..0.07).contains(&(lost / (passed + lost))), "the line loses something else than asked: {report}");
    ensure!(number(&report, "/up/lost")? > 5.0, "{report}");
    let missed = number(&report, "/packets_lost")?;
    ensure!(missed < lost / 4.0, "{missed} of {lost} were not repaired: {report}");
    ensure!(number(&report, "/packets_wrong")? == 0.0, "{report}");
    Ok(())
}

#[test]
fn a_small_gallery_arrives_whole() -> anyhow::Result<()> {
    let server = Server::start()?;
    small_gallery_arrives_whole(&server.url, server.pid())
}

#[test]
fn what_a_bad_line_loses_is_repaired() -> anyhow::Result<()> {
    loss_is_repaired(&Server::start()?.url)
}

#[test]
#[ignore = "needs LiveKit's server; `cargo xtask e2e --livekit` runs it"]
fn a_small_gallery_arrives_whole_from_livekits_server() -> anyhow::Result<()> {
    let server = livekit()?;
    small_gallery_arrives_whole(&server.url(), server.pid())
}

#[test]
#[ignore = "needs LiveKit's server; `cargo xtask e2e --livekit` runs it"]
fn what_a_bad_line_loses_is_repaired_by_livekits_server() -> anyhow::Result<()> {
    loss_is_repaired(&livekit()?.url())
}

#[test]
fn a_line_is_as_slow_as_asked() -> anyhow::Result<()> {
    let server = Server::start()?;
    let delay = |impair: &[&str]| {
        let arguments = [&["--shape=audio", "--publishers=2", "--subscribers=3"], impair].concat();
        let report = load(&server.url, &arguments)?;
        ensure!(number(&report, "/packets_lost")? == 0.0, "{report}");
        number(&report, "/delay_p50")
    };
    let slow = delay(&["--impair=up:delay=100ms", "--impair=down:delay=50ms"])?;
    ensure!((150.0..200.0).contains(&slow), "{slow} ms");
    let plain = delay(&[])?;
    ensure!(plain < 50.0, "{plain} ms");
    Ok(())
}

/// Who sends in one room is not heard in another: the tool takes that for wrong.
#[test]
fn rooms_are_loaded_side_by_side() -> anyhow::Result<()> {
    let report = load(&Server::start()?.url, &["--shape=audio", "--rooms=3", "--publishers=2", "--subscribers=2"])?;
    ensure!((number(&report, "/publishers")?, number(&report, "/receivers")?, number(&report, "/tracks")?) == (6.0, 6.0, 6.0), "{report}");
    ensure!(number(&report, "/packets_received")? > 6.0 * 2.0 * 3.0 * 40.0 && number(&report, "/packets_wrong")? == 0.0, "{report}");
    Ok(())
}

#[test]
fn what_stands_in_the_way_is_told_with_what_to_do() -> anyhow::Result<()> {
    let server = Server::start()?;
    let mut wrong_secret = command(&server.url);
    wrong_secret.env("CONCLAVE_LIVEKIT_SECRET", "not-the-secret-of-this-server!!!");
    let told = refusal(wrong_secret)?;
    ensure!(told.contains("another secret") && !told.contains("not-the-secret"), "{told}");

    let told = refusal(command(&format!("ws://127.0.0.1:{}", free_tcp_port()?)))?;
    ensure!(told.contains("is the server running"), "{told}");

    let mut no_secret = command(&server.url);
    no_secret.env_remove("CONCLAVE_LIVEKIT_SECRET");
    let told = refusal(no_secret)?;
    ensure!(told.contains("--api-secret-file"), "{told}");

    let mut few_files = Command::new("sh");
    few_files.args(["-c", "ulimit -n 100; exec \"$@\"", "sh"]).arg(program("conclave-client"));
    few_files.args(["load", "--url", &server.url, "--api-key", Server::KEY, "--subscribers=200"]);
    few_files.env("CONCLAVE_LIVEKIT_SECRET", Server::SECRET);
    let told = refusal(few_files)?;
    ensure!(told.contains("ulimit -Hn"), "{told}");
    Ok(())
}

/// A file holds the secret as well as the environment does.
#[test]
fn the_secret_is_read_from_a_file() -> anyhow::Result<()> {
    let server = Server::start()?;
    let file = server.data.path().join("secret");
    std::fs::write(&file, format!("{}\n", Server::SECRET))?;
    let mut command = command(&server.url);
    command.env_remove("CONCLAVE_LIVEKIT_SECRET").arg("--api-secret-file").arg(&file);
    let Output { status, stderr, .. } = command.args(["--shape=audio", "--publishers=1", "--subscribers=1"]).output()?;
    ensure!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    Ok(())
}
