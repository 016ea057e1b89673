//! A WebSocket of a client.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// Messages that wait to be sent; a server that takes none is given up.
const MAX_WAITING: usize = 1024;
/// Bytes of room for each read, which is cleared each time: entries of the log are small.
const READ_BUFFER: usize = 4 * 1024;
const CONNECT: Duration = Duration::from_secs(10);

/// What happened to a WebSocket.
#[derive(Debug)]
pub struct SocketEvent<I> {
    /// Which one.
    pub socket: I,
    /// What happened to it.
    pub what: What,
}

/// What happens to a WebSocket.
#[derive(Debug)]
pub enum What {
    /// It is open.
    Opened,
    /// A binary message came.
    Received(Vec<u8>),
    /// It is closed, or was never open.
    Closed,
}

/// A WebSocket in a task of its own; dropping it closes it after what was sent.
#[derive(Debug)]
pub struct Socket {
    outgoing: mpsc::Sender<Vec<u8>>,
}

impl Socket {
    /// Opens `url`; what happens goes to `events`, as that of `id`.
    pub fn open<I: Copy + Send + 'static>(url: String, bearer: Option<String>, id: I, events: mpsc::Sender<SocketEvent<I>>) -> Self {
        let (outgoing, queue) = mpsc::channel(MAX_WAITING);
        tokio::spawn(async move {
            if let Err(error) = talk(url, bearer, id, &events, queue).await {
                tracing::debug!(%error, "websocket");
            }
            // Nobody listens any more: then nobody needs to know.
            let _unheard = events.send(SocketEvent { socket: id, what: What::Closed }).await;
        });
        Self { outgoing }
    }

    /// Sends one binary message; says whether there was room.
    pub fn send(&self, bytes: Vec<u8>) -> bool {
        self.outgoing.try_send(bytes).is_ok()
    }
}

async fn talk<I: Copy + Send>(
    url: String,
    bearer: Option<String>,
    id: I,
    events: &mpsc::Sender<SocketEvent<I>>,
    mut queue: mpsc::Receiver<Vec<u8>>,
) -> anyhow::Result<()> {
    let mut request = url.into_client_request()?;
    if let Some(token) = bearer {
        request.headers_mut().insert("Authorization", HeaderValue::from_str(&format!("Bearer {token}"))?);
    }
    let limits = WebSocketConfig::default()
        .max_message_size(Some(conclave_protocol::limits::MESSAGE))
        .max_frame_size(Some(conclave_protocol::limits::MESSAGE))
        .read_buffer_size(READ_BUFFER);
    let connecting = tokio_tungstenite::connect_async_with_config(request, Some(limits), true);
    let (socket, _) = tokio::time::timeout(CONNECT, connecting).await??;
    let (mut sink, mut stream) = socket.split();
    if events.send(SocketEvent { socket: id, what: What::Opened }).await.is_err() {
        return Ok(());
    }
    loop {
        tokio::select! {
            outgoing = queue.recv() => match outgoing {
                Some(bytes) => sink.send(Message::Binary(Bytes::from(bytes))).await?,
                None => return Ok(sink.close().await?),
            },
            incoming = stream.next() => match incoming {
                Some(Ok(Message::Binary(bytes))) => {
                    let what = What::Received(bytes.into());
                    if events.send(SocketEvent { socket: id, what }).await.is_err() {
                        return Ok(());
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            },
        }
    }
}
