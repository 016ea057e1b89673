//! `conclave serve`: everything is put together here, and taken apart on SIGTERM.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router, middleware};
use conclave_base::Secret;
use conclave_livekit_proto::ApiKey;
use conclave_protocol::limits::LOG_BYTES;
use conclave_protocol::paths;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal as on_signal};
use tokio::sync::{mpsc, watch};

use crate::addresses::Proxies;
use crate::api::Api;
use crate::args::Serve;
use crate::bus::{Bus, Memory, Redis, Shared, SharedKeys};
use crate::clients::Clients;
use crate::control_task::ControlHandle;
use crate::creators::Creators;
use crate::database::Database;
use crate::engine::Engine;
use crate::livekit::LiveKit;
use crate::media_thread::{self, Media};
use crate::metrics::{Metrics, Sources};
use crate::release::ReleaseFolder;
use crate::store::{Postgres, Sqlite};
use crate::{api, listener, metrics, passphrase_key, static_files};

/// Presence events that may wait for the control task.
const PRESENCE: usize = 65_536;
/// Connections at a time of those who ask for figures.
const METRICS_CONNECTIONS: usize = 64;
/// After a key for blocks of addresses has ended at Redis the next is asked for, and again until Redis answers: then it counts nothing anyway.
const KEYS_EARLY: Duration = Duration::from_millis(100);
const KEYS_AGAIN: Duration = Duration::from_secs(1);
/// For so long a node that is to stop keeps its members, and answers requests, while the load balancer learns by `/readyz` that it is to send nobody.
const NOTICE: Duration = Duration::from_secs(2);
/// Members of such a node go to others within this, or are cut off.
const DRAIN: Duration = Duration::from_secs(20);
/// After the control task has stopped, connections get this long to close.
const GRACE: Duration = Duration::from_secs(3);

/// What differs between deployments; the bundle is the same bytes everywhere.
#[derive(Clone, serde::Serialize)]
struct PageConfig {
    release: &'static str,
}

pub(crate) async fn serve(args: Serve) -> anyhow::Result<()> {
    let metrics = Metrics::new();
    let database = match &args.database {
        Some(url) => Database::in_task(Postgres::open(url).await?, metrics.clone()),
        None => Database::on_thread(Sqlite::open(&args.data)?, metrics.clone()),
    };
    let node = u64::from_be_bytes(random()?);
    let bus = match &args.bus {
        Some(url) => Bus::Redis(Redis::open(url, node, LOG_BYTES, metrics.clone()).await?),
        None => Bus::Memory(Memory::default()),
    };
    if args.bus.is_some() && args.livekit.is_none() {
        tracing::warn!("members on different nodes hear and see each other only by a LiveKit server: give all nodes the same --livekit");
    }
    let passphrases = passphrase_key::read_or_make(&args.data)?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("{} cannot be used: another program may have the port. Choose another with --listen", args.listen))?;
    let metrics_listener = match args.metrics {
        Some(address) => Some(TcpListener::bind(address).await.with_context(|| {
            format!("{address} cannot be used for metrics: another program may have the port. Choose another with --metrics")
        })?),
        None => None,
    };
    let key = api_key(&args)?;
    let lifetime = Duration::from_secs(u64::from(args.keep_days) * 24 * 3600);
    let release = ReleaseFolder::open(args.release.clone())?;
    let creators = Arc::new(Creators::of(&args)?);
    let clients = Clients::new(Proxies(args.trusted_proxy.clone()), listener::most_connections())?;
    let admission = conclave_admission::Config { node, lifetime, ..conclave_admission::Config::new(Secret::new(random()?), passphrases) };
    // Held for as long as presence may be told.
    let (tell, presence) = mpsc::channel(PRESENCE);
    let engine = match &args.livekit {
        Some(url) => Engine::LiveKit(LiveKit::start(url, key.clone(), admission.people, metrics.clone(), bus.presence())?),
        None => {
            let config =
                media_thread::Config { port: args.media_port, addresses: args.media_addresses(), key: key.clone(), seed: random()? };
            tracing::info!(media_port = args.media_port, "media are carried here");
            Engine::Embedded(Media::start(config, tell.clone())?.0)
        }
    };
    if let Some(keys) = bus.shared_keys() {
        if creators.count_anyone() {
            tokio::spawn(share_key(keys.clone(), Shared::Creators, clients.clone()));
        }
        tokio::spawn(share_key(keys, Shared::Blocks, clients.clone()));
    }
    let control = ControlHandle::start(database, bus, key, admission, engine.clone(), presence);
    let (stopping, is_stopping) = watch::channel(false);

    let app = Router::new()
        .merge(api::routes().with_state(Api { control: control.clone(), clients: clients.clone(), creators }))
        .merge(engine.routes(&clients))
        .route("/config.json", get(|| async { Json(PageConfig { release: env!("CARGO_PKG_VERSION") }) }))
        .route(&format!("{}/{{name}}", paths::RELEASES), get(ReleaseFolder::file).with_state(release))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(is_ready).with_state(is_stopping))
        .fallback(static_files::file)
        .layer(middleware::from_fn_with_state(clients.clone(), static_files::headers))
        .layer(middleware::from_fn_with_state(metrics.clone(), Metrics::on_http));

    let mut told = format!("Conclave serves http://{}\n", shown(listener.local_addr()?));
    let (close, closed) = watch::channel(false);
    let (stop, stopped) = watch::channel(false);
    if let Some(listener) = metrics_listener {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            tracing::warn!("the figures can be read from other machines: let none but Prometheus reach their port");
        }
        told += &format!("Figures at http://{}/metrics\n", shown(address));
        let sources = Sources { metrics, control: control.clone(), engine: engine.clone() };
        let clients = Clients::new(Proxies::default(), METRICS_CONNECTIONS)?;
        tokio::spawn(listener::serve(listener, metrics::routes(sources), clients, stopped));
    }
    // At once: whoever reads the first line may read no more.
    std::io::stdout().write_all(told.as_bytes())?;
    tracing::info!("ready");

    let mut server = tokio::spawn(listener::serve(listener, app, clients, closed));
    tokio::select! {
        ended = &mut server => return ended.context("serving"),
        asked = asked_to_stop() => asked?,
        // The panic itself stands in the log. Half a server would only look alive; its supervisor starts it again.
        () = control.ended() => anyhow::bail!("a bug stopped what leads the meetings: start again, and report what stands above"),
        () = engine.ended() => anyhow::bail!("a bug stopped the media server: start again, and report what stands above"),
    }
    stopping.send_replace(true);
    if args.bus.is_some() {
        tracing::info!("stopping: members are sent to other nodes. Asked once more, it stops at once");
        drain(&control, &close).await?;
    }
    tracing::info!("stopping: every client is told");
    control.stop().await;
    close.send_replace(true);
    stop.send_replace(true);
    // Open WebSockets close by themselves once they have been told; a client that does not close is not waited for.
    if tokio::time::timeout(GRACE, server).await.is_err() {
        tracing::debug!("some connections stayed open");
    }
    Ok(())
}

