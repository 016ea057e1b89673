//! One UDP socket for all media: received in batches, sent with segmentation offload.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;

use conclave_base::Datagram;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// What the kernel may hold for us in each direction, bytes: 100 ms at 300 Mbit/s.
const KERNEL_BUFFER: usize = 4 * 1024 * 1024;
/// Largest GSO batch (several datagrams in one buffer) that the kernel hands over or takes at once, bytes.
const MAX_BATCH: usize = 65_535;
/// Datagrams kept back until the end of a batch, at most.
const OUTBOX: usize = 8192;

/// The socket with its buffers.
pub(crate) struct Udp {
    socket: UdpSocket,
    state: UdpSocketState,
    port: u16,
    buffers: Vec<Vec<u8>>,
    outbox: Vec<Datagram>,
    batch: Vec<u8>,
}

impl Udp {
    /// Listens on every address, IPv6 and IPv4 alike where the system has IPv6.
    pub(crate) fn bind(port: u16) -> io::Result<Self> {
        let socket = match open(Domain::IPV6, SocketAddr::from(([0u16; 8], port))) {
            Ok(socket) => socket,
            Err(e) if e.kind() == io::ErrorKind::AddrInUse => return Err(e),
            Err(_no_ipv6) => open(Domain::IPV4, SocketAddr::from(([0u8; 4], port)))?,
        };
        let socket = UdpSocket::from_std(socket.into())?;
        let state = UdpSocketState::new((&socket).into())?;
        let port = socket.local_addr()?.port();
        let buffers = vec![vec![0; MAX_BATCH]; BATCH_SIZE];
        Ok(Self { socket, state, port, buffers, outbox: Vec::new(), batch: Vec::with_capacity(MAX_BATCH) })
    }

    /// Waits until something can be read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Hands every datagram that waits, up to one batch, to `take(source, our address, bytes)`. False: nothing waited.
    pub(crate) fn receive(&mut self, mut take: impl FnMut(SocketAddr, SocketAddr, &[u8])) -> io::Result<bool> {
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        let mut slices: Vec<_> = self.buffers.iter_mut().map(|b| IoSliceMut::new(b)).collect();
        let received = self.socket.try_io(Interest::READABLE, || self.state.recv((&self.socket).into(), &mut slices, &mut metas));
        let count = match received {
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(e) => return Err(e),
        };
        for (meta, buffer) in metas.iter().zip(&self.buffers).take(count) {
            let Some(ip) = meta.dst_ip else { continue };
            let src = SocketAddr::new(meta.addr.ip().to_canonical(), meta.addr.port());
            let dst = SocketAddr::new(ip.to_canonical(), self.port);
            for datagram in buffer[..meta.len].chunks(meta.stride.max(1)) {
                take(src, dst, datagram);
            }
        }
        Ok(true)
    }

    /// Keeps a datagram for [`flush`](Self::flush).
    pub(crate) fn send(&mut self, datagram: Datagram) {
        if self.outbox.len() >= OUTBOX {
            self.flush();
        }
        self.outbox.push(datagram);
    }

    /// Sends what was kept, each receiver's datagrams of one size as one GSO batch: the kernel's cost is by call, not by byte.
    /// What the kernel has no room for is lost, as on any network.
    pub(crate) fn flush(&mut self) {
        let mut outbox = std::mem::take(&mut self.outbox);
        outbox.sort_by_key(|d| d.dst); // stable: order within a receiver stays
        let most = self.state.max_gso_segments().max(1);
        let mut rest = outbox.as_slice();
        while let Some(first) = rest.first() {
            let size = first.bytes.len();
            let full = rest
                .iter()
                .take(most.min(MAX_BATCH / size.max(1)))
                .take_while(|d| d.dst == first.dst && d.src == first.src && d.bytes.len() == size)
                .count();
            // One shorter datagram may end a batch.
            let tail = rest.get(full).is_some_and(|d| {
                full < most && d.dst == first.dst && d.src == first.src && d.bytes.len() < size && (full + 1) * size <= MAX_BATCH
            });
            let count = full.max(1) + usize::from(tail);
            let (batch, after) = rest.split_at(count);
            self.batch.clear();
            for datagram in batch {
                self.batch.extend_from_slice(&datagram.bytes);
            }
            self.transmit(first, (count > 1).then_some(size));
            rest = after;
        }
        outbox.clear();
        self.outbox = outbox;
    }

    fn transmit(&self, first: &Datagram, segment_size: Option<usize>) {
        let transmit = Transmit {
            destination: self.mapped(first.dst),
            ecn: None,
            contents: &self.batch,
            segment_size,
            src_ip: Some(self.mapped(first.src).ip()),
        };
        let sent = self.socket.try_io(Interest::WRITABLE, || self.state.try_send((&self.socket).into(), &transmit));
        if let Err(e) = sent {
            tracing::trace!(kind = ?e.kind(), "datagram not sent");
        }
    }

    /// An IPv4 address as the dual-stack socket wants it.
    fn mapped(&self, address: SocketAddr) -> SocketAddr {
        match (self.socket.local_addr(), address) {
            (Ok(SocketAddr::V6(_)), SocketAddr::V4(v4)) => SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()),
            _ => address,
        }
    }
}

fn open(domain: Domain, address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    if domain == Domain::IPV6 {
        socket.set_only_v6(false)?;
    }
    socket.set_recv_buffer_size(KERNEL_BUFFER)?;
    socket.set_send_buffer_size(KERNEL_BUFFER)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
