//! `/api/*`: requests about meetings, and the WebSocket of a live session.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use conclave_admission::{Block, HttpRequest, HttpResponse};
use conclave_protocol::http::{ApiError, ApiErrorCode};
use conclave_protocol::{limits, paths};
use serde::de::DeserializeOwned;

use crate::clients::{self, Clients, GivesWay, Place};
use crate::control_task::ControlHandle;
use crate::creators::Creators;
use crate::listener::{Peer, READ_BUFFER};
use crate::loader_page;

/// A client whose socket takes nothing for so long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// A request's body comes within this.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);
/// How often a client is asked for a sign of life; browsers answer by themselves.
const PING_EVERY: Duration = Duration::from_secs(1);

/// What the requests need.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) control: ControlHandle,
    pub(crate) clients: Clients,
    /// Who makes meetings.
    pub(crate) creators: Arc<Creators>,
}

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route(paths::MEETINGS, post(create))
        .route(paths::MEETING_UPDATE, post(update))
        .route(paths::MEETING_LOOKUP, post(look_up))
        .route(paths::PASSPHRASE, post(evaluate_passphrase))
        .route(paths::PASSPHRASE_RIGHT, post(passphrase_right))
        .route(paths::HOST_KEY, post(offer_host_key))
        .route(paths::HOST_KEY_OFFERS, post(ask_host_keys))
        .route(paths::HOST_KEY_TAKE, post(take_host_key))
        .route(paths::LIVE, get(live))
        .layer(middleware::from_fn(loader_page::let_in))
}

async fn create(State(api): State<Api>, Extension(peer): Extension<Peer>, request: Request) -> Response {
    let anyone = || api.clients.creator(api.clients.address(peer.address, request.headers()));
    let Some(terms) = api.creators.terms(request.headers(), anyone) else { return refuse(ApiErrorCode::Closed) };
    respond(api, peer, request, |create| HttpRequest::Create(create, terms)).await
}

async fn update(State(api): State<Api>, Extension(peer): Extension<Peer>, request: Request) -> Response {
    respond(api, peer, request, |update| HttpRequest::Update(Box::new(update))).await
}

async fn look_up(State(api): State<Api>, Extension(peer): Extension<Peer>, request: Request) -> Response {
    respond(api, peer, request, HttpRequest::LookupMeeting).await
}

async fn evaluate_passphrase(State(api): State<Api>, Extension(peer): Extension<Peer>, request: Request) -> Response {
    respond(api, peer, request, HttpRequest::EvaluatePassphrase).await
}

async fn passphrase_right(State(api): State<Api>, Extension(peer): Extension<Peer>, request: Request) -> Response {
    respond(api, peer, request, |right| HttpRequest::PassphraseRight(Box::new(right))).await
}

async fn offer_host_key(State(api): State<Api>, Extension(peer): Extension<Peer>, request: Request) -> Response {
    respond(api, peer, request, |offer| HttpRequest::OfferHostKey(Box::new(offer))).await
}

async fn ask_host_keys(State(api): State<Api>, Extension(peer): Extension<Peer>, request: Request) -> Response {
    respond(api, peer, request, |ask| HttpRequest::AskHostKeys(Box::new(ask))).await
}

async fn take_host_key(State(api): State<Api>, Extension(peer): Extension<Peer>, request: Request) -> Response {
    respond(api, peer, request, HttpRequest::TakeHostKey).await
}

async fn respond<T: DeserializeOwned>(api: Api, peer: Peer, request: Request, meaning: impl FnOnce(T) -> HttpRequest) -> Response {
    let block = api.clients.block(api.clients.address(peer.address, request.headers()));
    let body = match tokio::time::timeout(BODY_TIMEOUT, to_bytes(request.into_body(), limits::HTTP_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_too_large)) => return refuse(ApiErrorCode::TooLarge),
        Err(_elapsed) => return refuse(ApiErrorCode::Malformed),
    };
    let response = match serde_json::from_slice(&body) {
        Ok(request) => api.control.respond(block, meaning(request)).await,
        Err(_) => Err(ApiErrorCode::Malformed),
    };
    match response {
        Ok(HttpResponse::Created(created)) => (StatusCode::CREATED, Json(created)).into_response(),
        Ok(HttpResponse::Updated | HttpResponse::Noted) => StatusCode::NO_CONTENT.into_response(),
        Ok(HttpResponse::Info(info)) => Json(info).into_response(),
        Ok(HttpResponse::HostKey(taken)) => Json(taken).into_response(),
        Ok(HttpResponse::HostKeyOffers(offers)) => Json(offers).into_response(),
        Ok(HttpResponse::Evaluated(evaluated)) => Json(*evaluated).into_response(),
        Ok(HttpResponse::TooManyMeetings { retry_after }) => refuse_until(ApiErrorCode::Busy, Some(retry_after)),
        Ok(HttpResponse::TooManyTries { retry_after }) => refuse_until(ApiErrorCode::TooManyTries, Some(retry_after)),
        Err(code) => refuse(code),
    }
}

