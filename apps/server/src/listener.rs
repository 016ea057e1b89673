//! The TCP port: what one connection may cost before its client has shown that it belongs here.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use conclave_protocol::limits;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clients::{Clients, GivesWay, Place};

/// Bytes that are read of a WebSocket at a time, which it holds for as long as it is open; larger messages grow it.
pub(crate) const READ_BUFFER: usize = 4 * 1024;
/// Connections at a time, if the system lets this process have so many.
const CONNECTIONS: usize = 12_000;
/// Files and sockets that the process needs for itself.
const OWN_FILES: usize = 128;
/// The whole head of a request comes within this, counted from the answer before it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// A proxy keeps its connections for its next client.
const PROXY_HEAD_TIMEOUT: Duration = Duration::from_secs(300);
/// Largest head of a request: LiveKit's clients put their offer into the query.
const HEAD: usize = 96 * 1024;
/// When the system has no file left for a connection, the next is taken after this.
const PAUSE: Duration = Duration::from_millis(200);

/// On which connection a request came.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    place: Arc<Place>,
}

impl Peer {
    /// The place of a client's WebSocket. `None` if there is none left. A connection of a proxy becomes the client's.
    pub(crate) fn place_of(&self, client: IpAddr) -> Option<(Arc<Place>, Option<GivesWay>)> {
        let gives_way = if self.place.is_counted() { None } else { Some(self.place.count(client)?) };
        Some((Arc::clone(&self.place), gives_way))
    }
}

/// How many connections there may be: what the system gives, less what the process needs itself.
pub(crate) fn most_connections() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse::<usize>().ok());
    files.map_or(CONNECTIONS, |files| CONNECTIONS.min(files.saturating_sub(OWN_FILES).max(OWN_FILES)))
}

/// Serves until `stop` says so, and then until every connection has ended.
pub(crate) async fn serve(listener: TcpListener, app: Router, clients: Clients, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = connections.join_next() => continue,
            () = stopped(&mut stop) => break,
        };
        let (stream, peer) = match accepted {
            Ok((stream, peer)) => (stream, peer.ip().to_canonical()),
            Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted) => continue,
            Err(e) => {
                tracing::warn!(kind = ?e.kind(), "no connection can be taken: allow this process more open files");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // A small message does not wait until the one before it is acknowledged, which clients put off. It is slower without, and no worse.
        let (Ok(()) | Err(_)) = stream.set_nodelay(true);
        let opened = if clients.proxies().contains(peer) {
            Some((clients.open_for_proxy(), None))
        } else {
            clients.open(peer).map(|(place, gives_way)| (place, Some(gives_way)))
        };
        let Some((place, gives_way)) = opened else { continue };
        let socket = ClientSocket { stream, place: Arc::clone(&place), gives_way, gave_way: false };
        connections.spawn(serve_connection(socket, Peer { address: peer, place }, app.clone(), stop.clone()));
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

async fn serve_connection(socket: ClientSocket, peer: Peer, app: Router, mut stop: watch::Receiver<bool>) {
    let timeout = if peer.place.is_counted() { HEAD_TIMEOUT } else { PROXY_HEAD_TIMEOUT };
    peer.place.allow(HEAD + limits::HTTP_BODY);
    let service = TowerToHyperService::new(app);
    let service = service_fn(move |mut request: Request<Incoming>| {
        peer.place.allow(HEAD + limits::HTTP_BODY);
        request.extensions_mut().insert(peer.clone());
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeout)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let done = tokio::select! {
        done = connection.as_mut() => done,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(e) = done {
        tracing::trace!("connection: {e}");
    }
}

/// A client's TCP stream. It ends when it has to give way, or when more was read than its client may send.
struct ClientSocket {
    stream: TcpStream,
    place: Arc<Place>,
    gives_way: Option<GivesWay>,
    gave_way: bool,
}

impl ClientSocket {
    /// Whether it may go on; whoever asked is woken when it may not.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        self.gave_way |= !self.gave_way && self.gives_way.as_mut().is_some_and(|gives_way| Pin::new(gives_way).poll(cx).is_ready());
        if self.gave_way { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl AsyncRead for ClientSocket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        let Self { stream, place, .. } = &mut *self;
        if place.is_proved() {
            return Pin::new(stream).poll_read(cx, buf);
        }
        let allowed = place.allowance();
        if allowed == 0 {
            return Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into()));
        }
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(allowed.min(buf.remaining())));
        ready!(Pin::new(stream).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        place.on_read(read);
        buf.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
