use std::net::Ipv4Addr;
use std::thread;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// Something that listens on this machine, in a thread of its own, until it is dropped.
#[derive(Debug)]
pub(crate) struct Background {
    pub(crate) port: u16,
    _stop: oneshot::Sender<()>,
}

impl Background {
    pub(crate) fn start<F: Future<Output = ()>>(
        runtime: Runtime,
        serve: impl FnOnce(TcpListener) -> F + Send + 'static,
    ) -> anyhow::Result<Self> {
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let port = listener.local_addr()?.port();
        let (stop, stopped) = oneshot::channel();
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener) => {}
                    // The test is over when its end is dropped.
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { port, _stop: stop })
    }

    /// What is taken for a server's address.
    pub(crate) fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }
}
