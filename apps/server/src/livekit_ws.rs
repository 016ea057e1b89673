//! LiveKit's endpoints: `/rtc/v1` (WebSocket) and `/rtc/v1/validate`, and the same without `/v1`. Which form of signalling a client speaks does not
//! show in the path, since LiveKit's Go SDK asks at `/rtc` for either.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};
use conclave_livekit_server::{AuthorizedJoin, CloseReason, Refusal};

use crate::clients::{self, Clients, GivesWay, Place};
use crate::listener::{Peer, READ_BUFFER};
use crate::media_thread::{Media, ToClient};

/// To a client whose block asks too often, or has too many sockets.
pub(crate) const TOO_MANY: Refusal = (429, "too many requests: try again in a minute");

/// How often a client's WebSocket is pinged: LiveKit's Go SDK gives no other sign of life.
const PING_EVERY: Duration = Duration::from_secs(5);

/// What the endpoints need.
#[derive(Clone)]
pub(crate) struct Rtc {
    pub(crate) media: Media,
    pub(crate) clients: Clients,
}

pub(crate) fn routes() -> Router<Rtc> {
    endpoints(get(open), get(validate))
}

/// LiveKit's paths, for a WebSocket and for the question whether it would be opened.
pub(crate) fn endpoints<S: Clone + Send + Sync + 'static>(open: MethodRouter<S>, validate: MethodRouter<S>) -> Router<S> {
    Router::new()
        .route("/rtc/v1", open.clone())
        .route("/rtc/v1/validate", validate.clone())
        .route("/rtc", open)
        .route("/rtc/validate", validate)
}

/// The answer to that question.
pub(crate) fn validity<T>(authorized: Result<T, Refusal>) -> Response {
    match authorized {
        Ok(_) => ([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], "success").into_response(),
        Err(refusal) => refuse(refusal),
    }
}

impl Rtc {
    /// Whether a client may join: its block may ask for something, and its token is good.
    fn authorize(&self, address: IpAddr, query: RawQuery, headers: &HeaderMap) -> Result<AuthorizedJoin, Refusal> {
        if !self.clients.may_ask_media(address) {
            return Err(TOO_MANY);
        }
        self.media.authorize(&query.0.unwrap_or_default(), authorization(headers))
    }
}

async fn validate(State(rtc): State<Rtc>, Extension(peer): Extension<Peer>, query: RawQuery, headers: HeaderMap) -> Response {
    validity(rtc.authorize(rtc.clients.address(peer.address, &headers), query, &headers))
}

async fn open(
    State(rtc): State<Rtc>,
    Extension(peer): Extension<Peer>,
    query: RawQuery,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let address = rtc.clients.address(peer.address, &headers);
    let join = match rtc.authorize(address, query, &headers) {
        Ok(join) => join,
        Err(refusal) => return refuse(refusal),
    };
    let Some((place, gives_way)) = peer.place_of(address) else { return refuse(TOO_MANY) };
    place.prove();
    upgrade
        .max_message_size(conclave_livekit_proto::frame::MAX_MESSAGE)
        .read_buffer_size(READ_BUFFER)
        .on_upgrade(move |socket| carry_signals(socket, rtc.media, join, place, gives_way))
}

async fn carry_signals(mut socket: WebSocket, media: Media, join: AuthorizedJoin, _place: Arc<Place>, gives_way: Option<GivesWay>) {
    let mut gives_way = std::pin::pin!(clients::given_way(gives_way));
    let (conn, mut outbox) = media.open(join).await;
    let mut pings = tokio::time::interval(PING_EVERY);
    pings.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut pinged = false;
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
                Some(Ok(Message::Pong(_))) => {
                    // What nobody asked for costs nothing.
                    if std::mem::take(&mut pinged) {
                        media.alive(conn).await;
                    }
                }
                Some(Ok(Message::Text(_) | Message::Ping(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            },
            () = &mut gives_way => break,
            _ = pings.tick() => {
                pinged = true;
                if socket.send(Message::Ping(Bytes::new())).await.is_err() {
                    break;
                }
            }
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

pub(crate) fn authorization(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok())
}

pub(crate) fn refuse((status, text): Refusal) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], text).into_response()
}
