//! A line to the media server on which datagrams get lost.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::address;

/// How soon its threads notice that it was dropped.
const NOTICE: Duration = Duration::from_millis(100);
/// Longest datagram.
const DATAGRAM: usize = 2048;

/// For one client, which is to send to [`LossyLink::address`] instead of to the server.
#[derive(Debug)]
pub struct LossyLink {
    /// What the client takes for the media server.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Of a hundred datagrams, so many do not arrive.
    loss: AtomicU32,
    lost: AtomicU32,
    client: Mutex<Option<SocketAddr>>,
    over: AtomicBool,
}

impl LossyLink {
    /// In front of the media server at this UDP port; nothing is lost yet.
    pub fn start(media_port: u16) -> anyhow::Result<Self> {
        let front = UdpSocket::bind((address(), 0))?;
        let back = UdpSocket::bind((address(), 0))?;
        back.connect((address(), media_port))?;
        for socket in [&front, &back] {
            socket.set_read_timeout(Some(NOTICE))?;
        }
        let line = Self { address: front.local_addr()?, shared: Arc::default() };
        let (up, down) = (Arc::clone(&line.shared), Arc::clone(&line.shared));
        let (from, to) = (front.try_clone()?, back.try_clone()?);
        thread::spawn(move || {
            up.carry(&from, 1, |bytes, client| {
                *up.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(client);
                to.send(bytes)
            });
        });
        thread::spawn(move || {
            down.carry(&back, 2, |bytes, _| match *down.client.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(client) => front.send_to(bytes, client),
                None => Ok(0),
            });
        });
        Ok(line)
    }

    /// From now on so many of a hundred datagrams do not arrive, either way.
    pub fn lose(&self, percent: u32) {
        self.shared.loss.store(percent, Ordering::Relaxed);
    }

    /// Datagrams that did not arrive.
    pub fn lost(&self) -> u32 {
        self.shared.lost.load(Ordering::Relaxed)
    }
}

impl Drop for LossyLink {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    /// Hands on what comes, or does not. The same `seed` loses the same ones.
    fn carry(&self, from: &UdpSocket, seed: u32, send: impl Fn(&[u8], SocketAddr) -> std::io::Result<usize>) {
        let mut random = seed;
        let mut buffer = [0; DATAGRAM];
        while !self.over.load(Ordering::Relaxed) {
            let (len, sender) = match from.recv_from(&mut buffer) {
                Ok(received) => received,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionRefused) => {
                    continue;
                }
                Err(_) => return,
            };
            // Numerical Recipes' generator; its upper bits are the good ones.
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if (random >> 16) % 100 < self.loss.load(Ordering::Relaxed) {
                self.lost.fetch_add(1, Ordering::Relaxed);
            } else {
                // What a full socket does not take is lost as well.
                let _full = send(&buffer[..len], sender);
            }
        }
    }
}
