//! `log`: runs a log of releases. `init` makes one, `append` adds releases and has them cosigned, `serve` answers who fetches.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use conclave_device::{files, policy};
use conclave_protocol::paths;
use conclave_transparency::{
    AddCheckpoint, LogProof, MAX_NOTE, MAX_PROOF, MAX_RELEASE, NoteSignature, Policy, Release, TileId, VerifierKey,
};
use hyper::Method;

use super::listener::{self, Answer, Asked};
use super::log_folder::{LogFolder, public};
use crate::args::{Log, LogAppend, LogCosigned, LogInit, LogRelease, LogServe};
use crate::http;

/// A witness that has seen another size than we thought is asked once more, and once more if the size changed meanwhile.
const TRIES: usize = 3;
/// Longest list of files or of tools, bytes.
const MAX_SUMS: usize = 256 * 1024;

/// Runs a subcommand.
pub async fn run(args: &Log) -> anyhow::Result<()> {
    match args {
        Log::Init(args) => init(args),
        Log::Release(args) => release(args),
        Log::Append(args) => append(args).await,
        Log::Cosigned(args) => cosigned(args),
        Log::Serve(args) => serve(args).await,
    }
}

fn init(args: &LogInit) -> anyhow::Result<()> {
    let key = LogFolder::init(&args.folder, &args.name)?;
    #[expect(clippy::print_stdout, reason = "the public key is what policies need")]
    {
        println!("{}", key.verifier());
    }
    Ok(())
}

/// Of the version that this client is of.
fn release(args: &LogRelease) -> anyhow::Result<()> {
    let read = |name: &str| files::read(&args.folder.join(name), MAX_SUMS);
    let version = env!("CARGO_PKG_VERSION").parse()?;
    let release = Release::of_sums("conclave", version, &args.commit, &read("toolchain.txt")?, &read("SHA256SUMS")?)
        .with_context(|| format!("{} is no release: make it with `cargo xtask dist`", args.folder.display()))?;
    files::write(&args.folder.join(paths::RELEASE), release.to_string().as_bytes())
}

async fn append(args: &LogAppend) -> anyhow::Result<()> {
    let policy = args.policy.as_deref().map(policy::read).transpose()?;
    let mut log = LogFolder::open(&args.folder)?;
    if args.files.is_empty() {
        cosign(&mut log, policy.as_ref()).await?;
    }
    for path in &args.files {
        let entry = files::read(path, MAX_RELEASE)?;
        let release = Release::parse(&entry).with_context(|| format!("{} is not a release in its one text", path.display()))?;
        // Whoever was interrupted runs the same command again.
        let index = match log.find(&entry)? {
            Some(index) => index,
            None => log.append(&entry)?,
        };
        let missing = cosign(&mut log, policy.as_ref()).await;
        let proof = path.with_added_extension("tlog-proof");
        files::write(&proof, log.proof(index)?.to_string().as_bytes())?;
        #[expect(clippy::print_stdout, reason = "what was done is what this command tells")]
        {
            println!("{} {} is entry {index}; its proof is {}", release.product, release.version, proof.display());
        }
        missing?;
    }
    Ok(())
}

/// Signatures that are wrong, or on another checkpoint, are refused; those of others stay.
fn cosigned(args: &LogCosigned) -> anyhow::Result<()> {
    let policy = policy::read(&args.policy)?;
    let mut log = LogFolder::open(&args.folder)?;
    let given = files::read(&args.proof, MAX_PROOF)?;
    let given = LogProof::parse(&given).with_context(|| format!("{} is no proof", args.proof.display()))?;
    let given = given.checkpoint();
    ensure!(given.checkpoint() == log.checkpoint().checkpoint(), "{} is not of the newest checkpoint", args.proof.display());
    policy.cosigners(given)?;
    let parties: Vec<_> = policy.witnesses().map(|(key, _)| key).collect();
    let (new, old): (Vec<_>, Vec<_>) = parties.into_iter().partition(|key| given.note().signatures().iter().any(|line| line.claims(key)));
    let lines = given.note().signatures().iter().filter(|line| new.iter().any(|key| line.claims(key))).cloned().collect();
    let keep: Vec<_> = old.into_iter().chain([log.key().verifier()]).collect();
    let cosigned = log.checkpoint().with_signatures(&keep, lines);
    log.publish(cosigned)
}

/// Asks everybody whom the policy gives an address; an error if those who signed are not enough.
async fn cosign(log: &mut LogFolder, policy: Option<&Policy>) -> anyhow::Result<()> {
    let Some(policy) = policy else { return Ok(()) };
    for (witness, url) in policy.witnesses() {
        let Some(url) = url else { continue };
        match ask(log, witness, url).await {
            Ok(signatures) => {
                // Earlier cosignatures of others on this very checkpoint stay, this one's are replaced.
                let others = policy.witnesses().map(|(key, _)| key).filter(|key| *key != witness);
                let keep: Vec<_> = others.chain([log.key().verifier()]).collect();
                let cosigned = log.checkpoint().with_signatures(&keep, signatures);
                log.publish(cosigned)?;
            }
            Err(error) => tracing::warn!("{} did not cosign: {error:#}", witness.name()),
        }
    }
    let cosigners = policy.cosigners(log.checkpoint())?;
    if !cosigners.has_quorum() {
        bail!("only {} of the witnesses cosigned, which is not enough: run this again when the others answer", cosigners.in_quorum());
    }
    Ok(())
}

/// One witness's signatures on the newest checkpoint, each of them checked.
async fn ask(log: &mut LogFolder, witness: &VerifierKey, url: &str) -> anyhow::Result<Vec<NoteSignature>> {
    let mut old = 0;
    for _ in 0..TRIES {
        let request = AddCheckpoint { old, proof: log.consistency(old)?, checkpoint: log.checkpoint().clone() };
        let (status, body) = http::post_text(url.trim_end_matches('/'), "/add-checkpoint", request.to_string(), MAX_NOTE).await?;
        match status {
            200 => {
                let lines = NoteSignature::parse_lines(&body)?.into_iter().filter(|line| line.claims(witness)).collect();
                let alone = log.checkpoint().with_signatures(&[], lines);
                alone.verify(witness)?.context("its answer is signed with another key than the policy names")?;
                return Ok(alone.note().signatures().to_vec());
            }
            409 => old = std::str::from_utf8(&body)?.trim_end().parse::<u64>().context("its answer is no size")?,
            _ => bail!("it answered with status {status}: {}", String::from_utf8_lossy(&body[..body.len().min(200)]).trim_end()),
        }
    }
    bail!("it saw other sizes each time")
}

async fn serve(args: &LogServe) -> anyhow::Result<()> {
    let folder = args.folder.clone();
    files::read(&public(&folder, "checkpoint"), MAX_NOTE)?;
    listener::serve(&args.listen, 0, move |asked| answer(&folder, &asked)).await
}

/// Only names that a log has are looked for, so that no path leads elsewhere.
fn answer(folder: &Path, asked: &Asked) -> Answer {
    if asked.method != Method::GET {
        return Answer::text(405, "only GET\n");
    }
    let (content_type, cache) = match TileId::from_path(&asked.path) {
        Some(_) => ("application/octet-stream", "public, max-age=31536000, immutable"),
        None if asked.path == "checkpoint" => ("text/plain; charset=utf-8", "no-cache"),
        None => return Answer::text(404, "no such file\n"),
    };
    match std::fs::read(public(folder, &asked.path)) {
        Ok(body) => Answer { status: 200, content_type, cache, body },
        Err(_) => Answer::text(404, "no such file\n"),
    }
}
