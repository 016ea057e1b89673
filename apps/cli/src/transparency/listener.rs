//! A small HTTP server: one function answers each request; bodies, heads and connections have bounds. TLS is a proxy's, as for the server.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections at a time; further ones wait until one ends.
const CONNECTIONS: usize = 256;
/// A head, a body and an answer each come within this.
const PATIENCE: Duration = Duration::from_secs(20);
/// When the system has no file left for a connection, the next is taken after this.
const PAUSE: Duration = Duration::from_millis(200);

/// What was asked.
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// Without the first slash.
    pub(crate) path: String,
    pub(crate) body: Bytes,
}

/// What is answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) cache: &'static str,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", cache: "no-store", body: body.into() }
    }
}

/// Listens, prints where, and answers until the process ends. `answer` may wait for disks.
pub(crate) async fn serve<F>(address: &str, most: usize, answer: F) -> anyhow::Result<()>
where
    F: Fn(Asked) -> Answer + Send + Sync + 'static,
{
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    #[expect(clippy::print_stdout, reason = "whoever asked for any free port has to be told")]
    {
        println!("listening on http://{}", listener.local_addr()?);
    }
    let answer = Arc::new(answer);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await?;
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "accept");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let answer = Arc::clone(&answer);
        tokio::spawn(async move {
            let _place = place;
            let service = service_fn(move |request| respond(request, most, Arc::clone(&answer)));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection");
            }
        });
    }
}

async fn respond<F>(request: Request<Incoming>, most: usize, answer: Arc<F>) -> Result<Response<Full<Bytes>>, Infallible>
where
    F: Fn(Asked) -> Answer + Send + Sync + 'static,
{
    let (head, body) = request.into_parts();
    let Ok(Ok(body)) = tokio::time::timeout(PATIENCE, Limited::new(body, most).collect()).await else {
        return Ok(response(Answer::text(413, "the body is too long or too slow\n")));
    };
    let path = head.uri.path().strip_prefix('/').unwrap_or_default().to_owned();
    let asked = Asked { method: head.method, path, body: body.to_bytes() };
    let answered = tokio::task::spawn_blocking(move || answer(asked)).await;
    Ok(response(answered.unwrap_or_else(|_| Answer::text(500, "this request could not be answered\n"))))
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(answer.cache));
    response
}
