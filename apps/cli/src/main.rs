//! `conclave-client`.

use std::process::ExitCode;

use clap::Parser as _;
use conclave_cli::args::{Cli, Command};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let asked = std::env::var("RUST_LOG").ok().and_then(|levels| levels.parse().ok());
    let levels: Targets = asked.unwrap_or_else(|| Targets::new().with_default(Level::WARN));
    tracing_subscriber::registry().with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr)).with(levels).init();
    conclave_cli::install_tls();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Create(create) => conclave_cli::create::run(&create).await,
        Command::Join(join) => conclave_cli::member::run(join).await,
        Command::HostLink(args) => conclave_cli::host_key::host_link(&args).await,
        // It has threads of its own.
        Command::Load(load) => return tokio::task::spawn_blocking(move || conclave_cli::load::run(&load)).await?,
        Command::Log(log) => conclave_cli::transparency::log::run(&log).await,
        Command::Rebuild(rebuild) => return conclave_cli::transparency::rebuild::run(&rebuild),
        Command::Witness(witness) => conclave_cli::transparency::witness::run(&witness).await,
        Command::Verify(verify) => return conclave_cli::verify::run(&verify).await,
    }?;
    Ok(ExitCode::SUCCESS)
}
