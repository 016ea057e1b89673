//! `conclave-desktop`: a verified loader of the page. It serves the bundle that it was built with, or a newer one that the log of releases proves, from
//! its own memory to the browser of this machine. No code comes from a meeting server.
//!
//! ```text
//!   instance: one program for one user ── address: a link, a server
//!       │
//!   update: releases that may run ─> Bundle ─> serve ── gate: who asks, and from where ── browser
//!                                              │
//!                                            desk: tokens, sessions, the meeting server, the key of what the page keeps
//! ```
//!
//! Architecture invariant: what runs is embedded, or accepted by `conclave_transparency::AcceptRule`; the meeting server is never asked for anything.

mod address;
mod args;
mod browser;
mod desk;
mod gate;
mod instance;
mod peer;
mod serve;
mod state;
mod update;

use std::process::ExitCode;

use clap::Parser as _;

use args::Args;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Nothing else in the process chooses one.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match serve::run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conclave-desktop: {error:#}");
            ExitCode::FAILURE
        }
    }
}
