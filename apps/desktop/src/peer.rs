//! Whose programs connect: those of the same user of this machine, and no others. Whoever may read another user's files needs no port.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};

/// When the system has no file left for a connection, the next is taken after this.
const PAUSE: Duration = Duration::from_millis(200);

/// Takes connections of this user's programs alone.
pub(crate) struct OwnListener {
    listener: TcpListener,
    user: u32,
}

impl OwnListener {
    pub(crate) fn new(listener: TcpListener) -> io::Result<Self> {
        Ok(Self { listener, user: std::fs::metadata("/proc/self")?.uid() })
    }
}

impl Listener for OwnListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) if self.listener.local_addr().is_ok_and(|own| user_of(peer, own) == Some(self.user)) => {
                    return (stream, peer);
                }
                // Nothing is read of it.
                Ok(_) => {}
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Who made the socket at `peer` that is connected to `own`: the kernel's word.
fn user_of(peer: SocketAddr, own: SocketAddr) -> Option<u32> {
    let sockets = std::fs::read_to_string("/proc/self/net/tcp").ok()?;
    let (peer, own) = (hex(peer)?, hex(own)?);
    sockets.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_it = fields.get(1) == Some(&peer.as_str()) && fields.get(2) == Some(&own.as_str());
        is_it.then(|| fields.get(7)?.parse().ok()).flatten()
    })
}

/// As the kernel writes it: the address as it lies in memory.
fn hex(address: SocketAddr) -> Option<String> {
    let SocketAddr::V4(address) = address else { return None };
    Some(format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port()))
}
