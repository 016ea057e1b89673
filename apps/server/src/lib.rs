//! `conclave serve`: what the server's state machine (`admission`) and its media server (`livekit_server`) need of the world.
//!
//! ```text
//!   page, /api  --- static_files, api ---  control_task --- Admission (core/server/admission) --- database, store (SQLite, PostgreSQL)
//!                                                        |-------------------------- bus (the order of each session)
//!   /rtc        --- livekit_ws ----------  media_thread --- MediaServer (core/server/media) ----- udp
//!            or --- livekit: a LiveKit server that the site runs
//!
//!   /metrics    --- metrics: asks both sides, at a port of its own
//!
//!   before all of it: listener (what a connection may cost), clients (what each block of addresses has), addresses (where a client is)
//! ```
//!
//! Architecture invariant: links neither `mls` nor `media_crypto`, directly or through others: it cannot decrypt, because the code is not in it.

mod addresses;
mod api;
mod args;
mod bus;
mod clients;
mod clock;
mod control_task;
mod creators;
mod database;
mod engine;
mod listener;
mod livekit;
mod livekit_ws;
mod loader_page;
mod media_thread;
mod metrics;
mod passphrase_key;
mod plans;
mod release;
mod serve;
mod static_files;
mod store;
#[cfg(test)]
mod tests;
mod udp;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use clap::Parser as _;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use args::{Args, LogFormat, Task};

/// The whole program.
pub fn main() -> ExitCode {
    let task = Args::parse().task;
    log_to_stderr(if let Task::Serve(args) = &task { args.log_format } else { LogFormat::Text });
    // Nothing else in the process chooses one.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let done = match task {
        Task::Serve(args) => tokio::runtime::Runtime::new().map_err(Into::into).and_then(|runtime| runtime.block_on(serve::serve(*args))),
        Task::Client(words) => client(words),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            // For the operator who typed the command, not for the log.
            eprintln!("conclave: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn log_to_stderr(format: LogFormat) {
    let asked = std::env::var("CONCLAVE_LOG").ok().and_then(|levels| levels.parse().ok());
    let levels: Targets = asked.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    // Whatever was asked: str0m and its ICE say clients' addresses, and warn of what a foreign client's offer holds.
    let levels = levels.with_target("str0m", Level::ERROR).with_target("is", Level::ERROR);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).with_target(false);
    let registry = tracing_subscriber::registry().with(levels);
    match format {
        LogFormat::Text => registry.with(lines).init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).init(),
    }
}

/// What decrypts is another program, beside this one.
fn client(words: Vec<OsString>) -> anyhow::Result<()> {
    let sibling = std::env::current_exe()?.with_file_name("conclave-client");
    let error = Command::new(&sibling).args(words).exec();
    anyhow::bail!(
        "this is the server's program; the client's, {}, cannot be started ({error}). Install it beside this one",
        sibling.display()
    )
}
