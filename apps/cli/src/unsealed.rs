//! `conclave-client-unsealed`: what tests/canary starts to see that its search finds what is not sealed. Nobody else should.

use anyhow::bail;
use clap::Parser as _;
use conclave_cli::args::{Cli, Command};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    eprintln!("this client seals nothing: the server can read all that is said. It is for tests/canary");
    conclave_cli::install_tls();
    match Cli::parse().command {
        Command::Create(create) => conclave_cli::create::run(&create).await,
        Command::Join(join) => conclave_cli::member::run(join).await,
        Command::Load(_) => bail!("only create and join are of use here"),
    }
}
