use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::background::Background;

/// An address in front of a server: what comes there goes on to the server, but for one kind of request.
#[derive(Debug)]
pub(crate) struct Front {
    /// What is taken for the server.
    pub(crate) url: String,
    pub(crate) port: u16,
    _background: Background,
}

impl Front {
    /// Stands in front of the server at `port`. Connections whose request begins with `taken` go to `take`.
    pub(crate) fn start<F>(
        runtime: Runtime,
        port: u16,
        taken: &'static [u8],
        take: impl Fn(TcpStream) -> F + Send + Sync + 'static,
    ) -> anyhow::Result<Self>
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let background = Background::start(runtime, move |listener| serve(listener, port, taken, Arc::new(take)))?;
        Ok(Self { url: background.url(), port: background.port, _background: background })
    }

    /// `link` with this address in the server's place.
    pub(crate) fn link(&self, link: &str) -> anyhow::Result<String> {
        let (_, fragment) = link.split_once('#').context("a link has a fragment")?;
        Ok(format!("{}/#{fragment}", self.url))
    }
}

async fn serve<F>(listener: TcpListener, port: u16, taken: &'static [u8], take: Arc<impl Fn(TcpStream) -> F + Send + Sync + 'static>)
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    while let Ok((socket, _)) = listener.accept().await {
        let take = Arc::clone(&take);
        tokio::spawn(async move {
            // A connection that fails is, to the member, a server that fails: it tries again.
            let _ended = match begins_with(&socket, taken).await {
                Ok(Some(true)) => take(socket).await,
                Ok(Some(false)) => pass(socket, port).await,
                Ok(None) | Err(_) => Ok(()),
            };
        });
    }
}

/// Whether the request begins so; `None` if there is none: browsers open connections that they may never use.
async fn begins_with(socket: &TcpStream, taken: &[u8]) -> anyhow::Result<Option<bool>> {
    let mut first = vec![0; taken.len()];
    loop {
        match socket.peek(&mut first).await? {
            0 => return Ok(None),
            len if len == first.len() => return Ok(Some(first == taken)),
            _ => socket.readable().await?,
        }
    }
}

async fn pass(mut socket: TcpStream, port: u16) -> anyhow::Result<()> {
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    copy_bidirectional(&mut socket, &mut server).await?;
    Ok(())
}
