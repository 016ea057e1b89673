//! `conclave-client`.

#[cfg(feature = "canary-unsealed")]
compile_error!("what people run seals: `canary-unsealed` is for `conclave-client-unsealed`, which only tests/canary starts");

use std::process::ExitCode;

use clap::Parser as _;
use conclave_cli::args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    conclave_cli::install_tls();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Create(create) => conclave_cli::create::run(&create).await,
        Command::Join(join) => conclave_cli::member::run(join).await,
        Command::Load(load) => conclave_cli::load::run(&load).await,
    }
}
