//! Holds the meetings of many seeds; `cargo xtask sim` builds and starts it.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use conclave_sim::{Crowd, Fact, Failure, Script, hold, lockout, shrink};

/// Meetings that are held to shorten one.
const SHRINKING: u32 = 300;

#[derive(Parser)]
#[command(name = "sim", about = "Holds whole meetings, each from a seed")]
struct Args {
    /// How many
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first; the others count on from it
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Begin no meeting after so many seconds
    #[arg(long, value_name = "SECONDS")]
    within: Option<u64>,
    /// Threads, of which each holds a meeting at a time
    #[arg(long)]
    threads: Option<usize>,
    /// Go on after failures, and shorten none
    #[arg(long)]
    survey: bool,
    /// Do not shorten the first failure
    #[arg(long)]
    as_it_is: bool,
    /// Hold none of these, and measure how long somebody who is gone can open what others send, in a meeting of so many
    #[arg(long, value_name = "MEMBERS")]
    lockout: Option<usize>,
    /// Of each way to go
    #[arg(long, default_value_t = 10, requires = "lockout")]
    rounds: usize,
    /// Compute only those of them who send, go or commit
    #[arg(long, requires = "lockout")]
    sparse: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(members) = args.lockout {
        return measure_lockout(Crowd { members, rounds: args.rounds, seed: args.from, sparse: args.sparse });
    }
    let (began, end) = (Instant::now(), args.from.saturating_add(args.seeds));
    let is_late = || args.within.is_some_and(|seconds| began.elapsed().as_secs() >= seconds);
    let next = AtomicU64::new(args.from);
    let failures = Mutex::new(BTreeMap::<u64, Failure>::new());
    let total = Mutex::new((Duration::ZERO, 0_usize, 0_u64));
    let threads = args.threads.or_else(|| thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || is_late() || !args.survey && !failures.lock().expect("no thread panics").is_empty() {
                        return;
                    }
                    match hold(&Script::of_seed(seed)) {
                        Ok(held) => {
                            let mut total = total.lock().expect("no thread panics");
                            *total = (total.0 + held.span, total.1 + held.programs, total.2 + 1);
                        }
                        Err(failure) => {
                            eprintln!("seed {seed}: {failure}");
                            failures.lock().expect("no thread panics").insert(seed, failure);
                        }
                    }
                }
            });
        }
    });
    let (span, programs, good) = total.into_inner().expect("no thread panics");
    eprintln!("{good} meetings of {} hours, {programs} programs, in {:.1} s", span.as_secs() / 3600, began.elapsed().as_secs_f64());
    let failures = failures.into_inner().expect("no thread panics");
    if let Some((seed, failure)) = failures.first_key_value()
        && !args.survey
    {
        let tries = if args.as_it_is { 0 } else { SHRINKING };
        let (script, failure) = shrink(&Script::of_seed(*seed), failure.clone(), tries, |script| hold(script).err());
        eprintln!("{failure}\n{script}\n{}", failure.story.join("\n"));
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Figures as `cargo xtask bench` prints them.
fn measure_lockout(crowd: Crowd) -> ExitCode {
    let members = crowd.members;
    let times = match lockout(crowd) {
        Ok(times) => times,
        Err(stuck) => {
            eprintln!("{members} members: {stuck}");
            return ExitCode::FAILURE;
        }
    };
    let mut out = io::stdout();
    let mut written = Ok(());
    for fact in Fact::ALL {
        let mut took: Vec<_> = times.iter().filter(|(of, _)| *of == fact).map(|(_, took)| took.as_millis()).collect();
        took.sort_unstable();
        for percent in [50, 95] {
            // Nearest rank.
            let value = took[(took.len() * percent).div_ceil(100).saturating_sub(1)];
            let name = format!("lockout.{}_{members}_p{percent}", fact.name());
            written = written.and_then(|()| writeln!(out, "BENCH name={name} value={value} unit=ms baseline=- ratio=-"));
        }
    }
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
