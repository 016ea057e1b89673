use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::background::Background;

/// A load balancer in front of several nodes that keeps nobody at one: each connection goes to the node that has fewest, and takes it.
#[derive(Debug)]
pub struct Balancer {
    /// What is taken for the server.
    pub url: String,
    /// Its port.
    pub port: u16,
    /// Connections that each node has.
    open: Arc<Vec<AtomicUsize>>,
    _background: Background,
}

impl Balancer {
    /// Stands in front of the servers at these ports.
    pub fn start(ports: Vec<u16>) -> anyhow::Result<Self> {
        let open: Arc<Vec<AtomicUsize>> = Arc::new(ports.iter().map(|_| AtomicUsize::new(0)).collect());
        let counted = Arc::clone(&open);
        let background = Background::start(Runtime::new()?, move |listener| serve(listener, ports.into(), counted))?;
        Ok(Self { url: background.url(), port: background.port, open, _background: background })
    }

    /// How many connections a node has through it.
    pub fn open(&self, node: usize) -> usize {
        self.open[node].load(Ordering::Relaxed)
    }
}

async fn serve(listener: TcpListener, ports: Arc<[u16]>, open: Arc<Vec<AtomicUsize>>) {
    let mut next = 0;
    while let Ok((mut socket, _)) = listener.accept().await {
        let (ports, open) = (Arc::clone(&ports), Arc::clone(&open));
        // Of those that have as few, one after the other.
        let mut nodes: Vec<usize> = (0..ports.len()).collect();
        nodes.rotate_left(next % ports.len());
        next += 1;
        tokio::spawn(async move {
            nodes.sort_by_key(|node| open[*node].load(Ordering::Relaxed));
            for node in nodes {
                open[node].fetch_add(1, Ordering::Relaxed);
                let taken = TcpStream::connect((Ipv4Addr::LOCALHOST, ports[node])).await;
                let is_taken = taken.is_ok();
                if let Ok(mut server) = taken {
                    // A connection that fails is, to the member, a server that fails: it tries again.
                    let _ended = copy_bidirectional(&mut socket, &mut server).await;
                }
                open[node].fetch_sub(1, Ordering::Relaxed);
                if is_taken {
                    return;
                }
            }
        });
    }
}
