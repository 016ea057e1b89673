//! `cargo xtask …`: everything that a person or CI does with this repository. See `cargo xtask --help`.

mod bench;
mod dist;
mod mutants;
mod netns;
mod run;
mod setup;
mod sh;
mod suites;
mod web;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Runs and tests Conclave; installs what it needs first")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build everything and start Conclave at http://localhost:8080, with a meeting link printed
    Run {
        /// Port of the web page
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// Where meetings are kept
        #[arg(long, default_value = "data")]
        data: PathBuf,
    },
    /// All that CI runs: formatting, lints, unit tests, attacks, canary, interop, browsers
    Test,
    /// Formatting, clippy and the web linters
    Tidy,
    /// Build the WebAssembly module and the web page
    Web,
    /// Build what people fetch from the last commit, into target/releases/release, with the sums of all files and the text that is logged
    Dist {
        /// Build it again in another folder, with other settings of time, language, rights and jobs, and compare every file
        #[arg(long)]
        check: bool,
        /// The web page alone
        #[arg(long)]
        page: bool,
    },
    /// Real browsers and a native member in one meeting; screenshots go to out/screens
    E2e {
        /// With a LiveKit server beside each server, which carries its media
        #[arg(long)]
        livekit: bool,
    },
    /// People who do whatever people do, at random, in real browsers; a walk that fails names its seed
    #[command(args_conflicts_with_subcommands = true)]
    Soak {
        #[command(subcommand)]
        of: Option<Soak>,
        /// How many walks
        #[arg(default_value_t = 50)]
        walks: u32,
        /// Seed of the first one; the others count on from it
        #[arg(long, default_value_t = 1)]
        first: u32,
    },
    /// Every known attack, carried out against the real client code
    Attacks {
        /// With a LiveKit server beside each server, which carries its media
        #[arg(long)]
        livekit: bool,
    },
    /// Look for readable remains of a meeting in everything that the server holds
    Canary {
        /// Instead, with a LiveKit server that carries the media and a PostgreSQL that keeps the meeting
        #[arg(long)]
        livekit: bool,
    },
    /// Other people's clients against the embedded media server
    Interop {
        /// Instead, minutes of a program on LiveKit's Go SDK, in both forms of signalling
        #[arg(long)]
        go: bool,
    },
    /// Visit every state of meetings with a server that lies, larger ones than in `test`: takes many minutes, see docs/security/model.md
    Model,
    /// Hold whole meetings in one process, each from a seed; one that breaks a promise is shortened and shown
    Sim {
        /// How many
        #[arg(long, default_value_t = 2000)]
        seeds: u64,
        /// The first; the others count on from it
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// Put known faults into a copy of the code, one at a time, or only this one: each must be found in so many meetings
        #[arg(long, value_name = "FAULT", num_args = 0..=1, default_missing_value = "", conflicts_with = "from")]
        mutants: Option<String>,
    },
    /// Measure joins, forwarding, memory and the page's size, beside others where that is possible: see docs/benchmarks.md
    Bench {
        /// Measure only this
        #[arg(value_parser = bench::AREAS)]
        name: Option<String>,
    },
}

#[derive(Subcommand)]
enum Soak {
    /// Instead, ten members on three nodes, under whom a node, Redis, PostgreSQL, a line or LiveKit fails every 20 s
    Cluster {
        /// For how long
        #[arg(long, default_value_t = 10)]
        minutes: u32,
        /// With a LiveKit server that carries the media
        #[arg(long)]
        livekit: bool,
    },
}

fn main() -> anyhow::Result<()> {
    let root = root()?;
    match Args::parse().task {
        Task::Run { port, data } => run::run(&root, port, &data),
        Task::Test => suites::test(&root),
        Task::Tidy => suites::tidy(&root),
        Task::Web => setup::for_web(&root).and_then(|()| web::build(&root)),
        Task::Dist { check, page } => dist::run(&root, check, page),
        Task::E2e { livekit } => suites::one(&root, suites::Suite::E2e, livekit),
        Task::Soak { of: Some(Soak::Cluster { minutes, livekit }), .. } => suites::soak_cluster(&root, minutes, livekit),
        Task::Soak { of: None, walks, first } => suites::soak(&root, walks, first),
        Task::Attacks { livekit } => suites::one(&root, suites::Suite::Attacks, livekit),
        Task::Canary { livekit } => suites::one(&root, suites::Suite::Canary, livekit),
        Task::Interop { go: false } => suites::one(&root, suites::Suite::Interop, false),
        Task::Interop { go: true } => suites::interop_with_go(&root),
        Task::Model => suites::model(&root),
        Task::Sim { seeds, mutants: Some(fault), .. } => mutants::run(&root, seeds, &fault),
        Task::Sim { seeds, from, mutants: None } => suites::sim(&root, seeds, from),
        Task::Bench { name } => bench::run(&root, name.as_deref()),
    }
}

/// The workspace's folder, wherever `cargo xtask` was called. Cargo says it at each start: where two checkouts share a target folder, this program may
/// have been compiled for the other one.
fn root() -> anyhow::Result<PathBuf> {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    Ok(manifest.parent().context("xtask stands in the workspace")?.to_path_buf())
}
