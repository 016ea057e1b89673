//! `load`: many LiveKit clients in one process, to measure what a media server does: ours, or LiveKit's.
//!
//! ```text
//!  publisher: stamped packets ─> client (signalling, WebRTC) ─> bad line ─> UDP ─> server
//!  streams, delays, comparison <── client <── bad line <── UDP, with the kernel's time of each datagram <──┘
//! ```
//!
//! Clients are plain LiveKit ones, without meetings, keys or sealing. Each has a WebSocket and a UDP socket of its own. Every packet is opened
//! (SRTP), and its sender, number and time are read; of a share of them every byte is compared with what was sent.

mod access;
mod client;
mod delay;
mod impairment;
mod payload;
mod plan;
mod publisher;
mod report;
mod streams;
mod udp;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

pub use impairment::{Impair, Impairment};
pub use report::{Report, Sample, ServerReport};

use self::client::{Client, Counted, Shared, Stage};
use self::plan::Plan;
use crate::args::Load;
use crate::clock::Clock;
use crate::process::Usage;

/// All must be connected and receiving so long after the last one came.
const START: Duration = Duration::from_secs(30);
/// What is on its way when the senders stop, repairs included.
const TAIL: Duration = Duration::from_millis(500);
/// How often a server's usage is looked at: at most so often, and not more than [`SAMPLES`] times.
const SAMPLE: Duration = Duration::from_secs(1);
const SAMPLES: u32 = 60;

/// Runs the load and prints what was measured. Ends with a failure if anything that came was not what had been sent.
pub fn run(args: &Load) -> anyhow::Result<ExitCode> {
    let report = measure(args)?;
    let text = if args.json { serde_json::to_string(&report)? } else { report.table() };
    #[expect(clippy::print_stdout, reason = "the figures are what this command is for")]
    {
        println!("{}", text.trim_end());
    }
    Ok(if report.packets_wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the load.
pub fn measure(args: &Load) -> anyhow::Result<Report> {
    let plan = Plan::new(args)?;
    access::open_files(&plan)?;
    let runtime = Builder::new_multi_thread().worker_threads(args.threads.into()).enable_all().build()?;
    runtime.block_on(async { tokio::spawn(load(args.clone(), plan)).await? })
}

async fn load(args: Load, plan: Plan) -> anyhow::Result<Report> {
    let clock = Clock::new();
    let tokens = access::tokens(&args, &plan, clock.now())?;
    if let Some(token) = tokens.first() {
        access::ask(&args, token).await?;
    }
    let usage = || args.pid.map(Usage::of).transpose();
    let empty = usage().context("--pid")?;
    let shared = Arc::new(Shared { args: args.clone(), plan: plan.clone(), clock });
    let (stage, watching) = watch::channel(Stage::Starting);
    let all = usize::try_from(plan.clients())?;
    let (ready, mut readies) = mpsc::channel(all.max(1));
    let mut clients: JoinSet<anyhow::Result<Counted>> = JoinSet::new();
    // All at once would measure handshakes.
    let apart = Duration::from_secs(1) / args.per_second;
    for (n, (me, token)) in (0..).zip(plan.all().zip(tokens)) {
        let (shared, watching, ready) = (Arc::clone(&shared), watching.clone(), ready.clone());
        clients.spawn(async move {
            sleep(apart * n).await;
            let (client, events) = Client::new(shared, me, token, watching, ready).await?;
            client.run(events).await
        });
    }
    drop(ready);
    let mut started = 0;
    let deadline = Instant::now() + apart * u32::try_from(all)? + START;
    while started < all {
        tokio::select! {
            biased;
            Some(ended) = clients.join_next() => {
                ended?.map(|_| ()).with_context(|| format!("{started} of {all} clients were ready then"))?;
                bail!("a client ended before the measurement began");
            }
            Some(()) = readies.recv() => started += 1,
            () = sleep_until(deadline) => bail!(
                "{started} of {all} clients receive all that they are to, {} s after the last one came: take fewer, or look at what the server logs",
                START.as_secs()
            ),
        }
    }
    sleep(args.warm_up).await;
    let own = std::process::id();
    let (before, own_before) = (usage()?, Usage::of(own)?);
    let begun = clock.now();
    stage.send(Stage::Measuring).ok();
    let mut samples = Vec::new();
    let end = Instant::now() + args.duration;
    let step = SAMPLE.max(args.duration / SAMPLES);
    let mut next = Instant::now() + step;
    loop {
        tokio::select! {
            biased;
            Some(ended) = clients.join_next() => {
                ended?.map(|_| ())?;
                bail!("a client ended while it was measured");
            }
            () = sleep_until(next.min(end)) => {}
        }
        if let Some(now) = usage()? {
            samples.push(Sample::new(clock.now().since(begun), now, before));
        }
        if Instant::now() >= end {
            break;
        }
        next += step;
    }
    let measured = clock.now().since(begun);
    stage.send(Stage::SendersDone).ok();
    sleep(TAIL).await;
    // Before anybody leaves: farewells are not what is measured.
    let (after, own_after) = (usage()?, Usage::of(own)?);
    stage.send(Stage::Over).ok();
    let mut sum = Counted::default();
    while let Some(ended) = clients.join_next().await {
        sum.add(&ended??);
    }
    let server = empty.zip(before).zip(after).map(|((empty, before), after)| ServerReport::new(empty, before, after, samples, &plan, &sum));
    Ok(Report::new(&args, &plan, measured, &sum, own_after.cpu.saturating_sub(own_before.cpu), server))
}
