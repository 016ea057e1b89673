//! Figures of the whole product, from real programs: what a join takes, what forwarding and members cost, how large the page is.
//!
//! ```text
//!   cargo xtask bench [AREA]         programs are built optimised, LiveKit's server is fetched, all runs in a network of its own
//!      │
//!   join      chromium + conclave-client join   ->  conclave serve      beside livekit-client without any encryption
//!   sfu       conclave-client load              ->  conclave serve      beside LiveKit's server, and what forwarding costs at least
//!   memory    conclave-client load, join        ->  conclave serve      beside LiveKit's server
//!   page      chromium -> a counting proxy      ->  conclave serve
//!   snapshot  sessions of this process, a log and a virtual clock
//!   commit    the same, and the page's module in node
//!   lockout   conclave-client join, an ear, and somebody who goes  ->  conclave serve
//!   attest    the frame cryptor in this process, and the page's module in node
//!   rtp       packets from one publisher to many in this process                    beside str0m
//!   group     groups in this process, beside OpenMLS with its own store
//!   rush      200 sessions of this process       ->  conclave serve
//! ```
//!
//! A figure is a line on standard output as soon as it is known ([`report`]); what happens meanwhile goes to standard error.
//! `docs/benchmarks.md` says what each figure means. Whatever is compared is measured in the same run, in turns.

mod attest;
mod commit;
mod crowd;
mod floor;
mod group;
mod join;
mod livekit;
mod load;
mod lockout;
mod memory;
mod page;
#[path = "../../../core/server/rtp/tests/str0m/peers.rs"]
mod peers;
mod plain_openmls;
mod report;
mod rtp;
mod rush;
mod sfu;
mod simulation;
mod snapshot;
mod statistics;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use report::Report;

#[derive(Parser)]
#[command(name = "bench", about = "Measures Conclave; run it by `cargo xtask bench`")]
struct Args {
    /// Measure only this
    area: Option<Area>,
    /// LiveKit's server, to compare with
    #[arg(long)]
    livekit: Option<PathBuf>,
    /// Of `sfu`, measure only scenes whose names begin so
    #[arg(long, default_value = "")]
    scene: String,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Area {
    Join,
    Sfu,
    Memory,
    Page,
    Snapshot,
    Commit,
    Lockout,
    Attest,
    Rtp,
    Group,
    Rush,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let livekit = args.livekit.as_deref();
    let mut report = Report::default();
    for area in args.area.as_ref().map_or(Area::value_variants(), std::slice::from_ref) {
        match area {
            Area::Page => page::run(&mut report)?,
            Area::Sfu => sfu::run(&mut report, livekit, &args.scene)?,
            Area::Memory => memory::run(&mut report, livekit)?,
            Area::Join => join::run(&mut report)?,
            Area::Snapshot => snapshot::run(&mut report)?,
            Area::Commit => commit::run(&mut report)?,
            Area::Lockout => lockout::run(&mut report)?,
            Area::Attest => attest::run(&mut report)?,
            Area::Rtp => rtp::run(&mut report)?,
            Area::Group => group::run(&mut report)?,
            Area::Rush => rush::run(&mut report)?,
        }
    }
    report.table()?;
    Ok(if report.is_valid() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
