//! What was measured, as a table for people and as JSON for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::client::Counted;
use super::impairment::Counts;
use super::plan::Plan;
use crate::args::{Load, Shape};
use crate::process::Usage;

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Who met.
    pub shape: &'static str,
    /// Rooms.
    pub rooms: u32,
    /// Clients that sent, in all rooms.
    pub publishers: u64,
    /// Clients that received.
    pub receivers: u64,
    /// Tracks that were sent.
    pub tracks: u64,
    /// Measured time.
    pub seconds: f64,
    /// Packets that senders sent, all layers together.
    pub packets_sent: u64,
    /// Packets that receivers got, each once.
    pub packets_received: u64,
    /// The same a second.
    pub packets_per_second: f64,
    /// Payload that receivers got.
    pub bits_per_second: f64,
    /// Sequence numbers that receivers missed, after all repairs.
    pub packets_lost: u64,
    /// Of a hundred that were to come.
    pub loss_percent: f64,
    /// Packets that the server kept back without leaving a gap.
    pub packets_withheld: u64,
    /// Packets that came once more.
    pub packets_repeated: u64,
    /// Packets of which every byte was compared.
    pub packets_opened: u64,
    /// Packets that were not as they had been sent, or not for this receiver.
    pub packets_wrong: u64,
    /// From a publisher's stamp to the receiver's kernel, milliseconds: what half of the packets did not exceed.
    pub delay_p50: Option<f64>,
    /// What 99 of 100 did not exceed.
    pub delay_p99: Option<f64>,
    /// The longest.
    pub delay_most: Option<f64>,
    /// Processor time of this command itself, seconds.
    pub own_cpu_seconds: f64,
    /// What bad lines did to the datagrams of clients to the server, from the first one on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up: Option<Counts>,
    /// And to those of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down: Option<Counts>,
    /// With `--pid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerReport>,
}

/// What the server's process used.
#[derive(Debug, Clone, Serialize)]
pub struct ServerReport {
    /// Processor time from the first to the last packet that was counted, seconds.
    pub cpu_seconds: f64,
    /// That, for each packet that a receiver got, microseconds.
    pub cpu_per_packet: f64,
    /// Memory that it occupied before the first client came, bytes.
    pub resident_before: u64,
    /// When measuring began.
    pub resident_begin: u64,
    /// At the end, with all clients connected.
    pub resident: u64,
    /// What was added since before the first client, for each of them.
    pub resident_per_client: f64,
    /// As time went on.
    pub samples: Vec<Sample>,
}

/// The server at one moment.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Sample {
    /// Since measuring began.
    pub seconds: f64,
    /// Processor time since then.
    pub cpu_seconds: f64,
    /// Bytes.
    pub resident: u64,
}

impl Sample {
    pub(super) fn new(at: Duration, now: Usage, before: Option<Usage>) -> Self {
        let cpu = before.map_or(Duration::ZERO, |before| now.cpu.saturating_sub(before.cpu));
        Self { seconds: at.as_secs_f64(), cpu_seconds: cpu.as_secs_f64(), resident: now.resident }
    }
}

impl ServerReport {
    pub(super) fn new(empty: Usage, before: Usage, after: Usage, samples: Vec<Sample>, plan: &Plan, sum: &Counted) -> Self {
        let cpu_seconds = after.cpu.saturating_sub(before.cpu).as_secs_f64();
        Self {
            cpu_seconds,
            cpu_per_packet: cpu_seconds * 1e6 / sum.received.packets.max(1) as f64,
            resident_before: empty.resident,
            resident_begin: before.resident,
            resident: after.resident,
            resident_per_client: (after.resident as f64 - empty.resident as f64) / plan.clients().max(1) as f64,
            samples,
        }
    }
}

