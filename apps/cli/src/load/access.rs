//! Before anything is measured: tokens, open files, and whether the server lets us in. What stands in the way is told with what to do.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use conclave_base::{Redacted, Time};
use conclave_livekit_proto::{Access, ApiKey, Grants};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::plan::{Plan, identity};
use crate::args::Load;

/// Open files of one client: a WebSocket and a UDP socket.
const FILES_OF_A_CLIENT: u64 = 2;
/// And of the program itself.
const OTHER_FILES: u64 = 64;
/// Longer than any load.
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// One token a client, in their order.
pub(super) fn tokens(args: &Load, plan: &Plan, now: Time) -> anyhow::Result<Vec<Redacted<String>>> {
    let wanted = usize::try_from(plan.clients())?;
    if let Some(path) = &args.token_file {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let tokens: Vec<_> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| Redacted::new(line.to_owned())).collect();
        ensure!(tokens.len() >= wanted, "{} holds {} tokens, and {wanted} clients need one each", path.display(), tokens.len());
        return Ok(tokens.into_iter().take(wanted).collect());
    }
    let key = key(args)?;
    plan.all()
        .map(|client| {
            let access = Access {
                identity: Redacted::new(identity(client.nth)),
                grants: Grants::member(room(args, client.room)),
                ..Default::default()
            };
            Ok(Redacted::new(key.mint(&access, now, TOKEN_LIFETIME)?))
        })
        .collect()
}

fn room(args: &Load, number: u32) -> String {
    if args.rooms == 1 { args.room.clone() } else { format!("{}-{number}", args.room) }
}

fn key(args: &Load) -> anyhow::Result<ApiKey> {
    let name = args.api_key.clone().context("no access: give --api-key and --api-secret-file, or --token-file")?;
    let secret = match (&args.api_secret_file, &args.api_secret) {
        (Some(path), _) => first_line(path)?,
        (None, Some(secret)) => secret.clone(),
        (None, None) => bail!("no API secret: write it into a file and give --api-secret-file, or set CONCLAVE_LIVEKIT_SECRET"),
    };
    Ok(ApiKey::new(name, secret.into_inner().as_bytes()))
}

fn first_line(path: &Path) -> anyhow::Result<Redacted<String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let line = text.lines().next().map(str::trim).filter(|line| !line.is_empty());
    line.map(|line| Redacted::new(line.to_owned())).with_context(|| format!("{} has no secret in its first line", path.display()))
}

/// As many open files as the clients need, if the system lets us.
pub(super) fn open_files(plan: &Plan) -> anyhow::Result<()> {
    let needed = plan.clients() * FILES_OF_A_CLIENT + OTHER_FILES;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < needed && needed <= hard {
        setrlimit(Resource::RLIMIT_NOFILE, needed, hard)?;
    }
    ensure!(
        needed <= hard,
        "{} clients need {needed} open files, and this process may have {hard}: run `ulimit -Hn {needed}` as root first, or take fewer clients",
        plan.clients()
    );
    Ok(())
}

/// Asks whether the first client would be let in.
pub(super) async fn ask(args: &Load, token: &Redacted<String>) -> anyhow::Result<()> {
    let url = &args.url;
    let origin = match url.trim_end_matches('/').split_once("://") {
        Some(("ws" | "http", rest)) => format!("http://{rest}"),
        Some(("wss" | "https", rest)) => format!("https://{rest}"),
        Some(_) | None => bail!("{url} is no address of a media server: write it as ws://HOST:PORT or wss://HOST"),
    };
    let answer = crate::http::get(&format!("{origin}/rtc/validate"), token.clone().into_inner()).await;
    let (status, text) =
        answer.with_context(|| format!("nothing answers at {url}: is the server running, and is that where its signalling is?"))?;
    let text = String::from_utf8_lossy(&text);
    let text: String = text.trim().chars().filter(|c| !c.is_control()).take(200).collect();
    match status {
        200 => Ok(()),
        401 => bail!(
            "{url} does not take our token ({text}): it has another API key, or another secret; give the pair with which it was started"
        ),
        403 => bail!("{url} does not permit this ({text}): the token must allow to join, publish and subscribe in this room"),
        404 => bail!(
            "{url} knows no such thing ({text}): it is no LiveKit server, or makes no rooms by itself; make the room first, or let it (`room: auto_create: true`)"
        ),
        429 | 503 => bail!("{url} is full, or has too much to do ({status}: {text}): take fewer clients, or wait a minute"),
        _ => bail!("{url} answers with status {status} ({text}): is it a LiveKit server?"),
    }
}
