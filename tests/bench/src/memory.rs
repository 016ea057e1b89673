//! What memory the server takes, for itself and for everybody in a meeting.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use conclave_cli::process::Usage;
use conclave_kit::{Member, Server, create};

use crate::livekit;
use crate::load::{self, Load};
use crate::report::{Figure, Report};
use crate::statistics::median;

const ROUNDS: usize = 3;
const PEOPLE: u32 = 50;
/// Nobody sends anything.
const IDLE: Load = Load { publishers: 0, receivers: PEOPLE, seconds: 3 };
/// Everybody receives 2 Mbit/s.
const RECEIVING: Load = Load { publishers: 1, receivers: PEOPLE, seconds: 5 };
/// After starting, or after the last one came in.
const SETTLE: Duration = Duration::from_secs(1);
const MB: f64 = 1e6;
const KB: f64 = 1e3;

/// Bytes.
#[derive(Debug, Clone, Copy)]
struct Taken {
    idle: f64,
    each_connected: f64,
    each_receiving: f64,
}

/// One of them, in the unit that it is shown in.
type Of = fn(&Taken) -> f64;

pub(crate) fn run(report: &mut Report, livekit: Option<&Path>) -> anyhow::Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(taken("conclave", || {
            let server = Server::start()?;
            Ok((format!("ws://127.0.0.1:{}", server.port), server.pid(), server))
        })?);
        if let Some(program) = livekit {
            theirs.push(taken(livekit::NAME, || {
                let server = livekit::start(program)?;
                Ok((server.url(), server.pid(), server))
            })?);
        }
    }
    if livekit.is_none() {
        report.note(livekit::MISSING);
    }

    let middle = |side: &[Taken], of: Of| median(&side.iter().map(of).collect::<Vec<_>>());
    let figures: [(&str, Of, &str); 3] = [
        ("idle", |t| t.idle / MB, "MB"),
        ("per_connected", |t| t.each_connected / KB, "kB"),
        ("per_receiving", |t| t.each_receiving / KB, "kB"),
    ];
    for (name, of, unit) in figures {
        let their = middle(&theirs, of);
        report.add(Figure::cost(format!("memory.{name}"), middle(&ours, of).unwrap_or(f64::NAN), unit).beside(livekit::NAME, their))?;
        if let Some(their) = their {
            report.add(Figure::cost(format!("memory.livekit_{name}"), their, unit))?;
        }
    }
    report.add(Figure::cost("memory.per_member", each_member()? / KB, "kB"))?;
    Ok(())
}

/// A fresh server for each load, so that none pays for what another left behind.
fn taken<S>(who: &str, start: impl Fn() -> anyhow::Result<(String, u32, S)>) -> anyhow::Result<Taken> {
    let mut idles = Vec::new();
    let mut each = |load: Load| {
        let (url, pid, _server) = start()?;
        let idle = idle(pid)?;
        idles.push(idle);
        let full = load::run(&url, pid, load)?.resident;
        anyhow::Ok((full - idle) / f64::from(load.publishers + load.receivers))
    };
    let (each_connected, each_receiving) = (each(IDLE)?, each(RECEIVING)?);
    let taken = Taken { idle: median(&idles).unwrap_or(f64::NAN), each_connected, each_receiving };
    eprintln!(
        "{who}: {:.1} MB idle, {:.0} kB each connected, {:.0} kB each receiving",
        taken.idle / MB,
        taken.each_connected / KB,
        taken.each_receiving / KB
    );
    Ok(taken)
}

fn idle(pid: u32) -> anyhow::Result<f64> {
    sleep(SETTLE);
    Ok(Usage::of(pid)?.resident as f64)
}

/// Real members of one meeting, who neither send nor receive media: what the log, the rooms and the media server hold for each.
fn each_member() -> anyhow::Result<f64> {
    let server = Server::start()?;
    let empty = idle(server.pid())?;
    let link = create(&server.url, None)?;
    let mut inside = Vec::new();
    for n in 0..PEOPLE {
        let mut member = Member::join(&link, &format!("Member {n}"), &["--no-video", "--no-audio"])?;
        member.wait("is connected", |event| (event["event"] == "transport" && event["state"] == "connected").then_some(()))?;
        inside.push(member);
    }
    let full = idle(server.pid())?;
    let each = (full - empty) / f64::from(PEOPLE);
    eprintln!("conclave: {:.1} MB idle, {:.1} MB with {PEOPLE} members", empty / MB, full / MB);
    Ok(each)
}
