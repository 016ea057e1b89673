use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// A load balancer in front of several nodes that keeps nobody at one: each connection goes to the next node that takes it.
#[derive(Debug)]
pub struct Balancer {
    /// What is taken for the server.
    pub url: String,
    _stop: oneshot::Sender<()>,
}

impl Balancer {
    /// Stands in front of the servers at these ports.
    pub fn start(ports: Vec<u16>) -> anyhow::Result<Self> {
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let url = format!("http://localhost:{}", listener.local_addr()?.port());
        let (stop, stopped) = oneshot::channel();
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, ports.into()) => {}
                    // The test is over when its end is dropped.
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { url, _stop: stop })
    }
}

async fn serve(listener: TcpListener, ports: Arc<[u16]>) {
    let next = Arc::new(AtomicUsize::new(0));
    while let Ok((mut socket, _)) = listener.accept().await {
        let (ports, next) = (Arc::clone(&ports), Arc::clone(&next));
        tokio::spawn(async move {
            for _ in 0..ports.len() {
                let port = ports[next.fetch_add(1, Ordering::Relaxed) % ports.len()];
                if let Ok(mut node) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                    // A connection that fails is, to the member, a server that fails: it tries again.
                    let _ended = copy_bidirectional(&mut socket, &mut node).await;
                    return;
                }
            }
        });
    }
}
