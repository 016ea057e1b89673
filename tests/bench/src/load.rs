use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use conclave_kit::{Server, program};
use serde_json::Value;

/// Who connects, and for how long it is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) publishers: u32,
    pub(crate) receivers: u32,
    pub(crate) seconds: u32,
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Counts {
    /// Packets that all receivers got.
    pub(crate) packets: f64,
    /// The same in one second.
    pub(crate) packets_per_second: f64,
    /// Percent of the packets that did not arrive.
    pub(crate) loss: f64,
    /// Datagrams for which a socket had no room, of 100 that receivers got.
    pub(crate) dropped: f64,
    /// Processor time of the server, seconds.
    pub(crate) cpu: f64,
    /// Memory that the server occupied with all of them connected, bytes.
    pub(crate) resident: f64,
}

/// A call of `conclave-client load` with the key that all servers here have.
pub(crate) fn command(url: &str) -> Command {
    let mut command = Command::new(program("conclave-client"));
    command.args(["load", "--json", "--url", url, "--api-key", Server::KEY]).env("CONCLAVE_LIVEKIT_SECRET", Server::SECRET);
    command.stdin(Stdio::null());
    command
}

/// Runs a load of 2 Mbit/s a publisher against the server at `url`, whose process is `pid`.
pub(crate) fn run(url: &str, pid: u32, load: Load) -> anyhow::Result<Counts> {
    run_with(url, pid, load, &[])
}

/// The same with more arguments.
pub(crate) fn run_with(url: &str, pid: u32, load: Load, arguments: &[&str]) -> anyhow::Result<Counts> {
    let dropped = dropped_so_far()?;
    let out = command(url)
        .args(["--pid", &pid.to_string()])
        .args(arguments)
        .args(["--publishers", &load.publishers.to_string(), "--subscribers", &load.receivers.to_string()])
        .args(["--duration", &format!("{}s", load.seconds)])
        .stderr(Stdio::inherit())
        .output()
        .context("starting conclave-client")?;
    ensure!(out.status.success(), "the load generator failed: see above");
    let counts = counts(&serde_json::from_slice(&out.stdout).context("what the load generator counted")?)?;
    Ok(Counts { dropped: 100.0 * (dropped_so_far()? - dropped) / counts.packets.max(1.0), ..counts })
}

/// Datagrams for which any socket of this network had no room, since it began.
fn dropped_so_far() -> anyhow::Result<f64> {
    let told = std::fs::read_to_string("/proc/net/snmp").context("/proc/net/snmp")?;
    let mut lines = told.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (names, values) = lines.next().zip(lines.next()).context("/proc/net/snmp tells nothing of UDP")?;
    let found = names.split(' ').zip(values.split(' ')).find(|(name, _)| *name == "RcvbufErrors").context("no RcvbufErrors")?;
    Ok(found.1.parse()?)
}

fn counts(told: &Value) -> anyhow::Result<Counts> {
    let number = |name: &str| told[name].as_f64().with_context(|| format!("the load generator tells no {name}"));
    let of_server = |name: &str| told["server"][name].as_f64().with_context(|| format!("the load generator tells no {name} of the server"));
    let (packets, lost) = (number("packets_received")?, number("packets_lost")?);
    // Nobody sent: nothing was lost.
    let loss = if packets + lost > 0.0 { 100.0 * lost / (packets + lost) } else { 0.0 };
    let packets_per_second = number("packets_per_second")?;
    Ok(Counts { packets, packets_per_second, loss, dropped: 0.0, cpu: of_server("cpu_seconds")?, resident: of_server("resident")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_is_a_share_of_what_should_have_come() {
        let told = serde_json::json!({
            "packets_received": 99, "packets_lost": 1, "packets_per_second": 9.9, "server": {"cpu_seconds": 0.5, "resident": 4096}
        });
        let expected = Counts { packets: 99.0, packets_per_second: 9.9, loss: 1.0, dropped: 0.0, cpu: 0.5, resident: 4096.0 };
        assert_eq!(counts(&told).expect("whole"), expected);
    }

    #[test]
    fn a_load_without_senders_loses_nothing_and_a_missing_count_is_told() {
        let mut told = serde_json::json!({
            "packets_received": 0, "packets_lost": 0, "packets_per_second": 0.0, "server": {"cpu_seconds": 0.0, "resident": 4096}
        });
        assert_eq!(counts(&told).expect("whole").loss, 0.0);
        told["server"]["resident"].take();
        assert!(counts(&told).expect_err("cut").to_string().contains("resident"));
    }
}
