//! What forwarding costs: publishers, receivers, and the processor time that the server used meanwhile, beside LiveKit's server and the least that is possible.

use std::path::Path;

use conclave_kit::Server;

use crate::floor;
use crate::livekit;
use crate::load::{self, Counts, Load};
use crate::report::{Figure, Report};
use crate::statistics::median;

/// Each side is measured so often, in turns, so that what else the machine does meets all.
const ROUNDS: usize = 3;
/// Percent. Who forwards less has less to do: with more loss than this, the figures cannot be compared.
const MOST_LOSS: f64 = 1.0;
/// Percent. Nor can they if one side got so much more to forward than the other.
const MOST_APART: f64 = 5.0;
const SECONDS: u32 = 20;
/// The first seconds, with their key frames and probes, are not measured.
const SETTLE: &str = "--warm-up=5s";
const FLOOR: &str = "floor";

/// Who meets.
struct Scene {
    name: &'static str,
    load: Load,
    arguments: &'static [&'static str],
    /// The floor is of one picture, to so many.
    has_floor: bool,
}

const fn fan_out(name: &'static str, receivers: u32) -> Scene {
    Scene { name, load: Load { publishers: 1, receivers, seconds: SECONDS }, arguments: &[SETTLE], has_floor: true }
}

const SCENES: [Scene; 6] = [
    fan_out("fan_out_50", 50),
    fan_out("fan_out_100", 100),
    fan_out("fan_out_200", 200),
    // One picture a second, of a hundred packets that come at once; four times as many of a key frame.
    Scene {
        name: "burst",
        load: Load { publishers: 1, receivers: 60, seconds: SECONDS },
        arguments: &[SETTLE, "--fps=1", "--bitrate=936000"],
        has_floor: false,
    },
    Scene {
        name: "gallery",
        load: Load { publishers: 9, receivers: 20, seconds: SECONDS },
        arguments: &[SETTLE, "--layers", "--sound"],
        has_floor: false,
    },
    Scene {
        name: "sound",
        load: Load { publishers: 10, receivers: 60, seconds: SECONDS },
        arguments: &[SETTLE, "--bitrate=0", "--sound"],
        has_floor: false,
    },
];

pub(crate) fn run(report: &mut Report, livekit: Option<&Path>, only: &str) -> anyhow::Result<()> {
    if livekit.is_none() {
        report.note(livekit::MISSING);
    }
    for scene in SCENES.iter().filter(|scene| scene.name.starts_with(only)) {
        measure(report, scene, livekit)?;
    }
    Ok(())
}

fn measure(report: &mut Report, scene: &Scene, livekit: Option<&Path>) -> anyhow::Result<()> {
    let Scene { name, load, arguments, has_floor } = scene;
    let (mut ours, mut theirs, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let server = Server::start()?;
        ours.push(told(name, "conclave", load::run_with(&format!("ws://127.0.0.1:{}", server.port), server.pid(), *load, arguments)?));
        drop(server);
        if let Some(program) = livekit {
            let server = livekit::start(program)?;
            theirs.push(told(name, livekit::NAME, load::run_with(&server.url(), server.pid(), *load, arguments)?));
        }
        if *has_floor {
            floors.push(told(name, FLOOR, floor::run(load.receivers, load.seconds)?));
        }
    }

    let loss = |side: &[Counts]| side.iter().map(|c| c.loss).fold(0.0, f64::max);
    let middle = |side: &[Counts], of: fn(&Counts) -> f64| median(&side.iter().map(of).collect::<Vec<_>>());
    let per_cpu_second = |c: &Counts| c.packets / c.cpu;
    let per_second = |c: &Counts| c.packets_per_second;
    let our = |of| middle(&ours, of).unwrap_or(f64::NAN);
    let apart = middle(&theirs, per_second).map_or(0.0, |their| 100.0 * (1.0 - our(per_second) / their).abs());
    let valid = loss(&ours) < MOST_LOSS && loss(&theirs) < MOST_LOSS && loss(&floors) < MOST_LOSS && apart < MOST_APART;
    if !valid {
        report.note(format!(
            "sfu.{name}: over {MOST_LOSS} % of the packets were lost, or the sides differ by over {MOST_APART} %: its figures mean nothing"
        ));
    }
    let figure = |what: &str| format!("sfu.{name}{what}");
    report.add(
        Figure::rate(figure(""), our(per_cpu_second), "packets/cpu-s")
            .beside(livekit::NAME, middle(&theirs, per_cpu_second))
            .valid_if(valid),
    )?;
    report.add(Figure::rate(figure("_received"), our(per_second), "packets/s"))?;
    report.add(Figure::cost(figure("_loss"), loss(&ours), "%"))?;
    let dropped = |side: &[Counts]| side.iter().map(|c| c.dropped).fold(0.0, f64::max);
    report.add(Figure::cost(figure("_dropped"), dropped(&ours), "%"))?;
    if let (Some(cpu), Some(received)) = (middle(&theirs, per_cpu_second), middle(&theirs, per_second)) {
        report.add(Figure::rate(figure("_livekit"), cpu, "packets/cpu-s").valid_if(valid))?;
        report.add(Figure::rate(figure("_livekit_received"), received, "packets/s"))?;
        report.add(Figure::cost(figure("_livekit_loss"), loss(&theirs), "%"))?;
        report.add(Figure::cost(figure("_livekit_dropped"), dropped(&theirs), "%"))?;
    }
    if let Some(floor) = middle(&floors, per_cpu_second) {
        report.add(Figure::rate(figure("_floor"), floor, "packets/cpu-s").valid_if(valid))?;
        report.add(Figure::rate(figure("_of_floor"), 100.0 * our(per_cpu_second) / floor, "%").valid_if(valid))?;
    }
    Ok(())
}

/// Shows how far the rounds lie apart.
fn told(scene: &str, who: &str, counts: Counts) -> Counts {
    let Counts { packets, packets_per_second, loss, cpu, .. } = counts;
    eprintln!(
        "{scene}, {who}: {packets:.0} packets, {packets_per_second:.0}/s, {loss:.3} % lost, {cpu:.2} s of CPU: {:.0} packets/cpu-s",
        packets / cpu
    );
    counts
}
