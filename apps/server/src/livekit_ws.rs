//! LiveKit's endpoints: `/rtc/v1` (WebSocket) and `/rtc/v1/validate`; the older form is refused with a reason.

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use conclave_livekit_server::{AuthorizedJoin, CloseReason, OLDER_FORM, Refusal};

use crate::media_thread::{Media, ToClient};

pub(crate) fn routes() -> Router<Media> {
    Router::new()
        .route("/rtc/v1", get(open))
        .route("/rtc/v1/validate", get(validate))
        .route("/rtc", get(|| async { refuse(OLDER_FORM) }))
        .route("/rtc/validate", get(|| async { refuse(OLDER_FORM) }))
}

async fn validate(State(media): State<Media>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    match media.authorize(&query.unwrap_or_default(), authorization(&headers)) {
        Ok(_) => ([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], "success").into_response(),
        Err(refusal) => refuse(refusal),
    }
}

async fn open(State(media): State<Media>, RawQuery(query): RawQuery, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    match media.authorize(&query.unwrap_or_default(), authorization(&headers)) {
        Ok(join) => upgrade
            .max_message_size(conclave_livekit_proto::frame::MAX_MESSAGE)
            .on_upgrade(move |socket| carry_signals(socket, media, join)),
        Err(refusal) => refuse(refusal),
    }
}

async fn carry_signals(mut socket: WebSocket, media: Media, join: AuthorizedJoin) {
    let (conn, mut outbox) = media.open(join).await;
    loop {
        tokio::select! {
            out = outbox.recv() => match out {
                Some(ToClient::Message(bytes)) => {
                    if socket.send(Message::Binary(bytes.into())).await.is_err() {
                        break;
                    }
                }
                Some(ToClient::Close(reason)) => {
                    close(&mut socket, reason).await;
                    break;
                }
                None => break,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Binary(bytes))) => media.message(conn, bytes.to_vec()).await,
                Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            },
        }
    }
    media.closed(conn).await;
}

async fn close(socket: &mut WebSocket, reason: CloseReason) {
    let frame = CloseFrame { code: axum::extract::ws::close_code::NORMAL, reason: reason.to_string().into() };
    if socket.send(Message::Close(Some(frame))).await.is_err() {
        tracing::trace!("the client was faster");
    }
}

fn authorization(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok())
}

fn refuse((status, text): Refusal) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], text).into_response()
}
