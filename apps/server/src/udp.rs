//! One UDP socket for all media: received in batches, sent with segmentation offload.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;

use conclave_base::Datagram;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};

/// What the kernel may hold for us in each direction, bytes: 100 ms at 300 Mbit/s.
const KERNEL_BUFFER: usize = 4 * 1024 * 1024;
/// Largest batch (several datagrams in one buffer) that the kernel hands over at once, bytes.
const MAX_BATCH: usize = 65_535;

/// What both halves use.
struct Shared {
    socket: UdpSocket,
    state: UdpSocketState,
    /// The own address.
    local: SocketAddr,
}

/// The half that receives.
pub(crate) struct UdpReceiver {
    shared: Arc<Shared>,
    buffers: Vec<Vec<u8>>,
    /// Received so far.
    bytes: u64,
}

/// The half that sends.
pub(crate) struct UdpSender {
    shared: Arc<Shared>,
    /// Sent so far.
    bytes: u64,
}

/// A datagram that came, in the receiver's buffer.
pub(crate) struct Received<'a> {
    pub(crate) src: SocketAddr,
    /// The own address that it came to.
    pub(crate) dst: SocketAddr,
    pub(crate) bytes: &'a [u8],
}

/// Datagrams that came together.
pub(crate) struct Batch<I> {
    pub(crate) datagrams: I,
    /// The kernel has no more, and tells when it has.
    pub(crate) is_last: bool,
}

/// Listens on every address, IPv6 and IPv4 alike where the system has IPv6. `registry` tells by `token` when datagrams came.
pub(crate) fn bind(port: u16, registry: &Registry, token: Token) -> io::Result<(UdpReceiver, UdpSender)> {
    let socket = match open(Domain::IPV6, SocketAddr::from(([0u16; 8], port))) {
        Ok(socket) => socket,
        Err(e) if e.kind() == io::ErrorKind::AddrInUse => return Err(e),
        Err(_no_ipv6) => open(Domain::IPV4, SocketAddr::from(([0u8; 4], port)))?,
    };
    let mut socket = UdpSocket::from_std(socket.into());
    registry.register(&mut socket, token, Interest::READABLE)?;
    let state = UdpSocketState::new((&socket).into())?;
    let local = socket.local_addr()?;
    let shared = Arc::new(Shared { socket, state, local });
    let receiver = UdpReceiver { shared: Arc::clone(&shared), buffers: vec![vec![0; MAX_BATCH]; BATCH_SIZE], bytes: 0 };
    Ok((receiver, UdpSender { shared, bytes: 0 }))
}

impl UdpReceiver {
    /// Received so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The datagrams that wait, up to one batch; `None` when none does.
    pub(crate) fn receive(&mut self) -> io::Result<Option<Batch<impl Iterator<Item = Received<'_>>>>> {
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        let mut slices: Vec<_> = self.buffers.iter_mut().map(|b| IoSliceMut::new(b)).collect();
        let Shared { socket, state, local } = &*self.shared;
        let port = local.port();
        let count = match socket.try_io(|| state.recv(socket.into(), &mut slices, &mut metas)) {
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(e) => return Err(e),
        };
        self.bytes += metas.iter().take(count).map(|meta| meta.len as u64).sum::<u64>();
        let filled = metas.into_iter().zip(&self.buffers).take(count);
        let datagrams = filled.filter_map(move |(meta, buffer)| Some((meta, meta.dst_ip?, buffer))).flat_map(move |(meta, ip, buffer)| {
            let src = SocketAddr::new(meta.addr.ip().to_canonical(), meta.addr.port());
            let dst = SocketAddr::new(ip.to_canonical(), port);
            buffer[..meta.len].chunks(meta.stride.max(1)).map(move |bytes| Received { src, dst, bytes })
        });
        Ok(Some(Batch { datagrams, is_last: count < BATCH_SIZE }))
    }
}

impl UdpSender {
    /// Sent so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Sends one datagram. What the kernel has no room for is lost, as on any network.
    pub(crate) fn send(&mut self, datagram: &Datagram) {
        self.transmit(datagram.src, datagram.dst, &datagram.bytes, None);
    }

    /// Sends datagrams of `segment` bytes each, but for the last one, which may be shorter: by as few calls as the kernel allows, whose cost is by call,
    /// not by byte.
    pub(crate) fn send_batch(&mut self, (src, dst): (SocketAddr, SocketAddr), datagrams: &[u8], segment: usize) {
        let most = self.shared.state.max_gso_segments().max(1);
        for contents in datagrams.chunks(segment.max(1) * most) {
            self.transmit(src, dst, contents, (contents.len() > segment).then_some(segment));
        }
    }

    fn transmit(&mut self, src: SocketAddr, dst: SocketAddr, contents: &[u8], segment_size: Option<usize>) {
        let transmit = Transmit { destination: self.mapped(dst), ecn: None, contents, segment_size, src_ip: Some(self.mapped(src).ip()) };
        let Shared { socket, state, .. } = &*self.shared;
        let sent = socket.try_io(|| state.try_send(socket.into(), &transmit));
        match sent {
            Ok(()) => self.bytes += contents.len() as u64,
            Err(e) => tracing::trace!(kind = ?e.kind(), "datagram not sent"),
        }
    }

    /// An IPv4 address as the dual-stack socket wants it.
    fn mapped(&self, address: SocketAddr) -> SocketAddr {
        match (self.shared.local, address) {
            (SocketAddr::V6(_), SocketAddr::V4(v4)) => SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()),
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