/// Blocks of addresses have the same numbers at all nodes, which count together what each may do.
async fn share_key(keys: SharedKeys, which: Shared, clients: Clients) {
    loop {
        let Ok(new) = random() else { return };
        match keys.current(which, new).await {
            Some((key, left)) => {
                match which {
                    Shared::Blocks => clients.number_by(key, left + KEYS_AGAIN),
                    Shared::Creators => clients.name_creators_by(key, left + KEYS_AGAIN),
                }
                tokio::time::sleep(left + KEYS_EARLY).await;
            }
            None => tokio::time::sleep(KEYS_AGAIN).await,
        }
    }
}

/// Other nodes serve the same meetings: all who are here go there, until a second signal comes.
async fn drain(control: &ControlHandle, close: &watch::Sender<bool>) -> anyhow::Result<()> {
    let closing = async {
        tokio::time::sleep(NOTICE).await;
        // Members are sent on now, and come to no node that does not listen, whatever the load balancer knows.
        close.send_replace(true);
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(control.drain(NOTICE), closing) } => tracing::info!("nobody is here any more"),
        () = tokio::time::sleep(DRAIN) => tracing::warn!("some members are at no other node yet, and are cut off"),
        again = asked_to_stop() => again?,
    }
    Ok(())
}

/// Whether new connections are taken: for whatever sends clients here.
async fn is_ready(State(stopping): State<watch::Receiver<bool>>) -> (StatusCode, &'static str) {
    if *stopping.borrow() { (StatusCode::SERVICE_UNAVAILABLE, "stopping") } else { (StatusCode::OK, "ready") }
}

async fn asked_to_stop() -> anyhow::Result<()> {
    let (mut term, mut int) = (on_signal(SignalKind::terminate())?, on_signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}

/// The operator's, or one that lives and dies with this process.
fn api_key(args: &Serve) -> anyhow::Result<ApiKey> {
    match (&args.livekit_key, &args.livekit_secret) {
        (None, None) if args.livekit.is_some() => {
            anyhow::bail!("--livekit needs a key of that server: set CONCLAVE_LIVEKIT_KEY and CONCLAVE_LIVEKIT_SECRET")
        }
        (Some(key), Some(secret)) => {
            anyhow::ensure!(secret.len() >= 32, "CONCLAVE_LIVEKIT_SECRET is shorter than 32 characters: make a longer one");
            Ok(ApiKey::new(key.clone(), secret.as_bytes()))
        }
        (None, None) => Ok(ApiKey::new("conclave", &random::<32>()?)),
        _ => anyhow::bail!("CONCLAVE_LIVEKIT_KEY and CONCLAVE_LIVEKIT_SECRET belong together: set both or neither"),
    }
}

pub(crate) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
    Ok(bytes)
}

/// Loopback by its name: browsers grant camera and microphone to `localhost`.
fn shown(address: std::net::SocketAddr) -> String {
    if address.ip().is_loopback() { format!("localhost:{}", address.port()) } else { address.to_string() }
}
