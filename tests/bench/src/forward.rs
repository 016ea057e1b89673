//! What forwarding costs: one publisher, fifty receivers, and the processor time that the server used meanwhile.

use std::path::Path;

use conclave_kit::Server;

use crate::livekit::{self, LiveKit};
use crate::load::{self, Counts, Load};
use crate::report::{Figure, Report};
use crate::statistics::median;

/// Each side is measured so often, in turns, so that what else the machine does meets both.
const ROUNDS: usize = 3;
const LOAD: Load = Load { publishers: 1, receivers: 50, seconds: 10 };
/// Percent. Who forwards less has less to do: with more loss than this, the figures cannot be compared.
const MOST_LOSS: f64 = 1.0;
/// Percent. Nor can they if one side got so much more to forward than the other.
const MOST_APART: f64 = 5.0;

pub(crate) fn run(report: &mut Report, livekit: Option<&Path>) -> anyhow::Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let server = Server::start()?;
        ours.push(told("conclave", load::run(&format!("ws://127.0.0.1:{}", server.port), server.pid(), LOAD)?));
        drop(server);
        if let Some(program) = livekit {
            let server = LiveKit::start(program)?;
            theirs.push(told(livekit::NAME, load::run(&server.url, server.pid(), LOAD)?));
        }
    }
    if livekit.is_none() {
        report.note(livekit::MISSING);
    }

    let loss = |side: &[Counts]| side.iter().map(|c| c.loss).fold(0.0, f64::max);
    let middle = |side: &[Counts], of: fn(&Counts) -> f64| median(&side.iter().map(of).collect::<Vec<_>>());
    let per_cpu_second = |c: &Counts| c.packets / c.cpu;
    let per_second = |c: &Counts| c.packets_per_second;
    let our = |of| middle(&ours, of).unwrap_or(f64::NAN);
    let apart = middle(&theirs, per_second).map_or(0.0, |their| 100.0 * (1.0 - our(per_second) / their).abs());
    let valid = loss(&ours) < MOST_LOSS && loss(&theirs) < MOST_LOSS && apart < MOST_APART;
    if !valid {
        report.note(format!(
            "forward: over {MOST_LOSS} % of the packets were lost, or the sides differ by over {MOST_APART} %: its figures mean nothing"
        ));
    }
    report.add(
        Figure::rate("forward.packets_per_cpu_second", our(per_cpu_second), "packets/cpu-s")
            .beside(livekit::NAME, middle(&theirs, per_cpu_second))
            .valid_if(valid),
    )?;
    report.add(Figure::rate("forward.packets_received", our(per_second), "packets/s"))?;
    report.add(Figure::cost("forward.loss", loss(&ours), "%"))?;
    if let (Some(cpu), Some(received)) = (middle(&theirs, per_cpu_second), middle(&theirs, per_second)) {
        report.add(Figure::rate("forward.livekit_packets_per_cpu_second", cpu, "packets/cpu-s").valid_if(valid))?;
        report.add(Figure::rate("forward.livekit_packets_received", received, "packets/s"))?;
        report.add(Figure::cost("forward.livekit_loss", loss(&theirs), "%"))?;
    }
    Ok(())
}

/// Shows how far the rounds lie apart.
fn told(who: &str, counts: Counts) -> Counts {
    let Counts { packets, packets_per_second, loss, cpu, .. } = counts;
    eprintln!(
        "{who}: {packets:.0} packets, {packets_per_second:.0}/s, {loss:.3} % lost, {cpu:.2} s of CPU: {:.0} packets/cpu-s",
        packets / cpu
    );
    counts
}
