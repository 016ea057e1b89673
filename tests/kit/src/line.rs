use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::watch;

use crate::background::Background;

/// Read at a time.
const PIECE: usize = 16 * 1024;

/// One client's way to the servers, which can be cut: what is on it waits, as packets do that are sent again and again, and nobody is told.
#[derive(Debug)]
pub struct Line {
    /// What is taken for the server.
    pub url: String,
    whole: watch::Sender<bool>,
    _background: Background,
}

impl Line {
    /// To what listens at this port.
    pub fn start(port: u16) -> anyhow::Result<Self> {
        let (whole, is_whole) = watch::channel(true);
        let background =
            Background::start(Builder::new_current_thread().enable_all().build()?, move |listener| serve(listener, port, is_whole))?;
        Ok(Self { url: background.url(), whole, _background: background })
    }

    /// From now on nothing passes, or all does.
    pub fn cut(&self, cut: bool) {
        self.whole.send_replace(!cut);
    }
}

async fn serve(listener: TcpListener, port: u16, mut whole: watch::Receiver<bool>) {
    while until_whole(&mut whole).await
        && let Ok((client, _)) = listener.accept().await
    {
        let whole = whole.clone();
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return };
            let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
            // Whichever side ends, the other is told of when the line lets it.
            tokio::join!(carry(from_client, to_server, whole.clone()), carry(from_server, to_client, whole));
        });
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut whole: watch::Receiver<bool>) {
    let mut piece = vec![0; PIECE];
    while let Ok(read) = from.read(&mut piece).await {
        if read == 0 || !until_whole(&mut whole).await || to.write_all(&piece[..read]).await.is_err() {
            break;
        }
    }
    until_whole(&mut whole).await;
}

/// False once the line is no more.
async fn until_whole(whole: &mut watch::Receiver<bool>) -> bool {
    whole.wait_for(|whole| *whole).await.is_ok()
}
