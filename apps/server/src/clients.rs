//! How many sockets each client has, by block of addresses.
//!
//! The block of an open socket is known, as its address is to the system. All else is counted by a number: a hash of the block under a key that
//! is drawn anew every few minutes, by one of several nodes for all, so that nothing that is kept leads back to an address. None of it is logged.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use conclave_admission::{Block, Budgets, SocketId, Sockets};
use conclave_base::Time;
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

use crate::addresses::{self, FORWARDED_FOR, Proxies};
use crate::clock::now;

/// How long one key serves.
pub(crate) const KEY_LIFETIME: Duration = Duration::from_secs(600);
/// And that by which those are named who make meetings, which is used only where the operator limits how many in a day.
pub(crate) const CREATORS_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// All clients. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Clients(Arc<Shared>);

struct Shared {
    proxies: Proxies,
    /// The operator was told that a proxy stands in front which is not named.
    warned: AtomicBool,
    table: Mutex<Table>,
}

struct Table {
    key: [u8; 32],
    /// When another key is drawn.
    until: Time,
    /// By which whoever makes meetings is named, and when another one is drawn.
    creators: ([u8; 32], Time),
    sockets: Sockets,
    open: BTreeMap<SocketId, Open>,
    /// Of requests to the media server, whose tokens cost a signature.
    media: Budgets,
}

struct Open {
    block: IpAddr,
    /// Dropped when the socket is to give way.
    _kept: oneshot::Sender<()>,
}

/// One connection's place among all sockets; free again when it is dropped.
pub(crate) struct Place {
    clients: Clients,
    /// None yet for the connection of a proxy, until it becomes one client's WebSocket.
    id: OnceLock<SocketId>,
    /// Bytes that may be read before the client has shown that it belongs here.
    allowance: AtomicUsize,
    proved: AtomicBool,
}

/// Ready once the socket is to give way.
pub(crate) type GivesWay = oneshot::Receiver<()>;

/// Returns when the socket is to give way, if it has a place of its own.
pub(crate) async fn given_way(gives_way: Option<GivesWay>) {
    match gives_way {
        // Nothing is ever sent: the other end is dropped.
        Some(gives_way) => {
            let (Ok(()) | Err(_)) = gives_way.await;
        }
        None => std::future::pending().await,
    }
}

impl Clients {
    /// Without sockets; at most `bound` will be open.
    pub(crate) fn new(proxies: Proxies, bound: usize) -> anyhow::Result<Self> {
        let table = Table {
            key: crate::serve::random()?,
            until: now() + KEY_LIFETIME,
            creators: (crate::serve::random()?, now() + CREATORS_LIFETIME),
            sockets: Sockets::new(bound),
            open: BTreeMap::new(),
            media: Budgets::default(),
        };
        Ok(Self(Arc::new(Shared { proxies, warned: AtomicBool::new(false), table: Mutex::new(table) })))
    }

    pub(crate) fn proxies(&self) -> &Proxies {
        &self.0.proxies
    }

