//! Everything is put together here.

use std::io::{BufRead as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use axum::extract::{DefaultBodyLimit, Request, State as Shared};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::sync::mpsc;

use crate::address::{self, Address};
use crate::args::Args;
use crate::browser::Browser;
use crate::desk::{Desk, Opened, Refused};
use crate::gate::{self, Gate};
use crate::peer::OwnListener;
use crate::state::State;
use crate::update::Running;
use crate::{instance, update};

/// The header in which a tab shows its token or session; apps/web/src/loader.ts is the other side.
const TOKEN: &str = "conclave-loader";
/// What the page's policy says of where it may connect, to which the meeting server is added.
const OWN: &str = "connect-src 'self'";
/// Longest body of a request, bytes.
const MOST: usize = 8 * 1024;

/// What all requests need.
struct App {
    desk: Mutex<Desk>,
    state: State,
    running: Running,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl App {
    fn desk(&self) -> std::sync::MutexGuard<'_, Desk> {
        // Nothing in it is half done when a request panics.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The whole program.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let state = State::open(args.state)?;
    let given = match args.address.as_deref() {
        Some("-") => std::io::stdin().lock().lines().next().context("no address on stdin")??,
        given => given.unwrap_or_default().to_owned(),
    };
    let address = if given.is_empty() { None } else { Some(address::read(&given)?) };
    if instance::hand_over(state.folder(), &given).await? {
        return say("Conclave runs already, and opens another window.");
    }
    let _lock = state.lock()?;
    let mut later = instance::listen(state.folder())?;
    let kept = || anyhow::Ok(address::read(&state.server()?.context("which meeting server? Give its address, or a meeting's link")?)?);
    let address = address.map_or_else(kept, Ok)?;
    state.set_server(&address.server)?;
    let browser = Browser::choose(args.browser, args.no_browser, state.folder());
    say(&browser.words())?;
    let key = state.key(args.passphrase_file.as_deref()).await?;
    let folder = state.folder().to_owned();
    let running = tokio::task::spawn_blocking(move || update::choose(&folder, args.update.as_deref(), args.policy.as_deref())).await??;
    say(&running.words)?;
    let headers = conclave_page::read_headers(&String::from_utf8(running.bundle.get("headers.txt").unwrap_or_default().to_vec())?);
    let policy = headers.iter().find(|(name, _)| *name == header::CONTENT_SECURITY_POLICY).and_then(|(_, policy)| policy.to_str().ok());
    ensure!(policy.is_some_and(|policy| policy.matches(OWN).count() == 1), "this page has no policy that this program knows: update it");
    let listener = state.listener().await?;
    let gate = Gate::new(listener.local_addr()?.port());
    browser.prepare()?;
    let desk = Mutex::new(Desk::new(key, address.server.clone()));
    let app = Arc::new(App { desk, state, running, headers });
    let router = routes(Arc::clone(&app), gate.clone());
    let mut server = tokio::spawn(async move { axum::serve(OwnListener::new(listener)?, router).await });
    let (ended, mut windows) = mpsc::channel(1);
    let browser = Arc::new(browser);
    let open = |address: Option<Address>| -> anyhow::Result<()> {
        let token = app.desk().admit(address, Instant::now())?;
        let url = format!("{}/#loader.{}", gate.origin(), token.expose());
        let (browser, ended) = (Arc::clone(&browser), ended.clone());
        tokio::spawn(async move { ended.send(browser.show(&url).await).await });
        Ok(())
    };
    open(Some(address))?;
    loop {
        tokio::select! {
            ended = &mut server => return ended?.context("serving the page"),
            closed = windows.recv() => return closed.unwrap_or(Ok(())),
            Some(text) = later.recv() => match address::read(&text) {
                Ok(address) => {
                    app.state.set_server(&address.server)?;
                    open(Some(address))?;
                }
                Err(_) => open(None)?,
            },
            asked = tokio::signal::ctrl_c() => return Ok(asked?),
        }
    }
}

/// To whoever started it.
pub(crate) fn say(words: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{words}")?)
}

fn routes(app: Arc<App>, gate: Gate) -> Router {
    Router::new()
        .route("/config.json", get(config))
        .route("/loader/open", post(open))
        .route("/loader/server", post(set_server))
        .fallback(file)
        .layer(DefaultBodyLimit::max(MOST))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), headers))
        .layer(middleware::from_fn_with_state(gate, gate::check))
        .with_state(app)
}

async fn config(Shared(app): Shared<Arc<App>>) -> Response {
    Json(json!({ "release": app.running.version })).into_response()
}

async fn file(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    if request.method() != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, "the desktop program has files here, and nothing of meetings").into_response();
    }
    app.running.bundle.answer(request.uri().path(), request.headers())
}

async fn open(Shared(app): Shared<Arc<App>>, shown: HeaderMap) -> Response {
    match app.desk().open(token(&shown), Instant::now()) {
        Ok(Ok(Opened { session, server, key, fragment })) => {
            let fragment = fragment.as_ref().map(|fragment| fragment.expose().as_str());
            Json(json!({ "session": session.expose(), "server": server, "key": key.expose(), "fragment": fragment })).into_response()
        }
        Ok(Err(Refused::Unknown)) => (StatusCode::FORBIDDEN, "this tab was not opened by the desktop program").into_response(),
        Ok(Err(Refused::Twice)) => {
            eprintln!("conclave-desktop: an address was opened twice. Another program may read along: nothing is open any more");
            (StatusCode::FORBIDDEN, "this address was opened before").into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn set_server(Shared(app): Shared<Arc<App>>, shown: HeaderMap, link: String) -> Response {
    let Ok(Address { server, .. }) = address::read(&link) else { return StatusCode::BAD_REQUEST.into_response() };
    if !app.desk().set_server(token(&shown), server.clone()) {
        return (StatusCode::FORBIDDEN, "this tab was not opened by the desktop program").into_response();
    }
    match app.state.set_server(&server) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn token(headers: &HeaderMap) -> &str {
    headers.get(TOKEN).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// What the bundle says of itself, with the one meeting server added. Nothing is kept by the browser: the next time it is another program's word.
async fn headers(Shared(app): Shared<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let server = app.desk().server().to_owned();
    let socket = server.replacen("http", "ws", 1);
    for (name, value) in &app.headers {
        let with_server = (*name == header::CONTENT_SECURITY_POLICY)
            .then(|| HeaderValue::from_str(&value.to_str().ok()?.replace(OWN, &format!("{OWN} {server} {socket}"))).ok())
            .flatten();
        response.headers_mut().insert(name, with_server.unwrap_or_else(|| value.clone()));
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