async fn live(State(api): State<Api>, Extension(peer): Extension<Peer>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    if !same_origin(&headers) && !loader_page::is_from_one(&headers) {
        return (StatusCode::FORBIDDEN, "another site's page may not connect here").into_response();
    }
    let address = api.clients.address(peer.address, &headers);
    let Some((place, gives_way)) = peer.place_of(address) else { return refuse(ApiErrorCode::Busy) };
    place.allow(limits::BEFORE_ADMISSION);
    let block = api.clients.block(address);
    upgrade
        .protocols([paths::LOADER_MARK])
        .max_message_size(limits::MESSAGE)
        .max_frame_size(limits::MESSAGE)
        .read_buffer_size(READ_BUFFER)
        .on_upgrade(move |socket| run_connection(socket, api.control, block, place, gives_way))
}

async fn run_connection(mut socket: WebSocket, control: ControlHandle, block: Block, place: Arc<Place>, gives_way: Option<GivesWay>) {
    let Some(_permit) = control.connection_permit().await else { return };
    let mut gives_way = std::pin::pin!(clients::given_way(gives_way));
    let (conn, mut outbox) = control.open(block, Arc::clone(&place)).await;
    // After something unreadable nothing more is read, but the client is still told why.
    let mut reading = true;
    let mut pings = tokio::time::interval(PING_EVERY);
    pings.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            out = outbox.recv() => match out {
                Some(bytes) => {
                    let size = bytes.len();
                    if !send_in_time(socket.send(Message::Binary(Bytes::from_owner(bytes)))).await {
                        break;
                    }
                    control.on_sent(conn, size).await;
                }
                None => {
                    // The reason went out as the last message; a client that is gone does not miss the close frame.
                    send_in_time(socket.send(Message::Close(None))).await;
                    break;
                }
            },
            message = socket.recv(), if reading => match message {
                Some(Ok(Message::Binary(bytes))) => control.on_message(conn, &place, bytes.to_vec()).await,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => control.on_alive(conn, &place).await,
                Some(Ok(Message::Close(_))) | None => break,
                Some(Ok(Message::Text(_)) | Err(_)) => {
                    reading = false;
                    control.on_unreadable(conn, &place).await;
                }
            },
            () = &mut gives_way => break,
            _ = pings.tick() => {
                if !send_in_time(socket.send(Message::Ping(Bytes::new()))).await {
                    break;
                }
            }
        }
    }
    control.on_closed(conn, &place).await;
}

/// Whether the socket took it, in time: a client that reads nothing must not hold the task for ever.
async fn send_in_time<E>(sending: impl Future<Output = Result<(), E>>) -> bool {
    matches!(tokio::time::timeout(SEND_TIMEOUT, sending).await, Ok(Ok(())))
}

/// Browsers name the page's origin; programs name none. A page of another site must not use somebody's browser to connect.
fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|v: &header::HeaderValue| v.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, named)| named == host),
        (Some(_), None) => false,
    }
}

fn refuse(code: ApiErrorCode) -> Response {
    refuse_until(code, None)
}

/// `retry_after`: seconds.
fn refuse_until(code: ApiErrorCode, retry_after: Option<u32>) -> Response {
    let (status, message) = match code {
        ApiErrorCode::Malformed => (StatusCode::BAD_REQUEST, "the request is not understood: use a client of this version"),
        ApiErrorCode::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the request is too large: shorten the title"),
        ApiErrorCode::NotFound => (StatusCode::NOT_FOUND, "there is no such meeting, or it has expired: ask for a new link"),
        ApiErrorCode::Exists => (StatusCode::CONFLICT, "a meeting with this id exists: make another link"),
        ApiErrorCode::NotHost => (StatusCode::FORBIDDEN, "only the meeting's host can change it: do so on the device that made it"),
        ApiErrorCode::Taken => {
            (StatusCode::GONE, "this host link was used: ask the host for another, and tell them if it was not you who used it")
        }
        ApiErrorCode::Busy if retry_after.is_some() => (
            StatusCode::TOO_MANY_REQUESTS,
            "as many meetings were made from here as one may make for now: use one of them, or try again later",
        ),
        ApiErrorCode::Busy => (StatusCode::TOO_MANY_REQUESTS, "too many requests: try again in a minute"),
        ApiErrorCode::TooManyTries => {
            (StatusCode::TOO_MANY_REQUESTS, "too many wrong passphrases were tried: wait, and ask whoever invited you for the right one")
        }
        ApiErrorCode::Full => (
            StatusCode::INSUFFICIENT_STORAGE,
            "the server keeps as many meetings, or host links, as it may: ask whoever runs it, or use another one",
        ),
        ApiErrorCode::Closed => {
            (StatusCode::FORBIDDEN, "this server lets only some people make meetings: ask whoever runs it for the token, or for a link")
        }
        ApiErrorCode::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the server cannot reach where it keeps meetings: try again in a moment; meetings that have begun go on",
        ),
        ApiErrorCode::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "the server failed: try again, and tell whoever runs it"),
    };
    (status, Json(ApiError { retry_after, ..ApiError::new(code, message.to_owned()) })).into_response()
}
