//! `witness`: looks at logs from outside and cosigns what only grew (c2sp.org/tlog-witness).

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use conclave_transparency::{Algorithm, MAX_REQUEST, Rejected, VerifierKey};
use hyper::Method;

use super::listener::{self, Answer, Asked};
use super::witness_folder::{WitnessFolder, hashed};
use crate::args::{Witness, WitnessAdd, WitnessInit, WitnessServe};
use crate::clock;

/// Runs a subcommand.
pub async fn run(args: &Witness) -> anyhow::Result<()> {
    match args {
        Witness::Init(args) => init(args),
        Witness::Add(args) => add(args),
        Witness::Serve(args) => serve(args).await,
    }
}

fn init(args: &WitnessInit) -> anyhow::Result<()> {
    let algorithm = if args.ed25519 { Algorithm::CosignatureV1 } else { Algorithm::MlDsa44 };
    let key = WitnessFolder::init(&args.folder, &args.name, algorithm)?;
    #[expect(clippy::print_stdout, reason = "the public key is what policies need")]
    {
        println!("{}", key.verifier());
    }
    Ok(())
}

fn add(args: &WitnessAdd) -> anyhow::Result<()> {
    let log = args.log.parse::<VerifierKey>().context("that is no key of a log: take the line that `log init` printed")?;
    WitnessFolder::add(&args.folder, &log)
}

async fn serve(args: &WitnessServe) -> anyhow::Result<()> {
    let folder = Arc::new(Mutex::new(WitnessFolder::open(&args.folder)?));
    listener::serve(&args.listen, MAX_REQUEST, move |asked| {
        // One request at a time, from the decision until it is stored: two forks at once must not both be growth.
        let mut folder = folder.lock().unwrap_or_else(PoisonError::into_inner);
        match (&asked.method, asked.path.as_str()) {
            (&Method::POST, "add-checkpoint") => add_checkpoint(&mut folder, &asked),
            (&Method::GET, path) => checkpoint(&folder, path),
            _ => Answer::text(405, "only POST /add-checkpoint, and GET\n"),
        }
    })
    .await
}

fn add_checkpoint(folder: &mut WitnessFolder, asked: &Asked) -> Answer {
    let now = clock::unix_seconds();
    match folder.witness().add_checkpoint(&asked.body, now) {
        Ok(cosigned) => match folder.store(&cosigned) {
            Ok(()) => Answer::text(200, cosigned.answer()),
            Err(error) => {
                tracing::error!("{error:#}");
                Answer::text(500, "what was seen cannot be stored, so nothing is signed\n")
            }
        },
        Err(rejected) => {
            if let Rejected::Fork(cosigned) = &rejected {
                let origin = cosigned.checkpoint().origin();
                tracing::error!("{origin} signed two trees of {} entries: it has been forked", cosigned.checkpoint().size());
                if let Err(error) = folder.keep_fork(cosigned, &String::from_utf8_lossy(&asked.body)) {
                    tracing::error!("{error:#}");
                }
            }
            let content_type = if matches!(rejected, Rejected::OtherSize(_)) { "text/x.tlog.size" } else { "text/plain; charset=utf-8" };
            Answer { content_type, ..Answer::text(rejected.http_status(), format!("{rejected}\n")) }
        }
    }
}

/// What this witness cosigned last, for whoever watches: `HASH-OF-THE-ORIGIN/checkpoint`.
fn checkpoint(folder: &WitnessFolder, path: &str) -> Answer {
    let witness = folder.witness();
    let asked = path.strip_suffix("/checkpoint").and_then(|hash| witness.origins().find(|origin| hashed(origin) == hash));
    match asked.and_then(|origin| witness.latest(origin)) {
        Some(latest) => Answer::text(200, latest.to_string()),
        None => Answer::text(404, "nothing was cosigned of this log\n"),
    }
}
