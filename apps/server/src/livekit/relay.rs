//! LiveKit's endpoints at our own address, each WebSocket carried on to LiveKit's.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, OriginalUri, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;
use axum::routing::get;
use conclave_livekit_server::Refusal;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Error};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{LiveKit, PATIENCE, Permitted};
use crate::clients::{self, Clients, GivesWay, Place};
use crate::listener::{Peer, READ_BUFFER};
use crate::livekit_ws::{self, TOO_MANY, authorization, refuse};

const UNREACHABLE: Refusal = (503, "the media server does not answer: try again in a moment");
const NO_ROOM: Refusal = (502, "the media server refuses: whoever runs this server finds why in its log");

type Upstream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What the endpoints need.
#[derive(Clone)]
pub(crate) struct Relay {
    pub(crate) livekit: LiveKit,
    pub(crate) clients: Clients,
}

pub(crate) fn routes() -> Router<Relay> {
    livekit_ws::endpoints(get(open), get(validate))
}

impl Relay {
    async fn authorize(&self, address: IpAddr, uri: &Uri, headers: &HeaderMap) -> Result<Permitted, Refusal> {
        if !self.clients.may_ask_media(address) {
            return Err(TOO_MANY);
        }
        self.livekit.authorize(uri.query().unwrap_or_default(), authorization(headers)).await
    }
}

async fn validate(
    State(relay): State<Relay>,
    Extension(peer): Extension<Peer>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    livekit_ws::validity(relay.authorize(relay.clients.address(peer.address, &headers), &uri, &headers).await)
}

async fn open(
    State(relay): State<Relay>,
    Extension(peer): Extension<Peer>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let address = relay.clients.address(peer.address, &headers);
    let permitted = match relay.authorize(address, &uri, &headers).await {
        Ok(permitted) => permitted,
        Err(refusal) => return refuse(refusal),
    };
    let Some((place, gives_way)) = peer.place_of(address) else { return refuse(TOO_MANY) };
    place.prove();
    let upstream = match relay.livekit.connect(&permitted.room, &uri, &headers).await {
        Ok(upstream) => upstream,
        Err(refusal) => return refuse(refusal),
    };
    upgrade
        .max_message_size(conclave_livekit_proto::frame::MAX_MESSAGE)
        .read_buffer_size(READ_BUFFER)
        .on_upgrade(move |socket| carry(socket, upstream, permitted, place, gives_way))
}

impl LiveKit {
    /// Opens the WebSocket at LiveKit that the client asks for here.
    async fn connect(&self, room: &str, uri: &Uri, headers: &HeaderMap) -> Result<Box<Upstream>, Refusal> {
        self.0.rooms.create_room(room).await.map_err(|failed| {
            tracing::error!(?failed, "LiveKit makes no room");
            NO_ROOM
        })?;
        let asked = uri.path_and_query().map_or("/rtc", |asked| asked.as_str());
        let mut request = format!("{}{asked}", self.0.url).into_client_request().map_err(|_| (400, "malformed query"))?;
        if let Some(token) = headers.get(header::AUTHORIZATION) {
            request.headers_mut().insert(header::AUTHORIZATION, token.clone());
        }
        let config =
            WebSocketConfig::default().max_message_size(Some(conclave_livekit_proto::frame::MAX_MESSAGE)).read_buffer_size(READ_BUFFER);
        let connecting = tokio_tungstenite::connect_async_with_config(request, Some(config), true);
        match tokio::time::timeout(PATIENCE, connecting).await {
            Ok(Ok((upstream, _))) => Ok(Box::new(upstream)),
            // Its text may be about its own affairs; its status tells the client what to do.
            Ok(Err(Error::Http(response))) => Err((response.status().as_u16(), "the media server refuses")),
            Ok(Err(_)) | Err(_) => {
                tracing::error!("LiveKit does not answer");
                Err(UNREACHABLE)
            }
        }
    }
}

/// Each message waits until the other side has taken the one before.
async fn carry(mut socket: WebSocket, mut upstream: Box<Upstream>, permitted: Permitted, _place: Arc<Place>, gives_way: Option<GivesWay>) {
    let mut gives_way = std::pin::pin!(clients::given_way(gives_way));
    let mut expelled = permitted.expelled;
    loop {
        let carried = tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Binary(bytes))) => upstream.send(tungstenite::Message::Binary(bytes)).await.is_ok(),
                Some(Ok(Message::Text(text))) => upstream.send(tungstenite::Message::text(text.as_str())).await.is_ok(),
                // Both sides answer these themselves.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => true,
                Some(Ok(Message::Close(_)) | Err(_)) | None => false,
            },
            message = upstream.next() => match message {
                Some(Ok(tungstenite::Message::Binary(bytes))) => socket.send(Message::Binary(bytes)).await.is_ok(),
                Some(Ok(tungstenite::Message::Text(text))) => socket.send(Message::Text(text.as_str().into())).await.is_ok(),
                // To be answered only while the client answers: else it would be there for as long as we are.
                Some(Ok(tungstenite::Message::Ping(bytes))) => socket.send(Message::Ping(bytes)).await.is_ok(),
                Some(Ok(tungstenite::Message::Pong(_) | tungstenite::Message::Frame(_))) => true,
                Some(Ok(tungstenite::Message::Close(_)) | Err(_)) | None => false,
            },
            // The sender is dropped; nothing is ever sent.
            _ = expelled.changed() => false,
            () = &mut gives_way => false,
        };
        if !carried {
            break;
        }
    }
    // Either may be gone already.
    let (_client, _livekit) = (socket.send(Message::Close(None)).await, upstream.as_mut().close(None).await);
}

#[cfg(test)]
mod tests {
    use conclave_livekit_proto::ApiKey;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::metrics::Metrics;

    /// Makes every room, and takes WebSockets without a word.
    async fn answers_calls_alone(listener: TcpListener) {
        let mut silent = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 2048];
            let read = stream.read(&mut asked).await.unwrap_or(0);
            if asked[..read].starts_with(b"POST") {
                let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").await;
            } else {
                silent.push(stream);
            }
        }
    }

    #[tokio::test]
    async fn a_livekit_that_takes_a_connection_and_says_nothing_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("ws://{}", listener.local_addr().expect("bound"));
        tokio::spawn(answers_calls_alone(listener));
        let livekit = LiveKit::start(&url, ApiKey::new("key", b"a secret that is known to nobody else"), 10, Metrics::new(), None)
            .expect("an address");
        let refused = livekit.connect("room", &Uri::from_static("/rtc"), &HeaderMap::new()).await;
        assert_eq!(refused.err(), Some(UNREACHABLE));
    }
}