impl Report {
    pub(super) fn new(args: &Load, plan: &Plan, measured: Duration, sum: &Counted, own: Duration, server: Option<ServerReport>) -> Self {
        let seconds = measured.as_secs_f64();
        let received = sum.received;
        let millis = |micros: Option<u64>| micros.map(|micros| micros as f64 / 1000.0);
        let expected = received.packets + received.lost;
        Self {
            shape: match args.shape {
                Shape::FanOut => "fan-out",
                Shape::Audio => "audio",
                Shape::Meeting => "meeting",
                Shape::Livestream => "livestream",
                Shape::Gallery => "gallery",
            },
            rooms: plan.rooms,
            publishers: u64::from(plan.rooms) * u64::from(plan.publishers),
            receivers: plan.receivers(),
            tracks: plan.tracks(),
            seconds,
            packets_sent: sum.sent,
            packets_received: received.packets,
            packets_per_second: received.packets as f64 / seconds,
            bits_per_second: received.bytes as f64 * 8.0 / seconds,
            packets_lost: received.lost,
            loss_percent: 100.0 * received.lost as f64 / expected.max(1) as f64,
            packets_withheld: received.withheld,
            packets_repeated: received.repeated,
            packets_opened: sum.opened,
            packets_wrong: sum.wrong,
            delay_p50: millis(sum.delays.percentile(50.0)),
            delay_p99: millis(sum.delays.percentile(99.0)),
            delay_most: millis(sum.delays.most()),
            own_cpu_seconds: own.as_secs_f64(),
            up: (!args.impair.is_empty()).then_some(sum.up),
            down: (!args.impair.is_empty()).then_some(sum.down),
            server,
        }
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, value: String| {
            // Writing into a string cannot fail.
            let _written = writeln!(text, "{name:<10} {value}");
        };
        let Self { shape, rooms, publishers, receivers, tracks, seconds, .. } = self;
        row("shape", format!("{shape}: {publishers} send {tracks} tracks to {receivers}, in {rooms} room(s); measured for {seconds:.1} s"));
        row("sent", format!("{} packets", self.packets_sent));
        let mbit = self.bits_per_second / 1e6;
        row("received", format!("{} packets, {:.0} a second, {mbit:.1} Mbit/s", self.packets_received, self.packets_per_second));
        let (lost, withheld) = (self.packets_lost, self.packets_withheld);
        row("lost", format!("{lost} packets ({:.3} %) after repair; {withheld} kept back without a gap", self.loss_percent));
        let wrong = match self.packets_wrong {
            0 => "all as they were sent".to_owned(),
            wrong => format!("{wrong} WERE NOT AS THEY WERE SENT, or came to the wrong receiver"),
        };
        row("compared", format!("{} packets, byte for byte: {wrong}", self.packets_opened));
        if let (Some(p50), Some(p99), Some(most)) = (self.delay_p50, self.delay_p99, self.delay_most) {
            row("delay", format!("p50 {p50:.2} ms, p99 {p99:.2} ms, most {most:.2} ms"));
        }
        for (name, counts) in [("line up", self.up), ("line down", self.down)] {
            if let Some(Counts { passed, lost, dropped }) = counts {
                row(name, format!("{passed} datagrams passed, {lost} lost, {dropped} dropped where the rate was too small"));
            }
        }
        if let Some(server) = &self.server {
            let rate = self.packets_received as f64 / server.cpu_seconds.max(0.01);
            let of_core = 100.0 * server.cpu_seconds / seconds;
            row("server", format!("{:.2} us of CPU a packet ({rate:.0} packets/cpu-s), {of_core:.0} % of a core", server.cpu_per_packet));
            let mb = |bytes: u64| bytes as f64 / 1e6;
            let each = server.resident_per_client / 1e3;
            let (empty, begin, end) = (mb(server.resident_before), mb(server.resident_begin), mb(server.resident));
            row(
                "memory",
                format!("{empty:.1} MB before, {begin:.1} MB when measuring began, {end:.1} MB at the end: {each:.0} kB a client"),
            );
        }
        let own = self.own_cpu_seconds * 1e6 / self.packets_received.max(1) as f64;
        row("this tool", format!("{own:.2} us of CPU a packet, {:.0} % of a core", 100.0 * self.own_cpu_seconds / seconds));
        text
    }
}
