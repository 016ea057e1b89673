//! `/api/*`: two requests about meetings, and the WebSocket of a live session.

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use wire::http::{LookUp, MeetingCreated, Problem, ProblemCode};
use wire::limits;

use crate::brain::Brain;

pub(crate) fn routes() -> Router<Brain> {
    Router::new()
        .route("/api/meetings", post(create))
        .route("/api/meetings/lookup", post(look_up))
        .route("/api/live", get(live))
        .layer(DefaultBodyLimit::max(limits::HTTP_BODY))
}

async fn create(State(brain): State<Brain>, body: Bytes) -> Response {
    let Ok(create) = serde_json::from_slice(&body) else { return refuse(rooms::problem(ProblemCode::Malformed)) };
    match brain.create(create).await {
        Ok(expires_at) => (StatusCode::CREATED, Json(MeetingCreated { expires_at })).into_response(),
        Err(problem) => refuse(problem),
    }
}

async fn look_up(State(brain): State<Brain>, body: Bytes) -> Response {
    let Ok(LookUp { meeting }) = serde_json::from_slice(&body) else { return refuse(rooms::problem(ProblemCode::Malformed)) };
    match brain.look_up(meeting).await {
        Ok(info) => Json(info).into_response(),
        Err(problem) => refuse(problem),
    }
}

async fn live(State(brain): State<Brain>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    if !same_origin(&headers) {
        return (StatusCode::FORBIDDEN, "another site's page may not connect here").into_response();
    }
    upgrade.max_message_size(limits::MESSAGE).max_frame_size(limits::MESSAGE).on_upgrade(move |socket| session(socket, brain))
}

async fn session(mut socket: WebSocket, brain: Brain) {
    let (conn, mut outbox) = brain.open().await;
    loop {
        tokio::select! {
            out = outbox.recv() => match out {
                Some(bytes) => {
                    if socket.send(Message::Binary(Bytes::copy_from_slice(&bytes))).await.is_err() {
                        break;
                    }
                }
                None => {
                    // The reason went out as the last message; a client that is gone needs no farewell.
                    drop(socket.send(Message::Close(None)).await);
                    break;
                }
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Binary(bytes))) => brain.message(conn, bytes.to_vec()).await,
                // Text is no message of ours: the brain counts it as malformed.
                Some(Ok(Message::Text(_))) => brain.message(conn, Vec::new()).await,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            },
        }
    }
    brain.closed(conn).await;
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

fn refuse(problem: Problem) -> Response {
    let status = match problem.code {
        ProblemCode::Malformed => StatusCode::BAD_REQUEST,
        ProblemCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ProblemCode::NotFound => StatusCode::NOT_FOUND,
        ProblemCode::Exists => StatusCode::CONFLICT,
        ProblemCode::Busy => StatusCode::TOO_MANY_REQUESTS,
        ProblemCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, Json(problem)).into_response()
}