    /// Who sent this request.
    pub(crate) fn address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let named = headers.contains_key(FORWARDED_FOR);
        if named && !self.0.proxies.contains(peer) && !self.0.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!("a proxy stands in front: name it with --trusted-proxy, else all its clients share what one may have");
        }
        self.0.proxies.client(peer, headers)
    }

    /// The number of a client's block.
    pub(crate) fn block(&self, address: IpAddr) -> Block {
        self.table().number(addresses::block(address))
    }

    /// The name of a client's block among those who make meetings, the same for a day.
    pub(crate) fn creator(&self, address: IpAddr) -> [u8; 16] {
        let mut table = self.table();
        if now() >= table.creators.1
            && let Ok(key) = crate::serve::random()
        {
            table.creators = (key, now() + CREATORS_LIFETIME);
        }
        hash(&table.creators.0, addresses::block(address)).first_chunk().copied().unwrap_or_default()
    }

    /// From now on they are named by this key, for so long.
    pub(crate) fn name_creators_by(&self, key: [u8; 32], left: Duration) {
        self.table().creators = (key, now() + left);
    }

    /// A client opens a connection; `None` if there is no place for it. Another may have to give way.
    pub(crate) fn open(&self, address: IpAddr) -> Option<(Arc<Place>, GivesWay)> {
        let place = self.open_for_proxy();
        let gives_way = place.count(address)?;
        Some((place, gives_way))
    }

    /// A proxy of ours opens a connection, on which requests of many clients may come.
    pub(crate) fn open_for_proxy(&self) -> Arc<Place> {
        let (allowance, proved) = (AtomicUsize::new(0), AtomicBool::new(false));
        Arc::new(Place { clients: self.clone(), id: OnceLock::new(), allowance, proved })
    }

    /// Whether a client may ask the media server for something.
    pub(crate) fn may_ask_media(&self, address: IpAddr) -> bool {
        let mut table = self.table();
        let number = table.number(addresses::block(address));
        table.media.take_request(number, now())
    }

    /// From now on blocks are numbered by this key, for so long.
    pub(crate) fn number_by(&self, key: [u8; 32], left: Duration) {
        let mut table = self.0.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.key != key {
            table.renumber(key);
        }
        table.until = now() + left;
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        let mut table = self.0.table.lock().unwrap_or_else(PoisonError::into_inner);
        if now() >= table.until
            && let Ok(key) = crate::serve::random()
        {
            table.renumber(key);
        }
        table
    }
}

impl Table {
    fn number(&self, block: IpAddr) -> Block {
        number(&self.key, block)
    }

    fn renumber(&mut self, key: [u8; 32]) {
        (self.key, self.until) = (key, now() + KEY_LIFETIME);
        self.media = Budgets::default();
        let Self { key, sockets, open, .. } = self;
        sockets.renumber(|id| open.get(&id).map_or_else(Block::default, |open| number(key, open.block)));
    }
}

fn number(key: &[u8; 32], block: IpAddr) -> Block {
    let [a, b, c, d, e, f, g, h, ..] = hash(key, block);
    Block(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
}

fn hash(key: &[u8; 32], block: IpAddr) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(key);
    match block {
        IpAddr::V4(block) => hash.update(block.octets()),
        IpAddr::V6(block) => hash.update(block.octets()),
    }
    hash.finalize().into()
}

impl Place {
    /// Whether it is counted as a client's.
    pub(crate) fn is_counted(&self) -> bool {
        self.id.get().is_some()
    }

    /// From now on this is the socket of a client with this address. `None` if there is no place for it.
    pub(crate) fn count(&self, address: IpAddr) -> Option<GivesWay> {
        let block = addresses::block(address);
        let mut table = self.clients.table();
        let number = table.number(block);
        let (id, closed) = table.sockets.open(number).ok()?;
        if let Some(closed) = closed {
            table.open.remove(&closed);
        }
        let (kept, gives_way) = oneshot::channel();
        table.open.insert(id, Open { block, _kept: kept });
        self.id.set(id).ok().map(|()| gives_way)
    }

    /// From now on so many bytes may be read until the client proves itself.
    pub(crate) fn allow(&self, bytes: usize) {
        self.allowance.store(bytes, Ordering::Relaxed);
    }

    /// Bytes that may be read now.
    pub(crate) fn allowance(&self) -> usize {
        self.allowance.load(Ordering::Relaxed)
    }

    /// So many bytes were read.
    pub(crate) fn on_read(&self, bytes: usize) {
        self.allow(self.allowance().saturating_sub(bytes));
    }

    /// Whether the client has shown that it belongs here.
    pub(crate) fn is_proved(&self) -> bool {
        self.proved.load(Ordering::Relaxed)
    }

    /// The client has shown that it belongs here: its socket gives way to none, and is read without end.
    pub(crate) fn prove(&self) {
        self.proved.store(true, Ordering::Relaxed);
        if let Some(id) = self.id.get() {
            self.clients.table().sockets.prove(*id);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(id) = self.id.get() {
            let mut table = self.clients.table();
            table.sockets.close(*id);
            table.open.remove(id);
        }
    }
}
